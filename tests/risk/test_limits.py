from dataclasses import fields
from decimal import Decimal

import pytest

from alphalens.config import load_settings
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


@pytest.mark.parametrize("name", COUNTS)
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
        ({"max_sector": D("0.05")}, "max_position 0.10 is above max_sector 0.05"),
        ({"max_sector": D(2)}, "max_sector 2 is above max_gross 1.00"),
        ({"max_leverage": D("0.5")}, "max_gross 1.00 is above max_leverage 0.5"),
        ({"max_concentration": D(2)}, "max_concentration must be at most 1, got 2"),
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


@pytest.mark.parametrize("value", [True, 1.5, D(3), "3"])
@pytest.mark.parametrize("name", COUNTS)
def test_count_that_is_no_whole_number_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be a whole number"):
        RiskLimits(**{name: value})


OPTIONAL = {f.name for f in fields(RiskLimits) if "None" in f.type}


@pytest.mark.parametrize("name", [f.name for f in fields(RiskLimits)])
def test_none_switches_off_what_may_be_absent_and_nothing_else(name):
    if name in OPTIONAL:
        assert getattr(RiskLimits(**{name: None}), name) is None
    else:
        with pytest.raises(ConfigError, match=f"{name} must be .* got None"):
            RiskLimits(**{name: None})


def test_scaled_takes_sector_turnover_and_leverage_along():
    limits = RiskLimits(max_sector=D("0.5"), max_turnover=D(1), max_leverage=D(2))
    doubled = limits.scaled(D(2))
    assert (doubled.max_sector, doubled.max_turnover, doubled.max_leverage) == (1, 2, 4)
    assert (doubled.max_spread, doubled.stop_collar) == (limits.max_spread, limits.stop_collar)


def test_limits_are_read_from_settings_as_whole_numbers_or_as_none():
    keys = {"ALPHALENS_LIMIT_MAX_OPEN_ORDERS": "7", "ALPHALENS_LIMIT_DUPLICATE_WINDOW_S": "none"}
    limits = load_settings(env_file=None, environ=keys).limits
    assert (limits.max_open_orders, limits.duplicate_window_s) == (7, None)
    with pytest.raises(ConfigError, match=r"'1\.5' is not a whole number"):
        load_settings(env_file=None, environ={"ALPHALENS_LIMIT_MAX_OPEN_ORDERS": "1.5"})


def test_window_longer_than_orders_are_remembered_is_refused():
    assert RiskLimits(duplicate_window_s=600).duplicate_window_s == 600
    with pytest.raises(ConfigError, match="duplicate_window_s must be at most 600, got 601"):
        RiskLimits(duplicate_window_s=601)
