from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from alphalens.errors import BrokerError, ConfigError, InputError
from alphalens.execution import Command, CommandKind, write_command
from alphalens.execution.commands import pending_commands
from alphalens.risk import TradingState
from alphalens.storage import open_engine, writing
from alphalens.storage.schema import commands
from alphalens.testing.faults import FlakyBroker
from alphalens.trading import OrderStatus
from alphalens.trading.events import EventKind

from .conftest import T0, WIDE

C, S, T = CommandKind, OrderStatus, TradingState
ASKING = replace(WIDE, approval_above=Decimal("0.05"))


class Elsewhere:
    """Another process, with its own connection to the database."""

    def __init__(self, desk) -> None:
        self.engine = open_engine(desk.path)
        desk.engines.append(self.engine)

    def ask(self, kind: CommandKind, order_id: str = "", **more) -> int:
        command = Command(kind=kind, by="bob", reason="because", client_order_id=order_id, **more)
        return write_command(self.engine, command, at=T0)


def test_halt_written_elsewhere_stops_the_next_order(desk):
    line = FlakyBroker(desk.venue)
    session = desk.open(line)
    number = Elsewhere(desk).ask(C.HALT)
    (order,) = session.submit([desk.intent()])
    assert (order.status, line.sent, session.state) == (S.REFUSED, [], T.HALTED)
    change = session.journal.records(kind=EventKind.STATE_CHANGED)[0].payload
    assert (change["by"], change["reason"], change["command_id"]) == ("bob", "because", number)


class Gapped(FlakyBroker):
    """A venue whose stream was lost for a moment, in which something happened."""

    gap = 0
    meanwhile = staticmethod(lambda: None)

    def connection(self):
        told = self.broker.connection()
        return replace(told, gaps=told.gaps + self.gap)

    @property
    def capabilities(self):
        return replace(self.broker.capabilities, has_stream=True)

    def positions(self):
        if self.gap:
            self.meanwhile()
        return super().positions()


@pytest.mark.parametrize(
    ("asked", "state"),
    [
        ([C.HALT], T.HALTED),
        ([C.RESUME, C.HALT], T.HALTED),
        ([C.HALT, C.RESUME], T.HALTED),  # the resume waits for the next reading
        ([C.REDUCE], T.REDUCING),
    ],
)
def test_what_holds_orders_back_is_obeyed_although_it_comes_while_the_venue_is_asked(
    desk, asked, state
):
    line, elsewhere = Gapped(desk.venue), Elsewhere(desk)
    session = desk.open(line)
    line.gap, todo = 1, list(asked)
    line.meanwhile = lambda: [elsewhere.ask(todo.pop(0)) for _ in list(todo)]
    (order,) = session.submit([desk.intent()])
    assert (todo, order.status, line.sent, session.state) == ([], S.REFUSED, [], state)


@pytest.mark.parametrize("is_halted", [True, False])
@pytest.mark.parametrize("is_early", [True, False])
def test_resume_does_not_lift_a_halt_that_its_writer_could_not_know_of(desk, is_halted, is_early):
    class Moved(Gapped):
        def positions(self):
            held = dict(super().positions())
            return {**held, "B": Decimal(7)} if self.gap else held

    line, elsewhere = Moved(desk.venue), Elsewhere(desk)
    session = desk.open(line)
    if is_halted:
        session.halt(by="ann", reason="lunch")
    if is_early:
        elsewhere.ask(C.RESUME)
    else:
        todo = [C.RESUME]
        line.meanwhile = lambda: [elsewhere.ask(todo.pop()) for _ in list(todo)]
    line.gap = 1
    (order,) = session.submit([desk.intent()])
    assert (order.status, line.sent, session.state) == (S.REFUSED, [], T.HALTED)


def test_halt_counts_although_the_venue_does_not_answer(desk):
    elsewhere = Elsewhere(desk)

    class DeadLine(FlakyBroker):
        is_dead = False

        def updates(self):
            if self.is_dead:
                raise BrokerError("the venue does not answer")
            return super().updates()

    line = DeadLine(desk.venue)
    session = desk.open(line)
    line.is_dead = True
    elsewhere.ask(C.HALT)
    with pytest.raises(BrokerError):
        session.submit([desk.intent()])
    assert session.state is T.HALTED


def test_halt_in_the_middle_of_a_batch_stops_the_rest(desk):
    elsewhere = Elsewhere(desk)

    class HaltingLine(FlakyBroker):
        def submit(self, intent):
            elsewhere.ask(C.HALT)
            return super().submit(intent)

    session = desk.open(HaltingLine(desk.venue))
    orders = session.submit([desk.intent("A"), desk.intent("B")])
    assert [order.status for order in orders] == [S.ACCEPTED, S.REFUSED]


def test_commands_are_obeyed_once_and_in_order(desk):
    session, elsewhere = desk.open(), Elsewhere(desk)
    for kind in (C.HALT, C.RESUME, C.REDUCE):
        elsewhere.ask(kind)
    assert session.obey() == 3
    assert session.state is T.REDUCING
    assert pending_commands(elsewhere.engine) == ()
    assert session.obey() == 0


def test_command_without_effect_is_recorded_all_the_same(desk):
    session, elsewhere = desk.open(), Elsewhere(desk)
    elsewhere.ask(C.RESUME)
    session.obey()
    change = session.journal.records(kind=EventKind.STATE_CHANGED)[0].payload
    assert (change["from"], change["to"]) == ("active", "active")
    assert session.journal.alerts() == ()


