"""What anybody reads from the journal is what the desk itself goes by."""

from __future__ import annotations

from datetime import timedelta

from alphalens.monitoring.status import desk_status
from alphalens.risk import TradingState
from alphalens.testing.desk import PaperDesk


def test_status_is_what_the_session_says(paper: PaperDesk) -> None:
    session = paper.session
    status = desk_status(session.journal.engine)
    assert status.last_mark == session.last_mark
    assert status.standing == session.standing
    assert (status.account_id, status.run_id) == (session.account_id, "run")
    assert (status.head, status.records) == (session.journal.head, session.journal.length)
    assert f"since {paper.history.closes.index[0]:%Y-%m-%d}" in status.writer


def test_change_is_the_one_that_led_to_the_state_and_not_a_later_one_without_effect(
    paper: PaperDesk,
) -> None:
    session = paper.session
    session.halt(by="ann", reason="first")
    halted_at = paper.clock.now()
    paper.clock.advance_to(halted_at + timedelta(hours=1))
    session.halt(by="bob", reason="second")
    status = desk_status(session.journal.engine)
    assert status.standing.state is TradingState.HALTED
    assert status.change is not None
    assert (status.change.by, status.change.at) == ("ann", halted_at)


def test_alerts_that_wait_are_counted(paper: PaperDesk) -> None:
    before = desk_status(paper.session.journal.engine).alerts_waiting
    paper.session.halt(by="ann", reason="odd")
    assert desk_status(paper.session.journal.engine).alerts_waiting == before + 1
