"""What orders put at stake and cost: strikes, spreads, cover, and what was executed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import AssetClass, Equity, Option
from alphalens.risk import ReasonCode
from alphalens.risk.cases import case_of
from alphalens.risk.stake import max_loss, opening_costs, order_value, spent
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
    limit,
    sent,
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


SYMBOLS = ("SPY", "QQQ")
amounts = st.integers(1, 12).map(D)
prices = st.integers(320, 480).map(lambda quarters: D(quarters) / 4)


@st.composite
def sent_orders(draw):
    symbol, side = draw(st.sampled_from(SYMBOLS)), draw(st.sampled_from(list(Side)))
    quantity, price = draw(amounts), draw(st.one_of(st.none(), prices))
    fields = {"symbol": symbol, "reference_price": draw(prices), "client_order_id": "o0"}
    order = intent(quantity, side, **fields)
    if price is not None:
        order = limit(price, quantity, side, **fields)
    left = draw(st.sampled_from([D(0), quantity / 2, quantity]))
    return sent(order, remaining=left, is_reserved=draw(st.booleans()))


def plain_costs(view, own):
    """The definition: an order after the other, each closes what those before it left."""
    left, totals = dict(view.quantities), {True: D(0), False: D(0)}
    open_orders = [(o.intent, o.remaining, o.is_reserved) for o in view.orders if o.remaining]
    for order, units, is_reserved in (*open_orders, (own, own.quantity, False)):
        symbol, sign = order.symbol, order.side.sign
        closing = min(units, max(D(0), -sign * left.get(symbol, D(0))))
        left[symbol] = left.get(symbol, D(0)) + sign * closing
        at = view.prices.get(symbol, order.reference_price)
        price = max([at] if order.limit_price is None else [at, order.limit_price])
        rate = view.margin_rates.get(symbol, 1)
        totals[is_reserved] += (units - closing) * price * rate
    return totals[False], totals[False] + totals[True]


@given(
    orders=st.lists(sent_orders(), max_size=8),
    held=st.dictionaries(st.sampled_from(SYMBOLS), st.integers(-15, 15).map(D)),
    own=sent_orders(),
    shown=st.sampled_from([{"SPY": D(100), "QQQ": D(90)}, {"SPY": D("99.5")}]),
    rates=st.sampled_from([{}, {"QQQ": D("0.25")}]),
)
def test_open_orders_cost_what_each_of_them_costs_after_the_others(orders, held, own, shown, rates):
    view = book(orders=tuple(orders), quantities=held, prices=shown, margin_rates=rates)
    case = case_of(replace(own.intent, client_order_id="o1"), view, WIDE)
    assert opening_costs(case) == plain_costs(view, own.intent)


def done(units, side=Side.BUY, price=100, remaining="0", is_reserved=False, symbol="SPY"):
    """An order of which some units were executed."""
    order = intent(str(abs(D(units))), side, symbol=symbol, client_order_id=f"{side}{symbol}")
    one = sent(order, remaining=remaining, is_reserved=is_reserved)
    return replace(one, executed=D(units), price=D(price))


@pytest.mark.parametrize(
    ("orders", "held", "expected"),
    [
        ([done("10", price=99)], 10, 990),
        ([done("10", price=99, is_reserved=True)], 10, 0),
        ([done("10", Side.SELL, price=99)], -10, 990),  # a short sale
        ([done("10")], 0, 0),  # it closed ten that were short
        ([done("15")], 5, 500),  # it turned ten short into five long
        ([done("10")], 30, 1000),  # beside twenty from before
        ([done("10"), done("4", Side.SELL, price=101)], 6, 600),  # a gain waits for the venue
        ([done("10"), done("10", Side.SELL, price=90)], 0, 100),  # a loss does not
        ([done("10"), done("10", Side.SELL, price=90)], 7, 100),
        ([done("10", price=102), done("5", price=99)], 15, 1515),
        ([done("10", price=-3)], 10, 0),
    ],
)
def test_executions_after_the_venue_was_asked_take_what_they_opened(orders, held, expected):
    view = book(orders=tuple(orders), quantities={"SPY": D(held)}, buying_power=D(expected))
    assert spent(case_of(intent(), view, WIDE)) == expected
    power = ReasonCode.INSUFFICIENT_BUYING_POWER
    assert power in codes(intent("1", symbol="QQQ"), view)
    enough = replace(view, buying_power=D(expected + 100))
    assert power not in codes(intent("1", symbol="QQQ"), enough)


def test_executed_share_of_a_spread_ties_up_its_loss_until_it_is_closed():
    order = legs(
        ("buy", CALL_100), ("sell", CALL_110), limit_price=D(3), quantity="4", client_order_id="o0"
    )
    half = replace(sent(order, remaining="2"), executed=D(2))
    held = {CALL_100: D(2), CALL_110: D(-2)}
    assert spent(case_of(intent(), desk(orders=(half,), quantities=held), WIDE)) == 600
    assert spent(case_of(intent(), desk(orders=(half,)), WIDE)) == 0


def test_option_written_since_ties_up_its_strike_unless_it_is_covered():
    written = replace(sent(one(CALL_110, Side.SELL), remaining="0"), executed=D(1), price=D(4))
    case = case_of(intent(), desk(orders=(written,), quantities={CALL_110: D(-1)}), WIDE)
    assert spent(case) == 11_000
    held = {CALL_110: D(-1), "SPY": D(100)}
    assert spent(case_of(intent(), desk(orders=(written,), quantities=held), WIDE)) == 400
