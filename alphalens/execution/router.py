"""The one way to the venue: gate, journal, send, journal.

The contract: at most one send per client order id, unless the venue itself has said that it
has no such order; and even then the gate is asked again, and only once. An attempt that the
process died in, without an outcome on record, does not count. What nobody answered is found
out by `alphalens.execution.resolver`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from alphalens.brokers.base import Broker, VenueOrder
from alphalens.errors import (
    BrokerError,
    CredentialsRefused,
    IdTaken,
    InputError,
    OrderRejected,
    OutcomeUnknown,
    TradingHalted,
)
from alphalens.execution.books import Books
from alphalens.execution.entries import (
    alert_entry,
    answer_payload,
    closing_payload,
    described,
    id_taken_entries,
    still_working,
    unknown_entries,
    values_of,
)
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord
from alphalens.risk import BookView, RiskLimits, StateEvent, Verdict, validate
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind, Severity
from alphalens.trading.orders import OrderIntent, OrderStatus

__all__ = ["Router", "given_back"]


class Router:
    """Send orders, cancels and replacements through the gate, each journalled before it goes.

    Parameters
    ----------
    books : Books
        Every record is written through it, before the send that it announces.
    broker : Broker
        The venue.
    limits : RiskLimits
        What the gate checks against.
    clock : Clock
        The present.
    view : callable
        From an order to the account as the gate sees it, that order left out.
    before_send : callable
        Called before every send: it reads the control table, and takes in what was missed.
    change : callable
        From an event, who and why, to the trading state: `Control.change`.
    """

    def __init__(
        self,
        *,
        books: Books,
        broker: Broker,
        limits: RiskLimits,
        clock: Clock,
        view: Callable[[OrderIntent], BookView],
        before_send: Callable[[], object],
        change: Callable[[StateEvent, str, str], None],
    ) -> None:
        self._books, self._broker, self._clock = books, broker, clock
        self._limits, self._view = limits, view
        self._before_send, self._change = before_send, change
        self.is_stopping = False

    def submit(self, intent: OrderIntent) -> OrderRecord:
        """Take one order through the gate and, if it passes, to the venue.

        An order that went out before is not sent again: its record is returned as it stands.

        Raises
        ------
        InputError
            If the id belongs to an order with other contents, or the intent names an order
            that it replaces.
        StorageError
            If the intent could not be stored; then nothing was sent.
        TradingHalted
            If the session is stopping: nothing new is taken in.
        """
        if intent.replaces:  # sent as a new order, both would work
            raise InputError(
                f"{intent.client_order_id} of {intent.symbol} says that it replaces "
                f"{intent.replaces}: ask for that by replace_order, or leave `replaces` empty"
            )
        self._before_send()
        self._books.check_payload(intent)  # after it: the venue may have told who has the id
        known = self._books.orders.get(intent.client_order_id)
        if known is not None and (known.status.is_final or known.is_open):
            return known
        self._refuse_when_stopping(intent)
        verdict = self._judge(intent)
        if verdict.is_approved:
            self._send(intent, 1 if known is None else known.attempts + 1)
        elif known is not None and known.was_sent:
            self._give_up(known, verdict)
        elif verdict.needs_approval:
            self.request_approval(intent, verdict)
        else:
            reasons = {"intent": intent, "reasons": verdict.reasons}
            self._books.write(EventKind.ORDER_REFUSED, reasons, intent.cycle_id)
        return self._books.orders[intent.client_order_id]

    def request_approval(self, intent: OrderIntent, verdict: Verdict) -> None:
        """Journal that an order waits for a person, once."""
        if intent.client_order_id in self._books.orders:
            return
        payload = {
            "intent": intent,
            "fingerprint": intent.fingerprint,
            "reasons": verdict.reasons,
        }
        self._books.write(EventKind.APPROVAL_REQUESTED, payload, intent.cycle_id)

    def cancel(self, order: OrderRecord, reason: str) -> None:
        """Ask the venue to cancel an order, in every trading state; it stays reserved till then.

        Raises
        ------
        BrokerError
            If the venue refused, or did not answer. The order is looked up before anything
            else of its symbol is sent.
        """
        intent = order.intent
        if order.status is not OrderStatus.PENDING_CANCEL:
            payload = {"client_order_id": intent.client_order_id, "reason": reason}
            self._books.write(EventKind.CANCEL_ASKED, payload, intent.cycle_id)
        self._broker.cancel(intent.client_order_id)

    def replace(self, old: OrderRecord, intent: OrderIntent) -> OrderRecord:
        """Ask the venue to put `intent` in the place of a working order.

        The new order is judged as if the old one were gone; until the venue has said which of
        them stands, the larger is reserved and nothing else of the symbol is sent.

        Raises
        ------
        InputError
            If `intent` does not name the order it replaces, differs in more than quantity,
            prices and time in force, or the old order does not work.
        TradingHalted
            As `submit`.
        """
        self._before_send()
        self._check_same(old, intent)
        known = self._books.orders.get(intent.client_order_id)
        if known is not None:
            return known
        self._check_working(self._books.orders[old.client_order_id])
        self._refuse_when_stopping(intent)
        verdict = self._judge(intent)
        if not verdict.is_approved:
            reasons = {"intent": intent, "reasons": verdict.reasons}
            self._books.write(EventKind.ORDER_REFUSED, reasons, intent.cycle_id)
            return self._books.orders[intent.client_order_id]
        asked = {
            "client_order_id": old.client_order_id,
            "replaced_by": intent.client_order_id,
        }
        self._books.write_all(
            [
                (EventKind.REPLACE_ASKED, asked, old.intent.cycle_id),
                self._intended(intent, 1),
            ]
        )
        self._transmit(intent, 1, lambda: self._broker.replace(old.client_order_id, intent))
        return self._books.orders[intent.client_order_id]

    def _check_same(self, old: OrderRecord, intent: OrderIntent) -> None:
        self._books.check_payload(intent)
        if intent.replaces != old.client_order_id:
            raise InputError(
                f"{intent.client_order_id} of {intent.symbol} says that it replaces "
                f"{intent.replaces!r}, asked was {old.client_order_id} of {old.intent.symbol}"
            )
        others = [n for n in _KEPT if getattr(intent, n) != getattr(old.intent, n)]
        if others:
            raise InputError(
                f"{intent.client_order_id} cannot take the place of {old.client_order_id}: it "
                f"differs in {', '.join(others)}, and a venue changes quantity, prices and time "
                f"in force only; cancel the old order and send a new one"
            )

    def _check_working(self, old: OrderRecord) -> None:
        if not old.is_open or old.is_pending or old.is_unresolved:
            raise InputError(
                f"{old.client_order_id} is {old.status}: only an order that works, and is not "
                f"being canceled or replaced, can be replaced; look it up first"
            )

    def _refuse_when_stopping(self, intent: OrderIntent) -> None:
        if self.is_stopping:
            raise TradingHalted(
                f"the session is stopping: {intent.side} {intent.quantity} {intent.symbol} "
                f"({intent.client_order_id}) was not sent; submit the stored plan after a restart"
            )

    def _judge(self, intent: OrderIntent) -> Verdict:
        return validate(
            intent,
            book=self._view(intent),
            limits=self._limits,
            state=self._books.standing.state,
            approval=self._books.approvals.get(intent.fingerprint),
        )

    def _approver(self, intent: OrderIntent) -> str:
        approval = self._books.approvals.get(intent.fingerprint)
        if approval is None or not approval.covers(intent, self._clock.now()):
            return ""
        return approval.by

    def _send(self, intent: OrderIntent, attempt: int) -> None:
        self._books.write_all([self._intended(intent, attempt)])
        self._transmit(intent, attempt, lambda: self._broker.submit(intent))

    def _intended(self, intent: OrderIntent, attempt: int) -> Entry:
        payload = {"intent": intent, "attempt": attempt, "approved_by": self._approver(intent)}
        return (EventKind.ORDER_INTENDED, payload, intent.cycle_id)

    def _transmit(self, intent: OrderIntent, attempt: int, send: Callable[[], VenueOrder]) -> None:
        """Send what is journalled, and journal the answer, whatever it is."""
        try:
            answer = send()
        except OutcomeUnknown as error:
            self._lost(intent, str(error))
        except CredentialsRefused as error:
            self._closed_out(intent, error)
        except IdTaken as error:
            self._id_taken(intent, error)
        except BrokerError as error:
            if attempt == 1:
                self._rejected(intent, error)
            else:  # the first attempt may have arrived after all: the look-up tells
                self._lost(intent, f"the venue refused attempt {attempt}: {error}", str(error))
        else:
            said = replace(answer, client_order_id=intent.client_order_id)
            self._answered(intent, said)

    def _answered(self, intent: OrderIntent, said: VenueOrder) -> None:
        entries: list[Entry] = [(EventKind.ORDER_ANSWERED, answer_payload(said), intent.cycle_id)]
        if said.status is OrderStatus.UNKNOWN:
            message = (
                f"the venue took {described(intent)} and says that it is {said.venue_status!r}, a "
                f"word that is not known here: it is looked up before anything else of "
                f"{intent.symbol} is sent"
            )
            entries.append(self._alert("order_status_unknown", message, values_of(intent), intent))
        self._books.write_all(entries)

    def _rejected(self, intent: OrderIntent, error: BrokerError) -> None:
        code = error.code if isinstance(error, OrderRejected) else ""
        message = f"the venue rejected {described(intent)}: {error}; it is not sent again"
        values = {**values_of(intent), "code": code}
        if isinstance(error, OrderRejected):
            values |= {f"venue_{name}": value for name, value in error.details.items()}
        # An order that was to be replaced stays pending: it may have ended, the look-up tells.
        self._end(intent, str(error), "order_rejected", message, values)

    def _closed_out(self, intent: OrderIntent, error: CredentialsRefused) -> None:
        """Close an order that the venue did not even read, and stop: the keys are wrong."""
        message = (
            f"the venue refused our keys at {described(intent)}: {error}; new orders are "
            f"halted, what the venue tells is still read. Put the right keys in, then resume"
        )
        back = given_back(self._books, intent)
        self._end(intent, str(error), "credentials_refused", message, values_of(intent), *back)
        self._change(StateEvent.HALT, "venue", message)

    def _id_taken(self, intent: OrderIntent, error: IdTaken) -> None:
        taken = id_taken_entries(intent, str(error), self._clock.now())
        self._books.write_all([*given_back(self._books, intent), *taken])

    def _end(
        self,
        intent: OrderIntent,
        error: str,
        code: str,
        message: str,
        values: dict[str, str],
        *more: Entry,
    ) -> None:
        """Close an order that was not placed, and tell."""
        payload = closing_payload(intent, OrderStatus.REJECTED, error)
        alert = self._alert(code, message, values, intent)
        closing = (EventKind.ORDER_CLOSED, payload, intent.cycle_id)
        self._books.write_all([closing, *more, alert])

    def _lost(self, intent: OrderIntent, error: str, refusal: str = "") -> None:
        now = self._clock.now()
        self._books.write_all(unknown_entries(intent, error, now, refusal=refusal))

    def _give_up(self, order: OrderRecord, verdict: Verdict) -> None:
        """Close an order that never arrived and that the gate does not let out again."""
        why = "; ".join(reason.message for reason in verdict.reasons)
        note = f"it never reached the venue, and may not go out again: {why}"
        payload = closing_payload(order.intent, OrderStatus.EXPIRED, note)
        self._books.write(EventKind.ORDER_CLOSED, payload, order.intent.cycle_id)

    def _alert(self, code: str, message: str, values: dict[str, str], intent: OrderIntent) -> Entry:
        now, cycle_id = self._clock.now(), intent.cycle_id
        return alert_entry(code, message, now, values, Severity.CRITICAL, cycle_id=cycle_id)


#: What a venue does not change when an order is replaced.
_KEPT = (
    "account",
    "symbol",
    "side",
    "order_type",
    "order_class",
    "take_profit",
    "stop_loss",
    "stop_loss_limit",
    "legs",
    "is_extended_hours",
)


def given_back(books: Books, intent: OrderIntent) -> list[Entry]:
    """Return the entry that the order which was to be replaced works on, if it does."""
    old = books.orders.get(intent.replaces) if intent.replaces else None
    if old is None or old.status is not OrderStatus.PENDING_REPLACE:
        return []
    return [still_working(old)]
