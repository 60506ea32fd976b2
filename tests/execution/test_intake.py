"""What the venue told before something broke is in the record as it is in memory."""

from dataclasses import replace
from decimal import Decimal

import pytest

from alphalens.brokers.base import VenueOrder, VenueUpdate
from alphalens.errors import BrokerError, StorageError
from alphalens.execution import Journal
from alphalens.execution.bookkeeping import ledger_of
from alphalens.trading import Fill, Side
from alphalens.trading.activities import CashFlow, CashKind, Split
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus


class Line:
    """The venue, with a stream, activities and a silence of its own."""

    def __init__(self, venue, *, has_stream):
        self._venue, self._has_stream = venue, has_stream
        self.told, self.listed, self.silent_about = (), (), ""

    @property
    def capabilities(self):
        return replace(self._venue.capabilities, has_stream=self._has_stream)

    def updates(self):
        told, self.told = self.told, ()
        return told

    def activities(self, after=""):
        return tuple(one for one in self.listed if one.activity_id > after)

    def order(self, client_order_id):
        if client_order_id == self.silent_about:
            raise BrokerError("no answer")
        return self._venue.order(client_order_id)

    def __getattr__(self, name):
        return getattr(self._venue, name)


def _flow(clock):
    return CashFlow(
        activity_id="a1",
        kind=CashKind.DIVIDEND,
        amount=Decimal(7),
        symbol="A",
        at=clock.now(),
    )


def _executed(intent, order_id, at):
    return Fill(
        fill_id="x:1",
        client_order_id=order_id,
        symbol=intent.symbol,
        side=intent.side,
        quantity=Decimal(4),
        price=Decimal(100),
        at=at,
        cumulative=Decimal(4),
    )


def test_activity_before_a_broken_one_is_journalled(desk, monkeypatch):
    line = Line(desk.venue, has_stream=False)
    session = desk.open(line)
    split = Split(activity_id="a2", symbol="A", new=Decimal(2), old=Decimal(1), at=desk.clock.now())
    line.listed = (_flow(desk.clock), split)
    whole = Journal.fills

    def broken(self, **asked):
        if asked.get("since") is not None:
            raise StorageError("the disk is gone for a moment")
        return whole(self, **asked)

    monkeypatch.setattr(Journal, "fills", broken)
    with pytest.raises(StorageError, match="for a moment"):
        session.collect_fills()
    monkeypatch.undo()
    assert session.ledger.cash == Decimal(10_007)
    assert ledger_of(session.journal.records()).cash == Decimal(10_007)
    (told,) = session.journal.records(kind=EventKind.ACTIVITY)
    assert told.payload["activity_id"] == "a1"


def test_execution_before_a_silence_is_journalled(desk):
    line = Line(desk.venue, has_stream=True)
    session = desk.open(line)
    intent = desk.intent("A", "10")
    (order,) = session.submit([intent])
    stranger = VenueOrder(
        client_order_id="somebody",
        venue_order_id="v9",
        symbol="B",
        status=OrderStatus.ACCEPTED,
        side=Side.BUY,
        quantity=Decimal(1),
        filled_quantity=Decimal(0),
    )
    known = VenueOrder(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        symbol="A",
        status=OrderStatus.PARTIAL,
        filled_quantity=Decimal(4),
    )
    fill = _executed(intent, order.client_order_id, desk.clock.now())
    line.told = (
        VenueUpdate(event="partial_fill", order=known, fill=fill),
        VenueUpdate(event="new", order=stranger),
    )
    line.silent_about = "somebody"
    with pytest.raises(BrokerError, match="no answer"):
        session.collect_fills()
    assert session.ledger.quantity("A") == 4
    assert [f.fill_id for f in session.journal.fills()] == ["x:1"]
    assert ledger_of(session.journal.records()).quantity("A") == 4
