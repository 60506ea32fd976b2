"""Who may stop and start trading, and agree to orders: people, the control table, the limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from os.path import lexists
from pathlib import Path

from alphalens.errors import BrokerError, ConfigError, CredentialsRefused, InputError
from alphalens.execution.books import Books
from alphalens.execution.commands import Command, CommandKind, pending_commands
from alphalens.execution.entries import alert_entry
from alphalens.execution.journal import Journal
from alphalens.risk import (
    Approval,
    BookView,
    Reason,
    ReasonCode,
    RiskLimits,
    StateEvent,
    TradingState,
    book_breaches,
    transition,
)
from alphalens.risk.validator import is_loss
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind, Severity
from alphalens.trading.orders import OrderIntent, OrderStatus

__all__ = ["Control"]

_EVENTS = {
    CommandKind.HALT: StateEvent.HALT,
    CommandKind.REDUCE: StateEvent.REDUCE,
    CommandKind.RESUME: StateEvent.RESUME,
}
#: What keeps orders back, and so is obeyed in the last moment too.
_HOLDS = frozenset({CommandKind.HALT, CommandKind.REDUCE, CommandKind.CANCEL, CommandKind.REJECT})
_LIMITS = "risk limits"
_LONGEST_APPROVAL = timedelta(days=30)


class Control:
    """Change the trading state and record approvals; every change is a journal record.

    Parameters
    ----------
    books : Books
        Where the records go.
    journal : Journal
        Its database holds the control table.
    clock : Clock
        The present.
    valid_for : timedelta
        How long an approval counts, at most 30 days.
    halt_file : Path or None
        While this file exists, trading is halted: it works when the database does not.
    cancel : callable
        Cancels an order: its id, and why.

    Raises
    ------
    ConfigError
        If an approval would not count, or for longer than 30 days, or there can be no such
        halt file.
    """

    def __init__(
        self,
        *,
        books: Books,
        journal: Journal,
        clock: Clock,
        valid_for: timedelta,
        halt_file: Path | None,
        cancel: Callable[[str, str], object],
    ) -> None:
        if why := _unfit(valid_for):
            raise ConfigError(f"an approval {why}")
        if halt_file is not None and "\0" in str(halt_file):
            raise ConfigError(
                f"the halt file {str(halt_file)!r} can never exist, for its name holds a NUL "
                f"character: give another"
            )
        self._books, self._journal, self._clock = books, journal, clock
        self._valid_for, self._halt_file = valid_for, halt_file
        self._is_obeying = False
        self._cancel = cancel
        self._asked: deque[tuple[StateEvent, str, str]] = deque()

    def ask(self, event: StateEvent, *, by: str, reason: str) -> None:
        """Have the state changed before the next send; safe in every thread, waits for nobody."""
        self._asked.append((event, by, reason))

    def answer(self) -> None:
        """Make the changes that were asked for, in their order."""
        while self._asked:
            event, by, reason = self._asked[0]
            self.change(event, by=by, reason=reason)
            self._asked.popleft()  # now, so that what was not stored is still asked for

    def obey(self, *, is_again: bool = False) -> int:
        """Read the halt file and the control table, do what they say, return how much that was.

        Parameters
        ----------
        is_again : bool
            The table was read a moment ago, before the venue was asked. Now only what holds
            orders back is obeyed, and what was asked before it: a resume waits for the next
            reading, for it may lift a halt that its writer could not know of.
        """
        self.answer()
        if self._is_obeying:  # what a command sends asks for commands too
            return 0
        self._is_obeying = True
        try:
            commands = pending_commands(self._journal.engine)
            if is_again:
                commands = _up_to_the_last_hold(commands)
            for command in commands:
                self._obey(command)
        finally:
            self._is_obeying = False
        state = self._books.standing.state
        if self._halt_file is None or state is TradingState.HALTED or not lexists(self._halt_file):
            return len(commands)
        reason = f"the file {self._halt_file.name} exists; remove it and resume"
        self.change(StateEvent.HALT, by="halt file", reason=reason)
        return len(commands) + 1

    def change(
        self, event: StateEvent, *, by: str, reason: str, command_id: int | None = None
    ) -> None:
        """Journal an event and the trading state that follows from it."""
        before, after = self._books.standing, transition(self._books.standing, event)
        payload = {
            "event": event,
            "from": before.state,
            "to": after.state,
            "is_locked": after.is_locked,
            "by": by,
            "reason": reason,
            "command_id": command_id,
        }
        entries = [(EventKind.STATE_CHANGED, payload, "")]
        if after.state is not before.state:
            message = f"trading goes from {before.state} to {after.state}, by {by}: {reason}"
            severity = Severity.INFO if after.state is TradingState.ACTIVE else Severity.CRITICAL
            alert = alert_entry("state_changed", message, self._clock.now(), {"by": by}, severity)
            entries.append((alert[0], dict(alert[1]), ""))
        self._books.write_all(entries)

    def change_by(self, event: StateEvent, by: str, reason: str) -> None:
        """Change the state as `change` does, on behalf of another part of the desk."""
        if transition(self._books.standing, event) != self._books.standing:
            self.change(event, by=by, reason=reason)

    def lock_out(self, error: CredentialsRefused) -> None:
        """Halt, and tell that the venue no longer knows our keys; once, until trading resumes."""
        if transition(self._books.standing, StateEvent.HALT) == self._books.standing:
            return
        message = (
            f"the venue refused our keys: {error}; new orders are halted, what the venue tells "
            f"is still read. Put the right keys in, then resume"
        )
        now = self._clock.now()
        told = alert_entry("credentials_refused", message, now, {}, Severity.CRITICAL)
        self._books.write_all([told])
        self.change(StateEvent.HALT, by="venue", reason=message)

    def clear(self, symbol: str, *, by: str, reason: str, command_id: int | None = None) -> None:
        """Journal that a frozen symbol is traded again.

        Raises
        ------
        InputError
            If nobody is named, or the symbol is not frozen.
        """
        known = ", ".join(sorted(self._books.frozen)) or "none"
        if not by.strip() or symbol not in self._books.frozen:
            raise InputError(f"clear {symbol!r} by {by!r}: say who asks; frozen are: {known}")
        self._say(EventKind.SYMBOL_CLEARED, symbol, by, reason, command_id)

    def claim(self, symbol: str, *, by: str, reason: str, command_id: int | None = None) -> None:
        """Journal that a position which was there before us is traded with the rest.

        Raises
        ------
        InputError
            If nobody is named, or there is no such position.
        """
        known = ", ".join(sorted(self._books.external)) or "none"
        if not by.strip() or symbol not in self._books.external:
            raise InputError(f"claim {symbol!r} by {by!r}: say who asks; unclaimed are: {known}")
        self._say(EventKind.SYMBOL_CLAIMED, symbol, by, reason, command_id)

    def judge_book(self, view: BookView, limits: RiskLimits) -> None:
        """Let the book's own breaches, or their absence, change the state."""
        breaches = book_breaches(view, limits)
        if any(map(is_loss, breaches)):
            event = StateEvent.LOSS_BREACH
        else:
            event = StateEvent.BOOK_BREACH if breaches else StateEvent.BOOK_CLEAR
        if transition(self._books.standing, event) != self._books.standing:
            reason = "; ".join(reason.message for reason in breaches) or "within its limits again"
            self.change(event, by=_LIMITS, reason=reason)

    def approve(
        self,
        intent: OrderIntent,
        *,
        by: str,
        reason: str,
        valid_for: timedelta | None = None,
        command_id: int | None = None,
    ) -> Approval:
        """Journal a person's agreement to exactly this order; one that counts already is kept.

        Raises
        ------
        InputError
            If nobody is named, the id belongs to another order, the order is final, or the
            agreement would not count, or for longer than 30 days.
        """
        now, counts_for = self._clock.now(), self._valid_for if valid_for is None else valid_for
        if why := _unfit(counts_for):
            raise InputError(f"an approval of {intent.client_order_id} {why}")
        self._check_open(intent, "approve")
        given = self._books.approvals.get(intent.fingerprint)
        if given is not None and given.covers(intent, now) and command_id is None:
            return given
        approval = Approval(
            client_order_id=intent.client_order_id,
            fingerprint=intent.fingerprint,
            by=by,
            reason=reason,
            at=now,
            expires_at=now + counts_for,
        )
        payload = {
            "client_order_id": approval.client_order_id,
            "fingerprint": approval.fingerprint,
            "by": by,
            "reason": reason,
            "at": approval.at,
            "expires_at": approval.expires_at,
            "command_id": command_id,
        }
        self._books.write(EventKind.APPROVAL_GIVEN, payload, intent.cycle_id)
        return approval

    def deny(
        self, intent: OrderIntent, *, by: str, reason: str, command_id: int | None = None
    ) -> None:
        """Journal that a person refuses an order; it is final.

        Raises
        ------
        InputError
            If nobody is named, the id belongs to another order, or the order was sent or is
            final.
        """
        if not by.strip():
            raise InputError(f"denial of {intent.client_order_id}: say who refuses, got no name")
        self._check_open(intent, "deny")
        known = self._books.orders.get(intent.client_order_id)
        if known is not None and known.was_sent:
            raise InputError(
                f"cannot deny {intent.client_order_id}: it is {known.status}, it was sent; cancel "
                f"it instead"
            )
        denied = Reason(
            code=ReasonCode.DENIED,
            limit="a person's approval",
            actual="denied",
            message=f"denied: {by} refused {intent.side} {intent.quantity} {intent.symbol}: "
            f"{reason}; the next cycle may ask again",
        )
        payload = {
            "intent": intent,
            "fingerprint": intent.fingerprint,
            "by": by,
            "reason": reason,
            "reasons": [denied],
            "command_id": command_id,
        }
        self._books.write(EventKind.APPROVAL_DENIED, payload, intent.cycle_id)

    def _check_open(self, intent: OrderIntent, verb: str) -> None:
        self._books.check_payload(intent)
        known = self._books.orders.get(intent.client_order_id)
        if known is not None and known.status.is_final:
            raise InputError(
                f"cannot {verb} {intent.client_order_id}: it is {known.status}, which is final; "
                f"the next cycle may ask again"
            )

    def _say(
        self, kind: EventKind, symbol: str, by: str, reason: str, command_id: int | None
    ) -> None:
        payload = {"symbol": symbol, "by": by, "reason": reason, "command_id": command_id}
        self._books.write(kind, payload)

    def _obey(self, command: Command) -> None:
        event = _EVENTS.get(command.kind)
        if event is not None:
            self.change(event, by=command.by, reason=command.reason, command_id=command.id)
        elif command.kind in (CommandKind.APPROVE, CommandKind.REJECT):
            self._decide(command)
        elif command.kind is CommandKind.CANCEL:
            self._obey_cancel(command)
        else:
            self._obey_symbol(command)

    def _decide(self, command: Command) -> None:
        order = self._books.orders.get(command.client_order_id)
        if (
            order is None
            or order.status is not OrderStatus.AWAITING
            or order.intent.fingerprint != command.fingerprint
        ):
            self._ignore(command, "does not wait for that, or no longer as it was shown")
        elif command.kind is CommandKind.APPROVE:
            self.approve(order.intent, by=command.by, reason=command.reason, command_id=command.id)
        else:
            self.deny(order.intent, by=command.by, reason=command.reason, command_id=command.id)

    def _obey_symbol(self, command: Command) -> None:
        act = self.clear if command.kind is CommandKind.CLEAR else self.claim
        try:
            act(command.symbol, by=command.by, reason=command.reason, command_id=command.id)
        except InputError as error:
            self._ignore(command, str(error))

    def _obey_cancel(self, command: Command) -> None:
        """Cancel as a person asked; the command is done once, whatever the venue says."""
        message = f"{command.by} canceled {command.client_order_id}: {command.reason}"
        alert = alert_entry("cancel_asked", message, self._clock.now(), {"by": command.by})
        self._books.write(EventKind.ALERT, {**alert[1], "command_id": command.id})
        try:
            self._cancel(command.client_order_id, f"{command.by}: {command.reason}")
        except (BrokerError, InputError) as error:
            message = f"{command.client_order_id} could not be canceled: {error}; ask again"
            failed = alert_entry("cancel_failed", message, self._clock.now(), {"by": command.by})
            self._books.write(EventKind.ALERT, failed[1])

    def _ignore(self, command: Command, why: str) -> None:
        """Journal a command that came too late, so that it is not read again."""
        what = command.client_order_id or command.symbol
        message = f"{command.by} asked to {command.kind} {what}, which {why}; look at it again"
        alert = alert_entry("command_ignored", message, self._clock.now(), {"by": command.by})
        self._books.write(EventKind.ALERT, {**alert[1], "command_id": command.id})


def _unfit(valid_for: timedelta) -> str:
    """Return what is wrong with the time for which an approval counts; empty if nothing is."""
    if timedelta(0) < valid_for <= _LONGEST_APPROVAL:
        return ""
    longest = _LONGEST_APPROVAL.days
    return f"counts for more than 0 and at most {longest} days, got {valid_for}"


def _up_to_the_last_hold(commands: Sequence[Command]) -> tuple[Command, ...]:
    """Return the commands up to the last of those that hold orders back."""
    last = max((n for n, one in enumerate(commands, 1) if one.kind in _HOLDS), default=0)
    return tuple(commands[:last])
