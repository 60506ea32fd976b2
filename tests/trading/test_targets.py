from datetime import UTC, datetime

import pytest

from alphalens.errors import InputError
from alphalens.trading import Signal, Target

T0 = datetime(2024, 1, 2, tzinfo=UTC)


def test_gross_and_net_of_a_long_short_target():
    target = Target(name="m", asof=T0, weights={"A": 0.5, "B": -0.25, "C": 0.0})
    assert (target.gross, target.net) == (0.75, 0.25)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "x", None, pytest.param(10**400, id="huge")]
)
@pytest.mark.parametrize(("kind", "field"), [(Signal, "scores"), (Target, "weights")])
def test_value_that_is_no_number_is_refused_by_symbol(kind, field, value):
    with pytest.raises(InputError, match=r"m: B is .*; leave the asset out"):
        kind(name="m", asof=T0, **{field: {"A": 1.0, "B": value}})


@pytest.mark.parametrize(("kind", "field"), [(Signal, "scores"), (Target, "weights")])
def test_naive_instant_is_refused(kind, field):
    with pytest.raises(InputError, match="no time zone"):
        kind(name="m", asof=T0.replace(tzinfo=None), **{field: {}})
