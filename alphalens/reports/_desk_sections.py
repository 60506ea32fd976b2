"""How the desk traded: orders, approvals, costs, alerts, and the record of it all."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from alphalens._html import Block, Callout, Prose, Table
from alphalens.reports._words import shown, spaced, when
from alphalens.reports.orders import status_counts
from alphalens.reports.trading_report import TradingReport

__all__ = ["alerts", "approvals", "costs", "every_fill", "every_order", "orders", "record"]


def orders(report: TradingReport) -> Iterator[Block]:
    """Count the orders, and tell every refusal with its reasons."""
    if report.orders.empty:
        yield Prose(text="No order was wanted.")
        return
    counts = status_counts(report.facts.orders)
    frame = pd.DataFrame({"orders": counts.values()}, index=[spaced(name) for name in counts])
    yield Table(frame=frame, title="Orders by where they stand")
    if report.refusals.empty:
        yield Prose(text="No order was refused.")
        return
    rules = report.refusals.groupby("rule", sort=False)["client_order_id"].nunique()
    yield Table(
        frame=rules.sort_values(ascending=False).to_frame("orders refused"),
        title="Refusals by rule; one order may violate several",
    )
    yield Table(
        frame=shown(
            report.refusals,
            {
                "at": "decided (UTC)",
                "order": "order",
                "rule": "rule",
                "actual": "value",
                "limit": "limit",
                "message": "what it was, and what to do",
            },
        ),
        title="Every refusal, with all rules that were violated; fractions are of equity",
        show_index=False,
        max_rows=120,
    )


def every_order(report: TradingReport) -> Iterator[Block]:
    """List all orders."""
    if report.orders.empty:
        yield Prose(text="No order was wanted.")
        return
    approved = report.orders["approved_by"].map(lambda by: f"approved by {by}" if by else "")
    orders = report.orders.assign(
        status=report.orders["status"].map(spaced),
        gate=report.orders["rules"].where(report.orders["rules"] != "", approved),
    )
    yield Table(
        frame=shown(
            orders,
            {
                "at": "decided (UTC)",
                "order": "order",
                "reference_price": "decided at",
                "value": "value",
                "status": "status",
                "filled": "filled",
                "purpose": "what for",
                "gate": "at the gate",
            },
        ),
        show_index=False,
        formats={"decided at": ",.2f", "value": ",.0f", "filled": ",.0f"},
    )


def approvals(report: TradingReport) -> Iterator[Block]:
    """Tell who agreed to what."""
    if report.approvals.empty:
        yield Prose(text="Nobody had to be asked.")
        return
    yield Table(
        frame=shown(
            report.approvals,
            {
                "asked_at": "asked (UTC)",
                "order": "order",
                "size": "share of equity",
                "decision": "decision",
                "by": "by",
                "reason": "why",
                "answered_at": "answered (UTC)",
            },
        ),
        title="Orders that needed an approval",
        show_index=False,
        formats={"share of equity": ".2%"},
    )


def costs(report: TradingReport) -> Iterator[Block]:
    """Sum up fees and slippage."""
    costs, currency = report.costs, report.facts.currency
    if not costs.n_fills:
        yield Prose(text="Nothing was executed.")
        return
    frame = pd.DataFrame(
        {
            currency: [costs.traded, costs.fees, costs.slippage],
            "bps of value at arrival": [None, costs.fees_bps.plain(), costs.slippage_bps.plain()],
        },
        index=["traded", "commission and fees", "slippage against arrival"],
    )
    yield Table(
        frame=frame,
        title=f"Costs of {costs.n_fills} executions",
        formats={currency: ",.2f", "bps of value at arrival": "+.2f"},
    )
    yield Prose(
        text="Arrival is the price the decision was taken at. Slippage against it holds the "
        "market's move between decision and execution beside the cost of crossing the spread; "
        "positive means that it cost."
    )
    if costs.n_foreign:
        yield Callout(
            title="Executions of orders that are not ours",
            kind="danger",
            text=f"{costs.n_foreign} executions belong to no order of this journal: they are in "
            f"the book, without an arrival price. Find out who traded.",
        )


def every_fill(report: TradingReport) -> Iterator[Block]:
    """List all executions."""
    if report.fills.empty:
        yield Prose(text="Nothing was executed.")
        return
    yield Table(
        frame=shown(
            report.fills,
            {
                "at": "at (UTC)",
                "order": "execution",
                "arrival_price": "arrival",
                "price": "price",
                "value": "value",
                "fee": "fee",
                "slippage": "slippage",
                "slippage_bps": "slippage, bps",
            },
        ),
        show_index=False,
        formats={
            "arrival": ",.2f",
            "price": ",.4f",
            "value": ",.0f",
            "fee": ",.2f",
            "slippage": ",.2f",
            "slippage, bps": ",.1f",
        },
    )


def alerts(report: TradingReport) -> Iterator[Block]:
    """List alerts and degraded answers."""
    if report.alerts.empty:
        yield Prose(text="No alert was raised.")
    else:
        yield Table(
            frame=shown(
                report.alerts,
                {"at": "at (UTC)", "severity": "severity", "code": "code", "message": "message"},
            ),
            show_index=False,
        )
    if report.degraded.empty:
        yield Prose(text="No agent answered by less than the whole.")
    else:
        yield Table(
            frame=shown(report.degraded, {"at": "at (UTC)", "cycle_id": "cycle", "what": "what"}),
            title="Degraded: answered by less than the whole",
            show_index=False,
        )


def record(report: TradingReport) -> Iterator[Block]:
    """Show what proves the rest."""
    facts = report.facts
    yield Prose(
        text="This report was folded from the journal alone, an append-only record in which each "
        f"entry holds the hash of the one before it. All {facts.length} entries were verified. "
        f"Whoever kept the head below at the time can prove that nothing was changed since."
    )
    record = {
        "head": facts.head,
        "records": str(facts.length),
        "runs": ", ".join(facts.run_ids),
        "first record (UTC)": when(facts.started_at),
        "last record (UTC)": when(facts.last_at),
        "ended": "yes" if facts.is_finished else "no",
        "trading state": facts.state.value,
    }
    yield Table(frame=pd.DataFrame({"journal": record}, dtype=str))
    limits = pd.DataFrame({"limit": pd.Series(dict(facts.limits), dtype=str)})
    yield Table(frame=limits, title="Limits in force; fractions are of equity")
