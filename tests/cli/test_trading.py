"""Halt, resume and the rest: rows that the desk obeys, a file where there can be no row."""

import io
import json
import socket
import stat

import pytest
import sqlalchemy as sa

from alphalens.cli import main
from alphalens.cli.output import ExitCode
from alphalens.execution import halt as halt_module
from alphalens.execution.commands import pending_commands
from alphalens.monitoring.status import desk_status
from alphalens.risk import TradingState
from alphalens.storage import open_engine, writing
from alphalens.storage.schema import versions
from alphalens.testing.faults import Fault, FlakyBroker
from alphalens.trading import OrderStatus
from alphalens.trading.events import EventKind

from .conftest import ASKING

HALT = ("trading", "halt", "--by", "ann", "--reason", "the feed is wrong")


def _halt_file(desk):
    return desk.path.with_name("desk.sqlite.halt")


def _open_with_b_frozen(desk, **changes):
    desk.open(**changes)
    desk.journal.append(EventKind.SYMBOL_FROZEN, {"symbol": "B", "reason": "odd fills"})
    return desk.open(**changes)


def test_halt_stops_the_next_order_by_row_and_by_file(desk, shell):
    session = desk.open(halt_file=_halt_file(desk))
    said = shell.json(*HALT)
    assert said["halt_file"] == str(_halt_file(desk))
    (order,) = session.submit([desk.intent()])
    change = session.journal.records(kind=EventKind.STATE_CHANGED)[0].payload
    assert (order.status, session.state) == (OrderStatus.REFUSED, TradingState.HALTED)
    assert (change["by"], change["command_id"]) == ("ann", said["command"])


def test_halt_file_is_private_and_says_who_when_and_why_each_time(desk, shell):
    desk.open()
    shell.run(*HALT)
    shell.run("trading", "halt", "--by", "bob", "--reason", "me too")
    file = _halt_file(desk)
    first, second = file.read_text().splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.endswith("Z by ann: the feed is wrong")
    assert second.endswith("Z by bob: me too")


def test_halt_needs_no_name_and_no_reason(desk, shell):
    desk.open()
    assert shell.run("trading", "halt")[0] == ExitCode.OK
    (command,) = pending_commands(desk.engines[0])
    assert command.by
    assert command.reason == "no reason given"


def test_locked_database_leaves_the_halt_file_and_says_so(desk, shell, impatient):
    session = desk.open(halt_file=_halt_file(desk))
    with writing(desk.engines[0]):
        code, out, err = shell.run(*HALT)
    assert code == ExitCode.OPERATOR
    assert "only the halt file was made" in err
    assert "holds the write lock" in err
    assert "stays halted while it exists" in out
    assert session.submit([desk.intent()])[0].status is OrderStatus.REFUSED


def test_newer_schema_leaves_the_halt_file(desk, shell):
    desk.open()
    with writing(desk.engines[0]) as connection:
        connection.execute(versions.update().values(version_num="0099"))
    code, out, err = shell.run(*HALT, "--json")
    assert code == ExitCode.OPERATOR
    assert json.loads(out)["command"] is None
    assert "schema version 99" in json.loads(err)["message"]
    assert _halt_file(desk).exists()


def test_file_that_is_no_database_leaves_the_halt_file(tmp_path, capsys):
    path = tmp_path / "desk.sqlite"
    path.write_bytes(b"no database at all, and long enough to be looked at" * 20)
    assert main([*HALT, "--journal", str(path)]) == ExitCode.OPERATOR
    assert (tmp_path / "desk.sqlite.halt").exists()


def test_mistyped_journal_is_not_made(tmp_path, capsys):
    path = tmp_path / "dsk.sqlite"
    assert main([*HALT, "--journal", str(path)]) == ExitCode.OPERATOR
    assert "no such file" in capsys.readouterr().err
    assert not path.exists()
    assert main(["trading", "reduce", "--journal", str(path)]) == ExitCode.OPERATOR
    assert not path.exists()


def test_halt_that_reaches_nobody_says_what_to_do(tmp_path, capsys):
    assert main([*HALT, "--journal", str(tmp_path / "none" / "d.sqlite")]) == ExitCode.OPERATOR
    said = capsys.readouterr()
    assert said.out == ""
    assert "NOT halted, end the process that trades by hand" in said.err


