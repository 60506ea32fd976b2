"""What the page shows, without Streamlit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from alphalens.dashboard import frames
from alphalens.errors import AuditError, InputError, StorageError
from alphalens.execution import Journal
from alphalens.storage import open_engine
from alphalens.trading import VirtualClock
from alphalens.trading.events import EventKind

from ..reports.small_run import SmallRun  # noqa: TID252 - the tests are no package to import

NOW = datetime(2022, 2, 14, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def view(finished_folder: Path) -> frames.View:
    return frames.load(finished_folder)


@pytest.fixture(scope="module")
def waiting_view(waiting_folder: Path) -> frames.View:
    return frames.load(waiting_folder)


def test_the_tiles_tell_the_numbers_of_the_last_mark(view: frames.View) -> None:
    found = {tile.label: tile.value for tile in frames.tiles(view)}

    assert found["Equity"] == "996,835 USD"
    assert found["Return"] == "-0.32%"
    assert found["Against universe"] == "+4.19%"
    assert found["Positions"] == "4"
    assert found["Waiting for a person"] == "0"


def test_a_waiting_order_is_counted_and_listed(waiting_view: frames.View) -> None:
    waiting = frames.waiting_orders(waiting_view.facts)

    assert waiting["symbol"].tolist() == ["AAA"]
    found = {tile.label: tile.value for tile in frames.tiles(waiting_view)}
    assert found["Waiting for a person"] == "1"


def test_an_order_of_a_plan_that_was_overtaken_is_not_counted_as_waiting(
    waiting_view: frames.View,
) -> None:
    facts = waiting_view.facts
    plan = facts.of_kind(EventKind.CYCLE_PLANNED)[-1]
    later = replace(plan, seq=facts.length + 1, cycle_id="run-small/99")

    assert frames.waiting_orders(replace(facts, records=(*facts.records, later))).empty


def test_every_number_has_an_age_by_both_clocks(view: frames.View) -> None:
    found = frames.ages(view.facts, NOW).set_index("number")

    book = found.loc["Prices, book, equity, exposure"]
    assert book["as_of"] == pd.Timestamp("2022-02-11 21:00", tz="UTC")
    assert (book["age_in_run"], book["age_now"]) == ("0 s", "2 d 12 h")
    assert found.loc["Decision (last cycle)", "age_in_run"] == "4 d 0 h"
    assert found.loc["Trading state", "age_in_run"] == "39 d 0 h"


def test_what_never_happened_has_no_age(waiting_view: frames.View) -> None:
    found = frames.ages(waiting_view.facts, NOW).set_index("number")

    assert found.loc["Alerts", "age_now"] == "none yet"
    assert found.loc["Alerts", "as_of"] is pd.NaT


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=23, minutes=5), "23 h 5 min"),
        (timedelta(days=1424, hours=11), "1,424 d 11 h"),
        (-timedelta(minutes=2), "-2 min"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(age: timedelta, words: str) -> None:
    assert frames.age_text(age) == words


def test_both_curves_start_at_a_hundred(view: frames.View) -> None:
    curve = frames.curve_from_100(view)

    assert curve.iloc[0].to_dict() == {"strategy": 100.0, "universe": 100.0}
    assert len(curve) == 30


def test_orders_are_those_of_the_statuses_asked_for_the_latest_first(view: frames.View) -> None:
    refused = frames.orders_table(view.facts, ["refused"])

    assert set(refused["status"]) == {"refused"}
    assert len(refused) == 3
    assert refused["at"].is_monotonic_decreasing
    assert frames.orders_table(view.facts, []).empty


def test_the_book_tells_the_age_of_each_price(view: frames.View) -> None:
    book = frames.book_table(view).set_index("symbol")

    assert book.loc["CCC", "price_age"] == "0 s"
    assert book.loc["AAA", "price_age"] == ""
    assert book.loc["CCC", "weight"] == pytest.approx(10.29, abs=0.01)


def test_nobody_changed_the_state_of_a_quiet_run(view: frames.View) -> None:
    assert frames.state_reason(view.facts) == ""


def test_a_halt_tells_who_when_and_why(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "journal.sqlite", n_days=3).trade()
    run.session.start()
    run.session.halt(by="r.ortiz", reason="looking into it")
    run.close()

    reason = frames.state_reason(frames.load(tmp_path).facts)

    assert reason == "HALTED since 2022-01-05 21:00 UTC, by r.ortiz: looking into it"


def test_a_folder_without_a_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make demo"):
        frames.load(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_journal_says_that_no_run_has_begun(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "journal.sqlite")
    Journal(engine, clock=VirtualClock(NOW), run_id="none")
    engine.dispose()

    with pytest.raises(InputError, match="no run has begun"):
        frames.load(tmp_path)


def test_a_file_that_is_no_journal_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"this is not a database at all" * 100)

    with pytest.raises(StorageError, match="not a database"):
        frames.load(tmp_path)


def test_a_changed_record_is_an_audit_error(tmp_path: Path) -> None:
    run = SmallRun(tmp_path / "journal.sqlite", n_days=3).trade()
    with run.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE journal SET at = '2030-01-01' WHERE seq = 2")
    run.close()

    with pytest.raises(AuditError, match="record 2"):
        frames.load(tmp_path)
