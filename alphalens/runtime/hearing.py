"""The quotes of a desk in each turn: taken in, marked when it is time, their silence told."""

from __future__ import annotations

from alphalens.execution import TradingSession
from alphalens.runtime.desk_watch import DeskWatch
from alphalens.runtime.live_prices import LivePrices
from alphalens.runtime.loop_pace import LoopPace
from alphalens.runtime.trouble import Trouble
from alphalens.trading.events import Severity

__all__ = ["Hearing"]


class Hearing:
    """Hears a feed in each turn of the loop.

    Parameters
    ----------
    session : TradingSession
        Its book is marked.
    prices : LivePrices
        Where quotes come from.
    trouble : Trouble
        Tells that they are away, and that they are back.
    pace : LoopPace
        How often the book is marked, and what silence is told.
    watch : DeskWatch
        Is told how the feed does.
    """

    def __init__(
        self,
        session: TradingSession,
        prices: LivePrices,
        *,
        trouble: Trouble,
        pace: LoopPace,
        watch: DeskWatch,
    ) -> None:
        self._prices, self._trouble, self._pace, self._watch = prices, trouble, pace, watch
        self._now = session.clock.monotonic
        self._up_s = self._quoted_s = self._now()
        self._is_mute = False  # and that was told
        self._mark_from = float("-inf")

    @property
    def has_marked(self) -> bool:
        """Whether the book was marked at a quote of this feed; its prices are older until then."""
        return self._prices.has_marked

    def mark(self) -> None:
        """Mark the book at what was heard since the last mark."""
        if self._prices.mark():
            self._mark_from = self._now() + self._pace.mark_s

    def hear(self) -> None:
        """Take quotes in, mark the book when it is time, and tell when the quotes are away."""
        feed = self._prices.feed
        quotes, now = self._prices.hear(), self._now()
        if quotes:
            self._quoted_s, self._is_mute = now, False
        if now >= self._mark_from:
            self.mark()
        problem = ""
        if feed.is_up:
            self._up_s = now
            problem = self._listen(now)
        else:
            self._quoted_s = now  # the silence of a stream counts from its connection on
            problem = feed.problem or "the stream is down"
            if now - self._up_s >= self._pace.lost_s:
                self._tell(problem)
        self._watch.heard(quotes, problem, feed.gaps)

    def _listen(self, now: float) -> str:
        """Tell when a stream that is up says nothing, and when it does again; return what is."""
        if self._quoted_s != now and not self._prices.is_market_open():
            self._quoted_s = now
        silent_s = now - self._quoted_s
        problem = f"the stream is connected and mute for {silent_s:.0f} s"
        if silent_s >= self._pace.mute_s and not self._is_mute:
            self._is_mute = True
            self._tell(problem)
        if not self._is_mute:
            self._trouble.passed()
        return problem if self._is_mute else ""

    def _tell(self, problem: str) -> None:
        if not self._trouble.failures:
            what = "what they said last grows old, and orders are refused as stale"
            self._trouble.failed(f"{problem}; {what}", Severity.WARNING)
