"""Every code of the gate can be reached, and says rule, value, limit and remedy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alphalens.assets import AssetClass, Crypto, Equity, Option, capability
from alphalens.risk import ReasonCode, TradingState, VenueFacts, validate
from alphalens.trading import Side
from alphalens.trading.orders import OrderType, TimeInForce

from .builders import (
    NOW,
    WIDE,
    D,
    book,
    codes,
    intent,
    limit,
    quote,
    sent,
    session,
    wide,
)

C, T = ReasonCode, TradingState
PAPER = VenueFacts(account_id="P1")
COINS = AssetClass.CRYPTO
OLD_PUT = "SPY240102P00090000"


def of(asset, **changes):
    """Return a book that knows one more asset, at 100."""
    fields = {
        "assets": {"SPY": Equity(symbol="SPY"), asset.symbol: asset},
        "prices": {"SPY": D(100), asset.symbol: D(100)},
        "price_times": {"SPY": NOW, asset.symbol: NOW},
        "enabled_classes": frozenset(AssetClass),
    }
    return book(**fields | changes)


def coin(**changes):
    fields = {"symbol": "BTC/USD", "tick": D("0.01"), "lot": D("0.0001")}
    return Crypto(**fields | changes)


# code: (order, book, limits, state)
CASES = {
    C.UNUSABLE_BOOK: (intent(), book(cash=D("NaN")), WIDE, T.ACTIVE),
    C.ACCOUNT_BLOCKED: (intent(), book(venue=replace(PAPER, is_blocked=True)), WIDE, T.ACTIVE),
    C.WRONG_ACCOUNT: (intent(), book(venue=replace(PAPER, account_id="P2")), WIDE, T.ACTIVE),
    C.WRONG_HOST: (intent(), book(venue=replace(PAPER, is_live_host=True)), WIDE, T.ACTIVE),
    C.LIVE_DISABLED: (intent(), book(venue=replace(PAPER, is_live=True)), WIDE, T.ACTIVE),
    C.CLOCK_SKEW: (intent(), book(clock_skew_s=D(-91)), WIDE, T.ACTIVE),
    C.HALTED: (intent(), book(), WIDE, T.HALTED),
    C.REDUCING_ONLY: (intent(), book(), WIDE, T.REDUCING),
    C.DUPLICATE: (intent(), book(sent=frozenset({"o1"})), WIDE, T.ACTIVE),
    C.DUPLICATE_INTENT: (
        intent(),
        book(orders=(sent(intent(client_order_id="o0"), age_s=4),)),
        WIDE,
        T.ACTIVE,
    ),
    C.UNRESOLVED: (intent(), book(unresolved=frozenset({"SPY"})), WIDE, T.ACTIVE),
    C.SYMBOL_FROZEN: (intent(), book(frozen=frozenset({"SPY"})), WIDE, T.ACTIVE),
    C.SYMBOL_HALTED: (intent(), book(halted=frozenset({"SPY"})), WIDE, T.ACTIVE),
    C.EXTERNAL_POSITION: (intent(), book(external=frozenset({"SPY"})), WIDE, T.ACTIVE),
    C.UNKNOWN_ASSET: (intent(symbol="GME"), book(), WIDE, T.ACTIVE),
    C.ASSET_CLASS_DISABLED: (
        intent(symbol="BTC/USD"),
        of(coin(), enabled_classes=frozenset({AssetClass.EQUITY})),
        WIDE,
        T.ACTIVE,
    ),
    C.NOT_TRADABLE: (
        intent(),
        of(Equity(symbol="SPY", is_tradable=False)),
        WIDE,
        T.ACTIVE,
    ),
    C.NOT_SHORTABLE: (intent("1", Side.SELL, symbol="BTC/USD"), of(coin()), WIDE, T.ACTIVE),
    C.NOT_FRACTIONABLE: (intent("1.5"), book(), WIDE, T.ACTIVE),
    C.EXPIRED: (intent(symbol=OLD_PUT), of(Option(symbol=OLD_PUT), now=NOW + timedelta(days=1)),
                WIDE, T.ACTIVE),
    C.ORDER_TYPE: (
        intent(symbol="BTC/USD", order_type=OrderType.STOP, stop_price=D(110)),
        of(coin(), capabilities={COINS: capability("alpaca", COINS)}),
        WIDE,
        T.ACTIVE,
    ),
    C.TIME_IN_FORCE: (
        intent(symbol="BTC/USD", time_in_force=TimeInForce.DAY),
        of(coin(), capabilities={COINS: capability("alpaca", COINS)}),
        WIDE,
        T.ACTIVE,
    ),
    C.LOT: (intent("15"), of(Equity(symbol="SPY", lot=D(10))), WIDE, T.ACTIVE),
    C.MIN_QUANTITY: (
        intent("0.001", symbol="BTC/USD"), of(coin(min_quantity=D("0.01"))), WIDE, T.ACTIVE,
    ),
    C.MIN_NOTIONAL: (
        intent("0.001", symbol="BTC/USD"), of(coin(min_notional=D(1))), WIDE, T.ACTIVE,
    ),
    C.TICK: (limit("99.999"), book(), WIDE, T.ACTIVE),
    C.SESSION_CLOSED: (intent(), book(sessions=session(is_open=False)), WIDE, T.ACTIVE),
    C.EXTENDED_HOURS: (intent(is_extended_hours=True), book(), WIDE, T.ACTIVE),
    C.NO_PRICE: (intent(), book(prices={}), WIDE, T.ACTIVE),
    C.STALE_PRICE: (
        intent(), book(price_times={"SPY": NOW - timedelta(seconds=901)}), WIDE, T.ACTIVE,
    ),
    C.BAD_QUOTE: (intent(), book(quotes=quote("NaN", "100")), WIDE, T.ACTIVE),
    C.CROSSED_QUOTE: (intent(), book(quotes=quote("101", "100")), WIDE, T.ACTIVE),
    C.MAX_SPREAD: (intent(), book(quotes=quote("95", "105")), WIDE, T.ACTIVE),
    C.PRICE_COLLAR: (limit("106"), book(), WIDE, T.ACTIVE),
    C.STOP_COLLAR: (
        intent(order_type=OrderType.STOP, stop_price=D(151)), book(), WIDE, T.ACTIVE,
    ),
    C.WRONG_SIDE: (intent(order_type=OrderType.STOP, stop_price=D(99)), book(), WIDE, T.ACTIVE),
    C.FAT_FINGER: (intent("2"), book(), wide(max_order_value=D(199)), T.ACTIVE),
    C.NO_EQUITY: (intent(), book(equity=D(0)), WIDE, T.ACTIVE),
    C.MAX_ORDER: (intent("2"), book(), wide(max_order=D("0.01")), T.ACTIVE),
    C.MAX_POSITION: (intent("2"), book(), wide(max_position=D("0.01")), T.ACTIVE),
    C.MAX_GROSS: (
        intent("2"),
        book(),
        wide(max_gross=D("0.01"), max_net=D("0.01"), max_position=D("0.01")),
        T.ACTIVE,
    ),
    C.MAX_NET: (intent("2"), book(), wide(max_net=D("0.01")), T.ACTIVE),
    C.MAX_SECTOR: (
        intent("2"), book(), wide(max_sector=D("0.01"), max_position=D("0.01")), T.ACTIVE,
    ),
    C.MAX_CONCENTRATION: (
        intent("2"), book(), wide(max_concentration=D("0.0001")), T.ACTIVE,
    ),
    C.MAX_TURNOVER: (
        intent("2"), book(traded_today=D(900)), wide(max_turnover=D("0.1")), T.ACTIVE,
    ),
    C.INSUFFICIENT_BUYING_POWER: (intent("2"), book(buying_power=D(199)), WIDE, T.ACTIVE),
    C.MAX_DAILY_LOSS: (intent(), book(day_open_equity=D(10_400)), WIDE, T.ACTIVE),
    C.MAX_DRAWDOWN: (intent(), book(peak_equity=D(13_000)), WIDE, T.ACTIVE),
    C.MAX_ORDERS_PER_CYCLE: (
        intent(), book(sent=frozenset({"a"})), wide(max_orders_per_cycle=1), T.ACTIVE,
    ),
    C.MAX_ORDERS_PER_MINUTE: (
        intent(),
        book(orders=(sent(intent("7", client_order_id="o0"), remaining=0, age_s=59),)),
        wide(max_orders_per_minute=1),
        T.ACTIVE,
    ),
    C.MAX_OPEN_ORDERS: (
        intent(),
        book(orders=(sent(intent("7", client_order_id="o0"), age_s=3600),)),
        wide(max_open_orders=1),
        T.ACTIVE,
    ),
    C.WASH_TRADE: (
        intent(),
        book(orders=(sent(intent("7", Side.SELL, client_order_id="o0"), age_s=3600),)),
        WIDE,
        T.ACTIVE,
    ),
    C.NEEDS_APPROVAL: (intent("2"), book(), wide(approval_above=D("0.01")), T.ACTIVE),
}  # fmt: skip
BY_PEOPLE = {C.DENIED}  # the risk agent and a person say it, no rule of the gate


def test_every_code_of_the_gate_has_a_case():
    assert set(CASES) == set(C) - BY_PEOPLE


@pytest.mark.parametrize("code", CASES)
def test_code_is_reached_and_names_rule_value_limit_and_remedy(code):
    order, view, limits, state = CASES[code]
    verdict = validate(order, book=view, limits=limits, state=state)
    (reason,) = (reason for reason in verdict.reasons if reason.code is code)
    rule, _, rest = reason.message.partition(": ")
    assert rule == code
    assert reason.actual
    assert reason.actual in rest
    assert reason.limit
    words = ("limit is", "must be", "above approval_above")
    _, limit_is, remedy = rest.partition(next(w for w in words if w in rest))
    assert remedy.startswith(f" {reason.limit}"), limit_is
    assert remedy.removeprefix(f" {reason.limit}").strip(" ):;,")


@pytest.mark.parametrize("code", CASES)
def test_without_its_cause_the_rule_is_silent(code):
    order, _, _, _ = CASES[C.FAT_FINGER]
    assert code not in codes(order, book(), WIDE)


def test_codes_are_plain_words_that_a_journal_can_keep():
    assert all(code == code.name.lower() for code in C)
