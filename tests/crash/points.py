"""Where a trader may die: every write, every network call, every frame of the stream."""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from types import FrameType

import sqlalchemy as sa

from alphalens.brokers._alpaca.rest import Rest
from alphalens.brokers._alpaca.updates import TradeUpdates
from alphalens.execution import Journal, TradingSession
from alphalens.execution.records import OrderRecord
from alphalens.trading.codec import to_jsonable

__all__ = ["NO_ORDER", "CrashPoints", "Point", "point_from", "row_of"]

_PASSED_THROUGH = ("alphalens.execution.journal", "alphalens.execution.books")
NO_ORDER = "-"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Point:
    """One moment of the day at which a process can end.

    `site` says from where and what, `state` how the order that it is about stood before,
    `step` is the step of the day, and `nth` counts the same site and state inside the step.
    """

    site: str
    state: str
    step: str
    nth: int

    def covers(self, other: Point) -> bool:
        """Return whether `other` is this point; without `nth`, any point of its place is."""
        return other == self or (self.nth == 0 and other.place == self.place)

    @property
    def anywhere(self) -> Point:
        """Return the point that any of its place is."""
        return replace(self, step="", nth=0)

    @property
    def place(self) -> tuple[str, str]:
        """Return the call site and the state: what has to be tried at least once."""
        return self.site, self.state


class CrashPoints:
    """Counts the points of a process, and ends it at one of them.

    Parameters
    ----------
    last_words : callable
        Called with the point right before the end.
    kill_at : Point or None
        Where to end by SIGKILL; None lives on.
    """

    def __init__(self, last_words: Callable[[Point], object], kill_at: Point | None) -> None:
        self._last_words, self._kill_at = last_words, kill_at
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self.session: TradingSession | None = None
        self.step = "start"
        self.passed: list[Point] = []

    def begin(self, step: str) -> None:
        """Begin a step of the day: the counts begin anew."""
        with self._lock:
            self.step = step
            self._seen.clear()

    def hit(self, site: str, state: str) -> None:
        """Pass one point, or end here."""
        with self._lock:
            self._seen[site, state] += 1
            point = Point(site=site, state=state, step=self.step, nth=self._seen[site, state])
            self.passed.append(point)
            if self._kill_at is not None and self._kill_at.covers(point):
                self._last_words(point)
                os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Put points around writes and calls of this process; what they do stays as it is."""
        self._around(Journal, "append_all", self._of_entries)
        self._around(Journal, "save_snapshot", lambda *_: ("snapshot", NO_ORDER))
        self._around(Rest, "send", self._of_request)
        self._around(TradeUpdates, "_read", self._of_frame, is_after=False)
        sa.event.listen(sa.Engine, "commit", self._on_commit)

    def _around(
        self,
        owner: type,
        name: str,
        told: Callable[..., tuple[str, str]],
        *,
        is_after: bool = True,
    ) -> None:
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def outer(own: object, *places: object, **names: object) -> object:
            what, state = told(*places, **names)
            site = f"{_caller()} {what}"
            self.hit(f"{site} before", state)
            result = inner(own, *places, **names)
            if is_after:
                self.hit(f"{site} after", state)
            return result

        setattr(owner, name, outer)

    def _on_commit(self, _: sa.Connection) -> None:
        """Everything is written and nothing is committed yet."""
        self.hit(f"{_caller()} commit", NO_ORDER)

    def _of_entries(self, entries: list[tuple[str, Mapping[str, object], str]]) -> tuple[str, str]:
        if not entries:
            return "nothing", NO_ORDER
        kinds = dict.fromkeys(str(kind) for kind, _, _ in entries)
        payload = to_jsonable(entries[0][1])
        holder = payload.get("intent", payload)
        return "+".join(kinds), self._state(str(holder.get("client_order_id", "")))

    def _of_request(
        self, method: str, path: str, *, body: str | None = None, params=None, priority=None
    ) -> tuple[str, str]:
        named = (params or {}).get("client_order_id", "")
        if method == "POST" and body:
            named = re.search(r'"client_order_id"\s*:\s*"([^"]+)"', body).group(1)
        found = re.fullmatch(r"/v2/orders/(.+)", path)
        state = self._state(named)
        if found is not None:
            path, state = "/v2/orders/*", self._state_of_venue_id(found.group(1))
        return f"{method} {path}", state

    def _of_frame(self, frame: str | bytes) -> tuple[str, str]:
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        event = re.search(r'"event"\s*:\s*"(\w+)"', text)
        named = re.search(r'"client_order_id"\s*:\s*"([^"]+)"', text)
        return f"frame {event and event.group(1)}", self._state(named.group(1) if named else "")

    def _state(self, client_order_id: str) -> str:
        if self.session is None or not client_order_id:
            return NO_ORDER
        return _status(self.session.order(client_order_id))

    def _state_of_venue_id(self, venue_order_id: str) -> str:
        if self.session is None:
            return NO_ORDER
        return _status(self.session._books.orders.by_venue_id(venue_order_id))


def _status(order: OrderRecord | None) -> str:
    return "new" if order is None else str(order.status)


def _caller() -> str:
    """Return module and function of the nearest frame of the trading core below the hooks."""
    frame: FrameType | None = sys._getframe(2)
    storage = ""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("alphalens.execution.") and module not in _PASSED_THROUGH:
            return f"{module.removeprefix('alphalens.')}:{frame.f_code.co_name}"
        if not storage and module.startswith(("alphalens.storage.", *_PASSED_THROUGH)):
            storage = f"{module.removeprefix('alphalens.')}:{frame.f_code.co_name}"
        frame = frame.f_back
    return storage or "stream"


def point_from(row: Mapping[str, object]) -> Point:
    """Return a point that `asdict` took apart."""
    return Point(**row)  # type: ignore[arg-type]  # made by `row_of`


def row_of(point: Point) -> dict[str, object]:
    """Return a point as plain JSON."""
    return asdict(point)