def test_server_that_is_down_leaves_the_halt_file_that_was_named(tmp_path, capsys):
    url = f"postgresql://u:s3cret@/desk?host={tmp_path}"
    file = tmp_path / "HALT"
    assert main([*HALT, "--journal", url, "--halt-file", str(file)]) == ExitCode.OPERATOR
    said = capsys.readouterr()
    assert file.exists()
    assert "only the halt file was made" in said.err
    assert "s3cret" not in said.out + said.err


def test_halt_file_that_cannot_be_made_leaves_the_row(desk, shell, tmp_path):
    desk.open()
    code, out, err = shell.run(*HALT, "--halt-file", str(tmp_path / "none" / "HALT"))
    assert code == ExitCode.OPERATOR
    assert "only the command was written" in err
    assert "halt is command 1" in out


def test_full_disk_still_makes_the_halt_file(desk, shell, monkeypatch):
    def full(descriptor, content):
        raise OSError(28, "No space left on device")

    session = desk.open(halt_file=_halt_file(desk))
    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        code, _, err = shell.run(*HALT)
    assert code == ExitCode.OPERATOR
    assert "who asked could not be written" in err
    assert session.submit([desk.intent()])[0].status is OrderStatus.REFUSED


def test_resume_says_what_it_lifts_and_removes_the_file(desk, shell):
    session = desk.open(halt_file=_halt_file(desk))
    shell.run(*HALT)
    session.obey()
    said = shell.json("trading", "resume", "--by", "bob", "--reason", "repaired")
    assert said["lifts"]["state"] == "halted"
    assert said["lifts"]["is_locked"]
    assert said["lifts"]["by"] == "ann"
    assert "the feed is wrong" in said["lifts"]["halt_file"]["says"]
    assert said["is_halt_file_removed"]
    assert session.submit([desk.intent()])[0].status is OrderStatus.ACCEPTED


def test_resume_that_cannot_be_written_keeps_the_file(desk, shell, impatient):
    desk.open()
    shell.run(*HALT)
    with writing(desk.engines[0]):
        assert shell.run("trading", "resume")[0] == ExitCode.OPERATOR
    assert _halt_file(desk).exists()


def test_resume_obeyed_before_the_file_was_gone_is_told(desk, shell, monkeypatch):
    session = desk.open(halt_file=_halt_file(desk))
    shell.run(*HALT)
    session.obey()
    remove = halt_module.remove_halt_file

    def slowly(path):
        session.obey()
        return remove(path)

    monkeypatch.setattr(halt_module, "remove_halt_file", slowly)
    code, _, err = shell.run("trading", "resume")
    assert code == ExitCode.POLICY
    assert "by halt file" in err
    assert "resume once more" in err
    monkeypatch.undo()
    assert shell.run("trading", "resume")[0] == ExitCode.OK
    session.obey()
    assert session.state is TradingState.ACTIVE


@pytest.mark.parametrize(("answer", "code"), [("n\n", ExitCode.USER), ("y\n", ExitCode.OK)])
def test_resume_asks_at_a_terminal(desk, shell, monkeypatch, answer, code):
    class Keyboard(io.StringIO):
        def isatty(self):
            return True

    desk.open()
    shell.run(*HALT)
    monkeypatch.setattr("sys.stdin", Keyboard(answer))
    ended, _, err = shell.run("trading", "resume")
    assert ended == code
    assert "trade again?" in err
    assert _halt_file(desk).exists() == (code != ExitCode.OK)
    assert len(pending_commands(desk.engines[0])) == (2 if code == ExitCode.OK else 1)


def test_reduce_is_obeyed(desk, shell):
    session = desk.open()
    assert shell.json("trading", "reduce")["kind"] == "reduce"
    session.obey()
    assert session.state is TradingState.REDUCING
    assert not _halt_file(desk).exists()


