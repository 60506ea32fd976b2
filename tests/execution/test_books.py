"""A restart over a snapshot leads to the same memory as one over the whole journal."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.brokers import PaperBroker, SizedQuote
from alphalens.execution.books import Books
from alphalens.execution.entries import activity_entry, fill_entry
from alphalens.risk import TradingState
from alphalens.trading import OrderStatus
from alphalens.trading.activities import CashFlow, CashKind
from alphalens.trading.orders import OrderType, TimeInForce

from .conftest import T0, Desk

SHOWN = ("frozen", "external", "standing")


def memory(books: Books) -> dict[str, object]:
    """What a restart has to bring back."""
    known = {o.client_order_id: o for o in books.orders.live}
    return {
        "ledger": books.ledger.snapshot(),
        "orders": known,
        "fills": {key: books.orders.fills_of(key) for key in known},
        "prices": books.prices,
        "mark": books.last_mark,
        "plan": books.unfinished_cycle,
        "rest": [getattr(books, name) for name in SHOWN],
    }


def reopened(desk: Desk) -> tuple[Books, Books]:
    """Books over the latest snapshot, and over the whole journal."""
    with_snapshot = Books(desk.new_session().journal)

    class Whole:
        def __init__(self, journal):
            self._journal = journal

        def __getattr__(self, name):
            return getattr(self._journal, name)

        def latest_snapshot(self):
            return None

    return with_snapshot, Books(Whole(desk.new_session().journal))


@pytest.fixture
def quoted(desk) -> Desk:
    desk.venue = PaperBroker(account_id="P1", cash=Decimal(10_000), clock=desk.clock)
    desk.show_bars()
    return desk


def show(desk: Desk, size: str) -> None:
    desk.clock.advance_to(desk.clock.now() + timedelta(seconds=1))
    now = desk.clock.now()
    quote = {"symbol": "A", "at": now, "bid": Decimal("99.9"), "ask": Decimal(100)}
    desk.venue.on_quotes([SizedQuote(**quote, bid_size=Decimal(size), ask_size=Decimal(size))])


@pytest.mark.parametrize("kept_after", [0, 1, 2, 3])
def test_partial_fills_before_and_after_a_snapshot_count_once(quoted, kept_after):
    session = quoted.open()
    steps = [
        lambda: session.submit([order]),
        lambda: show(quoted, "4"),
        lambda: show(quoted, "2"),
    ]
    order = replace(
        quoted.intent(units="10"),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(100),
        time_in_force=TimeInForce.GTC,
    )
    for number, step in enumerate(steps):
        if number == kept_after:
            session._books.keep()
        step()
        session.collect_fills()
    if kept_after == len(steps):
        session._books.keep()
    assert session.order(order.client_order_id).filled_quantity == 6
    over, whole = reopened(quoted)
    assert memory(over) == memory(whole)
    assert over.orders[order.client_order_id].status is OrderStatus.PARTIAL
    again = quoted.open()
    show(quoted, "9")
    again.collect_fills()
    assert again.order(order.client_order_id).status is OrderStatus.FILLED
    assert again.ledger.quantity("A") == 10
    assert again.frozen == {}
    assert again.reconcile() == ()


def test_orders_that_ended_around_a_snapshot_are_known_after_it(desk):
    session = desk.open()
    before = desk.intent("A")
    session.submit([before])
    desk.next_day(session)
    session._books.keep()
    after = desk.intent("B")
    session.submit([after])
    desk.next_day(session)
    over, whole = reopened(desk)
    assert memory(over) == memory(whole)
    for order in (before, after):
        assert over.orders[order.client_order_id] == whole.orders[order.client_order_id]
    again = desk.open()
    assert again.submit([before, after]) == tuple(
        over.orders[o.client_order_id] for o in (before, after)
    )
    assert again.book_view("c1").sent == {before.client_order_id, after.client_order_id}


def test_orders_of_a_cycle_are_counted_over_a_snapshot(desk):
    session = desk.open()
    session.submit([desk.intent("A", str(n + 1), leg=f"n{n}") for n in range(3)])
    session._books.keep()
    session.cancel(desk.intent("A", "1", leg="n0").client_order_id)
    again = desk.open()
    again.submit([desk.intent("B", "1")])
    assert len(again.book_view("c1").sent) == 4


def deposit(amount: str, number: int = 1) -> CashFlow:
    return CashFlow(activity_id=f"t{number}", kind=CashKind.TRANSFER, amount=Decimal(amount), at=T0)


@pytest.mark.parametrize("amount", ["5000", "-5000"])
def test_money_that_is_moved_is_neither_profit_nor_loss(desk, amount):
    session = desk.open()
    before = session.book_view()
    session._books.write_all([activity_entry(deposit(amount))])
    session.mark(desk.prices)
    view = session.book_view()
    assert view.equity == before.equity + Decimal(amount)
    assert view.day_open_equity == before.day_open_equity + Decimal(amount)
    assert view.peak_equity - view.equity == before.peak_equity - before.equity
    assert session.state is TradingState.ACTIVE
    session._books.keep()
    over, whole = reopened(desk)
    for books in (over, whole):
        assert books.day_open(view.now) == view.day_open_equity
        assert books.peak_with(Decimal(0)) == view.peak_equity


def test_execution_of_yesterday_told_today_leaves_what_was_traded_today(desk):
    session = desk.open()
    session.submit([desk.intent("A")])
    desk.next_day(session)
    today = session.book_view().traded_today
    (fill,) = session.journal.fills()
    late = replace(fill, fill_id="late", client_order_id="x", at=fill.at - timedelta(days=1))
    session._books.write_all([fill_entry(late, "", is_listed=False)])
    assert session.book_view().traded_today == today * 2 > 0


def test_foreign_execution_of_an_unpriced_symbol_stops_no_valuation(desk):
    session = desk.open()
    session.submit([desk.intent("A")])
    desk.next_day(session)
    (fill,) = session.journal.fills()
    other = replace(fill, fill_id="z", client_order_id="x", symbol="ZZZ")
    session._books.write_all([fill_entry(other, "", is_listed=False)])
    session.mark({"A": Decimal(101)})
    (order,) = session.submit([desk.intent("A", "-10", leg="out")])
    assert order.status is OrderStatus.ACCEPTED
    assert "ZZZ" not in session.book_view().price_times
