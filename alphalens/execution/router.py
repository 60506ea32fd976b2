"""The one way to the venue: gate, journal, send, journal; and what to do when nobody answers.

The contract: at most one send per client order id, unless the venue itself has said that it
has no such order; and even then the gate is asked again, and only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from alphalens.assets.base import Asset
from alphalens.brokers.base import Broker, VenueOrder
from alphalens.errors import BrokerError, OutcomeUnknown
from alphalens.execution.books import Books
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord
from alphalens.risk import RiskLimits, Verdict, validate
from alphalens.trading.clock import Clock
from alphalens.trading.events import AlertEvent, EventKind, Severity
from alphalens.trading.orders import OrderIntent, OrderStatus

__all__ = ["MAX_ATTEMPTS", "Router", "alert_entry", "answer_payload"]

#: Sends of one id; the second only after the venue said, twice, that it has no such order.
MAX_ATTEMPTS = 2


class Router:
    """Send orders through the gate, and find out what became of those without an answer.

    Parameters
    ----------
    books : Books
        Every record is written through it, before the send that it announces.
    broker : Broker
        The venue.
    limits, assets : RiskLimits, Mapping of str to Asset
        What the gate checks against.
    clock : Clock
        The present.
    grace : timedelta
        How long after a send the venue's "no such order" is not yet believed.
    obey : callable
        Reads the control table; called before every send.
    """

    def __init__(
        self,
        *,
        books: Books,
        broker: Broker,
        limits: RiskLimits,
        assets: Mapping[str, Asset],
        clock: Clock,
        grace: timedelta,
        obey: Callable[[], object],
    ) -> None:
        self._books, self._broker, self._clock = books, broker, clock
        self._limits, self._assets, self._grace = limits, assets, grace
        self._obey = obey

    def submit(self, intent: OrderIntent) -> OrderRecord:
        """Take one order through the gate and, if it passes, to the venue.

        An order that went out before is not sent again: its record is returned as it stands.

        Raises
        ------
        InputError
            If the id belongs to an order with other contents.
        StorageError
            If the intent could not be stored; then nothing was sent.
        """
        self._books.check_payload(intent)
        self._obey()
        known = self._books.orders.get(intent.client_order_id)
        if known is not None and known.was_sent and not known.is_absent:
            return known
        if known is not None and known.status.is_final:
            return known
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

    def resolve(self) -> tuple[OrderRecord, ...]:
        """Look up every order without a known outcome, and return those that have one now.

        The venue's word is adopted. "No such order" is believed after the grace period and on
        a second asking: an order that was sent once may then pass the gate again, one that
        was sent twice expires. An error leaves the order as it is, and its symbol blocked.
        """
        pending = [o for o in self._books.open_orders if o.is_unresolved]
        for order in pending:
            self._look_up(order)
        now = (self._books.orders[o.client_order_id] for o in pending)
        return tuple(order for order in now if not order.is_unresolved)

    def _judge(self, intent: OrderIntent) -> Verdict:
        book = self._books.view(
            now=self._clock.now(),
            assets=self._assets,
            cycle_id=intent.cycle_id,
            without=intent.client_order_id,
        )
        return validate(
            intent,
            book=book,
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
        payload = {"intent": intent, "attempt": attempt, "approved_by": self._approver(intent)}
        self._books.write(EventKind.ORDER_INTENDED, payload, intent.cycle_id)
        try:
            answer = self._broker.submit(intent)
        except OutcomeUnknown as error:
            self._lost(intent, str(error))
        except BrokerError as error:
            if attempt == 1:
                self._rejected(intent, str(error))
            else:  # the first attempt may have arrived after all: the look-up tells
                self._lost(intent, f"the venue refused attempt {attempt}: {error}")
        else:
            self._answered(intent, answer)

    def _answered(self, intent: OrderIntent, answer: VenueOrder) -> None:
        self._books.write(EventKind.ORDER_ANSWERED, answer_payload(answer), intent.cycle_id)

    def _rejected(self, intent: OrderIntent, error: str) -> None:
        payload = _closing(intent, OrderStatus.REJECTED, error)
        message = f"the venue rejected {_what(intent)}: {error}"
        alert = alert_entry("order_rejected", message, self._clock.now(), _values(intent))
        self._books.write_all(
            [(EventKind.ORDER_CLOSED, payload, intent.cycle_id), (*alert[:2], intent.cycle_id)]
        )

    def _lost(self, intent: OrderIntent, error: str) -> None:
        message = (
            f"nobody knows what became of {_what(intent)}: {error}. It is looked up before "
            f"anything else of {intent.symbol} is sent; it is not sent again unseen"
        )
        alert = alert_entry("order_unknown", message, self._clock.now(), _values(intent))
        self._unknown(intent, error, alert, is_absent=False)

    def _absent(self, intent: OrderIntent) -> None:
        message = (
            f"{_what(intent)} never reached the venue; if its cycle still wants it, it passes the "
            f"gate again and goes out once more under the same id"
        )
        alert = alert_entry("order_absent", message, self._clock.now(), _values(intent))
        self._unknown(intent, "the venue has no such order", alert, is_absent=True)

    def _unknown(self, intent: OrderIntent, error: str, alert: Entry, *, is_absent: bool) -> None:
        payload = {
            "client_order_id": intent.client_order_id,
            "error": error,
            "is_absent": is_absent,
        }
        self._books.write_all(
            [(EventKind.ORDER_UNKNOWN, payload, intent.cycle_id), (*alert[:2], intent.cycle_id)]
        )

    def _give_up(self, order: OrderRecord, verdict: Verdict) -> None:
        """Close an order that never arrived and that the gate does not let out again."""
        why = "; ".join(reason.message for reason in verdict.reasons)
        note = f"it never reached the venue, and may not go out again: {why}"
        payload = _closing(order.intent, OrderStatus.EXPIRED, note)
        self._books.write(EventKind.ORDER_CLOSED, payload, order.intent.cycle_id)

    def _look_up(self, order: OrderRecord) -> None:
        intent = order.intent
        try:
            answer = self._broker.order(intent.client_order_id)
            if answer is None and self._is_past_grace(order):
                answer = self._broker.order(intent.client_order_id)
        except BrokerError as error:
            if order.status is OrderStatus.INTENDED:
                self._lost(intent, f"the venue does not say: {error}")
            return
        if answer is not None:
            self._adopt(order, answer)
        elif not self._is_past_grace(order):
            if order.status is OrderStatus.INTENDED:
                self._lost(intent, "the venue has no such order yet")
        elif order.attempts < MAX_ATTEMPTS:
            self._absent(intent)
        else:
            note = f"the venue has no such order after {order.attempts} attempts"
            payload = _closing(intent, OrderStatus.EXPIRED, note)
            self._books.write(EventKind.ORDER_CLOSED, payload, intent.cycle_id)

    def _adopt(self, order: OrderRecord, answer: VenueOrder) -> None:
        """Take the venue's word over; an end with executions not yet booked is still open."""
        if answer.status.is_final and answer.filled_quantity > order.filled_quantity:
            answer = replace(answer, status=OrderStatus.ACCEPTED)
        self._answered(order.intent, answer)

    def _is_past_grace(self, order: OrderRecord) -> bool:
        sent = order.attempted_at
        return sent is not None and self._clock.now() - sent >= self._grace


