"""What the gate would say to a list of orders, each counted for those after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alphalens.errors import InputError
from alphalens.execution.books import Books
from alphalens.execution.records import OrderRecord
from alphalens.risk import BookView, RiskLimits, Verdict, validate
from alphalens.trading.orders import OrderIntent, OrderStatus

__all__ = ["Assessment", "assess"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the gate would say to an order now.

    Attributes
    ----------
    intent : OrderIntent
        The order.
    verdict : Verdict
        All reasons at once; for an order that is decided already, those that were recorded.
    status : OrderStatus or None
        Where it stands in the journal; None if it is not there yet.
    """

    intent: OrderIntent
    verdict: Verdict
    status: OrderStatus | None


def assess(
    intents: Sequence[OrderIntent],
    *,
    books: Books,
    limits: RiskLimits,
    view: Callable[[str], BookView],
) -> tuple[Assessment, ...]:
    """Judge orders in turn, without recording or sending anything.

    Parameters
    ----------
    intents : sequence of OrderIntent
        The orders, in the order in which they would be sent.
    books : Books
        What is decided already, and the approvals given.
    limits : RiskLimits
        The desk's limits.
    view : callable
        From a cycle's id to the account now.

    Returns
    -------
    tuple of Assessment
        One per intent. An order that may pass, with or without an approval, is counted as
        open for those after it; one that is decided in the journal is not judged again.

    Raises
    ------
    InputError
        If an id belongs to an order with other contents, or an intent names an order that it
        replaces: that is judged when it is asked for.
    """
    views: dict[str, BookView] = {}
    assessments = []
    for intent in intents:
        books.check_payload(intent)
        if intent.replaces:
            raise InputError(
                f"{intent.client_order_id} replaces {intent.replaces}: it is judged by "
                f"replace_order, not in a list"
            )
        known = books.orders.get(intent.client_order_id)
        status = None if known is None else known.status
        if known is not None and (known.status.is_final or known.is_open):
            verdict = Verdict(known.reasons if status is OrderStatus.REFUSED else ())
        else:
            book = views.get(intent.cycle_id) or view(intent.cycle_id)
            verdict = validate(
                intent,
                book=book if known is None else _without(book, known),
                limits=limits,
                state=books.standing.state,
                approval=books.approvals.get(intent.fingerprint),
            )
            views[intent.cycle_id] = book if verdict.is_refused else book.with_order(intent)
        assessments.append(Assessment(intent=intent, verdict=verdict, status=status))
    return tuple(assessments)


def _without(book: BookView, order: OrderRecord) -> BookView:
    """Return the book before an order that the venue never had was sent."""
    return replace(book, sent=book.sent - {order.client_order_id})
