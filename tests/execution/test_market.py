"""Each asset is judged by the hours of its own market."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from alphalens.assets import Crypto, Equity, Future
from alphalens.brokers import PaperBroker
from alphalens.execution.market import Market, Permission
from alphalens.risk import BookView, ReasonCode, RiskLimits, TradingState, enabled_classes, validate
from alphalens.trading import OrderIntent, Side, VirtualClock
from alphalens.trading.orders import TimeInForce

ASSETS = {
    asset.symbol: asset
    for asset in (
        Equity(symbol="SPY"),
        Equity(symbol="MSFT", calendar="XNAS"),
        Future(symbol="ESH24", calendar="CME", last_trade=date(2024, 3, 15)),
        Crypto(symbol="BTC/USD", calendar="24/7", lot=Decimal("0.01")),
    )
}
WIDE = RiskLimits(
    max_order=Decimal(2),
    approval_above=None,
    max_position=Decimal(2),
    max_gross=Decimal(2),
    max_net=Decimal(2),
)
NEW_YORK = {"SPY", "MSFT"}
NOON = datetime(2024, 1, 2, 17, tzinfo=UTC)  # Tuesday, all are open
EVENING = datetime(2024, 1, 2, 23, 30, tzinfo=UTC)
SATURDAY = datetime(2024, 1, 6, 17, tzinfo=UTC)


def market(clock, calendar="XNYS") -> Market:
    venue = PaperBroker(account_id="P1", cash=Decimal(10_000), clock=clock, calendar=calendar)
    allowed = Permission(classes=enabled_classes(options=False, crypto=True))
    found = Market(broker=venue, clock=clock, permission=allowed)
    found.refresh()
    return found


def closed(desk: Market, clock) -> set[str]:
    """The assets of which the gate refuses a market order now, for the hours."""
    now, money = (
        clock.now(),
        dict.fromkeys(("equity", "cash", "day_open_equity", "peak_equity"), Decimal(10**6)),
    )
    view = BookView(
        now=now,
        assets=ASSETS,
        prices=dict.fromkeys(ASSETS, Decimal(100)),
        price_times=dict.fromkeys(ASSETS, now),
        **money,
    )
    view, found = desk.complete(view), set()
    for symbol in ASSETS:
        order = OrderIntent(
            client_order_id=symbol,
            account="P1",
            cycle_id="c1",
            symbol=symbol,
            side=Side.BUY,
            quantity=Decimal(1),
            reference_price=Decimal(100),
            created_at=now,
            time_in_force=TimeInForce.IOC,
        )
        verdict = validate(order, book=view, limits=WIDE, state=TradingState.ACTIVE)
        if ReasonCode.SESSION_CLOSED in {reason.code for reason in verdict.reasons}:
            found.add(symbol)
    return found


@pytest.mark.parametrize(
    ("now", "shut"), [(NOON, set()), (EVENING, NEW_YORK), (SATURDAY, NEW_YORK | {"ESH24"})]
)
def test_shares_futures_and_coins_keep_their_own_hours(now, shut):
    clock = VirtualClock(now)
    assert closed(market(clock), clock) == shut


def test_hours_that_the_venue_does_not_tell_turn_with_the_clock():
    clock = VirtualClock(SATURDAY)
    desk = market(clock)
    assert "ESH24" in closed(desk, clock)
    clock.advance_to(datetime(2024, 1, 7, 22, 59, tzinfo=UTC))
    assert "ESH24" in closed(desk, clock)
    clock.advance_to(datetime(2024, 1, 7, 23, tzinfo=UTC))  # Sunday, 17:00 in Chicago
    assert closed(desk, clock) == NEW_YORK
    clock.advance_to(datetime(2024, 1, 8, 22, tzinfo=UTC))  # the hour of maintenance
    assert "ESH24" in closed(desk, clock)


def test_venue_that_tells_the_hours_of_futures_says_nothing_of_shares():
    clock = VirtualClock(EVENING)
    assert closed(market(clock, "CME"), clock) == NEW_YORK


def test_word_of_the_venue_counts_where_a_calendar_says_something_else():
    clock = VirtualClock(datetime(2024, 1, 2, 20, 59, tzinfo=UTC))
    desk = market(clock)
    clock.advance_to(datetime(2024, 1, 3, 14, 30, tzinfo=UTC))
    assert closed(desk, clock) == NEW_YORK  # it was open then, and has not said so again
    desk.refresh()
    assert closed(desk, clock) == set()


def test_venue_without_hours_leaves_them_unjudged():
    clock = VirtualClock(SATURDAY)
    assert closed(market(clock, ""), clock) == set()


def test_hours_that_a_wrong_clock_was_told_are_not_kept():
    clock = Jumping(NOON)
    desk = market(clock)
    assert closed(desk, clock) == set()
    clock.instant = datetime(2024, 1, 8, 22, 15, tzinfo=UTC)  # in the hour of maintenance
    assert "ESH24" in closed(desk, clock)
    clock.instant = NOON
    assert closed(desk, clock) == set()


class Jumping(VirtualClock):
    """A clock that somebody sets."""

    def __init__(self, instant: datetime) -> None:
        super().__init__(instant)
        self.instant = instant

    def now(self) -> datetime:
        return self.instant
