"""How orders do, and how long what the agents do takes: figures read from a desk's journal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from alphalens.execution.records import Origin
from alphalens.storage import reading
from alphalens.storage.schema import journal, orders
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OrderFigures", "Spread", "order_figures"]

_NEWEST = 5_000  # records that durations are told from
_UNSENT = (OrderStatus.REFUSED, OrderStatus.AWAITING)
_OPEN_QUESTIONS = (OrderStatus.INTENDED, OrderStatus.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Durations of one kind.

    Attributes
    ----------
    count : int
        How many are known.
    p50_s, p99_s : float
        Seconds; NaN without any.
    """

    count: int
    p50_s: float
    p99_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigures:
    """What became of our orders, and how fast.

    Attributes
    ----------
    sent : int
        Orders of ours that went to the venue.
    rejected : int
        Those that the venue refused.
    unanswered : int
        Those of which nobody knows how they stand.
    refused : int
        Orders that our own gate refused: they were never sent.
    answers : Spread
        From the record that an order is about to be sent to the venue's first answer: what the
        execution agent waits for. Of the newest records.
    cycles : Spread
        From the record of a plan to the end of its cycle: the risk, execution and monitoring
        agents, and people's approvals. Of the newest records.
    """

    sent: int
    rejected: int
    unanswered: int
    refused: int
    answers: Spread
    cycles: Spread

    @property
    def success_rate(self) -> float:
        """Return the share of the answered orders that the venue took; NaN without any."""
        answered = self.sent - self.unanswered
        return 1 - self.rejected / answered if answered else float("nan")


def order_figures(engine: sa.Engine) -> OrderFigures:
    """Read the figures of a desk; nothing is written.

    Parameters
    ----------
    engine : Engine
        The journal's database; opened read-only will do.

    Raises
    ------
    StorageError
        If the database fails.
    """
    with reading(engine) as connection:
        counts = Counter[OrderStatus]()
        for status, is_sent, count in connection.execute(_COUNTS):
            kind = OrderStatus(status)
            counts[OrderStatus.REFUSED if kind is _EXPIRED and not is_sent else kind] += count
        records = connection.execute(_NEWEST_RECORDS).all()
    answers, cycles = _durations(records[::-1])
    return OrderFigures(
        sent=sum(n for status, n in counts.items() if status not in _UNSENT),
        rejected=counts[OrderStatus.REJECTED],
        unanswered=sum(counts[status] for status in _OPEN_QUESTIONS),
        refused=counts[OrderStatus.REFUSED],
        answers=_spread(answers),
        cycles=_spread(cycles),
    )


def _durations(
    records: Iterable[sa.Row[datetime, str, str, str]],
) -> tuple[list[float], list[float]]:
    """Return the seconds to the first answer of each order, and of each cycle from plan to end."""
    answers: list[float] = []
    cycles: list[float] = []
    sent: dict[str, datetime] = {}
    planned: dict[str, datetime] = {}
    for row in records:
        kind = EventKind(row.kind)
        if kind is EventKind.CYCLE_PLANNED:
            planned[row.cycle_id] = row.at
        elif kind is EventKind.CYCLE_FINISHED:
            _close(planned, row.cycle_id, row.at, cycles)
        elif kind is EventKind.ORDER_INTENDED:
            sent[_id_of(json.loads(row.payload)["intent"])] = row.at
        else:
            _close(sent, _id_of(json.loads(row.payload)), row.at, answers)
    return answers, cycles


def _close(begun: dict[str, datetime], key: str, at: datetime, lengths: list[float]) -> None:
    since = begun.pop(key, None)
    if since is not None:
        lengths.append((at - since).total_seconds())


def _id_of(payload: Mapping[str, Any]) -> str:
    return str(payload["client_order_id"])


def _spread(lengths: Sequence[float]) -> Spread:
    p50, p99 = np.percentile(lengths, [50, 99]) if lengths else (np.nan, np.nan)
    return Spread(count=len(lengths), p50_s=float(p50), p99_s=float(p99))


_EXPIRED = OrderStatus.EXPIRED  # without the venue's id: it waited for a person, and was not sent
_IS_SENT = orders.c.venue_order_id != ""
_COUNTS = (
    sa.select(orders.c.status, _IS_SENT, sa.func.count())
    .where(orders.c.origin == Origin.OURS.value)
    .group_by(orders.c.status, _IS_SENT)
)
_KINDS = (
    EventKind.CYCLE_PLANNED,
    EventKind.CYCLE_FINISHED,
    EventKind.ORDER_INTENDED,
    EventKind.ORDER_ANSWERED,
    EventKind.ORDER_CLOSED,
)
_NEWEST_RECORDS = (
    sa.select(journal.c.at, journal.c.kind, journal.c.cycle_id, journal.c.payload)
    .where(journal.c.kind.in_([kind.value for kind in _KINDS]))
    .order_by(journal.c.seq.desc())
    .limit(_NEWEST)
)
