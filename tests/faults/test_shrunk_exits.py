"""An exit that the venue makes smaller: it is filled with less than its order said at first."""

from __future__ import annotations

from decimal import Decimal

from alphalens.execution.records import Origin
from alphalens.trading import OrderStatus
from alphalens.trading.orders import OrderClass

from .desk import WireDesk
from .invariants import check_invariants

S = OrderStatus


def exits(desk: WireDesk) -> dict[str, str]:
    """Return the ids of the two exits by their types."""
    orders = desk.session.journal.orders()
    return {str(o.intent.order_type): o.client_order_id for o in orders if o.origin is Origin.EXIT}


def test_stop_that_a_part_of_the_take_profit_made_smaller_ends(desk):
    session = desk.open()
    form = {
        "order_class": OrderClass.BRACKET,
        "take_profit": Decimal(110),
        "stop_loss": Decimal(90),
    }
    (entry,) = desk.submit(desk.intent(units="8", name="entry", **form))
    desk.until(lambda: desk.status(entry) is S.FILLED and len(exits(desk)) == 2)
    stop, aim = exits(desk)["stop"], exits(desk)["limit"]
    desk.venue.fill(aim, qty=3, price=Decimal(110))
    desk.venue.fill(stop, qty=5, price=Decimal(90))
    desk.until(lambda: not session.open_orders)
    ended = session.order(stop)
    assert (ended.status, ended.filled_quantity, ended.intent.quantity) == (S.FILLED, 5, 8)
    assert session.order(aim).status is S.CANCELED
    assert session.ledger.quantity("AAPL") == 0
    assert not {"overfill", "order_filled", "both_exits_filled"} & set(desk.alerts())
    desk.crash()
    session = desk.open()
    assert session.open_orders == ()
    assert session.order(stop).status is S.FILLED
    check_invariants(session, desk.folder / "venue.sqlite")
