"""A trading report as a page: its head, and the order of its sections."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from alphalens._html import Section, page
from alphalens._version import __version__
from alphalens.reports import _desk_sections as desk
from alphalens.reports import _result_sections as result
from alphalens.reports._words import day, unbroken, when
from alphalens.reports.trading_report import TradingReport

__all__ = ["write_trading_report"]


def write_trading_report(report: TradingReport, path: str | Path) -> Path:
    """Write a report as one HTML file that needs nothing else, and return its path.

    Parameters
    ----------
    report : TradingReport
        From `build_trading_report`.
    path : str or Path
        Where to; a file that is there is replaced.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = Path(path)
    target.write_text(_render(report), encoding="utf-8")
    return target


def _render(report: TradingReport) -> str:
    """Return the whole page; the same report gives the same text."""
    facts = report.facts
    parts = {
        "At a glance": result.glance,
        "Equity": result.curves,
        "Traded beside researched": result.beside_research,
        "Book": result.book,
        "Orders": desk.orders,
        "Approvals": desk.approvals,
        "Costs": desk.costs,
        "Alerts": desk.alerts,
        "Record": desk.record,
        "Every order": desk.every_order,
        "Every execution": desk.every_fill,
    }
    return page(
        f"{_banner(report)}: {report.title}",
        subtitle=f"{day(facts.started_at)} to {day(facts.last_at)}, account {facts.account}",
        facts=_header(report),
        sections=[Section(title=t, blocks=list(write(report))) for t, write in parts.items()],
        footer=f"alphalens {__version__}. Journal head {facts.head}",
    )


def _banner(report: TradingReport) -> str:
    return "LIVE" if report.facts.is_live else "PAPER"


def _header(report: TradingReport) -> dict[str, object]:
    facts = report.facts
    period = f"{unbroken(when(facts.started_at))} to {unbroken(when(facts.last_at))} UTC"
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
        found.setdefault(group, []).append(unbroken(words.format(_limit(name, limits[name]))))
    return {group: ", ".join(words) for group, words in found.items()}


def _limit(name: str, value: str) -> str:
    if name in _COUNTS or name not in _LIMITS or value == "none":
        return value
    return f"{(Decimal(value) * 100).normalize():f}%"
