"""The trader: hands the plan to the one gate and reports what the last one cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from alphalens.agents.approvals import Answer
from alphalens.agents.base import Context, Degraded
from alphalens.execution.journal import JournalReader
from alphalens.execution.records import OrderRecord
from alphalens.trading.events import EventKind
from alphalens.trading.orders import OrderIntent, OrderStatus

__all__ = ["ExecutionAgent", "ExecutionUpdate", "ExecutionView", "Slippage", "arrival_slippage"]

_BPS = Decimal(10000)
_STEP = Decimal("0.0001")  # of a basis point


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionView:
    """What the trader sees: the plan and what people said about it."""

    intents: tuple[OrderIntent, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slippage:
    """What the executions of one cycle cost against the price they were decided at.

    Attributes
    ----------
    cycle_id : str
        The cycle whose orders were executed.
    fills : int
        Executions.
    notional : Decimal
        Their value at the decision prices, in the account's currency.
    arrival_bps : Decimal
        Loss against the decision prices in basis points of `notional`, positive is a loss. It
        holds the spread and the market's move between decision and execution.
    fee_bps : Decimal
        Fees in basis points of `notional`.
    """

    cycle_id: str
    fills: int
    notional: Decimal
    arrival_bps: Decimal
    fee_bps: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionUpdate:
    """What became of the plan so far.

    Attributes
    ----------
    orders : tuple of OrderRecord
        Every order of the plan with its status; one that waits or was refused says why.
    slippage : Slippage or None
        Cost of the cycle before; None if nothing of it was executed.
    degraded : tuple of Degraded
        What could not be done.
    """

    orders: tuple[OrderRecord, ...] = ()
    slippage: Slippage | None = None
    degraded: tuple[Degraded, ...] = ()


class ExecutionAgent:
    """Records the answers, then submits the whole plan: the gate decides, order by order."""

    name = "execution"

    def run(self, view: ExecutionView, context: Context) -> ExecutionUpdate:
        """Return the orders of the plan after they were submitted.

        Safe to repeat: an answer is recorded once, and an order is sent once.
        """
        session = context.session
        slippage = arrival_slippage(session.journal, before=context.cycle_id)
        degraded = self._record_answers(view, context)
        orders = session.submit(view.intents) if view.intents else ()
        lost = tuple(
            self._degraded("order_unknown", f"no definite answer to {order.client_order_id}")
            for order in orders
            if order.status is OrderStatus.UNKNOWN
        )
        return ExecutionUpdate(orders=orders, slippage=slippage, degraded=(*degraded, *lost))

    def _record_answers(self, view: ExecutionView, context: Context) -> tuple[Degraded, ...]:
        session = context.session
        planned = {intent.fingerprint: intent for intent in view.intents}
        settled = _settled(session.journal, context.cycle_id)
        stale: list[Degraded] = []
        for answer in view.answers:
            intent = planned.get(answer.fingerprint)
            if intent is None:
                message = f"the answer of {answer.by} is to an order that is not in the plan"
                stale.append(self._degraded("stale_answer", message))
            elif intent.client_order_id in settled:
                continue
            elif answer.is_approved:
                session.approve(intent, by=answer.by, reason=answer.reason)
            else:
                session.deny(intent, by=answer.by, reason=answer.reason)
        return tuple(stale)

    def _degraded(self, code: str, message: str) -> Degraded:
        return Degraded(agent=self.name, code=code, message=message)


def arrival_slippage(journal: JournalReader, *, before: str) -> Slippage | None:
    r"""Return what the cycle finished last, other than `before`, cost to execute.

    Notes
    -----
    With decision price :math:`p^0_i`, execution price :math:`p_i`, units :math:`q_i` and side
    :math:`s_i=\pm1`: :math:`10^4 \sum_i s_i q_i (p_i - p^0_i) / \sum_i q_i p^0_i`.
    """
    finished = [r.cycle_id for r in journal.records(kind=EventKind.CYCLE_FINISHED)]
    earlier = [cycle_id for cycle_id in finished if cycle_id != before]
    if not earlier:
        return None
    fills = journal.fills(cycle_id=earlier[-1])
    orders = {order.client_order_id: order for order in journal.orders(cycle_id=earlier[-1])}
    if not fills:
        return None
    decided = [orders[fill.client_order_id].intent.reference_price for fill in fills]
    notional = sum((f.quantity * p for f, p in zip(fills, decided, strict=True)), Decimal(0))
    lost = sum(
        (f.signed_quantity * (f.price - p) for f, p in zip(fills, decided, strict=True)),
        Decimal(0),
    )
    fees = sum((fill.fee for fill in fills), Decimal(0))
    return Slippage(
        cycle_id=earlier[-1],
        fills=len(fills),
        notional=notional,
        arrival_bps=(lost / notional * _BPS).quantize(_STEP),
        fee_bps=(fees / notional * _BPS).quantize(_STEP),
    )


def _settled(journal: JournalReader, cycle_id: str) -> frozenset[str]:
    """Return the orders of a cycle that were approved, went out, or are final already."""
    given = journal.records(kind=EventKind.APPROVAL_GIVEN, cycle_id=cycle_id)
    gone = [o for o in journal.orders(cycle_id=cycle_id) if o.was_sent or o.status.is_final]
    return frozenset(
        [record.payload["client_order_id"] for record in given]
        + [order.client_order_id for order in gone]
    )
