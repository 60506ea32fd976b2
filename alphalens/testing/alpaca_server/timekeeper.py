"""What time does to orders: queued ones open, auctions run, orders expire."""

from __future__ import annotations

from datetime import datetime, timedelta

from .core import Core
from .matcher import Matcher
from .records import Order
from .sessions import new_york, session_of, sessions_between


class Timekeeper:
    """Walks over every boundary of the sessions between the last look and now."""

    def __init__(self, core: Core, matcher: Matcher) -> None:
        self._core = core
        self._matcher = matcher

    def advance_to(self, instant: datetime) -> None:
        """Set the clock, living through each boundary on the way; backwards it only sets."""
        with self._core.transaction():
            for boundary in self._boundaries(self._core.clock.now(), instant):
                self._core.clock.set(boundary)
                self._live_through(boundary)
            self._core.clock.set(instant)
            self._core.swept_to = max(self._core.swept_to, instant)

    def sweep(self) -> None:
        """Live through the boundaries that the machine's clock has passed since the last look."""
        with self._core.lock:
            now = self._core.clock.now()
            passed = self._boundaries(self._core.swept_to, now)
            self._core.swept_to = max(self._core.swept_to, now)
            if passed:
                with self._core.transaction():
                    for boundary in passed:
                        self._live_through(boundary)

    def _boundaries(self, start: datetime, end: datetime) -> list[datetime]:
        if end <= start:
            return []
        first = new_york(start).date() - timedelta(days=1)
        sessions = sessions_between(first, new_york(end).date())
        moments = {
            moment
            for session in sessions
            for moment in (session.pre_open, session.open, session.close, session.post_close)
        }
        expiries = {o.expires_at for o in self._core.book.open_orders() if o.expires_at is not None}
        return sorted(moment for moment in moments | expiries if start < moment <= end)

    def _live_through(self, boundary: datetime) -> None:
        for order in self._core.book.open_orders():
            if order.time_in_force in ("opg", "cls") and order.expires_at == boundary:
                self._auction(order)
            elif order.status == "accepted" and order.parent_id is None:
                self._open(order)
        for order in self._core.book.open_orders():
            if order.expires_at is not None and order.expires_at <= boundary and order.is_open:
                self._expire(order)
        session = session_of(new_york(boundary).date())
        if session is not None and boundary == session.close:
            self._settle_day()

    def _settle_day(self) -> None:
        """Remember the close, which the figures of the next day are compared with."""
        book = self._core.book
        book.last_equity = book.equity()
        for symbol in book.tape.marks:
            price = book.tape.price(symbol)
            if price is not None:
                book.tape.lastday[symbol] = price

    def _open(self, order: Order) -> None:
        if order.time_in_force not in ("opg", "cls") and self._core.is_open_for(order):
            self._matcher.activate(order)

    def _auction(self, order: Order) -> None:
        self._core.set_status(order, "new")
        mark = self._core.tape.marks.get(order.symbol)
        self._matcher.attempt(order, mark, in_auction=True)
        if order.is_open:
            self._core.set_status(order, "canceled")

    def _expire(self, order: Order) -> None:
        family = self._core.book.legs(order) + self._matcher.family(order)
        self._core.set_status(order, "expired")
        for other in family:
            if other.is_open:
                self._core.set_status(other, "canceled")
