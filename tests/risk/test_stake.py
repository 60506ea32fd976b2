"""What options put at stake: strikes, spreads, cover."""

import pytest

from alphalens.assets import AssetClass, Equity, Option
from alphalens.risk import ReasonCode
from alphalens.risk.cases import case_of
from alphalens.risk.stake import max_loss, order_value
from alphalens.trading import Side
from alphalens.trading.orders import Leg

from .builders import (
    CALL_100,
    CALL_110,
    NOW,
    PUT_80,
    PUT_90,
    WIDE,
    D,
    book,
    codes,
    intent,
    legs,
)

PREMIUMS = {CALL_100: D(7), CALL_110: D(4), PUT_90: D(3), PUT_80: D(1), "SPY": D(100)}


def desk(**changes):
    assets = {s: Option(symbol=s) for s in PREMIUMS if s != "SPY"} | {"SPY": Equity(symbol="SPY")}
    fields = {
        "assets": assets,
        "prices": PREMIUMS,
        "price_times": dict.fromkeys(PREMIUMS, NOW),
        "enabled_classes": frozenset(AssetClass),
    }
    return book(**fields | changes)


def value(order, **changes):
    return order_value(case_of(order, desk(**changes), WIDE))


def one(symbol, side, quantity="1"):
    return intent(quantity, side, symbol=symbol, reference_price=PREMIUMS[symbol])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        # bought call spread: what is paid
        (legs(("buy", CALL_100), ("sell", CALL_110), limit_price=D(3)), 300),
        # written put spread: the width less what is received
        (legs(("sell", PUT_90), ("buy", PUT_80), limit_price=D(-2), quantity="2"), 1600),
        # at market: net premium of the legs
        (legs(("buy", CALL_100), ("sell", CALL_110)), 300),
        # bought straddle-like pair: both premiums
        (legs(("buy", CALL_110), ("buy", PUT_90), limit_price=D(7)), 700),
        # iron condor around 90 to 100: one side can lose, not both
        (
            legs(
                ("buy", PUT_80),
                ("sell", PUT_90),
                ("sell", CALL_100),
                ("buy", CALL_110),
                limit_price=D(-4),
            ),
            600,
        ),
    ],
)
def test_bounded_structure_is_worth_its_largest_loss(order, expected):
    assert value(order) == expected


def test_structure_without_a_bound_is_worth_its_legs_with_strikes_for_what_is_written():
    order = legs(("sell", CALL_110), ("sell", PUT_90), limit_price=D(-7))
    assert max_loss(case_of(order, desk(), WIDE)) is None
    assert value(order) == (110 + 90) * 100


def test_loss_that_is_a_gain_counts_as_no_bound():
    order = legs(("buy", CALL_100), ("sell", CALL_110), limit_price=D(-1))
    assert max_loss(case_of(order, desk(), WIDE)) is None
    assert value(order) == (7 + 110) * 100


def test_legs_on_another_share_or_no_option_at_all_have_no_bound():
    order = legs(("buy", CALL_100), ("sell", "SPY"))
    assert max_loss(case_of(order, desk(), WIDE)) is None
    assert value(order) == 700 + 100


def test_ratio_counts_for_every_unit():
    parts = (Leg(symbol=CALL_100, side=Side.BUY), Leg(symbol=CALL_110, side=Side.BUY, ratio=2))
    order = legs(("buy", CALL_100), ("buy", CALL_110), limit_price=D(15), quantity="3")
    order = type(order)(**{f: getattr(order, f) for f in order.__slots__} | {"legs": parts})
    assert value(order) == 15 * 3 * 100


@pytest.mark.parametrize(
    ("order", "held", "expected"),
    [
        (one(CALL_110, Side.BUY), {}, 400),
        (one(PUT_90, Side.SELL), {}, 9000),
        (one(CALL_110, Side.SELL), {}, 11_000),
        (one(CALL_110, Side.SELL), {"SPY": D(99)}, 11_000),
        (one(CALL_110, Side.SELL), {"SPY": D(100)}, 400),
        (one(CALL_110, Side.SELL), {"SPY": D(100), CALL_100: D(-1)}, 11_000),
        (one(CALL_110, Side.SELL), {CALL_110: D(1)}, 400),
    ],
)
def test_written_option_is_worth_its_strike_unless_it_is_covered(order, held, expected):
    assert value(order, quantities=held) == expected


def test_shares_about_to_be_sold_cover_nothing():
    held = {"quantities": {"SPY": D(100)}, "open_sells": {"SPY": D(1)}}
    assert value(one(CALL_110, Side.SELL), **held) == 11_000


def test_closing_legs_cost_no_money_and_opening_ones_their_loss():
    order = legs(("buy", CALL_100), ("sell", CALL_110), limit_price=D(3))
    held = {CALL_100: D(-1), CALL_110: D(1)}
    power = ReasonCode.INSUFFICIENT_BUYING_POWER
    assert codes(order, desk(quantities=held, buying_power=D(0))) == []
    assert power in codes(order, desk(buying_power=D(299)))
    assert power not in codes(order, desk(buying_power=D(300)))


def test_multi_leg_order_that_is_half_done_reserves_half():
    order = legs(
        ("buy", CALL_100), ("sell", CALL_110), limit_price=D(3), quantity="2", client_order_id="o0"
    )
    view = desk(buying_power=D(600)).with_order(order)
    half = type(view.orders[0])(intent=order, at=NOW, remaining=D(1))
    view = type(view)(**{f: getattr(view, f) for f in view.__slots__} | {"orders": (half,)})
    power = ReasonCode.INSUFFICIENT_BUYING_POWER
    assert power not in codes(intent("3"), view)
    assert power in codes(intent("4"), view)