def test_status_of_a_new_journal(desk, shell):
    desk.new_session()
    said = shell.json("trading", "status")
    assert (said["state"], said["by"], said["account"], said["records"]) == ("active", None, "", 0)
    assert (said["last_mark"], said["open_orders"]) == (None, [])
    assert "as from the beginning" in shell.run("trading", "status")[1]


def test_status_tells_everything_while_the_desk_holds_the_pen(desk, shell):
    session = _open_with_b_frozen(desk, limits=ASKING)
    (sent,) = session.submit([desk.intent("A", "4")])
    (waiting,) = session.submit([desk.intent("C", "10")])
    session.halt(by="risk desk", reason="looks odd")
    shell.run("trading", "reduce", "--by", "bob", "--reason", "slowly")
    with writing(desk.engines[0]):  # in the middle of a write of the desk
        said = shell.json("trading", "status")
    assert (said["state"], said["is_locked"]) == ("halted", True)
    assert (said["by"], said["reason"]) == ("risk desk", "looks odd")
    assert said["account"] == "P1"
    assert [o["client_order_id"] for o in said["open_orders"]] == [sent.client_order_id]
    assert [o["client_order_id"] for o in said["approvals"]] == [waiting.client_order_id]
    assert said["frozen"] == {"B": "odd fills"}
    assert said["last_mark"]["equity"] == "10000"
    assert (said["head"], said["records"]) == (session.journal.head, session.journal.length)
    assert [c["kind"] for c in said["commands"]] == ["reduce"]
    assert said["halt_file"] == {"path": str(_halt_file(desk)), "exists": False, "says": None}


def test_status_as_text_names_the_orders_and_the_file(desk, shell):
    session = desk.open()
    (sent,) = session.submit([desk.intent()])
    _halt_file(desk).write_text("by hand")
    out = shell.run("trading", "status")[1]
    assert f"{sent.client_order_id} buy 10 A, 0 filled, accepted, ours" in out
    assert "EXISTS, trading halts while it does: by hand" in out
    assert "orders of unknown outcome: none" in out


def test_status_shows_positions_and_a_mark_without_the_last_fill(desk, shell):
    session = desk.open()
    said = shell.json("trading", "status")
    assert (said["positions"], said["last_fill"], said["is_mark_behind"]) == ({}, None, False)
    session.submit([desk.intent("B", "-4"), desk.intent("A", "10")])
    desk.next_day()
    session.collect_fills()
    said = shell.json("trading", "status")
    assert said["positions"] == {"A": "10", "B": "-4"}
    assert (said["last_fill"], said["is_mark_behind"]) == ("2024-01-03T21:00:00.000000Z", True)
    out = shell.run("trading", "status")[1]
    assert "positions: 2\n  A 10\n  B -4\n" in out
    assert "WITHOUT the last fill, booked 2024-01-03 21:00:00 UTC" in out
    session.mark(desk.prices)
    assert not shell.json("trading", "status")["is_mark_behind"]
    assert "WITHOUT" not in shell.run("trading", "status")[1]


def test_first_line_says_that_a_halt_is_asked_until_it_is_obeyed(desk, shell):
    session = desk.open(halt_file=_halt_file(desk))

    def first_line():
        is_asked = shell.json("trading", "status")["is_halt_asked"]
        return is_asked, shell.run("trading", "status")[1].splitlines()[0]

    assert first_line() == (False, "trading is active, as from the beginning")
    _halt_file(desk).touch()
    by_file = first_line()
    _halt_file(desk).unlink()
    shell.run(*HALT, "--halt-file", str(desk.path.with_name("other")))
    assert first_line() == by_file
    asked = "trading is active, as from the beginning; a HALT IS ASKED and not yet obeyed"
    assert by_file == (True, asked)
    _halt_file(desk).touch()
    session.obey()
    is_asked, line = first_line()
    assert (is_asked, "ASKED" in line, "trading is halted" in line) == (False, False, True)


def test_status_and_desk_agree_on_what_is_not_ours(desk, shell):
    for symbol in ("A", "C"):
        desk.venue.submit(desk.intent(symbol, leg="theirs"))
    session = desk.open()
    desk.next_day(session)
    desk.venue.submit(desk.intent("B", leg="theirs"))
    session.reconcile()
    desk.next_day(session)
    assert session.external == {"A", "B", "C"}
    assert shell.json("trading", "status")["external"] == sorted(session.external)
    assert shell.run("trading", "claim", "A")[0] == ExitCode.OK
    session.obey()
    assert session.external == {"B", "C"}
    assert shell.json("trading", "status")["external"] == ["B", "C"]


