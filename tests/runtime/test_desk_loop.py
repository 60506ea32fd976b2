"""The loop by turns: a strategy when it is due, a silent venue, a halt, and an end in order."""

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from alphalens.errors import (
    BrokerError,
    ConfigError,
    CredentialsRefused,
    DataError,
    InputError,
    StorageError,
    TradingHalted,
)
from alphalens.risk import TradingState
from alphalens.runtime import LoopPace
from alphalens.trading import Bar, OrderStatus, VirtualClock
from alphalens.trading.activities import ChangeKind, PositionChange
from alphalens.trading.events import EventKind, Severity
from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderType, TimeInForce
from tests.runtime.bench import HOUR, T0, Bench, D, JumpingClock, Venue


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_step_comes_at_once_and_then_when_it_is_due(bench):
    times = []
    with bench.open() as session:
        report = bench.run(
            25,
            step=lambda s: times.append(int(s.clock.monotonic())),
            every=timedelta(seconds=10),
        )
    assert times == [0, 10, 20]
    assert (report.steps, report.reason) == (3, "asked")
    assert session.journal is not None


def test_missed_times_of_a_slow_step_are_not_made_up(bench):
    times = []

    def slow(session) -> None:
        times.append(int(session.clock.monotonic()))
        bench.clock.advance_to(bench.clock.now() + timedelta(seconds=25))

    with bench.open():
        bench.run(12, step=slow, every=timedelta(seconds=10))
    assert times == [0, 30, 60]


def test_quotes_mark_the_book_reach_the_gate_and_execute_on_paper(bench):
    def act(session) -> None:
        assert session.prices["AAPL"] == 100
        session.submit([bench.buy()])

    bench.at(2, bench.quote)
    with bench.open() as session:
        bench.quote()
        bench.run(4, step=act, every=HOUR, feed=bench.feed)
        assert session.ledger.quantity("AAPL") == 2
        assert session.order(bench.buy().client_order_id).status is OrderStatus.FILLED
        assert session.book_view().quotes["AAPL"].ask == D("100.01")


def test_book_is_marked_as_often_as_the_pace_says_and_as_old_as_its_quotes(bench):
    for turn in range(20):
        bench.at(turn, bench.quote)
    with bench.open() as session:
        bench.quote()
        bench.run(19, feed=bench.feed, pace=LoopPace(turn_s=1.0, mark_s=5.0))
        marks = session.journal.records(kind=EventKind.MARK)
    seconds = [(mark.payload["at"] or "")[17:19] for mark in marks]
    assert seconds == ["00", "05", "10", "15"]


@pytest.mark.parametrize(("bid", "ask"), [("100", "99"), ("0", "100"), ("50", "150")])
def test_quote_that_nobody_trades_at_values_nothing(bench, bid, ask):
    with bench.open() as session:
        bench.quote(bid, ask)
        bench.run(3, feed=bench.feed)
        assert session.prices == {}
        assert session.book_view().quotes["AAPL"].bid == D(bid)  # the gate judges by it


def test_late_quote_neither_marks_nor_breaks_the_paper_venue(bench):
    with bench.open() as session:
        bench.at(3, lambda: bench.quote("109", "111"))
        late = Quote(symbol="AAPL", at=T0, bid=D(1), ask=D(1))
        bench.at(5, lambda: bench.feed.readings.append(late))
        bench.run(7, feed=bench.feed, pace=LoopPace(turn_s=1.0, mark_s=1.0))
        assert session.prices["AAPL"] == 110


def test_silent_venue_is_told_once_and_nothing_is_sent_until_it_answers(bench):
    times = []
    bench.at(5, lambda: setattr(bench.venue, "trouble", BrokerError("no route")))
    bench.at(100, lambda: setattr(bench.venue, "trouble", None))
    with bench.open():
        bench.run(
            140,
            step=lambda s: times.append(int(s.clock.monotonic())),
            every=timedelta(seconds=10),
        )
        told = bench.told("venue_silent", "venue_silent_over")
    assert told == ["venue_silent", "venue_silent_over"]
    silent = [t for t in times if 31 <= t <= 99]
    assert silent == []
    assert max(times) >= 130


