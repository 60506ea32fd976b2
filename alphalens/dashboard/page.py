"""The page: where each number of a run stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import escape
from pathlib import Path

import altair as alt
import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from alphalens.config import Settings
from alphalens.dashboard import frames
from alphalens.dashboard.feeds_tab import show_feeds
from alphalens.dashboard.frames import View
from alphalens.errors import AuditError, InputError, StorageError
from alphalens.reports.orders import (
    alerts_frame,
    approvals_frame,
    degraded_frame,
    status_counts,
)
from alphalens.risk import TradingState
from alphalens.trading.clock import Clock, SystemClock

__all__ = ["show"]

_INSTANT = "%Y-%m-%d %H:%M"
_COLOURS = {
    TradingState.ACTIVE: "#2f855a",
    TradingState.REDUCING: "#b7791f",
    TradingState.HALTED: "#b83232",
}
_OURS, _OTHERS = "#2f6f9f", "#8a94a0"
_STRIP = (
    '<div style="background:{paper};color:#fff;border-radius:8px;padding:.7rem 1.1rem;'
    'display:flex;flex-wrap:wrap;gap:.3rem 1.6rem;align-items:center;font-size:.95rem">'
    '<strong style="font-size:1.15rem;letter-spacing:.12em">{kind}</strong>'
    '<span>{what}</span><span style="margin-left:auto;background:{state_colour};'
    'border-radius:6px;padding:.15rem .7rem;font-weight:600">{state}</span></div>'
)


def show(folder: Path, *, clock: Clock | None = None, settings: Settings | None = None) -> None:
    """Draw the page of the run in a folder; call it from a script that Streamlit runs.

    Everything comes from the journal, whose hash chain is verified for every drawing. A
    folder without a run, an empty or a changed journal is said in words, never a traceback.
    The feeds are told by the desk that runs, if the settings say where it answers, and by the
    database of bars.

    Parameters
    ----------
    folder : Path
        Folder that holds ``journal.sqlite``.
    clock : Clock, optional
        This machine's present, against which ages are told; by default its own clock.
    settings : Settings, optional
        Where a desk answers and where bars are kept; by default those of ``.env`` and the
        environment.
    """
    now = (clock or SystemClock()).now()
    st.set_page_config(page_title="alphalens: paper desk", layout="wide")
    try:
        view = frames.load(folder)
    except AuditError as error:
        st.error(f"**The record cannot be trusted; nothing of it is shown.**\n\n{error}")
        return
    except StorageError as error:
        st.error(f"**The journal cannot be read.**\n\n{error}")
        return
    except InputError as error:
        st.info(f"**Nothing to show yet.**\n\n{error}")
        show_feeds(folder, now, settings)
        return
    _draw(view, now, lambda: show_feeds(folder, now, settings))


def _draw(view: View, now: datetime, draw_feeds: Callable[[], None]) -> None:
    _banner(view)
    _as_of(view, now)
    _tiles(view)
    _waiting(view)
    equity, book, orders, approvals, alerts, data, record = st.tabs(
        ["Equity", "Book", "Orders", "Approvals", "Alerts", "Feeds", "Record and ages"]
    )
    with equity:
        _equity(view)
    with book:
        _book(view)
    with orders:
        _orders(view)
    with approvals:
        _approvals(view)
    with alerts:
        _alerts(view)
    with data:
        draw_feeds()
    with record:
        _record(view, now)


def _banner(view: View) -> None:
    facts = view.facts
    kind, colour = ("LIVE", "#8b1a1a") if facts.is_live else ("PAPER", "#274060")
    meaning = "real money" if facts.is_live else "no order of this account reaches a market"
    st.html(
        _STRIP.format(
            kind=kind,
            paper=colour,
            what=escape(f"Account {facts.account}, {facts.currency}: {meaning}"),
            state=facts.state.value.upper(),
            state_colour=_COLOURS[facts.state],
        )
    )


def _as_of(view: View, now: datetime) -> None:
    facts = view.facts
    if facts.state is not TradingState.ACTIVE:
        st.warning(f"**Trading is {facts.state}.** {frames.state_reason(facts)}")
    ended = "The run has ended" if facts.is_finished else "The run has not ended"
    marked = f"{facts.marks[-1].at:{_INSTANT}} UTC" if facts.marks else "no mark yet"
    st.caption(
        f"Numbers as of {marked}. {ended}; its last record is of {facts.last_at:{_INSTANT}} UTC "
        f"by its own clock, which is {frames.age_text(now - facts.last_at)} ago by this machine's."
    )


def _tiles(view: View) -> None:
    found = frames.tiles(view)
    for row in (found[:4], found[4:]):
        for column, tile in zip(st.columns(4), row, strict=True):
            column.metric(tile.label, tile.value, help=tile.note, border=True)


def _waiting(view: View) -> None:
    waiting = frames.waiting_orders(view.facts)
    if waiting.empty:
        return
    st.warning(
        f"**Waiting for a person: {_count(len(waiting), 'order')}.** This page only reads. They "
        f"are answered where the run asks, or by a command in the control table "
        f"(`alphalens.execution.write_command`)."
    )
    shown = ["asked_at", "symbol", "side", "quantity", "value", "size", "asked_above"]
    _table(waiting[[*shown, "client_order_id"]])


def _equity(view: View) -> None:
    if len(view.curve) < 2:
        days = _count(len(view.curve), "date")
        st.info(f"n too small: the book was marked on {days}, a curve needs 2.")
        return
    st.subheader("Equity against the universe", help="Both 100 at the first mark.")
    _lines(frames.curve_from_100(view), (_OURS, _OTHERS), "start = 100", height=300)
    left, right = st.columns(2)
    with left:
        st.subheader("Drawdown", help="Loss since the highest mark so far.")
        drawdown = view.curve[["strategy_drawdown", "universe_drawdown"]] * 100.0
        drawdown.columns = pd.Index(["strategy", "universe"])
        _lines(drawdown, (_OURS, _OTHERS), "per cent", height=220)
    with right:
        st.subheader("Exposure", help="Value of the positions as a share of equity.")
        _lines(view.exposure * 100.0, (_OURS, "#e0862f"), "per cent of equity", height=220)
    _statistics(view)


def _lines(frame: pd.DataFrame, colours: tuple[str, ...], unit: str, *, height: int) -> None:
    """Draw the columns of a frame over time, on an axis that fits them."""
    instants = pd.DatetimeIndex(frame.index).tz_convert("UTC").tz_localize(None)
    long = frame.set_axis(instants.rename("at"), axis="index").reset_index()
    long = long.melt(id_vars="at", var_name="line", value_name="level")
    scale = alt.Scale(domain=list(frame.columns), range=list(colours))
    chart = (
        alt.Chart(long)
        .mark_line(strokeWidth=1.8)
        .encode(
            x=alt.X("at:T", title=None, axis=alt.Axis(labelOverlap=True, tickCount=8)),
            y=alt.Y("level:Q", title=unit, scale=alt.Scale(zero=False)),
            color=alt.Color("line:N", scale=scale, title=None, legend=alt.Legend(orient="top")),
            tooltip=[
                alt.Tooltip("at:T", title="at (UTC)", format="%Y-%m-%d"),
                alt.Tooltip("line:N", title="line"),
                alt.Tooltip("level:Q", title=unit, format=",.2f"),
            ],
        )
        .properties(height=height)
    )
    st.altair_chart(chart)


def _statistics(view: View) -> None:
    strategy, relative = view.strategy, view.relative
    st.caption(
        f"{strategy.n_days} daily returns. Annual return {strategy.annual_return.text('+.2%')}, "
        f"annual volatility {strategy.annual_volatility.text('.2%')}, Sharpe ratio "
        f"{strategy.sharpe.text('+.2f')} (standard error {strategy.sharpe_error.text('.2f')}; not "
        f"deflated, the number of strategies tried was not recorded), beta to the universe "
        f"{relative.beta.text('.2f')}."
    )


def _book(view: View) -> None:
    book = frames.book_table(view)
    if book.empty:
        st.info("Nothing was ever held.")
    else:
        _table(book)
    if view.facts.fills_since_mark:
        st.warning(
            f"{_count(view.facts.fills_since_mark, 'execution')} came after the last mark; the "
            f"book does not hold them yet."
        )
    accounts, currency = view.accounts, view.facts.currency
    st.caption(
        f"Opening cash {accounts.opening_cash:,.2f} + brought in {accounts.brought_in:,.2f} + "
        f"realised {accounts.realised:,.2f} + unrealised {accounts.unrealised:,.2f} - fees "
        f"{accounts.fees:,.2f} + income {accounts.income:,.2f} = equity "
        f"{accounts.equity:,.2f} {currency}; proved from the executions."
    )


def _orders(view: View) -> None:
    counts = status_counts(view.facts.orders)
    if not counts:
        st.info("No order was wanted yet.")
        return
    chosen = st.multiselect(
        "Status",
        options=list(counts),
        default=list(counts),
        format_func=lambda status: f"{status.replace('_', ' ')} ({counts[status]})",
        key="statuses",
    )
    if "refused" in chosen:
        _refusals(view)
    found = frames.orders_table(view.facts, chosen)
    columns = [*found.columns.drop(["cycle_id", "rules", "purpose", "client_order_id"])]
    st.subheader("Orders, the latest first")
    _table(found[[*columns, "purpose", "client_order_id"]])


def _refusals(view: View) -> None:
    refusals = frames.refusals_table(view.facts)
    st.subheader("Why orders were refused", help="Every rule that was violated, latest first.")
    room = st.container() if len(refusals) < _MANY else st.container(height=420, border=False)
    with room:
        _words(refusals)


def _approvals(view: View) -> None:
    asked = approvals_frame(view.facts)
    if asked.empty:
        st.info("Nobody had to be asked.")
        return
    _table(asked.iloc[::-1])


def _alerts(view: View) -> None:
    alerts, degraded = alerts_frame(view.facts), degraded_frame(view.facts)
    if alerts.empty:
        st.info("No alert was raised.")
    else:
        _words(alerts.iloc[::-1])
    if len(degraded):
        st.subheader("Degraded: answered by less than the whole")
        _words(degraded.iloc[::-1])


def _record(view: View, now: datetime) -> None:
    facts = view.facts
    st.success(
        f"{facts.length:,} records, hash chain verified for this drawing. Head `{facts.head}`"
    )
    ages, limits = st.columns([3, 2])
    with ages:
        st.subheader("Age of every number", help="By the run's own clock, and by this machine's.")
        _words(frames.ages(facts, now))
    with limits:
        st.subheader("Limits in force", help="Fractions are of equity.")
        _words(pd.DataFrame({"limit": facts.limits.keys(), "value": facts.limits.values()}))
    st.caption(f"Run {', '.join(facts.run_ids)}, begun {facts.started_at:{_INSTANT}} UTC.")


_FORMATS = {
    "quantity": "localized",
    "average_price": "%.2f",
    "last_price": "%.2f",
    "reference_price": "%.2f",
    "weight": "%.2f%%",
    "size": "percent",
    "asked_above": "percent",
    "value": "localized",
    "unrealised": "localized",
    "realised": "localized",
    "filled": "localized",
}
_ROW_PX, _MOST_ROWS, _MANY = 35, 20, 8


def _table(frame: pd.DataFrame) -> None:
    """Show a table that scrolls; numbers get their format, instants lose their seconds."""
    shown = frame.round({"value": 0, "unrealised": 0, "realised": 0})
    st.dataframe(
        shown,
        hide_index=True,
        height=(min(len(shown), _MOST_ROWS) + 1) * _ROW_PX + 3,
        column_config={name: _column(str(name), shown[name].dtype) for name in shown.columns},
    )


def _column(name: str, dtype: object) -> ColumnConfig:
    label = name.replace("_", " ")
    if name in _FORMATS:
        return st.column_config.NumberColumn(label, format=_FORMATS[name])
    if isinstance(dtype, pd.DatetimeTZDtype):
        return st.column_config.DatetimeColumn(
            f"{label} (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"
        )
    return st.column_config.TextColumn(label, width="large" if name == "why" else None)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _words(frame: pd.DataFrame) -> None:
    """Show a table whose texts wrap, to be read to the end."""
    shown = frame.copy()
    for name in shown.columns:
        if isinstance(shown[name].dtype, pd.DatetimeTZDtype):
            shown[name] = shown[name].dt.strftime(_INSTANT)
    shown.columns = pd.Index([_HEADINGS.get(str(name), str(name)) for name in shown.columns])
    st.table(shown.set_index(shown.columns[0]))


_HEADINGS = {
    "at": "at (UTC)",
    "as_of": "as of (UTC)",
    "age_in_run": "age by the run's clock",
    "age_now": "age by this machine's",
    "cycle_id": "cycle",
}
