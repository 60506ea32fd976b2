"""Asking a person: the question, the answers, and the policies that may answer for him."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from alphalens.errors import InputError
from alphalens.execution.session import Assessment
from alphalens.risk.reasons import ReasonCode
from alphalens.trading.codec import digest
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["Answer", "ApprovalPolicy", "ApproveUpTo", "Question", "RejectAll", "WaitingOrder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingOrder:
    """One order that needs a person's agreement.

    Attributes
    ----------
    client_order_id, fingerprint : str
        Which order, and the hash of everything in it.
    symbol : str
        What is traded.
    side : Side
        Buy or sell.
    quantity, notional : Decimal
        Units, and their value at the decision price.
    of_equity : Decimal
        Value as a fraction of equity, as the gate measured it.
    message : str
        Why a person is asked.
    """

    client_order_id: str
    fingerprint: str
    symbol: str
    side: Side
    quantity: Decimal
    notional: Decimal
    of_equity: Decimal
    message: str

    @classmethod
    def of(cls, assessment: Assessment) -> WaitingOrder:
        """Return the question that an assessed order raises.

        Raises
        ------
        InputError
            If an approval would not help this order.
        """
        intent: OrderIntent = assessment.intent
        asked = [r for r in assessment.verdict.reasons if r.code is ReasonCode.NEEDS_APPROVAL]
        if not assessment.verdict.needs_approval:
            raise InputError(f"order {intent.client_order_id} does not wait for an approval")
        return cls(
            client_order_id=intent.client_order_id,
            fingerprint=intent.fingerprint,
            symbol=intent.symbol,
            side=intent.side,
            quantity=intent.quantity,
            notional=intent.notional,
            of_equity=Decimal(asked[0].actual),
            message=asked[0].message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All orders of one cycle that wait for a person.

    Attributes
    ----------
    cycle_id : str
        The decision cycle.
    asof : datetime
        Its instant.
    orders : tuple of WaitingOrder
        In the order of the plan.
    """

    cycle_id: str
    asof: datetime
    orders: tuple[WaitingOrder, ...]

    @property
    def proposal_hash(self) -> str:
        """Return the hash of exactly these orders; an answer to others does not fit."""
        return proposal_hash(self.cycle_id, (order.fingerprint for order in self.orders))


def proposal_hash(cycle_id: str, fingerprints: Iterable[str]) -> str:
    """Return the hash that binds an answer to a cycle and its waiting orders."""
    return digest([cycle_id, list(fingerprints)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A person's word on one order.

    Attributes
    ----------
    fingerprint : str
        The order, exactly as it was shown.
    is_approved : bool
        Whether it may go.
    by, reason : str
        Who says so, and why.
    """

    fingerprint: str
    is_approved: bool
    by: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse the word of nobody."""
        if not self.by.strip():
            raise InputError("an answer needs a name in `by`")


class ApprovalPolicy(Protocol):
    """Whoever answers: a person at a prompt, or a rule that somebody stands for."""

    def decide(self, question: Question) -> tuple[Answer, ...]:
        """Return answers; an order without one is not sent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveUpTo:
    """Agree to orders up to a share of equity, decline the others.

    Attributes
    ----------
    limit : Decimal
        Largest value agreed to, as a fraction of equity.
    by : str
        Who stands for the rule.
    """

    limit: Decimal
    by: str

    def decide(self, question: Question) -> tuple[Answer, ...]:
        """Return one answer per order, by its size alone."""
        return tuple(
            Answer(
                fingerprint=order.fingerprint,
                is_approved=order.of_equity <= self.limit,
                by=self.by,
                reason=f"{order.of_equity} of equity, agreed up to {self.limit}",
            )
            for order in question.orders
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectAll:
    """Decline everything that needs an agreement.

    Attributes
    ----------
    by, reason : str
        Who, and why.
    """

    by: str
    reason: str

    def decide(self, question: Question) -> tuple[Answer, ...]:
        """Return a refusal of each order."""
        return tuple(
            Answer(fingerprint=o.fingerprint, is_approved=False, by=self.by, reason=self.reason)
            for o in question.orders
        )