def test_silent_venue_is_asked_less_and_less(bench):
    with bench.open():
        bench.venue.trouble = BrokerError("no route")
        before = bench.venue.asked
        bench.run(150)
        assert 5 <= bench.venue.asked - before <= 9  # 30 s, then 1, 2, 4, 8, 16, 30 s apart


def test_refused_keys_halt_and_are_told_by_the_session_alone(bench):
    bench.venue.trouble = None
    with bench.open() as session:
        bench.venue.trouble = CredentialsRefused("401")
        bench.run(60)
        assert session.state is TradingState.HALTED
        assert bench.told("credentials_refused", "venue_silent") == ["credentials_refused"]


@pytest.mark.parametrize(("error", "severity"), [(BrokerError, "critical"), (DataError, "warning")])
def test_step_that_cannot_go_on_now_is_called_again_for_the_same_time(bench, error, severity):
    times = []

    def fail_twice(session) -> None:
        times.append(int(session.clock.monotonic()))
        if len(times) < 3:
            raise error("not now")

    with bench.open() as session:
        report = bench.run(20, step=fail_twice, every=HOUR)
        assert bench.told("step_failed", "step_failed_over") == ["step_failed", "step_failed_over"]
        (first, _) = [a for a in session.journal.alerts() if a.code.startswith("step_failed")]
    assert (times, report.steps) == ([0, 1, 3], 1)
    assert first.severity is Severity(severity)


def test_halt_file_keeps_it_watching_and_the_strategy_waits_for_a_person(bench):
    times = []
    halt = bench.folder / "desk.sqlite.halt"
    bench.at(3, halt.touch)

    def lift() -> None:
        halt.unlink()
        bench.session.resume(by="ann", reason="looked")

    bench.at(20, lift)
    with bench.open() as session:
        before = bench.venue.asked
        report = bench.run(
            60,
            step=lambda s: times.append(int(s.clock.monotonic())),
            every=timedelta(seconds=10),
        )
        assert session.state is TradingState.ACTIVE
        assert bench.venue.asked > before
    assert times[:2] == [0, 20]
    assert report.turns == 60


def test_clock_that_jumps_back_does_not_end_the_desk(bench):
    clock = bench.clock = JumpingClock(T0)
    bench.venue = Venue(account_id="paper", cash=D(10_000), clock=clock)
    bench.at(2, lambda: setattr(clock, "back", HOUR))
    bench.at(3, bench.quote)
    bench.at(4, lambda: bench.quote("109.99", "110.01"))
    with bench.open() as session:
        bench.quote()
        bench.run(6, feed=bench.feed, pace=LoopPace(turn_s=1.0, mark_s=1.0))
        assert session.prices["AAPL"] == 110
        assert session.last_mark.at < T0 - HOUR / 2


def test_halted_desk_marks_its_book_no_more_often_than_any(bench):
    for turn in range(20):
        bench.at(turn, bench.quote)
    with bench.open() as session:
        session.halt(by="ann", reason="lunch")
        bench.quote()
        bench.run(19, step=lambda s: None, feed=bench.feed)
        assert len(session.journal.records(kind=EventKind.MARK)) == 1


def test_prices_of_now_are_judged_before_the_strategy_acts(bench):
    times = []

    def act(session) -> None:
        times.append(int(session.clock.monotonic()))
        session.submit([bench.buy(quantity=D(10))])

    bench.at(1, bench.quote)
    bench.at(9, lambda: bench.quote("59.99", "60.01"))  # a loss of 4 % of the account
    with bench.open(ALPHALENS_LIMIT_APPROVAL_ABOVE="none") as session:
        bench.quote()
        bench.run(20, step=act, every=timedelta(seconds=10), feed=bench.feed)
        assert session.ledger.quantity("AAPL") == 10
        assert session.state is TradingState.HALTED
    assert times == [0]


