from dataclasses import fields
from decimal import Decimal

import pytest

from alphalens.errors import ConfigError
from alphalens.risk import RiskLimits

D = Decimal

COUNTS = [f.name for f in fields(RiskLimits) if "int" in f.type]
FRACTIONS = [f.name for f in fields(RiskLimits) if f.name not in COUNTS]


@pytest.mark.parametrize("name", FRACTIONS)
@pytest.mark.parametrize("value", [D("-0.1"), D("NaN"), D("Infinity")])
def test_impossible_fraction_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be .* and finite, got {value}"):
        RiskLimits(**{name: value})


@pytest.mark.parametrize("name", FRACTIONS)
def test_float_is_refused_because_it_is_not_exact(name):
    with pytest.raises(ConfigError, match=f"{name} must be a Decimal, got 0.1"):
        RiskLimits(**{name: 0.1})


@pytest.mark.parametrize("name", ["max_price_age_s", "max_orders_per_cycle"])
def test_count_below_one_is_refused(name):
    with pytest.raises(ConfigError, match=f"{name} must be at least 1, got 0"):
        RiskLimits(**{name: 0})


@pytest.mark.parametrize("name", ["max_daily_loss", "max_drawdown"])
def test_loss_beyond_everything_is_refused(name):
    with pytest.raises(ConfigError, match="at most 1"):
        RiskLimits(**{name: D("1.01")})


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            {"approval_above": D("0.2")},
            "approval_above 0.2 is above max_order 0.10: set it to None",
        ),
        ({"max_position": D(2)}, "max_position 2 is above max_gross 1.00"),
        ({"max_net": D(2)}, "max_net 2 is above max_gross 1.00"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(limits, message):
    with pytest.raises(ConfigError, match=message):
        RiskLimits(**limits)


def test_scaled_doubles_fractions_of_equity_and_leaves_the_rest():
    limits = RiskLimits(max_drawdown=D("0.6"))
    doubled = limits.scaled(D(2))
    assert (doubled.max_order, doubled.approval_above) == (D("0.2"), D("0.1"))
    assert (doubled.max_position, doubled.max_gross, doubled.max_net) == (D("0.2"), 2, 2)
    assert (doubled.max_daily_loss, doubled.max_drawdown) == (D("0.06"), 1)
    assert doubled.price_collar == limits.price_collar
    assert doubled.max_orders_per_cycle == limits.max_orders_per_cycle


def test_scaled_keeps_nobody_is_asked():
    assert RiskLimits(approval_above=None).scaled(D(2)).approval_above is None


@pytest.mark.parametrize("factor", [D(0), D(-1), D("NaN")])
def test_scaled_refuses_a_factor_that_is_not_positive(factor):
    with pytest.raises(ConfigError, match="factor must be positive"):
        RiskLimits().scaled(factor)