def alert_entry(
    code: str,
    message: str,
    at: datetime,
    values: Mapping[str, str],
    severity: Severity = Severity.WARNING,
) -> Entry:
    """Return the journal entry of an alert."""
    alert = AlertEvent(code=code, severity=severity, message=message, at=at, values=dict(values))
    return (EventKind.ALERT, _fields(alert), "")


def answer_payload(answer: VenueOrder) -> dict[str, object]:
    """Return the content of the record of a venue's answer."""
    return {
        "client_order_id": answer.client_order_id,
        "venue_order_id": answer.venue_order_id,
        "status": answer.status,
        "filled_quantity": answer.filled_quantity,
        "reason": answer.reason,
    }


def _closing(intent: OrderIntent, status: OrderStatus, reason: str) -> dict[str, object]:
    return {
        "client_order_id": intent.client_order_id,
        "venue_order_id": "",
        "status": status,
        "reason": reason,
    }


def _fields(alert: AlertEvent) -> dict[str, object]:
    return {name: getattr(alert, name) for name in ("code", "severity", "message", "at", "values")}


def _values(intent: OrderIntent) -> dict[str, str]:
    return {"client_order_id": intent.client_order_id, "symbol": intent.symbol}


def _what(intent: OrderIntent) -> str:
    return f"{intent.side} {intent.quantity} {intent.symbol} ({intent.client_order_id})"