def test_lost_quotes_are_told_once(bench):
    bench.feed.problem = "the stream is down"
    bench.at(3, lambda: setattr(bench.feed, "is_up", False))
    bench.at(40, lambda: setattr(bench.feed, "is_up", True))
    with bench.open():
        bench.run(50, feed=bench.feed)
        told = bench.told("quotes_lost", "quotes_lost_over")
    assert told == ["quotes_lost", "quotes_lost_over"]


def test_strategy_waits_for_the_first_mark_of_this_run(bench):
    with bench.open() as session:
        bench.quote()
        bench.run(1, feed=bench.feed)
        assert session.prices == {"AAPL": 100}
    bench.clock.advance_to(T0 + HOUR)
    bench.turns, acted = 0, []
    bench.at(4, bench.quote)

    def act(session) -> None:
        acted.append(bench.turns)
        (order,) = session.submit([bench.buy()])
        assert order.reasons == ()

    with bench.open():
        report = bench.run(8, step=act, every=HOUR, feed=bench.feed)
    assert (acted, report.steps) == ([4], 1)


def test_wide_quote_is_no_mark_that_a_strategy_could_act_on(bench):
    acted = []
    with bench.open():
        bench.quote("50", "150")
        bench.run(5, step=lambda s: acted.append(bench.turns), feed=bench.feed)
    assert acted == []


def test_quotes_that_are_connected_and_mute_are_told_once_until_one_comes(bench):
    over = []
    bench.at(10, bench.quote)
    bench.at(69, lambda: over.append(bench.told("quotes_lost")))
    bench.at(100, bench.lose_feed)  # worse, and told already
    bench.at(120, lambda: setattr(bench.feed, "is_up", True))
    bench.at(150, lambda: over.append(bench.told("quotes_lost", "quotes_lost_over")))
    bench.at(151, bench.quote)
    with bench.open() as session:
        bench.run(160, feed=bench.feed)
        first, second = [a for a in session.journal.alerts() if a.code.startswith("quotes_lost")]
    assert over == [[], ["quotes_lost"]]
    assert (first.code, second.code) == ("quotes_lost", "quotes_lost_over")
    assert "connected and mute for 60 s" in first.message
    assert (first.at, second.at) == (T0 + timedelta(seconds=70), T0 + timedelta(seconds=151))


def test_feed_that_is_mute_since_the_start_is_told(bench):
    with bench.open():
        bench.run(61, feed=bench.feed)
        assert bench.told("quotes_lost") == ["quotes_lost"]


def test_status_alone_is_no_quote(bench):
    for turn in range(0, 70, 10):
        bench.at(turn, lambda: bench.status(is_halted=False))
    with bench.open():
        bench.run(61, feed=bench.feed)
        assert bench.told("quotes_lost") == ["quotes_lost"]


@pytest.mark.parametrize(
    ("calendar", "opens_in", "told"),
    [("XNYS", HOUR, []), ("XNYS", timedelta(seconds=30), [90]), ("", HOUR, [60])],
)
def test_silence_counts_while_the_market_is_open_or_tells_no_hours(
    tmp_path, calendar, opens_in, told
):
    bench = Bench(tmp_path)
    start = datetime(2024, 1, 2, 14, 30, tzinfo=UTC) - opens_in
    bench.clock = VirtualClock(start)
    hours = {"calendar": calendar} if calendar else {}
    bench.venue = Venue(account_id="paper", cash=D(10_000), clock=bench.clock, **hours)
    with bench.open() as session:
        bench.run(100, feed=bench.feed)
        alerts = [one for one in session.journal.alerts() if one.code == "quotes_lost"]
    assert [(one.at - start).total_seconds() for one in alerts] == told


