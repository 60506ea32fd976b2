"""What holds for every well-formed order and every book, however odd."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import getcontext, localcontext

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from alphalens.assets import AssetClass, Crypto, Equity, Future, Option, capability
from alphalens.risk import (
    BookView,
    ReasonCode,
    RiskLimits,
    SentOrder,
    TradingState,
    VenueFacts,
    book_breaches,
    validate,
)
from alphalens.trading import OrderIntent, Quote, Side
from alphalens.trading.orders import Leg, OrderClass, OrderType, TimeInForce

from .builders import CALL_100, CALL_110, NOW, PUT_90, D, book, session

pytestmark = pytest.mark.untraced

C = ReasonCode
SIZES = {
    C.FAT_FINGER,
    C.NO_EQUITY,
    C.MAX_ORDER,
    C.MAX_POSITION,
    C.MAX_GROSS,
    C.MAX_NET,
    C.MAX_SECTOR,
    C.MAX_CONCENTRATION,
    C.MAX_TURNOVER,
    C.INSUFFICIENT_BUYING_POWER,
    C.MAX_OPEN_ORDERS,
    C.NEEDS_APPROVAL,
}
ASSETS = {
    asset.symbol: asset
    for asset in (
        Equity(symbol="SPY"),
        Equity(symbol="QQQ", lot=D("0.001"), is_shortable=False),
        Crypto(symbol="BTC/USD", tick=D("0.5"), min_notional=D(1)),
        Future(symbol="ESH24", multiplier=D(50), last_trade=date(2024, 3, 15)),
        *(Option(symbol=s) for s in (CALL_100, CALL_110, PUT_90)),
    )
}
SYMBOLS = [*ASSETS, "GME"]
TAKEN = {c: capability("alpaca", c) for c in (AssetClass.EQUITY, AssetClass.CRYPTO)}

symbols = st.sampled_from(SYMBOLS)
sides = st.sampled_from(list(Side))
sane = st.decimals(min_value="0.0001", max_value="100000", places=4).filter(bool)
wild = st.one_of(
    sane,
    st.decimals(min_value=D("1e-30"), max_value=D("1e30")),
    st.sampled_from([D("1e18"), D("9e999999"), D("1e-999999"), D("1.000000000000000000000000001")]),
)
anything = st.one_of(sane, st.decimals(), wild, wild.map(lambda value: -value), st.just(D("sNaN")))
instants = st.integers(-2000, 2000).map(lambda s: NOW + timedelta(seconds=s))
NEEDS_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT)
NEEDS_STOP = (OrderType.STOP, OrderType.STOP_LIMIT)
EXITS = {
    OrderClass.SIMPLE: (),
    OrderClass.BRACKET: ("take_profit", "stop_loss"),
    OrderClass.OCO: ("take_profit", "stop_loss"),
    OrderClass.OTO: ("stop_loss",),
}


@st.composite
def intents(draw, figure=wild, ids=("o1", "o2", "o3")):
    kind = draw(st.sampled_from(list(OrderType)))
    order_class = draw(st.sampled_from(list(EXITS)))
    plain = {
        "client_order_id": draw(st.sampled_from(ids)),
        "account": "P1",
        "cycle_id": "c1",
        "symbol": draw(symbols),
        "side": draw(sides),
        "quantity": draw(figure),
        "reference_price": draw(figure),
        "created_at": NOW,
        "time_in_force": draw(st.sampled_from(list(TimeInForce))),
        "is_extended_hours": draw(st.booleans()),
        "replaces": draw(st.sampled_from(["", "", "o2"])),
    }
    if draw(st.integers(0, 4)) == 0:
        legs = draw(st.lists(symbols, min_size=2, max_size=4, unique=True))
        ratios = st.sampled_from([1, 2, 10**17, 10**40])
        parts = tuple(Leg(symbol=s, side=draw(sides), ratio=draw(ratios)) for s in legs)
        more = {"legs": parts, "order_class": OrderClass.MULTILEG, "side": Side.BUY}
        if draw(st.booleans()):
            net = draw(figure) * draw(st.sampled_from([1, -1]))
            more |= {"order_type": OrderType.LIMIT, "limit_price": net}
        return OrderIntent(**plain | more)
    more = {"order_type": kind, "order_class": order_class}
    more |= {name: draw(figure) for name in EXITS[order_class]}
    if kind in NEEDS_LIMIT:
        more["limit_price"] = draw(figure)
    if kind in NEEDS_STOP:
        more["stop_price"] = draw(figure)
    if kind is OrderType.TRAILING_STOP:
        more[draw(st.sampled_from(["trail_amount", "trail_fraction"]))] = draw(figure)
    return OrderIntent(**plain | more)


def by_symbol(values):
    return st.dictionaries(symbols, values, max_size=3)


@st.composite
def books(draw, figure=anything, positive=wild):
    orders = draw(st.lists(intents(figure=positive, ids=("o1", "o2", "o4")), max_size=2))
    names = draw(st.sets(symbols, max_size=2))
    quotes = {
        s: Quote(symbol=s, at=draw(instants), bid=draw(anything), ask=draw(anything))
        for s in draw(st.sets(symbols, max_size=3))
    }
    venue = VenueFacts(
        account_id=draw(st.sampled_from(["P1", "P2"])),
        is_live=draw(st.booleans()),
        is_live_host=draw(st.sampled_from([None, True, False])),
    )
    return BookView(
        now=NOW,
        equity=draw(figure),
        cash=draw(figure),
        day_open_equity=draw(figure),
        peak_equity=draw(figure),
        quantities=draw(by_symbol(figure)),
        prices=draw(by_symbol(anything)),
        price_times=draw(by_symbol(instants)),
        assets=ASSETS,
        open_buys=draw(by_symbol(positive)),
        open_sells=draw(by_symbol(positive)),
        unresolved=frozenset(draw(st.sets(symbols, max_size=1))),
        sent=frozenset(draw(st.sets(st.sampled_from(["o1", "o9"])))),
        venue=draw(st.sampled_from([None, venue])),
        enabled_classes=frozenset(AssetClass),
        capabilities=draw(st.sampled_from([{}, TAKEN])),
        sessions=draw(st.sampled_from([{}, session(is_open=True), session(is_open=False)])),
        quotes=quotes,
        clock_skew_s=draw(st.one_of(st.none(), anything)),
        halted=frozenset(names),
        orders=tuple(
            SentOrder(intent=o, at=draw(instants), remaining=draw(positive)) for o in orders
        ),
        sectors=draw(by_symbol(st.sampled_from(["tech", "coins"]))),
        traded_today=draw(positive),
        buying_power=draw(st.one_of(st.none(), figure)),
        margin_rates=draw(by_symbol(positive)),
    )


TAME = ("SPY", "QQQ", "BTC/USD")


@st.composite
def tame_books(draw):
    """Return a book in which orders do pass: sound figures, fresh prices, nothing marked."""
    prices = {symbol: D(draw(st.integers(50, 150))) for symbol in TAME}
    held = {symbol: D(draw(st.integers(-20, 20))) for symbol in TAME}
    selling = {symbol: D(draw(st.integers(0, 4))) for symbol in TAME}
    return book(
        assets=ASSETS,
        prices=prices,
        price_times=dict.fromkeys(prices, NOW),
        quantities=held,
        open_sells=selling,
        enabled_classes=frozenset(AssetClass),
        sectors=draw(st.sampled_from([{}, {"SPY": "tech", "QQQ": "tech"}])),
        buying_power=draw(st.sampled_from([None, D(500), D(10**6)])),
    )


@st.composite
def tame_pairs(draw):
    """Return a book and an order at its prices."""
    view = draw(tame_books())
    symbol = draw(st.sampled_from(TAME))
    order = OrderIntent(
        client_order_id="o1",
        account="P1",
        cycle_id="c1",
        symbol=symbol,
        side=draw(sides),
        quantity=D(draw(st.integers(1, 20))),
        reference_price=view.prices[symbol],
        created_at=NOW,
    )
    return order, view


@st.composite
def reducing_pairs(draw):
    """Return a book and an order that can only reduce a position of it."""
    order, view = draw(tame_pairs())
    held = draw(st.integers(5, 20))
    quantities = {**view.quantities, order.symbol: D(-order.side.sign * held)}
    order = replace(order, quantity=D(draw(st.integers(1, held - 4))))
    return order, replace(view, quantities=quantities)


fractions = st.decimals(min_value="0.01", max_value="3", places=2)
shares = st.decimals(min_value="0.01", max_value="1", places=2)
counts = st.integers(1, 1000)
windows = st.integers(1, 600)  # no longer one is taken


@st.composite
def limits(draw):
    """Return limits that go together: the larger ones are made of the smaller ones."""
    position, gross = sorted((draw(fractions), draw(fractions)))
    order = draw(fractions)
    return RiskLimits(
        max_order=order,
        approval_above=draw(st.one_of(st.none(), st.just(order / 2))),
        max_position=position,
        max_gross=gross,
        max_net=draw(st.sampled_from([gross, gross / 2])),
        max_daily_loss=draw(shares),
        max_drawdown=draw(shares),
        price_collar=draw(fractions),
        max_price_age_s=draw(counts),
        max_orders_per_cycle=draw(counts),
        max_order_value=draw(st.one_of(st.none(), sane)),
        max_spread=draw(st.one_of(st.none(), fractions)),
        stop_collar=draw(fractions),
        max_clock_skew_s=draw(counts),
        max_sector=draw(st.sampled_from([None, position, gross])),
        max_concentration=draw(st.one_of(st.none(), shares)),
        max_turnover=draw(st.one_of(st.none(), fractions)),
        max_orders_per_minute=draw(st.one_of(st.none(), counts)),
        max_open_orders=draw(st.one_of(st.none(), counts)),
        duplicate_window_s=draw(st.one_of(st.none(), windows)),
        max_leverage=draw(st.sampled_from([None, gross, gross * 2])),
    )


states = st.sampled_from(list(TradingState))


def judge(order, view, lines, state=TradingState.ACTIVE):
    return validate(order, book=view, limits=lines, state=state)


any_book = st.one_of(books(), books(figure=sane, positive=sane))


@settings(max_examples=120, deadline=None)
@given(intents(), any_book, limits(), states)
def test_gate_answers_every_order_twice_alike_and_never_fails(order, view, lines, state):
    verdict = judge(order, view, lines, state)
    assert judge(order, view, lines, state) == verdict
    assert all(reason.message.startswith(f"{reason.code}: ") for reason in verdict.reasons)
    book_breaches(view, lines)


@settings(max_examples=60, deadline=None)
@given(intents(figure=sane), books(figure=sane, positive=sane), limits(), states)
def test_verdict_does_not_depend_on_how_a_book_was_filled(order, view, lines, state):
    turned = {
        field.name: dict(reversed(getattr(view, field.name).items()))
        for field in fields(view)
        if isinstance(getattr(view, field.name), dict)
    }
    assert judge(order, replace(view, **turned), lines, state) == judge(order, view, lines, state)


@settings(max_examples=40, deadline=None)
@given(intents(figure=sane), books(figure=sane, positive=sane), limits())
def test_verdict_does_not_depend_on_the_callers_decimal_context(order, view, lines):
    verdict = judge(order, view, lines)
    with localcontext() as context:
        context.prec = 3
        assert judge(order, view, lines) == verdict
        assert getcontext().prec == 3


#: Limits that are stricter when they are smaller; None is no limit, where it may be.
SMALLER = [f.name for f in fields(RiskLimits) if f.name != "duplicate_window_s"]
TOGETHER = (
    ("max_gross", "max_leverage"),
    ("max_sector", "max_gross"),
    ("max_net", "max_gross"),
    ("max_position", "max_gross"),
    ("max_position", "max_sector"),
    ("approval_above", "max_order"),
)


@st.composite
def stricter_pairs(draw):
    """Return limits, and limits of which at least one may be stricter and none is looser."""
    loose, other = draw(limits()), draw(limits())
    lower = {name: _least(getattr(loose, name), getattr(other, name)) for name in SMALLER}
    kept = draw(st.sets(st.sampled_from(SMALLER), max_size=len(SMALLER) - 1))
    lower |= {name: getattr(loose, name) for name in kept}
    for inner, outer in TOGETHER:  # what goes together goes down together
        if lower[inner] is not None:
            lower[inner] = _least(lower[inner], lower[outer])
    return loose, replace(loose, **lower)


def _least(one, other):
    return min((value for value in (one, other) if value is not None), default=None)


@settings(max_examples=150, deadline=None)
@given(tame_pairs(), stricter_pairs())
def test_a_stricter_limit_never_lets_more_through(asked, pair):
    (order, view), (loose, strict) = asked, pair
    if judge(order, view, strict).is_approved:
        assert judge(order, view, loose).is_approved
    event(f"approved by the loose one {judge(order, view, loose).is_approved}")


@settings(max_examples=50, deadline=None)
@given(tame_pairs(), limits(), st.integers(1, 100), st.integers(1, 50))
def test_a_longer_window_of_duplicates_never_lets_more_through(asked, lines, short, more):
    order, view = asked
    again = view.with_order(replace(order, client_order_id="o0"))
    loose = replace(lines, duplicate_window_s=short)
    if judge(order, again, replace(lines, duplicate_window_s=short + more)).is_approved:
        assert judge(order, again, loose).is_approved


@settings(max_examples=80, deadline=None)
@given(reducing_pairs(), limits(), states)
def test_order_that_reduces_is_never_refused_for_a_size(asked, lines, state):
    order, view = asked
    assert view.is_reducing(order)
    breaches = {reason.code for reason in book_breaches(view, lines)}
    found = {reason.code for reason in judge(order, view, lines, state).reasons}
    assert not (found - breaches) & SIZES
    assert C.REDUCING_ONLY not in found


@settings(max_examples=150, deadline=None)
@given(tame_pairs(), limits(), states)
def test_what_is_approved_is_within_the_limits_by_another_count(asked, lines, state):
    """Count gross and net again, in another way."""
    order, view = asked
    is_approved = judge(order, view, lines, state).is_approved
    event(f"approved {is_approved}, reducing {view.is_reducing(order)}")
    if not is_approved:
        return
    assert state is not TradingState.HALTED
    if view.is_reducing(order):
        return
    assert state is TradingState.ACTIVE
    after = {}
    for symbol in TAME:
        units = view.quantities[symbol] - view.open_sells[symbol]
        units += order.signed_quantity if symbol == order.symbol else 0
        after[symbol] = float(units * view.prices[symbol])
    slack = 1e-9
    assert sum(map(abs, after.values())) <= float(lines.max_gross * view.equity) + slack
    assert abs(sum(after.values())) <= float(lines.max_net * view.equity) + slack
