"""Which edges of the table of states a day has gone along, and which no day can."""

from __future__ import annotations

from collections.abc import Mapping

from alphalens.execution import JournalReader, OrderRecord
from alphalens.execution.records import fold_order, order_id_of
from alphalens.storage import open_engine
from alphalens.trading import OrderStatus
from alphalens.trading.states import TRANSITIONS

__all__ = ["OUT_OF_REACH", "Edge", "edges_of", "wanted_edges"]

Edge = tuple[OrderStatus | None, OrderStatus]

_S = OrderStatus
_NO_FILL_IN_A_SEND = "executions are taken in between two sends, never inside one"
_ONLY_IN_A_LOOK_UP = "a look-up would have to fall into the instant of somebody else's change"

#: Edges that the venue cannot bring about in a day without a death, and why.
OUT_OF_REACH: Mapping[Edge, str] = {
    (_S.INTENDED, _S.FILLED): _NO_FILL_IN_A_SEND,
    (_S.INTENDED, _S.PARTIAL): _NO_FILL_IN_A_SEND,
    (_S.INTENDED, _S.EXPIRED): "only a start finds an order that never went out",
    (_S.INTENDED, _S.PENDING_CANCEL): _ONLY_IN_A_LOOK_UP,
    (_S.INTENDED, _S.PENDING_REPLACE): _ONLY_IN_A_LOOK_UP,
    (_S.INTENDED, _S.REPLACED): _ONLY_IN_A_LOOK_UP,
}


def wanted_edges() -> frozenset[Edge]:
    """Return the edges that a day has to go along: all, but those out of reach and loops."""
    edges = {(before, after) for before, afters in TRANSITIONS.items() for after in afters}
    return frozenset(e for e in edges if e not in OUT_OF_REACH and e[0] is not e[1])


def edges_of(database: str) -> frozenset[Edge]:
    """Return the edges that the orders of a journal have gone along."""
    engine = open_engine(database, is_read_only=True)
    try:
        return _edges_of(JournalReader(engine))
    finally:
        engine.dispose()


def _edges_of(journal: JournalReader) -> frozenset[Edge]:
    orders: dict[str, OrderRecord] = {}
    edges: set[Edge] = set()
    for record in journal.records():
        order_id = order_id_of(record)
        if order_id is None:
            continue
        before = orders.get(order_id)
        after = fold_order(before, record)
        if after is not None:
            orders[order_id] = after
            edges.add((None if before is None else before.status, after.status))
    return frozenset(edges)