def test_held_asset_that_never_had_a_price_hides_no_silence(bench):
    given = PositionChange(
        activity_id="a1",
        symbol="MSFT",
        kind=ChangeKind.ASSIGNMENT,
        quantity=D(2),
        price=D(50),
        at=T0,
    )
    bench.venue.on_bars([Bar(symbol="MSFT", at=T0, close=D(50))])
    with bench.open() as session:
        bench.venue.on_activity(given)
        bench.clock.advance_to(T0 + HOUR)
        bench.run(70, feed=bench.feed)
        with pytest.raises(InputError):
            session.book_view()
        assert bench.told("quotes_lost") == ["quotes_lost"]


def test_halts_told_before_a_loss_are_forgotten_when_it_is_over(bench):
    seen = []
    bench.at(1, lambda: bench.status(is_halted=True))
    bench.at(2, lambda: bench.status(is_halted=True, symbol="MSFT"))
    bench.at(4, bench.lose_feed)
    bench.at(6, lambda: seen.append(bench.session.book_view().halted))

    def come_back() -> None:
        bench.feed.is_up = True
        bench.status(is_halted=True, symbol="MSFT")

    bench.at(7, come_back)
    bench.at(9, lambda: seen.append(bench.session.book_view().halted))
    with bench.open() as session:
        bench.run(12, feed=bench.feed)
        (alert,) = [one for one in session.journal.alerts() if one.code == "halts_forgotten"]
    assert seen == [{"AAPL", "MSFT"}, {"MSFT"}]
    assert alert.severity is Severity.WARNING
    assert "AAPL, MSFT" in alert.message


def test_quote_of_what_the_desk_does_not_trade_marks_nothing(bench):
    for turn in (2, 4):
        bench.at(turn, lambda: bench.quote(symbol="SPY"))
    bench.at(4, bench.quote)
    with bench.open() as session:
        bench.run(6, feed=bench.feed)
        assert session.prices == {"AAPL": 100}


def test_loss_without_halts_is_not_told_as_one(bench):
    bench.at(2, bench.lose_feed)
    bench.at(3, lambda: setattr(bench.feed, "is_up", True))
    with bench.open() as session:
        bench.run(5, feed=bench.feed)
        assert session.journal.alerts() == ()


def test_quote_of_the_future_stops_neither_paper_venue_nor_gate(bench, caplog):
    resting = bench.buy(
        order_type=OrderType.LIMIT, limit_price=D(98), time_in_force=TimeInForce.GTC
    )
    for turn in (2, 3):
        bench.at(turn, lambda: bench.quote("109.99", "110.01", ahead=timedelta(days=9)))
    bench.at(5, lambda: bench.quote("97.99", "98", ahead=timedelta(seconds=2)))
    with bench.open() as session:
        bench.quote()
        bench.run(4, step=lambda s: s.submit([resting]), every=HOUR, feed=bench.feed)
        assert session.book_view().quotes["AAPL"].ask == D("100.01")
    with bench.open() as session:
        bench.run(7, feed=bench.feed)
        assert session.order(resting.client_order_id).status is OrderStatus.FILLED
    said = [one.getMessage() for one in caplog.records if "dropped" in one.getMessage()]
    assert len(said) == 1
    assert "AAPL" in said[0]
    assert "2024-01-11" in said[0]


def test_end_tells_what_is_open_and_closes_the_run(bench):
    resting = bench.buy(
        order_type=OrderType.LIMIT, limit_price=D(98), time_in_force=TimeInForce.GTC
    )

    def act(session) -> None:
        session.submit([resting])

    with bench.open() as session:
        bench.quote()
        report = bench.run(3, step=act, every=HOUR, feed=bench.feed)
        (record,) = session.journal.records(kind=EventKind.RUN_FINISHED)
        with pytest.raises(TradingHalted):
            session.submit([bench.buy("two")])
    assert [order.client_order_id for order in report.open_orders] == [resting.client_order_id]
    assert record.payload["open_orders"] == [resting.client_order_id]
    assert report.unresolved == ()


