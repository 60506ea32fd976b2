"""What callers give, told apart and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from alphalens._given import is_whole, span_of


@pytest.mark.parametrize("number", [5, 0, -1, np.int8(5), np.uint64(5)])
def test_whole_numbers_are_those_of_python_and_numpy(number):
    assert is_whole(number)


@pytest.mark.parametrize("other", [True, np.True_, 5.0, np.float64(5.0), "5", None, np.array(5)])
def test_truth_values_and_floats_are_no_whole_numbers(other):
    assert not is_whole(other)


def test_labels_are_named_by_the_first_and_the_last_or_as_none():
    assert span_of(pd.Index([3, 1, 2])) == "1 to 3"
    assert span_of(pd.Index([])) == "none"
