"""What trading cost: fees, and the distance from the price the decision was taken at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from alphalens.reports.facts import RunFacts
from alphalens.reports.measure import Measure, known, unknown
from alphalens.trading.orders import Fill

__all__ = ["CostSummary", "cost_summary", "fills_frame"]

_BPS = Decimal(10_000)
_ZERO = Decimal(0)
_COLUMNS = (
    "at",
    "symbol",
    "side",
    "quantity",
    "arrival_price",
    "price",
    "value",
    "fee",
    "slippage",
    "slippage_bps",
    "client_order_id",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostSummary:
    """Costs of all executions, in the account's currency.

    Attributes
    ----------
    n_fills, n_foreign : int
        Executions, and those among them that belong to no order of ours.
    traded : Decimal
        Sum of quantity times price.
    fees, slippage : Decimal
        Commissions and fees; and how much worse than at arrival was traded, negative if
        better.
    fees_bps, slippage_bps : Measure
        The same of our own orders, in basis points of their value at arrival prices.
    """

    n_fills: int
    n_foreign: int
    traded: Decimal
    fees: Decimal
    slippage: Decimal
    fees_bps: Measure
    slippage_bps: Measure


def fills_frame(facts: RunFacts) -> pd.DataFrame:
    r"""Return every execution with its cost against arrival.

    Returns
    -------
    DataFrame
        One row per fill, in booking order: ``at``, ``symbol``, ``side``, ``quantity``,
        ``arrival_price`` (the intent's reference price), ``price``, ``value``, ``fee``,
        ``slippage`` in the account's currency, ``slippage_bps``, ``client_order_id``. An
        execution that belongs to no order of ours has no arrival price: NaN there and in
        both slippages.

    Notes
    -----
    Slippage is :math:`\pm q (p - p_0)` for a buy and a sale, positive when it costs, with the
    arrival price :math:`p_0`; in bps of :math:`q p_0`. It holds the market's move between
    decision and execution beside the cost of crossing the spread.
    """
    arrivals = _arrivals(facts)
    rows = [_row(fill, arrivals.get(fill.client_order_id)) for fill in facts.fills]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def cost_summary(facts: RunFacts) -> CostSummary:
    """Return the sum over all executions; slippage over those of our own orders."""
    arrivals = _arrivals(facts)
    ours = [(f, arrivals[f.client_order_id]) for f in facts.fills if f.client_order_id in arrivals]
    base = sum((fill.quantity * arrival for fill, arrival in ours), _ZERO)
    fees = sum((fill.fee for fill in facts.fills), _ZERO)
    slippage = sum((_slippage(fill, arrival) for fill, arrival in ours), _ZERO)
    return CostSummary(
        n_fills=len(facts.fills),
        n_foreign=len(facts.fills) - len(ours),
        traded=sum((fill.quantity * fill.price for fill in facts.fills), _ZERO),
        fees=fees,
        slippage=slippage,
        fees_bps=_in_bps(sum((fill.fee for fill, _ in ours), _ZERO), base),
        slippage_bps=_in_bps(slippage, base),
    )


def _arrivals(facts: RunFacts) -> Mapping[str, Decimal]:
    return {order.client_order_id: order.intent.reference_price for order in facts.orders}


def _row(fill: Fill, arrival: Decimal | None) -> list[object]:
    slippage = None if arrival is None else _slippage(fill, arrival)
    share = None if slippage is None or arrival is None else slippage / (fill.quantity * arrival)
    return [
        pd.Timestamp(fill.at),
        fill.symbol,
        fill.side.value,
        float(fill.quantity),
        _float(arrival),
        float(fill.price),
        float(fill.quantity * fill.price),
        float(fill.fee),
        _float(slippage),
        _float(None if share is None else share * _BPS),
        fill.client_order_id,
    ]


def _slippage(fill: Fill, arrival: Decimal) -> Decimal:
    return fill.signed_quantity * (fill.price - arrival)


def _float(amount: Decimal | None) -> float:
    return math.nan if amount is None else float(amount)


def _in_bps(amount: Decimal, base: Decimal) -> Measure:
    return known(float(amount / base * _BPS)) if base else unknown("nothing was traded")
