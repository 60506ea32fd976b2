"""A trading report as a page: which facts stand where, in which words."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd

from alphalens import _html
from alphalens._html import Block, Callout, Picture, Prose, Section, Table
from alphalens._version import __version__
from alphalens.reports import _figures
from alphalens.reports.equity import EquityStatistics
from alphalens.reports.measure import Measure
from alphalens.reports.orders import status_counts
from alphalens.reports.research import MIN_INDEPENDENT, FactorSide
from alphalens.reports.trading_report import TradingReport

__all__ = ["render"]

#: Without hyphens, at which a browser would break the line.
_INSTANT = "%d %b %Y %H:%M"


def render(report: TradingReport) -> str:
    """Return the whole page; the same report gives the same text."""
    facts = report.facts
    sections = [
        Section(title="At a glance", blocks=list(_glance(report))),
        Section(title="Equity", blocks=list(_equity(report))),
        Section(title="Traded beside researched", blocks=list(_research(report))),
        Section(title="Book", blocks=list(_book(report))),
        Section(title="Orders", blocks=list(_orders(report))),
        Section(title="Approvals", blocks=list(_approvals(report))),
        Section(title="Costs", blocks=list(_costs(report))),
        Section(title="Alerts", blocks=list(_alerts(report))),
        Section(title="Record", blocks=list(_record(report))),
        Section(title="Every order", blocks=list(_every_order(report))),
        Section(title="Every execution", blocks=list(_every_fill(report))),
    ]
    return _html.page(
        f"{_banner(report)}: {report.title}",
        subtitle=f"{_day(facts.started_at)} to {_day(facts.last_at)}, account {facts.account}",
        facts=_header(report),
        sections=sections,
        footer=f"alphalens {__version__}. Journal head {facts.head}",
    )


def _banner(report: TradingReport) -> str:
    return "LIVE" if report.facts.is_live else "PAPER"


def _header(report: TradingReport) -> dict[str, object]:
    facts = report.facts
    period = f"{_unbroken(_when(facts.started_at))} to {_unbroken(_when(facts.last_at))} UTC"
    return {
        "Data": report.source or "not stated",
        "Account": f"{facts.account}, {_banner(report)}, {facts.currency}",
        "Period": period,
        "Journal": f"{facts.length:,} records, hash chain verified",
        **_limits(facts.limits),
    }


#: Where each limit stands in the header, and in which words.
_LIMITS: Mapping[str, tuple[str, str]] = {
    "max_order": ("Limits of an order", "up to {} of equity"),
    "approval_above": ("Limits of an order", "approval above {}"),
    "max_orders_per_cycle": ("Limits of an order", "{} per cycle"),
    "max_position": ("Limits of the book", "position {}"),
    "max_gross": ("Limits of the book", "gross {}"),
    "max_net": ("Limits of the book", "net {}"),
    "max_daily_loss": ("Trading halts at", "daily loss {}"),
    "max_drawdown": ("Trading halts at", "drawdown {}"),
    "price_collar": ("Limits of a price", "within {} of the last"),
    "max_price_age_s": ("Limits of a price", "{} s old at most"),
}
_COUNTS = frozenset({"max_orders_per_cycle", "max_price_age_s"})


def _limits(limits: Mapping[str, str]) -> dict[str, str]:
    """Return the limits in words, by what they limit."""
    found: dict[str, list[str]] = {}
    for name in [*(n for n in _LIMITS if n in limits), *(n for n in limits if n not in _LIMITS)]:
        group, words = _LIMITS.get(name, ("Other limits", f"{name} {{}}"))
        found.setdefault(group, []).append(_unbroken(words.format(_limit(name, limits[name]))))
    return {group: ", ".join(words) for group, words in found.items()}


def _limit(name: str, value: str) -> str:
    if name in _COUNTS or name not in _LIMITS or value == "none":
        return value
    return f"{(Decimal(value) * 100).normalize():f}%"


def _glance(report: TradingReport) -> Iterator[Block]:
    facts = report.facts
    if facts.is_live:
        yield Callout(title="LIVE", kind="danger", text="The orders of this run moved real money.")
    else:
        yield Callout(
            title="PAPER",
            kind="warning",
            text="No order of this run reached a market. Executions are simulated from the prices "
            "named above, with costs; what the data cannot show, the result cannot show either.",
        )
    if report.caveats:
        text = "\n\n".join(report.caveats)
        yield Callout(title="What the data cannot show", kind="warning", text=text)
    yield Prose(text=_in_words(report))
    if not facts.is_finished:
        yield Callout(
            title="The run has not ended",
            kind="warning",
            text=f"The last record is of {_when(facts.last_at)} UTC. Everything here is as of "
            f"then.",
        )
    yield Table(frame=_statistics(report), title="Strategy and universe", formats=_STATISTICS)


def _in_words(report: TradingReport) -> str:
    facts, strategy = report.facts, report.strategy
    counts = ", ".join(
        f"{count} {status.replace('_', ' ')}"
        for status, count in status_counts(facts.orders).items()
    )
    currency = facts.currency
    return (
        f"The account opened with {facts.opening_cash:,.2f} {currency} and stood at "
        f"{report.accounts.equity:,.2f} {currency} at the last mark: "
        f"{strategy.total_return.text('+.2%')} over {strategy.n_days} daily returns, against "
        f"{report.universe.total_return.text('+.2%')} of the universe in equal weights. "
        f"Orders: {counts or 'none'}. Trading is {facts.state}."
    )


_STATISTICS: Mapping[Hashable, str] = {
    "total return": "+.2%",
    "annual return": "+.2%",
    "annual volatility": ".2%",
    "Sharpe": "+.2f",
    "std. error": ".2f",
    "max drawdown": ".2%",
}


def _statistics(report: TradingReport) -> pd.DataFrame:
    rows = {
        "strategy": _statistics_row(report.strategy),
        "universe, equal weights": _statistics_row(report.universe),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_STATISTICS))


def _statistics_row(found: EquityStatistics) -> list[object]:
    measures = (
        found.total_return,
        found.annual_return,
        found.annual_volatility,
        found.sharpe,
        found.sharpe_error,
        found.max_drawdown,
    )
    return [_cell(measure) for measure in measures]


def _equity(report: TradingReport) -> Iterator[Block]:
    if len(report.curve) < 2:
        yield Callout(
            title="No curve",
            text=f"n too small: the book was marked on {len(report.curve)} dates, a curve needs 2.",
        )
        return
    yield Picture(figure=_figures.equity_figure(report.curve), is_split=False)
    relative = report.relative
    yield Prose(
        text=f"Against the universe: difference of the total returns "
        f"{relative.excess_return.text('+.2%')}, beta {relative.beta.text('.2f')}, correlation of "
        f"daily returns {relative.correlation.text('.2f')}.\n\n"
        f"The Sharpe ratio is over a riskless rate of zero and has the standard error shown, on "
        f"{report.strategy.n_days} daily returns. It is not deflated: how many strategies were "
        f"tried before this one was not recorded."
    )
    yield Picture(figure=_figures.exposure_figure(report.exposure), is_split=False)


def _research(report: TradingReport) -> Iterator[Block]:
    research, live = report.research, report.live
    yield Prose(
        text="The same factor arithmetic on both sides: the whole history, and the dates that "
        f"were traded with the scores that were traded. Research: {_span(research)}. Traded: "
        f"{_span(live)}.{_shared(research, live)}\n\n"
        "Returns whose windows overlap are not independent. The t-statistics count the "
        "independent observations, dates divided by overlap, and below "
        f"{MIN_INDEPENDENT} of them nothing is inferred: the table says so instead. Few "
        "independent observations decide little: read the traded side as a check for gross "
        "disagreement, not as proof."
    )
    yield Table(
        frame=_quality_frame(research, live),
        title="Rank information coefficient and quantile spread, by horizon",
        formats=_QUALITY,
    )
    yield Table(
        frame=_stability_frame(research, live),
        title=f"Stability of the ranks, {_apart(live.lag_days)}",
        formats=dict.fromkeys(_STABILITY, ".3f"),
    )
    if research.horizons:
        yield Picture(
            figure=_figures.ic_figure(research, live),
            caption="Rank information coefficient of each date, by horizon.",
            alt="Distribution of the rank information coefficient, research and traded",
            is_split=False,
        )
        yield Picture(
            figure=_figures.quantile_figure(research, live),
            caption="Mean return of each quantile less the universe's, by horizon.",
            alt="Mean return by quantile, research and traded",
            is_split=False,
        )
    yield from _drift(report)


def _shared(research: FactorSide, live: FactorSide) -> str:
    if research.last is None or live.first is None or live.first > research.last:
        return ""
    return " The history holds the traded dates as well."


def _drift(report: TradingReport) -> Iterator[Block]:
    if report.drift.empty:
        yield Prose(text="No cycle of the run compared itself with research.")
        return
    names = {"live_mean": "traded", "research_mean": "research", "threshold": "limit of |z|"}
    yield Table(
        frame=report.drift.rename(columns=names),
        title="What the monitoring agent said in the last cycle",
        show_index=False,
    )


_QUALITY: Mapping[Hashable, str] = {
    "overlap": ".1f",
    "independent": ",.0f",
    "IC mean": "+.4f",
    "IC std": ".4f",
    "t of IC": "+.2f",
    "IC above 0": ".1%",
    "spread, bps": "+.1f",
    "t of spread": "+.2f",
}


def _quality_frame(research: FactorSide, live: FactorSide) -> pd.DataFrame:
    rows = {
        f"{found.period} {name}": [
            found.n_dates,
            found.overlap,
            found.n_independent,
            *map(
                _cell,
                (
                    found.ic_mean,
                    found.ic_std,
                    found.ic_t,
                    found.hit_rate,
                    found.spread_bps,
                    found.spread_t,
                ),
            ),
        ]
        for pair in zip(research.horizons, live.horizons, strict=True)
        for name, found in zip(("research", "traded"), pair, strict=True)
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["dates", *_QUALITY])


_STABILITY = ("rank autocorrelation", "turnover of the top quantile", "of the bottom quantile")


def _stability_frame(research: FactorSide, live: FactorSide) -> pd.DataFrame:
    rows = {
        name: [
            _cell(side.rank_autocorrelation),
            _cell(side.turnover_top),
            _cell(side.turnover_bottom),
        ]
        for name, side in (("research", research), ("traded", live))
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_STABILITY))


def _book(report: TradingReport) -> Iterator[Block]:
    facts, accounts = report.facts, report.accounts
    currency = facts.currency
    money = ",.2f"
    if report.book.empty:
        yield Prose(text="Nothing was ever held.")
    else:
        yield Table(
            frame=report.book.rename(columns=_spaced),
            title=f"Positions at the last mark, in {currency}; closed ones last",
            formats={
                "quantity": ",.0f",
                "average price": money,
                "last price": money,
                "value": money,
                "weight": ".2%",
                "unrealised": money,
                "realised": money,
            },
        )
    if facts.fills_since_mark:
        yield Callout(
            title="Later fills",
            kind="warning",
            text=f"{facts.fills_since_mark} executions came after the last mark; the book shown "
            f"does not hold them yet.",
        )
    lines = {
        "opening cash": accounts.opening_cash,
        "+ realised": accounts.realised,
        "+ unrealised": accounts.unrealised,
        "- fees": accounts.fees,
        "= equity by the fills": accounts.explained,
        "equity as recorded": accounts.equity,
        "of which cash": accounts.cash,
    }
    amounts = pd.DataFrame.from_dict(
        {name: [amount] for name, amount in lines.items()}, orient="index", columns=[currency]
    )
    yield Table(
        frame=amounts,
        title="Accounting identity, proved from the fills to the last digit",
        formats={currency: money},
    )


def _orders(report: TradingReport) -> Iterator[Block]:
    if report.orders.empty:
        yield Prose(text="No order was wanted.")
        return
    counts = status_counts(report.facts.orders)
    frame = pd.DataFrame({"orders": counts.values()}, index=[_spaced(name) for name in counts])
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
        frame=_shown(
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


def _every_order(report: TradingReport) -> Iterator[Block]:
    if report.orders.empty:
        yield Prose(text="No order was wanted.")
        return
    approved = report.orders["approved_by"].map(lambda by: f"approved by {by}" if by else "")
    orders = report.orders.assign(
        status=report.orders["status"].map(_spaced),
        gate=report.orders["rules"].where(report.orders["rules"] != "", approved),
    )
    yield Table(
        frame=_shown(
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


def _approvals(report: TradingReport) -> Iterator[Block]:
    if report.approvals.empty:
        yield Prose(text="Nobody had to be asked.")
        return
    yield Table(
        frame=_shown(
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


def _costs(report: TradingReport) -> Iterator[Block]:
    costs, currency = report.costs, report.facts.currency
    if not costs.n_fills:
        yield Prose(text="Nothing was executed.")
        return
    frame = pd.DataFrame(
        {
            currency: [costs.traded, costs.fees, costs.slippage],
            "bps of value at arrival": [None, _cell(costs.fees_bps), _cell(costs.slippage_bps)],
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


def _every_fill(report: TradingReport) -> Iterator[Block]:
    if report.fills.empty:
        yield Prose(text="Nothing was executed.")
        return
    yield Table(
        frame=_shown(
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


def _alerts(report: TradingReport) -> Iterator[Block]:
    if report.alerts.empty:
        yield Prose(text="No alert was raised.")
    else:
        yield Table(
            frame=_shown(
                report.alerts,
                {"at": "at (UTC)", "severity": "severity", "code": "code", "message": "message"},
            ),
            show_index=False,
        )
    if report.degraded.empty:
        yield Prose(text="No agent answered by less than the whole.")
    else:
        yield Table(
            frame=_shown(report.degraded, {"at": "at (UTC)", "cycle_id": "cycle", "what": "what"}),
            title="Degraded: answered by less than the whole",
            show_index=False,
        )


def _record(report: TradingReport) -> Iterator[Block]:
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
        "first record (UTC)": _when(facts.started_at),
        "last record (UTC)": _when(facts.last_at),
        "ended": "yes" if facts.is_finished else "no",
        "trading state": facts.state.value,
    }
    yield Table(frame=pd.DataFrame({"journal": record}, dtype=str))
    limits = pd.DataFrame({"limit": pd.Series(dict(facts.limits), dtype=str)})
    yield Table(frame=limits, title="Limits in force; fractions are of equity")


def _shown(frame: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return the columns of `names` under their new names, instants and orders on one line."""
    shown = frame.copy()
    for column in shown.columns[[isinstance(d, pd.DatetimeTZDtype) for d in shown.dtypes]]:
        shown[column] = shown[column].dt.strftime(_INSTANT).map(_unbroken, na_action="ignore")
    if "order" in names:
        parts = zip(shown["side"], shown["quantity"], shown["symbol"], strict=True)
        shown["order"] = [
            _unbroken(f"{side} {units:,.0f} {symbol}") for side, units, symbol in parts
        ]
    return shown[list(names)].rename(columns=names)


def _unbroken(text: str) -> str:
    """Return `text` with blanks at which no line is broken."""
    return text.replace(" ", "\u00a0")


def _cell(measure: Measure) -> float | str:
    return measure.plain()


def _span(side: FactorSide) -> str:
    if side.first is None or side.last is None:
        return "no date"
    dates = f"{side.n_dates:,} dates from {_day(side.first)} to {_day(side.last)}"
    return f"{dates}, {_apart(side.spacing_days)}"


def _apart(weekdays: float) -> str:
    if math.isnan(weekdays):
        return "too few to have a distance"
    return "one weekday apart" if round(weekdays) == 1 else f"{weekdays:.0f} weekdays apart"


def _when(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime(_INSTANT)


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def _spaced(name: object) -> str:
    return str(name).replace("_", " ")
