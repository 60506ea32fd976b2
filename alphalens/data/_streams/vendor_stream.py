"""A vendor's stream as a consumer wants it: bounded, in order, and its gaps filled over REST.

What a vendor adds to it is how it is greeted and how a frame of it is read.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Self

from alphalens.data._streams.buffer import StreamBuffer, Waiting
from alphalens.data._streams.gaps import GapKeeper
from alphalens.data._streams.order import BarOrder, Fate
from alphalens.data._streams.words import BarRow, Dialect, Fault, batches_of, instant_of
from alphalens.data.bar_stream import (
    Channel,
    Delivery,
    GapCause,
    StreamGap,
    StreamOptions,
    Trade,
    Trouble,
    TroubleKind,
)
from alphalens.data.bars import micros
from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.data.port import Batch, MarketDataProvider
from alphalens.errors import InputError
from alphalens.net import LoopThread, NetError, Redactor, Refused, Stream, StreamSettings, Timing
from alphalens.net.failures import Unreadable
from alphalens.net.line import Frame, Line
from alphalens.trading.market import Quote

__all__ = ["VendorStream"]

_CLOSE_S = 5.0
_LOOK_AGAIN_S = 0.005
_SHOWN = 2_000
_MOST_FRAME_BYTES = 8 * 2**20
_TICKS = (Channel.QUOTES, Channel.TRADES)
_MACHINE = Timing()
_NOBODY = NobodyListens()
_OPTIONS = StreamOptions()
#: What the vendor, or the line to it, has to answer for; the rest is about single messages.
_OF_THE_FEED = frozenset(
    {
        TroubleKind.REFUSED,
        TroubleKind.LOST,
        TroubleKind.SLOW,
        TroubleKind.SILENT,
        TroubleKind.MALFORMED,
        TroubleKind.VENDOR,
    }
)


class VendorStream:
    """Satisfies `alphalens.data.bar_stream.BarStream` for one vendor.

    Parameters
    ----------
    dialect : Dialect
        How the vendor speaks.
    url : str
        Whole address, checked by the caller.
    symbols : sequence of str
        Canonical, each once.
    channels : collection of Channel
        What is subscribed to.
    filler : MarketDataProvider or None
        Who is asked over REST for what is missing; with None every gap stays open, and is told.
        It is not closed by this object.
    secrets : iterable of str
        In no text that this object makes.
    rng : Random
        Jitter between two tries to connect.
    since : datetime, optional
        Bars are wanted from this instant on, those before the first connection over REST.
    loop : LoopThread, optional
        Where it runs; None makes one of its own, which `close` ends.
    options : StreamOptions
        How patient.
    timing : Timing
        Clocks and sleep.
    listener : FeedListener
        Is told of each connection, each failure, the newest instant of each symbol, and each gap
        that stays open; the vendor is named ``alpaca stream`` there.

    Raises
    ------
    InputError
        If there is no symbol or no channel, or a symbol twice.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        url: str,
        symbols: Sequence[str],
        channels: Collection[Channel],
        filler: MarketDataProvider | None,
        secrets: Iterable[str],
        rng: random.Random,
        since: datetime | None = None,
        loop: LoopThread | None = None,
        options: StreamOptions = _OPTIONS,
        timing: Timing = _MACHINE,
        listener: FeedListener = _NOBODY,
    ) -> None:
        if not symbols or len(set(symbols)) < len(symbols) or not channels:
            raise InputError(
                f"a stream needs a channel, and at least one symbol, each once; got "
                f"{len(symbols)} symbols and {sorted(channels)}"
            )
        self._dialect, self._url, self._symbols = dialect, url, tuple(symbols)
        self._channels = frozenset(channels)
        self._options, self._timing, self._listener = options, timing, listener
        self._redact = Redactor.of(secrets)
        build = partial(batches_of, source=dialect.name, keys=dialect.keys, skew_s=options.skew_s)
        self._skew_us = int(options.skew_s * 1e6)
        self._delay_us = int(options.delay_s * 1e6)
        self._buffer = StreamBuffer(options.size, build=build)
        self._gaps = GapKeeper(
            BarOrder(
                symbols if Channel.MINUTES in self._channels else (),
                build=build,
                since=None if since is None else micros(since),
                skew_us=self._skew_us,
            ),
            filler,
            options=options,
            timing=timing,
            close=self._gap_closed,
            broken=self._broken,
        )
        self._counts: Counter[str] = Counter()
        self._newest: dict[str, int] = {}
        self._early: Sequence[Frame] = ()
        self._heard_at = 0
        self._lost_at: int | None = None
        self._cause = GapCause.START
        self._greeted_s = 0.0
        self._is_ill = self._is_closed = self._is_refused = False
        self._up, self._over = threading.Event(), threading.Event()
        self._problem = "the stream was not opened"
        self._run: Future[None] | None = None
        self._stream = Stream(
            StreamSettings(
                url=url,
                mute_after_s=options.mute_after_s,
                backoff_base_s=options.backoff_base_s,
                backoff_cap_s=options.backoff_cap_s,
                max_frame_bytes=_MOST_FRAME_BYTES,
            ),
            hello=self._hello,
            on_frame=self._on_frame,
            on_state=self._on_state,
            on_mute=self._on_mute,
            rng=rng,
            redact=self._redact,
            timing=timing,
        )
        self._own_loop: LoopThread | None = None
        if loop is None:
            loop = self._own_loop = LoopThread(f"{dialect.name}-stream")
        self._loop = loop

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r}, {len(self._symbols)} symbols)"

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        return self._dialect.name

    @property
    def feed(self) -> str:
        """Return how it is named to the listener."""
        return f"{self._dialect.name} stream"

    @property
    def options(self) -> StreamOptions:
        """Return how patient it is, and how late what it tells."""
        return self._options

    @property
    def is_up(self) -> bool:
        """Return whether it is connected and subscribed."""
        return self._up.is_set()

    @property
    def is_over(self) -> bool:
        """Return whether it has ended, or was closed; nothing comes any more then."""
        return self._over.is_set()

    @property
    def problem(self) -> str:
        """Return what is wrong with the connection; empty if nothing is."""
        return self._problem

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how much there was so far, by kind.

        ``bars``, ``quotes``, ``trades``, ``frames``, ``again`` (bars that came as they were),
        ``overtaken`` (bars that came after their correction), ``gave_way`` (rows of a gap that
        REST and the stream both had), ``connections``; and ``waiting`` for the consumer and
        ``held`` behind a gap now.
        """
        held, gave_way = self._gaps.held, self._gaps.gave_way
        waiting = self._buffer.waiting
        return {**self._counts, "gave_way": gave_way, "waiting": waiting, "held": held}

    def open(self) -> Self:
        """Start to connect, and return at once; a second call does nothing."""
        if self._run is None:
            self._problem = "the stream is connecting"
            self._run = self._loop.start_task(self._live())
            self._run.add_done_callback(self._on_end)
        return self

    def wait_until_up(self, timeout_s: float) -> bool:
        """Wait until it is up and return True, or False after `timeout_s` seconds."""
        return self._up.wait(timeout_s)

    def take(self, wait_s: float = 0.0) -> Delivery:
        """Return what has come; with nothing there, wait for it so long at most."""
        return self._buffer.take(wait_s)

    def close(self) -> None:
        """Close the connection; a second call does nothing, and what waits can still be taken."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._run is not None and not self._run.done():
            self._loop.run(self._stream.close(), timeout_s=_CLOSE_S)
            wait([self._run], _CLOSE_S)
        if self._own_loop is not None:
            self._own_loop.close()
        self._over.set()
        self._buffer.end()

    async def _live(self) -> None:
        try:
            await self._stream.run()
        except Refused as refusal:
            self._tell(Fault(TroubleKind.REFUSED, str(refusal)))
            self._problem = f"the stream has ended: {self._redact(str(refusal))}"
        finally:
            await self._gaps.end()

    def _on_end(self, run: Future[None]) -> None:
        error = None if run.cancelled() else run.exception()
        self._up.clear()
        if error is not None:
            self._broken(error)
            text = self._redact(f"{type(error).__name__}: {error}")
            self._problem = f"the stream has ended: {text}"
        elif self._is_closed:
            self._problem = "the stream is closed"
        self._over.set()
        self._buffer.end()

    async def _hello(self, line: Line) -> None:
        began_at = self._timing.monotonic()
        try:
            self._early = await self._dialect.greet(line)
        except Refused:
            self._is_refused = True
            raise
        self._greeted_s = self._timing.monotonic() - began_at

    def _on_state(self, is_up: bool, reason: str) -> None:
        if not is_up:
            self._goes_down(reason)
            if not self._is_closed and not self._is_refused:
                self._tell(Fault(TroubleKind.LOST, reason))
            return
        self._counts["connections"] += 1
        self._listener.answered(self.feed, took_s=self._greeted_s)
        self._is_ill, self._problem = False, ""
        now = self._heard_at = self._now()
        self._gaps.came_up(now - self._delay_us, self._cause)
        self._buffer.put(self._lost_ticks(now))
        self._cause = GapCause.LOSS
        early, self._early = self._early, ()
        for frame in early:
            self._read(frame)
        self._up.set()

    def _goes_down(self, reason: str) -> None:
        if self._up.is_set():
            self._lost_at = self._heard_at  # what came later was told to nobody, or not at all
        self._up.clear()
        self._problem = f"the stream is down: {reason}"

    def _lost_ticks(self, now: int) -> list[StreamGap]:
        """Return what nobody tells again: quotes and trades while there was no connection."""
        if self._lost_at is None:
            return []
        start, end, self._lost_at = self._lost_at, now, None
        return [
            StreamGap(
                symbol=symbol,
                start=instant_of(start),
                end=instant_of(max(end, start + 1)),
                cause=self._cause,
                channel=channel,
                problem="quotes and trades that were missed are not told again",
            )
            for channel in _TICKS
            if channel in self._channels
            for symbol in self._symbols
        ]

    def _on_mute(self, silent_s: float) -> None:
        self._tell(
            Fault(TroubleKind.SILENT, f"connected, and nothing has come for {silent_s:.1f} s")
        )

    async def _on_frame(self, frame: Frame) -> None:
        is_slow = self._read(frame)
        if is_slow:
            await self._stream.reconnect("the vendor says that we read too slowly")
        if self._buffer.is_full:
            await self._wait_for_room()

    def _read(self, frame: Frame) -> bool:
        """Take a frame in; return whether the vendor says in it that it dropped some."""
        received = self._heard_at = self._now()
        self._counts["frames"] += 1
        try:
            items = self._dialect.read(frame, received)
        except Unreadable as error:
            text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
            self._tell(Fault(TroubleKind.MALFORMED, str(error), text))
            return False
        told: list[Waiting] = []
        is_slow = False
        for item in items:
            if isinstance(item, Fault):
                self._tell(item)
                is_slow |= item.kind is TroubleKind.SLOW
            elif type(item) is not BarRow or self._may_pass(item):
                told.append(item)
                self._note(item, received)
        self._buffer.put(told)
        if told and self._is_ill:
            self._is_ill = False
            self._listener.answered(self.feed, took_s=self._greeted_s)
        return is_slow

    def _may_pass(self, row: BarRow) -> bool:
        fate = self._gaps.take_in(row)
        if fate is Fate.UNASKED:
            self._tell(Fault(TroubleKind.UNASKED, f"a bar of {row.symbol:.40}", str(row.row)))
        elif fate is Fate.AGAIN:
            self._counts["again"] += 1
            text = f"a bar of {row.symbol} came again, as it was"
            self._tell(Fault(TroubleKind.DUPLICATE, text, str(row.row)))
        elif fate is Fate.OVERTAKEN:
            self._counts["overtaken"] += 1
            text = f"a bar of {row.symbol} came after its correction, which stays"
            self._tell(Fault(TroubleKind.DUPLICATE, text, str(row.row)))
        elif fate is Fate.HELD:
            self._note(row, row.received)
        return fate is Fate.FREE

    def _note(self, item: BarRow | Quote | Trade, received: int) -> None:
        """Count a message, and tell the listener how new it is: of ticks one a second."""
        if isinstance(item, BarRow):
            self._counts["bars"] += 1
            self._tell_newest(item.symbol, item.time, received)
            return
        self._counts["quotes" if type(item) is Quote else "trades"] += 1
        now_s = int(self._timing.monotonic())
        if self._newest.get(item.symbol) != now_s:
            self._newest[item.symbol] = now_s
            self._tell_newest(item.symbol, micros(item.at), received)

    def _tell_newest(self, symbol: str, time: int, received: int) -> None:
        if 0 < time <= received + self._skew_us:  # what is of the future would never grow stale
            self._listener.told(self.feed, symbol, instant_of(time))

    async def _wait_for_room(self) -> None:
        """Leave the socket unread until the consumer has taken; in the end give it up."""
        began_at, is_behind = self._timing.monotonic(), False
        while self._buffer.is_full or (is_behind and not self._buffer.is_half_empty):
            waited_s = self._timing.monotonic() - began_at
            if not is_behind and waited_s >= self._options.behind_after_s:
                is_behind = True
                text = (
                    f"{self._buffer.waiting} messages have waited for the consumer for "
                    f"{waited_s:.1f} s, size is {self._options.size}: the connection was given up; "
                    "take more often, or subscribe to less"
                )
                self._tell(Fault(TroubleKind.BEHIND, text))
                self._cause = GapCause.BEHIND
                self._goes_down("the consumer is behind")
                await self._stream.reconnect("the consumer is behind")
            await self._timing.sleep(_LOOK_AGAIN_S)

    def _gap_closed(self, batches: Sequence[Batch], gaps: Sequence[StreamGap]) -> None:
        told = [replace(gap, problem=self._redact(gap.problem)) for gap in gaps]
        for gap in told:
            if not gap.is_filled:
                self._listener.missed(self.feed, gap.symbol, gap.start, gap.end)
        self._buffer.put([*batches, *told])

    def _broken(self, error: BaseException) -> None:
        self._tell(Fault(TroubleKind.BROKEN, f"{type(error).__name__}: {error}"))

    def _tell(self, fault: Fault) -> None:
        text = self._redact(fault.text)
        if fault.kind in _OF_THE_FEED:
            self._is_ill = True
            self._listener.failed(self.feed, NetError(text))
        self._buffer.tell(
            Trouble(
                kind=fault.kind,
                text=text,
                at=instant_of(self._now()),
                raw=self._redact(fault.raw)[:_SHOWN],
            )
        )

    def _now(self) -> int:
        return int(self._timing.wall() * 1e6)
