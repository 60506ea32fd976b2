"""Orders that wait: what is shown, and that an answer is bound to it."""

import json

import pytest

from alphalens.cli import approvals
from alphalens.cli.output import ExitCode
from alphalens.execution.commands import pending_commands
from alphalens.trading import OrderStatus

from .conftest import ASKING

WHO = ("--by", "ann", "--reason", "looked at it")


@pytest.fixture
def waiting(desk):
    """A session with two orders that wait for a person."""
    session = desk.open(limits=ASKING)
    return session, session.submit([desk.intent("A", "10"), desk.intent("B", "-20")])


def test_list_shows_what_a_person_decides_by(waiting, shell):
    _, (order, _) = waiting
    first, second = shell.json("approvals", "list")["waiting"]
    assert first["client_order_id"] == order.client_order_id
    assert (first["symbol"], first["side"], first["quantity"]) == ("A", "buy", "10")
    assert (first["value"], first["fingerprint"]) == ("1000", order.intent.fingerprint)
    assert first["since"] == "2024-01-02T21:00:00.000000Z"
    assert "approval" in first["why"][0]
    assert second["value"] == "2000"


def test_list_as_text_has_the_short_fingerprint_and_the_reason(waiting, shell):
    _, (order, _) = waiting
    code, out, _ = shell.run("approvals", "list")
    assert code == ExitCode.OK
    assert f"{order.client_order_id}  buy 10 A at 100 = 1000, market" in out
    assert f"fingerprint {order.intent.fingerprint[:12]}" in out
    assert order.reasons[0].message in out


def test_list_of_a_desk_where_nothing_waits(desk, shell):
    desk.open()
    assert "no order waits" in shell.run("approvals", "list")[1]
    assert shell.json("approvals", "list")["waiting"] == []


def test_approved_by_the_beginning_of_its_id_the_order_goes(waiting, shell):
    session, (order, other) = waiting
    said = shell.json("approvals", "approve", order.client_order_id[:14], *WHO)
    assert said["approve"][0]["client_order_id"] == order.client_order_id
    sent = session.submit([order.intent, other.intent])
    assert [o.status for o in sent] == [OrderStatus.ACCEPTED, OrderStatus.AWAITING]
    assert sent[0].approved_by == "ann"


def test_rejected_the_order_is_final(waiting, shell):
    session, (order, _) = waiting
    assert shell.run("approvals", "reject", order.client_order_id, *WHO)[0] == ExitCode.OK
    (after,) = session.submit([order.intent])
    assert after.status is OrderStatus.REFUSED
    assert "ann refused" in after.reasons[0].message


def test_decision_is_bound_to_the_fingerprint_that_was_shown(waiting, shell, desk):
    _, (order, other) = waiting
    approve = ("approvals", "approve", order.client_order_id, *WHO, "--fingerprint")
    code, _, err = shell.run(*approve, other.intent.fingerprint[:12])
    assert (code, "look at it again" in err) == (ExitCode.USER, True)
    assert pending_commands(desk.engines[0]) == ()
    assert shell.run(*approve, order.intent.fingerprint[:12])[0] == ExitCode.OK
    (command,) = pending_commands(desk.engines[0])
    assert command.fingerprint == order.intent.fingerprint


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("al-",), "2 orders waiting for an approval begin with 'al-'"),
        (("nothing",), "no order waiting for an approval begins with 'nothing'"),
        ((), "takes one order, or --all"),
        (("al-", "--all", "--yes"), "takes one order, or --all"),
        (("--all",), "--all would approve 2 orders"),
        (("--all", "--yes", "--fingerprint", "0"), "without --fingerprint"),
    ],
)
def test_call_that_is_not_clear_decides_nothing(waiting, shell, desk, words, message):
    code, out, err = shell.run("approvals", "approve", *words, *WHO)
    assert (code, out) == (ExitCode.USER, "")
    assert message in err
    assert pending_commands(desk.engines[0]) == ()


def test_all_needs_yes_and_decides_on_all(waiting, shell):
    session, orders = waiting
    said = shell.json("approvals", "approve", "--all", "--yes", *WHO)
    assert len(said["approve"]) == 2
    sent = session.submit([order.intent for order in orders])
    assert [o.status for o in sent] == [OrderStatus.ACCEPTED, OrderStatus.ACCEPTED]


def test_all_of_nothing_is_told(desk, shell):
    desk.open()
    code, _, err = shell.run("approvals", "reject", "--all", "--yes", *WHO)
    assert (code, "no order waits" in err) == (ExitCode.USER, True)


def test_order_that_stopped_waiting_does_not_keep_the_others_back(waiting, shell, monkeypatch):
    session, (first, second) = waiting
    ask = approvals.ask

    def later(target, command):
        if command.client_order_id == first.client_order_id:
            session.deny(first.intent, by="bob", reason="no")
        return ask(target, command)

    monkeypatch.setattr(approvals, "ask", later)
    code, out, err = shell.run("approvals", "approve", "--all", "--yes", *WHO, "--json")
    said = json.loads(out)
    assert code == ExitCode.USER
    assert [o["client_order_id"] for o in said["approve"]] == [second.client_order_id]
    assert "only an order that is awaiting_approval" in said["failed"][0]
    assert first.client_order_id in err


@pytest.mark.parametrize("missing", ["--by", "--reason"])
def test_nobody_decides_without_name_and_reason(waiting, shell, missing):
    named = [
        w for pair in zip(WHO[::2], WHO[1::2], strict=True) if pair[0] != missing for w in pair
    ]
    with pytest.raises(SystemExit) as ended:
        shell.run("approvals", "approve", "al-", *named)
    assert ended.value.code == ExitCode.USER


def test_decisions_work_on_both_databases(on_both):
    desk, shell = on_both
    session = desk.open(limits=ASKING)
    (order,) = session.submit([desk.intent()])
    (shown,) = shell.json("approvals", "list")["waiting"]
    shell.json("approvals", "approve", shown["client_order_id"], *WHO)
    assert session.submit([order.intent])[0].status is OrderStatus.ACCEPTED
