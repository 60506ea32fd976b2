"""What is told of a stream: each thing once, gaps together, and no silence of the night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alphalens.data.bar_stream import GapCause, StreamGap, Trouble, TroubleKind
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.runtime.stream_alerts import StreamAlerts
from alphalens.trading import VirtualClock
from alphalens.trading.events import Severity

OPEN = datetime(2024, 1, 2, 15, tzinfo=UTC)
NIGHT = datetime(2024, 1, 3, 3, tzinfo=UTC)
FEED = "alpaca stream"


class Told:
    def __init__(self, start: datetime = OPEN) -> None:
        self.clock = VirtualClock(start)
        monitor = DataFeedMonitor(clock=self.clock, calendars={FEED: "XNYS"})
        self.events = []
        self.alerts = StreamAlerts(
            FEED, monitor=monitor, clock=self.clock, on_alert=self.events.append
        )
        self.monitor = monitor

    def after(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + timedelta(seconds=seconds))

    def trouble(self, kind: TroubleKind) -> bool:
        return self.alerts.trouble(Trouble(kind=kind, text="as it said", at=self.clock.now()))

    def gap(self, symbol: str) -> None:
        end = OPEN + timedelta(minutes=2)
        gap = StreamGap(
            symbol=symbol, start=OPEN, end=end, cause=GapCause.LOSS, problem="REST refused"
        )
        self.alerts.gaps([gap])

    @property
    def codes(self) -> list[str]:
        return [event.code for event in self.events]


@pytest.mark.parametrize(
    ("kind", "code", "severity"),
    [
        (TroubleKind.SILENT, "stream_silent", Severity.WARNING),
        (TroubleKind.SLOW, "stream_slow", Severity.WARNING),
        (TroubleKind.BEHIND, "stream_slow", Severity.WARNING),
        (TroubleKind.REFUSED, "stream_refused", Severity.CRITICAL),
        (TroubleKind.BROKEN, "stream_broken", Severity.CRITICAL),
    ],
)
def test_trouble_is_told_once_until_it_was_away_for_five_minutes(kind, code, severity):
    told = Told()
    for wait_s in (0, 10, 299, 299, 300):
        told.after(wait_s)
        assert told.trouble(kind)
    assert told.codes == [code] * 2
    assert told.events[0].severity is severity
    assert "alpaca stream: as it said" in told.events[0].message


def test_silence_of_a_closed_market_and_single_messages_are_no_alerts():
    told = Told(NIGHT)
    assert told.trouble(TroubleKind.SILENT)
    assert not told.trouble(TroubleKind.DUPLICATE)
    assert not told.trouble(TroubleKind.LOST)  # short ones are no news, an outage is
    assert told.codes == []


def test_gaps_of_a_minute_are_one_alert_and_those_left_are_told_at_the_end():
    told = Told()
    told.gap("MSFT")
    told.alerts.look()
    for number in range(12):
        told.gap(f"S{number:02}")
    told.after(59)
    told.alerts.look()
    assert told.codes == ["stream_gap"]
    told.after(1)
    told.alerts.look()
    assert told.codes == ["stream_gap"] * 2
    message = told.events[1].message
    assert "12 symbols" in message
    assert "S09, ...;" in message
    assert "REST refused" in message
    told.gap("LATE")
    told.alerts.look(is_last=True)
    assert "LATE" in told.events[2].message


def test_outage_is_told_after_five_minutes_of_open_market():
    told = Told()
    told.monitor.failed(FEED, TimeoutError("no route"))
    told.after(300)
    told.alerts.look()
    assert told.codes == []
    told.after(1)
    told.alerts.look()
    told.alerts.look()
    assert told.codes == ["data_outage"]
    told.monitor.answered(FEED, took_s=0.1)
    told.alerts.look()
    assert told.codes == ["data_outage", "data_outage_over"]


def test_database_that_takes_no_bars_is_told_once_and_its_return_too():
    told = Told()
    for problem in ("", "the disk is full", "the disk is full", "", ""):
        told.alerts.storage(problem)
    assert told.codes == ["bars_not_kept", "bars_not_kept_over"]
    assert "the disk is full" in told.events[0].message
