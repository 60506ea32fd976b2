"""The state of the venue, its clock, its identifiers, and the one lock around them."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from alphalens.testing.loopback.clock import VenueClock

from .book import Book
from .records import Event, Execution, Order, order_json
from .rules import Permissions
from .sessions import is_extended
from .tape import Tape


@dataclass(slots=True, kw_only=True)
class Core:
    """What every part of the venue works on.

    `on_commit` writes the changes of a transaction to the file; `outbox` keeps the events that
    the trade stream has not taken yet, in the order of what happened.
    """

    clock: VenueClock
    book: Book
    may: Permissions
    rng: random.Random
    on_commit: Callable[[], None]
    swept_to: datetime
    outbox: deque[Event] = field(default_factory=deque)
    lock: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0

    @property
    def tape(self) -> Tape:
        """The prices."""
        return self.book.tape

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; write the file when the outermost transaction ends, also by a refusal."""
        with self.lock:
            self.depth += 1
            try:
                yield
            finally:
                self.depth -= 1
                if self.depth == 0:
                    self.on_commit()

    def new_id(self) -> str:
        """Return the next identifier; the same seed gives the same ones."""
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def emit(self, name: str, order: Order, execution: Execution | None = None) -> None:
        """Queue an event for the trade stream, with the order as it is now."""
        legs = self.book.legs(order) if order.is_multi_leg else None
        self.outbox.append(
            Event(
                event=name,
                order=order_json(order, legs),
                time=order.updated_at if execution is None else execution.time,
                execution_id=self.new_id() if execution is None else execution.id,
                execution=execution,
            )
        )

    def set_status(self, order: Order, status: str, event: str | None = None) -> None:
        """Move an order to a status, stamp the field that goes with it, and tell the stream."""
        moment = self.clock.stamp()
        order.status = status
        order.updated_at = moment
        stamped = {
            "canceled": "canceled_at",
            "expired": "expired_at",
            "rejected": "failed_at",
            "replaced": "replaced_at",
            "pending_cancel": "cancel_requested_at",
        }.get(status)
        if stamped is not None:
            setattr(order, stamped, moment)
        self.book.touch(order)
        self.emit(event or status, order)

    def trades_now(self, order: Order) -> bool:
        """Return whether the market of this order is open to it, and not halted."""
        return order.symbol not in self.tape.halted and self.is_open_for(order)

    def is_open_for(self, order: Order) -> bool:
        """Return whether the market of this order is in one of its hours."""
        now = self.clock.now()
        if order.extended_hours and is_extended(now):
            return True
        return self.may.trades(order.asset_class or "us_option", now)