def test_approval_written_elsewhere_lets_the_waiting_order_go(desk):
    session, elsewhere = desk.open(limits=ASKING), Elsewhere(desk)
    (waiting,) = session.submit([desk.intent()])
    elsewhere.ask(C.APPROVE, waiting.client_order_id)
    (sent,) = session.submit([desk.intent()])
    assert (sent.status, sent.approved_by) == (S.ACCEPTED, "bob")


def test_rejection_written_elsewhere_is_final(desk):
    session, elsewhere = desk.open(limits=ASKING), Elsewhere(desk)
    (waiting,) = session.submit([desk.intent()])
    elsewhere.ask(C.REJECT, waiting.client_order_id)
    (order,) = session.submit([desk.intent()])
    assert order.status is S.REFUSED
    assert "bob refused" in order.reasons[0].message


def test_order_that_does_not_wait_cannot_be_approved(desk):
    session, elsewhere = desk.open(), Elsewhere(desk)
    (order,) = session.submit([desk.intent()])
    with pytest.raises(InputError, match="is accepted, only an order that is awaiting_approval"):
        elsewhere.ask(C.APPROVE, order.client_order_id)
    with pytest.raises(InputError, match="there is no order al-1"):
        elsewhere.ask(C.REJECT, "al-1")


def test_order_other_than_the_one_shown_cannot_be_approved(desk):
    session, elsewhere = desk.open(limits=ASKING), Elsewhere(desk)
    (waiting,) = session.submit([desk.intent()])
    with pytest.raises(InputError, match="is not the one that was shown"):
        elsewhere.ask(C.APPROVE, waiting.client_order_id, fingerprint="0" * 64)


def test_row_written_past_our_function_approves_nothing_but_what_it_names(desk):
    session, elsewhere = desk.open(limits=ASKING), Elsewhere(desk)
    (waiting,) = session.submit([desk.intent()])
    elsewhere.ask(C.APPROVE, waiting.client_order_id)
    with writing(elsewhere.engine) as connection:
        connection.execute(commands.update().values(fingerprint="0" * 64))
    assert session.submit([waiting.intent])[0].status is S.AWAITING
    assert session.journal.alerts()[-1].code == "command_ignored"


def test_decision_that_comes_too_late_is_recorded_and_ignored(desk):
    session, elsewhere = desk.open(limits=ASKING), Elsewhere(desk)
    (waiting,) = session.submit([desk.intent()])
    elsewhere.ask(C.APPROVE, waiting.client_order_id)
    session.deny(waiting.intent, by="ann", reason="no")
    session.obey()
    assert session.journal.alerts()[-1].code == "command_ignored"
    assert pending_commands(elsewhere.engine) == ()
    assert session.journal.records(kind=EventKind.APPROVAL_GIVEN) == ()


def test_halt_file_halts_without_a_database_and_its_removal_does_not_resume(desk, tmp_path):
    file = tmp_path / "HALT"
    session = desk.open(halt_file=file)
    assert session.submit([desk.intent("A")])[0].status is S.ACCEPTED
    file.touch()
    assert session.submit([desk.intent("B")])[0].status is S.REFUSED
    file.unlink()
    assert session.obey() == 0
    assert session.state is T.HALTED
    assert "the file HALT exists" in session.journal.alerts()[-1].message


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"kind": C.HALT, "by": " "}, "say who asks"),
        ({"kind": C.APPROVE}, "needs the client order id"),
        ({"kind": C.HALT, "client_order_id": "al-1"}, "takes no order"),
    ],
)
def test_command_of_nobody_or_about_nothing_is_refused(command, message):
    with pytest.raises(InputError, match=message):
        Command(**{"by": "bob", "reason": "r", **command})


def test_command_at_a_naive_instant_is_refused(desk):
    command = Command(kind=C.HALT, by="bob", reason="r")
    with pytest.raises(InputError, match="time zone"):
        write_command(Elsewhere(desk).engine, command, at=T0.replace(tzinfo=None))


def test_approval_of_a_command_expires_like_any_other(desk):
    session = desk.open(limits=ASKING, approval_valid_for=timedelta(minutes=5))
    elsewhere = Elsewhere(desk)
    (waiting,) = session.submit([desk.intent()])
    elsewhere.ask(C.APPROVE, waiting.client_order_id)
    session.obey()
    desk.clock.advance_to(T0 + timedelta(minutes=5))
    assert session.submit([waiting.intent])[0].status is S.AWAITING


@pytest.mark.parametrize(
    "valid_for", [timedelta.max, timedelta(days=30, seconds=1), timedelta(0), timedelta(-1)]
)
def test_approval_counts_for_a_time_that_a_person_can_oversee(desk, valid_for):
    session = desk.open(limits=ASKING)
    (waiting,) = session.submit([desk.intent()])
    records = session.journal.length
    with pytest.raises(InputError, match=f"an approval of {waiting.client_order_id} counts for"):
        session.approve(waiting.intent, by="ann", reason="seen", valid_for=valid_for)
    assert session.journal.length == records
    with pytest.raises(ConfigError, match="an approval counts for more than 0 and at most 30"):
        desk.new_session(approval_valid_for=valid_for)


def test_longest_approval_counts(desk):
    session = desk.open(limits=ASKING)
    given = session.approve(desk.intent(), by="ann", reason="seen", valid_for=timedelta(days=30))
    assert given.expires_at - given.at == timedelta(days=30)


def test_halt_file_that_can_never_exist_is_refused(desk):
    with pytest.raises(ConfigError, match="holds a NUL"):
        desk.new_session(halt_file=Path("desk\0.halt"))
