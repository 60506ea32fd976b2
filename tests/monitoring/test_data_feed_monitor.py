"""Outages, uptime and staleness are told in time of open market, by a clock set by hand."""

from datetime import UTC, datetime, timedelta
from math import isnan

import pytest

from alphalens.data.listening import FeedListener, NobodyListens
from alphalens.errors import ConfigError, InputError
from alphalens.monitoring import data_feed_monitor
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.trading import VirtualClock
from alphalens.trading.events import Severity

OPEN = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)  # Tuesday, New York
CLOSE = datetime(2024, 1, 2, 21, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Watch:
    def __init__(self, start=OPEN, calendar="XNYS", **limits) -> None:
        self.clock = VirtualClock(start)
        calendars = {"alpaca": calendar} if calendar else {}
        self.monitor = DataFeedMonitor(clock=self.clock, calendars=calendars, **limits)

    def at(self, instant):
        self.clock.advance_to(instant)
        return self.monitor

    def after(self, length):
        return self.at(self.clock.now() + length)

    @property
    def feed(self):
        (feed,) = self.monitor.report().vendors
        return feed

    @property
    def codes(self):
        return [alert.code for alert in self.monitor.check()]


def test_outage_lasts_from_the_first_failure_to_the_next_answer():
    watch = Watch()
    watch.monitor.answered("alpaca", took_s=0.1)
    watch.after(10 * MINUTE).failed("alpaca", TimeoutError("no answer"))
    watch.after(2 * MINUTE).failed("alpaca", ValueError("HTML"))
    assert watch.feed.is_up is False
    watch.after(2 * MINUTE).answered("alpaca", took_s=0.1)
    watch.after(6 * MINUTE)
    (outage,) = watch.feed.outages
    assert (outage.began, outage.lasted) == (OPEN + 10 * MINUTE, 4 * MINUTE)
    assert outage.ended == OPEN + 14 * MINUTE
    assert outage.problem == "TimeoutError: no answer"
    assert (watch.feed.is_up, watch.feed.uptime, watch.feed.breaches) == (True, 0.8, 0)
    assert (watch.feed.answers, watch.feed.errors, watch.feed.error_rate) == (2, 2, 0.5)
    assert watch.codes == []


@pytest.mark.parametrize(("seconds", "breaches"), [(300, 0), (301, 1)])
def test_five_minutes_are_agreed_and_a_second_more_is_a_breach(seconds, breaches):
    watch = Watch()
    watch.monitor.failed("alpaca", TimeoutError("x"))
    watch.after(timedelta(seconds=seconds))
    assert watch.feed.breaches == breaches
    assert watch.codes == ["data_outage"] * breaches
    assert watch.codes == []  # told once
    watch.monitor.answered("alpaca", took_s=0.1)
    assert watch.feed.breaches == breaches
    assert watch.codes == ["data_outage_over"] * breaches


def test_alert_names_vendor_value_limit_cause_and_what_to_do():
    watch = Watch()
    watch.monitor.failed("alpaca", TimeoutError("no answer"))
    watch.after(7 * MINUTE)
    (alert,) = watch.monitor.check()
    assert alert.severity is Severity.CRITICAL
    assert alert.values == {"vendor": "alpaca"}
    for part in ("alpaca", "7.0 minutes", "5.0 minutes", "no answer", "another vendor"):
        assert part in alert.message


def test_closed_market_is_no_outage():
    watch = Watch(CLOSE - 3 * MINUTE)
    watch.monitor.failed("alpaca", TimeoutError("x"))
    watch.at(OPEN + timedelta(days=1) + MINUTE)  # the next morning
    assert watch.feed.outages[0].lasted == 4 * MINUTE
    assert watch.codes == []
    watch.after(2 * MINUTE)
    assert watch.codes == ["data_outage"]


def test_market_that_never_closes_is_out_at_night_too():
    watch = Watch(CLOSE, calendar=None)
    watch.monitor.failed("alpaca", TimeoutError("x"))
    watch.after(6 * MINUTE)
    assert watch.codes == ["data_outage"]


def test_weekend_and_holiday_count_for_nothing():
    friday = datetime(2024, 1, 12, 20, 58, tzinfo=UTC)
    watch = Watch(friday)
    watch.monitor.told("alpaca", "A", friday)
    watch.at(datetime(2024, 1, 16, 14, 33, tzinfo=UTC))  # Monday was a holiday
    assert watch.codes == []
    watch.after(MINUTE)
    assert watch.codes == ["data_stale"]
    assert watch.feed.stale == {"A": 6 * MINUTE}


def test_stale_symbols_are_told_once_and_again_after_they_were_fresh():
    watch = Watch()
    watch.monitor.told("alpaca", "A", OPEN)
    watch.monitor.told("alpaca", "B", OPEN)
    watch.after(4 * MINUTE).told("alpaca", "B", OPEN + 4 * MINUTE)
    watch.monitor.told("alpaca", "B", OPEN)  # late news of an older bar
    watch.after(2 * MINUTE)
    (alert,) = watch.monitor.check()
    assert alert.code == "data_stale"
    assert "1 symbols" in alert.message
    assert watch.codes == []
    watch.monitor.told("alpaca", "A", OPEN + 6 * MINUTE)
    assert watch.codes == []
    watch.after(6 * MINUTE)
    assert watch.codes == ["data_stale"]
    assert watch.feed.stale.keys() == {"A", "B"}


def test_vendors_are_told_apart_and_fallbacks_gaps_and_latencies_counted():
    watch = Watch()
    for number in range(1, 101):
        watch.monitor.answered("polygon", took_s=number / 100)
    watch.monitor.fell_back("alpaca", "polygon")
    watch.monitor.missed("alpaca", "A", OPEN, OPEN + MINUTE)
    alpaca, polygon = watch.monitor.report().vendors
    assert (alpaca.fallbacks, polygon.fallbacks, alpaca.is_up) == (1, 0, None)
    assert [(gap.symbol, gap.first, gap.last) for gap in alpaca.gaps] == [
        ("A", OPEN, OPEN + MINUTE)
    ]
    assert polygon.latency_p50_s == pytest.approx(0.505)
    assert polygon.latency_p99_s == pytest.approx(0.9901)
    assert isnan(alpaca.latency_p50_s)
    assert isnan(alpaca.error_rate)
    assert isnan(alpaca.uptime)  # no time has passed


@pytest.mark.parametrize("limit", ["longest_outage", "stale_after"])
def test_impossible_limits_and_unknown_calendars_are_refused(limit):
    with pytest.raises(ConfigError, match="must be above 0"):
        Watch(**{limit: timedelta(0)})
    with pytest.raises(InputError, match="calendar must be one of"):
        Watch(calendar="MARS")
    with pytest.raises(InputError, match="no time zone"):
        Watch().monitor.told("alpaca", "A", OPEN.replace(tzinfo=None))


def _tell_everything(listener: FeedListener) -> None:
    listener.answered("v", took_s=1.0)
    listener.failed("v", ValueError("x"))
    listener.fell_back("v", "w")
    listener.told("v", "A", OPEN)
    listener.missed("v", "A", OPEN, OPEN)


def test_listener_keeps_all_that_is_told_and_who_does_not_listen_keeps_nothing():
    watch = Watch()
    _tell_everything(watch.monitor)
    watch.after(6 * MINUTE)
    feed = watch.feed
    assert (feed.answers, feed.errors, feed.fallbacks, len(feed.gaps)) == (1, 1, 1, 1)
    assert set(feed.stale) == {"A"}
    nobody = NobodyListens()
    _tell_everything(nobody)
    assert vars(nobody) == {}


def test_breach_is_one_while_it_lasts_and_no_longer():
    watch = Watch()
    watch.monitor.failed("alpaca", TimeoutError("x"))
    assert watch.feed.is_breached is False
    watch.after(timedelta(seconds=301))
    assert watch.feed.is_breached is True
    watch.monitor.answered("alpaca", took_s=0.1)
    assert (watch.feed.is_breached, watch.feed.breaches) == (False, 1)
    report = watch.monitor.report()
    assert (report.longest_outage, report.stale_after) == (5 * MINUTE, 5 * MINUTE)


def test_outage_that_follows_one_that_was_told_is_told_too():
    watch = Watch()
    watch.monitor.failed("alpaca", TimeoutError("x"))
    watch.after(6 * MINUTE)
    assert watch.codes == ["data_outage"]
    watch.monitor.answered("alpaca", took_s=0.1)
    watch.monitor.failed("alpaca", TimeoutError("y"))  # nobody has looked in between
    watch.after(6 * MINUTE)
    assert watch.codes == ["data_outage_over", "data_outage"]
    assert watch.codes == []


def test_gaps_are_counted_beyond_those_that_are_remembered():
    watch = Watch()
    for _ in range(1001):
        watch.monitor.missed("alpaca", "A", OPEN, OPEN + MINUTE)
    assert (watch.feed.gap_count, len(watch.feed.gaps)) == (1001, 1000)


def test_coin_grows_stale_at_night_and_a_share_does_not():
    watch = Watch(CLOSE)
    for symbol in ("A", "BTC/USD"):
        watch.monitor.told("alpaca", symbol, CLOSE)
    watch.after(6 * MINUTE)
    assert watch.feed.stale == {"BTC/USD": 6 * MINUTE}
    assert watch.monitor.is_fresh("alpaca", "A", CLOSE)
    assert not watch.monitor.is_fresh("alpaca", "BTC/USD", CLOSE)


def test_calendar_can_be_told_later_and_a_vendor_forgotten():
    watch = Watch(CLOSE)
    watch.monitor.follow("alpaca", "24/7")
    watch.monitor.failed("alpaca", TimeoutError("x"))
    watch.after(6 * MINUTE)
    assert watch.feed.is_breached
    watch.monitor.forget("alpaca")
    assert watch.monitor.report().vendors == ()
    with pytest.raises(InputError, match="calendar must be one of"):
        watch.monitor.follow("alpaca", "MARS")


def test_data_that_are_fresh_by_the_clock_are_looked_up_in_no_calendar(monkeypatch):
    """Whoever tells of thousands of symbols waits while each of them is looked at."""
    watch, looked_up = Watch(), []
    keep = data_feed_monitor.sessions
    monkeypatch.setattr(
        data_feed_monitor, "sessions", lambda *days: looked_up.append(days) or keep(*days)
    )
    for symbol in ("AAPL", "MSFT"):
        watch.monitor.told("alpaca", symbol, OPEN - 5 * MINUTE)
    assert watch.codes == []
    assert looked_up == []
    watch.after(MINUTE)
    assert watch.codes == []  # six minutes by the clock, one of open market
    assert len(looked_up) == 2
    watch.after(5 * MINUTE)
    assert watch.codes == ["data_stale"]
