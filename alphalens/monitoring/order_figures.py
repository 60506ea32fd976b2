"""How orders do, and how long what the agents do takes: figures read from a desk's journal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
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

__all__ = ["OrderFigures", "OrderReader", "Spread", "order_figures"]

_NEWEST = 5_000  # records that durations are told from
_WITHIN = 50_000  # records of every kind among which they are looked for at first
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
    return OrderReader(engine).read()


class OrderReader:
    """Reads the figures of a desk again and again, each time from the records that are new.

    Whoever asks every few seconds costs the desk of this process next to nothing: what was read
    once is not read again. One thread at a time.

    Parameters
    ----------
    engine : Engine
        The journal's database; opened read-only will do.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._last: int | None = None  # the newest record that was read
        self._sent, self._planned = _Durations(), _Durations()
        self._count = 0  # of the records that durations are told from

    def read(self) -> OrderFigures:
        """Return the figures as they are now; nothing is written.

        Raises
        ------
        StorageError
            If the database fails; the next call reads what this one did not.
        """
        with reading(self._engine) as connection:
            counts = Counter[OrderStatus]()
            for status, is_sent, count in connection.execute(_COUNTS):
                kind = OrderStatus(status)
                counts[OrderStatus.REFUSED if kind is _EXPIRED and not is_sent else kind] += count
            if self._last is None:
                self._last = (connection.execute(_END).scalar() or 0) - _WITHIN
            records = connection.execute(_NEW_RECORDS, {"last": self._last}).all()
        for row in reversed(records):
            self._fold(row)
            self._last = row.seq
        oldest = self._count - _NEWEST
        return OrderFigures(
            sent=sum(n for status, n in counts.items() if status not in _UNSENT),
            rejected=counts[OrderStatus.REJECTED],
            unanswered=sum(counts[status] for status in _OPEN_QUESTIONS),
            refused=counts[OrderStatus.REFUSED],
            answers=_spread(self._sent.since(oldest)),
            cycles=_spread(self._planned.since(oldest)),
        )

    def _fold(self, row: sa.Row[int, datetime, str, str, str]) -> None:
        kind = EventKind(row.kind)
        if kind is EventKind.CYCLE_PLANNED:
            self._planned.begin(row.cycle_id, row.at, self._count)
        elif kind is EventKind.CYCLE_FINISHED:
            self._planned.end(row.cycle_id, row.at)
        elif kind is EventKind.ORDER_INTENDED:
            self._sent.begin(_id_of(json.loads(row.payload)["intent"]), row.at, self._count)
        else:
            self._sent.end(_id_of(json.loads(row.payload)), row.at)
        self._count += 1


class _Durations:
    """What has begun, and how long took what is over; each with the place of its begin."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[int, datetime]] = {}
        self._over: list[tuple[int, float]] = []

    def begin(self, key: str, at: datetime, place: int) -> None:
        self._begun[key] = place, at

    def end(self, key: str, at: datetime) -> None:
        place, since = self._begun.pop(key, (0, None))
        if since is not None:
            self._over.append((place, (at - since).total_seconds()))

    def since(self, oldest: int) -> list[float]:
        """Return the seconds of what began at a place or later, and forget the rest."""
        self._begun = {key: one for key, one in self._begun.items() if one[0] >= oldest}
        self._over = [one for one in self._over if one[0] >= oldest]
        return [seconds for _, seconds in self._over]


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
_END = sa.select(sa.func.max(journal.c.seq))
_NEW_RECORDS = (
    sa.select(journal.c.seq, journal.c.at, journal.c.kind, journal.c.cycle_id, journal.c.payload)
    .where(
        journal.c.kind.in_([kind.value for kind in _KINDS]),
        journal.c.seq > sa.bindparam("last"),
    )
    .order_by(journal.c.seq.desc())
    .limit(_NEWEST)
)
