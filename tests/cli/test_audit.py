"""Is the record what was written, and are the tables what it says: on both databases."""

import pytest
import sqlalchemy as sa

from alphalens.cli.output import ExitCode
from alphalens.storage import writing
from alphalens.storage.schema import fills, journal, marks, orders


@pytest.fixture
def traded(on_both):
    """A journal with orders and fills that nobody writes any more."""
    desk, shell = on_both
    session = desk.open()
    session.submit([desk.intent("A"), desk.intent("B")])
    desk.next_day(session)
    head, engine = session.journal.head, session.journal.engine
    desk.journal.close()
    return shell, engine, head


def _change(engine, statement):
    with writing(engine) as connection:
        assert connection.execute(statement).rowcount >= 1


def test_verify_of_an_untouched_record(traded):
    shell, _, head = traded
    said = shell.json("audit", "verify")
    assert (said["intact"], said["head"]) == (True, head)


def test_verify_finds_an_edited_row(traded):
    shell, engine, _ = traded
    _change(engine, journal.update().where(journal.c.seq == 3).values(run_id="other"))
    code, out, err = shell.run("audit", "verify")
    assert (code, out) == (ExitCode.AUDIT, "")
    assert "record 3" in err


def test_rebuild_restores_what_verify_misses(traded):
    shell, engine, head = traded
    _change(engine, orders.update().values(status="canceled"))
    _change(engine, fills.delete())
    _change(engine, marks.delete())
    code, _, err = shell.run("audit", "verify")
    assert (code, "is not what the record gives" in err) == (ExitCode.AUDIT, True)
    assert "`alphalens audit rebuild`" in err
    said = shell.json("audit", "rebuild")
    assert (said["rebuilt"], said["head"]) == (True, head)
    assert shell.json("audit", "verify")["head"] == head
    with engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(fills)).scalar_one() == 2


def test_nothing_is_rebuilt_from_a_changed_record(traded):
    shell, engine, _ = traded
    _change(engine, journal.update().where(journal.c.seq == 3).values(run_id="other"))
    _change(engine, fills.delete())
    assert shell.run("audit", "rebuild")[0] == ExitCode.AUDIT
    with engine.connect() as connection:
        assert connection.execute(sa.select(fills)).first() is None


def test_journal_of_a_desk_that_trades_is_not_rebuilt(desk, shell):
    desk.open()
    code, _, err = shell.run("audit", "rebuild")
    assert code == ExitCode.OPERATOR
    assert "is written by" in err


def test_rebuild_makes_no_journal(tmp_path, shell):
    shell.target = str(tmp_path / "none.sqlite")
    assert shell.run("audit", "rebuild")[0] == ExitCode.OPERATOR
    assert not (tmp_path / "none.sqlite").exists()
