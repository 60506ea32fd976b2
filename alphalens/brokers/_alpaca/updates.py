"""The stream of trade updates: authenticated, read without loss, watched for silence."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from alphalens.brokers._alpaca.known import Bounded, KnownOrders
from alphalens.brokers._alpaca.wire import execution, order_from, text
from alphalens.brokers.base import Connection, VenueOrder, VenueUpdate
from alphalens.data.inbox import Inbox
from alphalens.net import LoopThread, NetError, Redactor, Refused, StreamSettings, Timing
from alphalens.net.exact_json import decimal, instant, loads, mapping
from alphalens.net.failures import Unreadable
from alphalens.net.line import Frame, Line
from alphalens.trading.orders import Fill, OrderClass, OrderStatus

__all__ = ["TradeUpdates", "update_from"]

_TRADES = "trade_updates"
_EXECUTIONS = frozenset({"fill", "partial_fill"})
_TAKEN_BACK = frozenset({"trade_bust", "trade_correct"})
_LONGEST_RAW = 4000


class TradeUpdates:
    """What the venue tells by itself.

    The venue sends nothing while nothing happens, so silence alone says nothing. But whoever
    has made something happen, or has seen it by REST, calls `expect` with what `heard` was
    before; if the stream has told of nothing since then within `mute_after_s`, it is mute and
    is connected anew, which shows as a gap.

    Parameters
    ----------
    url : str
        Address of the stream.
    key, secret : str
        Credentials.
    loop : LoopThread
        Where it runs; not closed by this object.
    rng : Random
        Jitter between two tries to connect.
    known : KnownOrders
        Gets each order that is told.
    mute_after_s : float
        See above.
    queue_size : int
        Messages that wait at most.
    timing : Timing
        Clocks and sleep.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str,
        secret: str,
        loop: LoopThread,
        rng: random.Random,
        known: KnownOrders,
        mute_after_s: float,
        queue_size: int,
        timing: Timing,
    ) -> None:
        self._key, self._secret, self._known = key, secret, known
        self._loop, self._timing, self._mute_after_s = loop, timing, mute_after_s
        self._redact = Redactor.of([key, secret])
        self._told: Bounded[str, bool] = Bounded()
        self.heard = 0  # messages so far
        self._inbox: Inbox[VenueUpdate] = Inbox(
            StreamSettings(url=url),
            hello=self._hello,
            read=self._read,
            loop=loop,
            rng=rng,
            size=queue_size,
            redact=self._redact,
            timing=timing,
        )

    def open(self) -> None:
        """Start to connect, and return at once."""
        self._inbox.open()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._inbox.close()

    def wait_until_up(self, timeout_s: float) -> bool:
        """Wait until it is up and return True, or False after `timeout_s` seconds."""
        return self._inbox.wait_until_up(timeout_s)

    def take(self) -> tuple[VenueUpdate, ...]:
        """Return what has come since the last call, in order."""
        return self._inbox.take()

    def connection(self) -> Connection:
        """Return how it stands."""
        inbox = self._inbox
        return Connection(is_up=inbox.is_up, gaps=inbox.gaps, problem=inbox.problem)

    def reconnect(self, reason: str) -> None:
        """Drop the connection and make a new one; a line that is dead holds up nobody."""
        self._loop.start_task(self._inbox.reconnect(reason))

    def has_told(self, fill_id: str) -> bool:
        """Return whether the stream has told of an execution."""
        return fill_id in self._told

    def expect(self, heard: int) -> None:
        """Note that the stream should tell more than the `heard` messages it had told."""
        if self._inbox.is_up:
            self._loop.start_task(self._watch(heard, self._inbox.gaps))

    async def _watch(self, heard: int, gaps: int) -> None:
        await self._timing.sleep(self._mute_after_s)
        if self._inbox.is_up and (self.heard, self._inbox.gaps) == (heard, gaps):
            await self._inbox.reconnect(
                f"mute: nothing was told for {self._mute_after_s} s after something had happened"
            )

    async def _hello(self, line: Line) -> None:
        keys = {"key_id": self._key, "secret_key": self._secret}
        await line.send(json.dumps({"action": "authenticate", "data": keys}))
        answer = await _answer(line, "authorization")
        if answer.get("status") != "authorized":
            raise Refused(f"the stream said {answer.get('status')!r}: check key, secret and host")
        await line.send(json.dumps({"action": "listen", "data": {"streams": [_TRADES]}}))
        answer = await _answer(line, "listening")
        if _TRADES not in (answer.get("streams") or ()):
            raise NetError(f"the stream listens to {answer.get('streams')!r}, not to {_TRADES}")

    def _read(self, frame: Frame) -> Iterator[VenueUpdate]:
        update = update_from(frame, self._redact)
        if update is None:
            return
        self.heard += 1
        if update.order is not None:
            self._known.remember(update.order)
        if update.fill is not None:
            self._told.set(update.fill.fill_id, True)
        yield update


def update_from(frame: Frame, redact: Redactor) -> VenueUpdate | None:
    """Return what a frame tells, or None for one that is about the connection only.

    What cannot be read is told as a problem with the frame's text, as far as it could be read;
    a status that is not known, and an execution that was taken back, are told so too.
    """
    event = ""
    try:
        message = mapping(loads(frame), "frame")
        if message.get("stream") in ("authorization", "listening"):
            return None
        data = mapping(message.get("data"), "data")
        event = text(data, "event", is_needed=True)
        order = order_from(mapping(data.get("order"), "order"))
    except Unreadable as error:
        return VenueUpdate(event=event, problem=_problem(str(error), frame, redact))
    fill, problem = None, ""
    if order.status is OrderStatus.UNKNOWN:
        problem = f"status {order.venue_status!r} is not known"
    if event in _TAKEN_BACK:
        problem = f"{event}: an execution was taken back or corrected; ask the venue"
    try:
        fill = _fill(event, data, order)
    except Unreadable as error:
        problem = str(error)
    return VenueUpdate(
        event=event,
        order=order,
        fill=fill,
        problem=_problem(problem, frame, redact) if problem else "",
    )


def _fill(event: str, data: Mapping[str, Any], order: VenueOrder) -> Fill | None:
    """Return the execution; of a multi-leg order each leg has its own, and the whole has none."""
    is_whole = order.order_class is OrderClass.MULTILEG and not text(data["order"], "symbol")
    if event not in _EXECUTIONS or is_whole:
        return None
    return execution(
        order,
        side=order.side,
        quantity=decimal(data.get("qty"), "qty"),
        price=decimal(data.get("price"), "price"),
        cumulative=order.filled_quantity,
        at=instant(data.get("timestamp"), "timestamp"),
        execution_id=text(data, "execution_id"),
    )


def _problem(what: str, frame: Frame, redact: Redactor) -> str:
    raw = frame if isinstance(frame, str) else frame.decode("utf-8", errors="replace")
    return redact(f"{what}; the message: {raw}")[:_LONGEST_RAW]


async def _answer(line: Line, stream: str) -> Mapping[str, Any]:
    """Wait for a control message; trade updates cannot come before `listen`."""
    message = mapping(loads(await line.recv()), "greeting")
    if message.get("stream") != stream:
        raise NetError(f"the stream said {message.get('stream')!r} where {stream} was expected")
    return mapping(message.get("data"), stream)