def test_orders_of_unknown_outcome_are_shown(desk, shell):
    silent = dict.fromkeys(range(9), Fault.LOST_BEFORE)
    line = FlakyBroker(desk.venue, on_submit={0: Fault.LOST_BEFORE}, on_order=silent)
    session = desk.open(line)
    (order,) = session.submit([desk.intent()])
    assert order.status is OrderStatus.UNKNOWN
    (shown,) = shell.json("trading", "status")["unknown_orders"]
    assert shown["client_order_id"] == order.client_order_id


def test_cancel_takes_the_beginning_of_an_id(desk, shell):
    session = desk.open()
    (order,) = session.submit([desk.intent()])
    said = shell.json("trading", "cancel", order.client_order_id[:12])
    assert said["about"] == order.client_order_id
    session.obey()
    assert session.order(order.client_order_id).status is OrderStatus.CANCELED


def test_cancel_of_nothing_and_of_several_writes_nothing(desk, shell):
    session = desk.open()
    session.submit([desk.intent("A"), desk.intent("B")])
    code, _, err = shell.run("trading", "cancel", "xyz")
    assert (code, "no order not final begins with 'xyz'" in err) == (ExitCode.USER, True)
    code, _, err = shell.run("trading", "cancel", "al-")
    assert (code, "2 orders not final begin" in err) == (ExitCode.USER, True)
    assert pending_commands(desk.engines[0]) == ()


def test_clear_is_obeyed_and_only_for_a_frozen_symbol(desk, shell):
    session = _open_with_b_frozen(desk)
    code, _, err = shell.run("trading", "clear", "A")
    assert (code, "A is not frozen; these are: B" in err) == (ExitCode.USER, True)
    assert "odd fills" in shell.run("trading", "clear", "B")[1]
    session.obey()
    assert session.frozen == {}
    assert shell.json("trading", "status")["frozen"] == {}


@pytest.mark.parametrize("reason", ["two\nlines", " ", "x" * 2001, "\udc80"])
def test_reason_that_cannot_be_kept_is_refused_before_anything_is_written(desk, shell, reason):
    desk.open()
    with pytest.raises(SystemExit) as ended:
        shell.run("trading", "halt", "--reason", reason)
    assert ended.value.code == ExitCode.USER
    assert not _halt_file(desk).exists()


def test_commands_work_on_both_databases(on_both, tmp_path):
    desk, shell = on_both
    file = tmp_path / "HALT"
    session = desk.open(halt_file=file)
    assert shell.json(*HALT, "--halt-file", str(file))["command"] == 1
    session.obey()
    assert shell.json("trading", "status")["state"] == "halted"
    assert shell.json("trading", "resume", "--halt-file", str(file))["is_halt_file_removed"]
    session.obey()
    said = shell.json("trading", "status")
    assert (said["state"], said["commands"]) == ("active", [])


def test_status_needs_no_network_and_writes_nothing(desk, shell, monkeypatch):
    session = desk.open()

    def refuse(*_):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    before = session.journal.head
    assert shell.run("trading", "status")[0] == ExitCode.OK
    assert shell.run("trading", "halt")[0] == ExitCode.OK
    assert session.journal.head == before


def test_reading_a_status_takes_an_engine_that_refuses_writes(desk):
    session = desk.open()
    engine = open_engine(desk.path, is_read_only=True)
    try:
        assert desk_status(engine).head == session.journal.head
        with engine.connect() as connection, pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql("DELETE FROM outbox")
    finally:
        engine.dispose()


def test_halt_file_that_can_never_exist_is_refused_before_anything_is_done(desk, shell):
    session = desk.open()
    with pytest.raises(SystemExit) as ended:
        shell.run(*HALT, "--halt-file", "desk\0.halt")
    assert ended.value.code == ExitCode.USER
    assert pending_commands(session.journal.engine) == ()