def test_signal_in_a_step_ends_the_run_after_the_order_that_is_on_its_way(bench):
    sent = []

    def act(session) -> None:
        sent.extend(session.submit([bench.buy()]))
        os.kill(os.getpid(), signal.SIGTERM)
        sent.extend(session.submit([bench.buy("two")]))

    before = signal.getsignal(signal.SIGTERM)
    with bench.open() as session:
        bench.quote()
        report = bench.run(100, step=act, every=HOUR, feed=bench.feed, stop=None)
        assert session.order(bench.buy("two").client_order_id) is None
    assert (report.reason, len(sent), bench.turns) == ("SIGTERM", 1, 0)
    assert signal.getsignal(signal.SIGTERM) == before


def test_stop_of_the_step_itself_is_no_end_that_somebody_asked_for(bench):
    def act(session) -> None:
        session.request_stop()
        session.submit([bench.buy()])

    with bench.open():
        bench.quote()
        with pytest.raises(TradingHalted, match="stopping"):
            bench.run(5, step=act, feed=bench.feed)


def test_error_of_the_strategy_ends_it_with_last_words(bench):
    def act(session) -> None:
        raise KeyError("ACME-SECRET")

    with bench.open() as session:
        with pytest.raises(KeyError):
            bench.run(5, step=act)
        (last,) = [one for one in session.journal.alerts() if one.code == "desk_ended"]
        assert last.severity is Severity.CRITICAL
        assert "KeyError" in last.message
        assert "ACME-SECRET" not in last.message
        with pytest.raises(TradingHalted):
            session.submit([bench.buy()])


def test_wrong_call_of_the_strategy_is_told_in_its_own_words(bench):
    def act(session) -> None:
        raise InputError("weights sum to 3")

    with bench.open() as session:
        with pytest.raises(InputError):
            bench.run(5, step=act)
        assert "weights sum to 3" in session.journal.alerts()[-1].message


def test_journal_that_fails_ends_the_run(bench, tmp_path):
    def act(session) -> None:
        session.journal.close()
        session.mark({"AAPL": D(100)})

    with bench.open(), pytest.raises(StorageError):
        bench.run(5, step=act)


def test_held_asset_without_a_price_is_waited_for(bench):
    given = PositionChange(
        activity_id="a1",
        symbol="MSFT",
        kind=ChangeKind.ASSIGNMENT,
        quantity=D(2),
        price=D(50),
        at=T0,
    )
    waiting = []
    bench.venue.on_bars([Bar(symbol="MSFT", at=T0, close=D(50))])
    bench.at(2, bench.quote)
    bench.at(3, lambda: waiting.append(bench.session.last_mark))
    bench.at(4, lambda: bench.quote(symbol="MSFT", bid="49.99", ask="50.01"))
    with bench.open() as session:
        bench.venue.on_activity(given)
        bench.clock.advance_to(T0 + HOUR)
        bench.run(6, feed=bench.feed)
        assert session.ledger.quantity("MSFT") == 2
        assert session.prices == {"AAPL": 100, "MSFT": 50}
    assert waiting == [None]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"turn_s": 0}, "turn_s is 0"),
        ({"mark_s": float("nan")}, "mark_s is nan"),
        ({"pause_s": 60}, "at most longest_pause_s"),
        ({"settle_s": 30}, "at most stop_within_s"),
    ],
)
def test_pace_that_cannot_work_is_refused(fields, says):
    with pytest.raises(ConfigError, match=says):
        LoopPace(**fields)


def test_no_time_between_steps_is_refused(bench):
    with bench.open(), pytest.raises(ConfigError, match="above 0"):
        bench.run(1, every=timedelta(0))
