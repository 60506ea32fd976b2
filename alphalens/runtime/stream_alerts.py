"""What a person should know of a running stream: each thing once, until it was over for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from alphalens.data.bar_stream import StreamGap, Trouble, TroubleKind
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.trading.clock import Clock
from alphalens.trading.events import AlertEvent, Severity

__all__ = ["StreamAlerts"]

_QUIET_S = 300.0  # a trouble that was away for so long is told again
_GAPS_S = 60.0  # from one alert of gaps to the next: a loss leaves one for each symbol
_MOST_NAMED = 10
_MOMENT = timedelta(seconds=1)
_TOLD: Mapping[TroubleKind, tuple[str, Severity, str]] = MappingProxyType(
    {
        TroubleKind.SILENT: (
            "stream_silent",
            Severity.WARNING,
            "look at the vendor's status, and whether these symbols trade now",
        ),
        TroubleKind.SLOW: (
            "stream_slow",
            Severity.WARNING,
            "what it left out is asked for over REST; subscribe to less, or give us more of the "
            "machine",
        ),
        TroubleKind.BEHIND: (
            "stream_slow",
            Severity.WARNING,
            "what it told meanwhile is asked for over REST; look at the database and at the "
            "load of this machine",
        ),
        TroubleKind.REFUSED: (
            "stream_refused",
            Severity.CRITICAL,
            "the stream has ended",
        ),
        TroubleKind.BROKEN: (
            "stream_broken",
            Severity.CRITICAL,
            "this is a defect of the program: keep the log, and start the stream again",
        ),
    }
)


class StreamAlerts:
    """Turns troubles, open gaps and a failing database into alerts.

    Parameters
    ----------
    feed : str
        How the monitor calls the stream.
    monitor : DataFeedMonitor
        Knows when the market is open, and tells of outages and stale data.
    clock : Clock
        The present.
    on_alert : callable
        Is told.
    """

    def __init__(
        self,
        feed: str,
        *,
        monitor: DataFeedMonitor,
        clock: Clock,
        on_alert: Callable[[AlertEvent], object],
    ) -> None:
        self._feed, self._monitor, self._clock = feed, monitor, clock
        self._on_alert = on_alert
        self._last: dict[str, float] = {}
        self._gaps: list[StreamGap] = []
        self._gaps_from = float("-inf")
        self._is_storage_told = False

    def trouble(self, trouble: Trouble) -> bool:
        """Tell of a trouble that a person should know of; return whether it is one of those."""
        if trouble.kind not in _TOLD:
            return False
        code, severity, remedy = _TOLD[trouble.kind]
        if trouble.kind is TroubleKind.SILENT and not self._is_open():
            return True  # at night nothing comes, and that is no news
        now = self._clock.monotonic()
        is_new = now - self._last.get(code, float("-inf")) >= _QUIET_S
        self._last[code] = now
        if is_new:
            self._tell(code, severity, f"{self._feed}: {trouble.text}; {remedy}")
        return True

    def gaps(self, gaps: Sequence[StreamGap]) -> None:
        """Keep gaps that stay open until `look` tells of them together."""
        self._gaps += gaps

    def storage(self, problem: str) -> None:
        """Tell once that the database takes no bars, and once that it does again."""
        if problem and not self._is_storage_told:
            kept_back = f"{self._feed}: bars are kept back until the database takes them: {problem}"
            self._tell("bars_not_kept", Severity.CRITICAL, kept_back)
        elif self._is_storage_told and not problem:
            again = f"{self._feed}: the database takes bars again"
            self._tell("bars_not_kept_over", Severity.INFO, again)
        self._is_storage_told = bool(problem)

    def ended(self, problem: str) -> None:
        """Tell that nothing is taken any more, for a reason that no one waits out."""
        text = f"{self._feed} has ended: {problem}; mend that, and start the stream again"
        self._tell("stream_broken", Severity.CRITICAL, text)

    def look(self, *, is_last: bool = False) -> None:
        """Tell of outages, stale data, and the gaps that were found since the last alert."""
        for alert in self._monitor.check():
            self._on_alert(alert)
        now = self._clock.monotonic()
        if self._gaps and (is_last or now >= self._gaps_from):
            self._gaps_from = now + _GAPS_S
            self._tell("stream_gap", Severity.WARNING, self._told_of_gaps())
            self._gaps.clear()

    def _told_of_gaps(self) -> str:
        symbols = sorted({gap.symbol for gap in self._gaps})
        first = min(gap.start for gap in self._gaps)
        last = max(gap.end for gap in self._gaps)
        more = ", ..." if len(symbols) > _MOST_NAMED else ""
        return (
            f"{self._feed} lacks bars of {len(symbols)} symbols between {first.isoformat()} and "
            f"{last.isoformat()}, and REST did not give them ({self._gaps[0].problem}): "
            f"{', '.join(symbols[:_MOST_NAMED])}{more}; `alphalens data fetch` asks for them, and "
            f"`alphalens data refetch` an hour from now"
        )

    def _is_open(self) -> bool:
        now = self._clock.now()
        return self._monitor.open_time(self._feed, now - _MOMENT, now) > timedelta(0)

    def _tell(self, code: str, severity: Severity, message: str) -> None:
        at, values = self._clock.now(), {"vendor": self._feed}
        self._on_alert(
            AlertEvent(code=code, severity=severity, message=message, at=at, values=values)
        )
