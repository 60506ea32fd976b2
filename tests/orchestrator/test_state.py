"""The state of a cycle: known keys, plain JSON, one version."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from alphalens.errors import InputError
from alphalens.orchestrator.state import CycleResult, checked, first_state, merge

ASOF = datetime(2022, 1, 3, 21, tzinfo=UTC)


def node(update):
    return checked("risk", lambda state: update)


def test_a_key_the_state_does_not_have_is_an_error():
    with pytest.raises(InputError, match=r"node 'risk' returned \['signals'\]"):
        node({"signals": {}})({})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float64(1.0), r"risk\.x: a numpy\.float64 does not survive"),
        (Decimal(1), r"a decimal\.Decimal"),
        (pd.Timestamp(ASOF), "Timestamp"),
        ((1, 2), r"a builtins\.tuple"),
        (pd.DataFrame(), "DataFrame"),
        (float("nan"), r"risk\.x: nan is not finite"),
        ([1, {"y": {2: "z"}}], r"risk\.x\[1\]\.y: the key 2 is no text"),
    ],
)
def test_what_would_not_survive_a_checkpoint_is_an_error(value, message):
    with pytest.raises(InputError, match=message):
        node({"risk": {"x": value}})({})


def test_plain_json_passes_unchanged():
    update = {"risk": {"a": [1, 2.5, "x", None, True, {"b": []}]}, "answers": []}

    assert node(update)({}) == update


def test_degraded_grows_and_other_keys_are_replaced():
    state = first_state(run_id="r", cycle_id="c", asof=ASOF)
    one = {"agent": "a", "code": "b", "message": "c"}

    state = merge(merge(state, {"degraded": [one], "answers": [one]}), {"degraded": [one]})

    assert (state["degraded"], state["answers"]) == ([one, one], [one])
    assert [d.code for d in CycleResult(cycle_id="c", state=state).degraded] == ["b", "b"]


@pytest.mark.parametrize(
    "wrong", [{"run_id": ""}, {"cycle_id": ""}, {"asof": ASOF.replace(tzinfo=None)}]
)
def test_a_cycle_needs_ids_and_an_aware_instant(wrong):
    with pytest.raises(InputError):
        first_state(**({"run_id": "r", "cycle_id": "c", "asof": ASOF} | wrong))
