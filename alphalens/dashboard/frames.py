"""What the page shows, as plain values; nothing here knows Streamlit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from alphalens.errors import InputError
from alphalens.execution import JournalReader
from alphalens.reports.book import Accounts, book_frame, check_accounts
from alphalens.reports.equity import EquityStatistics, Relative, equity_statistics
from alphalens.reports.equity import relative_statistics as relative_to
from alphalens.reports.facts import RunFacts, read_run
from alphalens.reports.orders import approvals_frame, orders_frame, refusals_frame
from alphalens.reports.trading_report import equity_curve, exposure_frame
from alphalens.storage import open_engine
from alphalens.trading.events import EventKind

__all__ = [
    "JOURNAL",
    "Tile",
    "View",
    "age_text",
    "ages",
    "book_table",
    "curve_from_100",
    "load",
    "orders_table",
    "refusals_table",
    "state_reason",
    "tiles",
    "waiting_orders",
]

#: Name of the journal inside the folder of a run.
JOURNAL = "journal.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A run, read and proved once for one drawing of the page.

    Attributes
    ----------
    facts : RunFacts
        What the verified journal says.
    accounts : Accounts
        The accounting identity, proved.
    curve : DataFrame
        Equity, universe and drawdowns by day; see `equity_curve`.
    exposure : DataFrame
        ``gross`` and ``net`` by mark, fractions of equity.
    strategy : EquityStatistics
        What the equity curve did.
    relative : Relative
        The same against the universe.
    """

    facts: RunFacts
    accounts: Accounts
    curve: pd.DataFrame
    exposure: pd.DataFrame
    strategy: EquityStatistics
    relative: Relative


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number with its name, and what it means."""

    label: str
    value: str
    note: str


def load(folder: Path) -> View:
    """Read the run in a folder.

    Parameters
    ----------
    folder : Path
        Folder that holds ``journal.sqlite``.

    Raises
    ------
    InputError
        If there is no journal, or no run has begun in it.
    AuditError
        If the record was changed after it was written, or the books do not add up.
    StorageError
        If the file cannot be read as a journal.
    """
    path = folder / JOURNAL
    if not path.is_file():
        raise InputError(
            f"there is no run in {folder}: {path} does not exist. Make one with  make demo , or "
            f"name the folder of another run"
        )
    engine = open_engine(path, is_read_only=True)
    try:
        facts = read_run(JournalReader(engine))
    finally:
        engine.dispose()
    curve = equity_curve(facts)
    return View(
        facts=facts,
        accounts=check_accounts(facts),
        curve=curve,
        exposure=exposure_frame(facts),
        strategy=equity_statistics(curve["equity"]),
        relative=relative_to(curve["equity"], curve["universe"]),
    )


def tiles(view: View) -> tuple[Tile, ...]:
    """Return the main numbers, as text; one that does not exist says why not."""
    facts, strategy = view.facts, view.strategy
    equity = f"{view.accounts.equity:,.0f} {facts.currency}"
    held = sum(1 for position in facts.ledger().positions.values() if position.quantity)
    last = view.exposure.iloc[-1] if len(view.exposure) else None
    return (
        Tile(label="Equity", value=equity, note="Cash and positions at the last mark."),
        Tile(
            label="Return",
            value=strategy.total_return.text("+.2%"),
            note=f"Since the first mark, {strategy.n_days} daily returns.",
        ),
        Tile(
            label="Against universe",
            value=view.relative.excess_return.text("+.2%"),
            note="Difference of the total returns; the universe in equal weights, without costs.",
        ),
        Tile(
            label="Max drawdown",
            value=strategy.max_drawdown.text(".2%"),
            note="Largest loss since a peak, by daily marks.",
        ),
        Tile(
            label="Gross exposure",
            value="none" if last is None else f"{last['gross']:.1%}",
            note="Sum of absolute position values, as a share of equity.",
        ),
        Tile(
            label="Net exposure",
            value="none" if last is None else f"{last['net']:+.1%}",
            note="Sum of signed position values, as a share of equity.",
        ),
        Tile(label="Positions", value=str(held), note="Assets held at the last mark."),
        Tile(
            label="Waiting for a person",
            value=str(len(waiting_orders(facts))),
            note="Orders that are not sent before somebody agrees to them.",
        ),
    )


def state_reason(facts: RunFacts) -> str:
    """Return who brought the trading state about, when and why; empty if nobody ever did."""
    changes = facts.of_kind(EventKind.STATE_CHANGED)
    if not changes:
        return ""
    change = changes[-1]
    return (
        f"{change.payload['to'].upper()} since {change.at:%Y-%m-%d %H:%M} UTC, by "
        f"{change.payload['by']}: {change.payload['reason']}"
    )


def ages(facts: RunFacts, now: datetime) -> pd.DataFrame:
    """Return how old everything on the page is, by two clocks.

    Parameters
    ----------
    facts : RunFacts
        A run.
    now : datetime
        This machine's present, timezone-aware.

    Returns
    -------
    DataFrame
        One row per kind of number: ``number``, ``as_of`` (NaT if there was none),
        ``age_in_run`` (until the run's last record, by its own clock) and ``age_now`` as text.
    """
    kinds = {
        "Prices, book, equity, exposure": (EventKind.MARK,),
        "Decision (last cycle)": (EventKind.CYCLE_FINISHED,),
        "Plan of orders": (EventKind.CYCLE_PLANNED,),
        "Executions": (EventKind.FILL,),
        "Approvals asked or answered": (
            EventKind.APPROVAL_REQUESTED,
            EventKind.APPROVAL_GIVEN,
            EventKind.APPROVAL_DENIED,
        ),
        "Trading state": (EventKind.RUN_STARTED, EventKind.STATE_CHANGED),
        "Alerts": (EventKind.ALERT,),
        "Journal": tuple(EventKind),
    }
    rows = [_age_row(name, _last(facts, chosen), facts, now) for name, chosen in kinds.items()]
    return pd.DataFrame(rows, columns=["number", "as_of", "age_in_run", "age_now"])


def age_text(age: timedelta) -> str:
    """Return an age in the two largest units that say something.

    Examples
    --------
    >>> age_text(timedelta(days=2, hours=5, minutes=7)), age_text(timedelta(seconds=42))
    ('2 d 5 h', '42 s')
    """
    seconds = int(age.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if seconds < 60:
        return f"{sign}{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 60:
        return f"{sign}{minutes} min"
    if hours < 24:
        return f"{sign}{hours} h {minutes % 60} min"
    return f"{sign}{days:,} d {hours % 24} h"


def curve_from_100(view: View) -> pd.DataFrame:
    """Return ``strategy`` and ``universe`` by day, both 100 at the first mark."""
    levels = {"strategy": view.curve["equity"], "universe": view.curve["universe"]}
    return pd.DataFrame({name: curve / curve.iloc[0] * 100.0 for name, curve in levels.items()})


def book_table(view: View) -> pd.DataFrame:
    """Return the book with the age of each price, by the run's own clock.

    Returns
    -------
    DataFrame
        The columns of `book_frame` with ``symbol`` in front, ``weight`` in per cent, and
        ``price_age`` as text.
    """
    facts = view.facts
    book = book_frame(facts)
    book["weight"] = book["weight"] * 100.0
    times = facts.price_times
    book["price_age"] = [
        age_text(facts.last_at - times[str(symbol)]) if quantity else ""
        for symbol, quantity in book["quantity"].items()
    ]
    return book.reset_index()


def orders_table(facts: RunFacts, statuses: Collection[str]) -> pd.DataFrame:
    """Return the orders that stand at one of `statuses`, the latest first."""
    orders = orders_frame(facts.orders)
    return orders[orders["status"].isin(list(statuses))].iloc[::-1].reset_index(drop=True)


def refusals_table(facts: RunFacts) -> pd.DataFrame:
    """Return each violated rule of each refused order, the latest first, the order in words."""
    refusals = refusals_frame(facts.orders)
    parts = zip(refusals["side"], refusals["quantity"], refusals["symbol"], strict=True)
    refusals["order"] = [f"{side} {quantity:,.0f} {symbol}" for side, quantity, symbol in parts]
    columns = ["at", "order", "rule", "actual", "limit", "message"]
    return refusals[columns].iloc[::-1].reset_index(drop=True)


def waiting_orders(facts: RunFacts) -> pd.DataFrame:
    """Return the approvals that nobody has given or denied yet."""
    asked = approvals_frame(facts)
    return asked[asked["decision"] == "waiting"].reset_index(drop=True)


def _last(facts: RunFacts, kinds: Collection[EventKind]) -> datetime | None:
    if set(kinds) == {EventKind.MARK}:
        return facts.marks[-1].at if facts.marks else None
    return next((r.at for r in reversed(facts.records) if r.kind in kinds), None)


def _age_row(name: str, at: datetime | None, facts: RunFacts, now: datetime) -> list[object]:
    if at is None:
        return [name, pd.NaT, "none yet", "none yet"]
    return [name, pd.Timestamp(at), age_text(facts.last_at - at), age_text(now - at)]
