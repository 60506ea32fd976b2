"""The page itself, run by Streamlit's own test driver."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ..reports.small_run import SmallRun  # noqa: TID252 - the tests are no package to import

LAUNCHER = Path(__file__).resolve().parents[2] / "examples" / "dashboard.py"


def page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(sys, "argv", ["dashboard.py", str(folder)])
    return AppTest.from_file(str(LAUNCHER), default_timeout=120).run()


def texts(app: AppTest) -> str:
    """Return every text block of the page."""
    parts = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success]
    return "\n".join(str(part.value) for part in parts)


def banner(app: AppTest) -> str:
    return "\n".join(block.proto.body for block in app.get("html"))


@pytest.fixture(scope="module")
def finished(finished_folder: Path) -> AppTest:
    with pytest.MonkeyPatch.context() as patch:
        return page(finished_folder, patch)


def test_a_finished_run_is_drawn_without_an_error(finished: AppTest) -> None:
    assert not finished.exception
    assert not finished.error
    assert [metric.label for metric in finished.metric][:3] == [
        "Equity",
        "Return",
        "Against universe",
    ]


def test_the_banner_says_paper_account_and_state(finished: AppTest) -> None:
    assert "PAPER" in banner(finished)
    assert "P-1" in banner(finished)
    assert "ACTIVE" in banner(finished)


def test_the_page_tells_of_when_its_numbers_are_and_how_old(finished: AppTest) -> None:
    assert "Numbers as of 2022-02-11 21:00 UTC. The run has ended" in texts(finished)
    assert "ago by this machine's" in texts(finished)
    assert "age by the run's clock" in finished.table[-2].value.columns


def test_the_record_is_shown_as_verified_with_its_head(finished: AppTest) -> None:
    assert "141 records, hash chain verified" in finished.success[0].value


def test_the_orders_can_be_narrowed_to_a_status(
    finished_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(finished_folder, monkeypatch)

    narrowed = app.multiselect(key="statuses").set_value(["refused"]).run()

    tables = [frame.value for frame in narrowed.dataframe]
    orders = next(table for table in tables if "why" in table.columns)
    assert set(orders["status"]) == {"refused"}
    assert orders["why"].str.contains("raise max_order").any()


def test_refusals_are_told_in_full_with_rule_value_and_limit(finished: AppTest) -> None:
    refusals = next(t.value for t in finished.table if "rule" in t.value.columns)

    assert {"max_order", "denied"} <= set(refusals["rule"])
    assert {"actual", "limit", "message"} <= set(refusals.columns)


def test_given_approvals_name_who_gave_them(finished: AppTest) -> None:
    approvals = next(f.value for f in finished.dataframe if "decision" in f.value.columns)

    assert set(approvals["by"]) == {"r.ortiz"}
    assert set(approvals["decision"]) == {"approved", "denied"}


def test_a_waiting_order_stands_at_the_top(
    waiting_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = page(waiting_folder, monkeypatch)

    assert not app.exception
    assert "Waiting for a person: 1 order." in app.warning[0].value
    assert app.dataframe[0].value["symbol"].tolist() == ["AAA"]
    assert "The run has not ended" in texts(app)


def test_a_missing_folder_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = page(tmp_path / "nowhere", monkeypatch)

    assert not app.exception
    assert "make demo" in app.info[0].value
    assert not app.metric


def test_without_an_argument_the_folder_is_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["dashboard.py"])

    app = AppTest.from_file(str(LAUNCHER), default_timeout=120).run()

    assert "there is no run in demo" in app.info[0].value


def test_a_changed_journal_shows_the_audit_error_and_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SmallRun(tmp_path / "journal.sqlite", n_days=3).trade()
    with run.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE journal SET payload = '{}' WHERE seq = 4")
    run.close()

    app = page(tmp_path, monkeypatch)

    assert not app.exception
    assert "cannot be trusted" in app.error[0].value
    assert "record 4" in app.error[0].value
    assert not app.metric


def test_a_file_that_is_no_journal_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"not a database, really" * 200)

    app = page(tmp_path, monkeypatch)

    assert not app.exception
    assert "The journal cannot be read" in app.error[0].value


def test_a_halted_desk_says_who_halted_it_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SmallRun(tmp_path / "journal.sqlite", n_days=3).trade()
    run.session.start()
    run.session.halt(by="r.ortiz", reason="looking into it")
    run.close()

    app = page(tmp_path, monkeypatch)

    assert "HALTED" in banner(app)
    assert "looking into it" in app.warning[0].value


def test_a_run_that_only_began_has_a_page_without_curves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = SmallRun(tmp_path / "journal.sqlite", n_days=3)
    run.session.start()
    run.close()

    app = page(tmp_path, monkeypatch)

    assert not app.exception
    assert "a curve needs 2" in texts(app)
    assert "Nothing was ever held" in texts(app)
    assert "No order was wanted yet" in texts(app)
