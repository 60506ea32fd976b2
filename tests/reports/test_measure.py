"""A number, or the reason why there is none."""

from __future__ import annotations

import math

from alphalens.reports.measure import known, unknown


def test_a_known_number_is_shown_in_the_format_asked_for() -> None:
    assert known(0.5).text(".0%") == "50%"


def test_an_absent_number_shows_its_reason_whatever_the_format() -> None:
    assert unknown("n too small").text(".3f") == "n too small"


def test_a_formula_without_a_finite_result_is_undefined_not_infinite() -> None:
    found = known(math.inf)

    assert not found.is_known
    assert math.isnan(found.value)
    assert found.text(".2f") == "undefined: no variation"
