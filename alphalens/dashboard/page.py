"""The page: where each number of a run stands."""

from __future__ import annotations

from datetime import datetime
from html import escape
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from alphalens.dashboard import frames
from alphalens.dashboard.frames import View
from alphalens.errors import AuditError, InputError, StorageError
from alphalens.reports.orders import (
    alerts_frame,
    approvals_frame,
    degraded_frame,
    refusals_frame,
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
_STRIP = (
    '<div style="background:{paper};color:#fff;border-radius:8px;padding:.7rem 1.1rem;'
    'display:flex;flex-wrap:wrap;gap:.3rem 1.6rem;align-items:center;font-size:.95rem">'
    '<strong style="font-size:1.15rem;letter-spacing:.12em">{kind}</strong>'
    '<span>{what}</span><span style="margin-left:auto;background:{state_colour};'
    'border-radius:6px;padding:.15rem .7rem;font-weight:600">{state}</span></div>'
)


def show(folder: Path, *, clock: Clock | None = None) -> None:
    """Draw the page of the run in a folder; call it from a script that Streamlit runs.

    Everything comes from the journal, whose hash chain is verified for every drawing. A
    folder without a run, an empty or a changed journal is said in words, never a traceback.

    Parameters
    ----------
    folder : Path
        Folder that holds ``journal.sqlite``.
    clock : Clock, optional
        This machine's present, against which ages are told; by default its own clock.
    """
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
        return
    _draw(view, (clock or SystemClock()).now())


def _draw(view: View, now: datetime) -> None:
    _banner(view)
    _as_of(view, now)
    _tiles(view)
    _waiting(view)
    equity, book, orders, approvals, alerts, record = st.tabs(
        ["Equity", "Book", "Orders", "Approvals", "Alerts", "Record and ages"]
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
        f"**{len(waiting)} order(s) wait for a person.** This page only reads. They are answered "
        f"where the run asks, or by a command in the control table "
        f"(`alphalens.execution.write_command`)."
    )
    _table(waiting[["asked_at", "symbol", "side", "quantity", "value", "size", "asked_above"]])


def _equity(view: View) -> None:
    if len(view.curve) < 2:
        st.info(f"n too small: the book was marked on {len(view.curve)} date(s), a curve needs 2.")
        return
    st.subheader("Equity against the universe", help="Both 100 at the first mark.")
    st.line_chart(frames.curve_from_100(view), color=["#2f6f9f", "#8a94a0"], y_label="start = 100")
    left, right = st.columns(2)
    with left:
        st.subheader("Drawdown")
        drawdown = view.curve[["strategy_drawdown", "universe_drawdown"]] * 100.0
        st.line_chart(
            drawdown.rename(columns=lambda name: name.removesuffix("_drawdown")),
            color=["#2f6f9f", "#8a94a0"],
            y_label="per cent",
            height=240,
        )
    with right:
        st.subheader("Exposure")
        st.line_chart(
            view.exposure * 100.0,
            color=["#2f6f9f", "#e0862f"],
            y_label="per cent of equity",
            height=240,
        )
    _statistics(view)


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
            f"{view.facts.fills_since_mark} execution(s) came after the last mark; the book does "
            f"not hold them yet."
        )
    accounts, currency = view.accounts, view.facts.currency
    st.caption(
        f"Opening cash {accounts.opening_cash:,.2f} + realised {accounts.realised:,.2f} + "
        f"unrealised {accounts.unrealised:,.2f} - fees {accounts.fees:,.2f} = equity "
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
    found = frames.orders_table(view.facts, chosen)
    _table(found.drop(columns=["cycle_id"]))
    refusals = refusals_frame(view.facts.orders)
    if "refused" in chosen and len(refusals):
        st.subheader("Why orders were refused")
        words = refusals.assign(
            order=[
                f"{side} {quantity:,.0f} {symbol}"
                for side, quantity, symbol in zip(
                    refusals["side"], refusals["quantity"], refusals["symbol"], strict=True
                )
            ]
        )
        _words(words[["at", "order", "rule", "actual", "limit", "message"]])


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
        f"{facts.length} records, hash chain verified for this drawing. Head: `{facts.head}`"
    )
    st.subheader("Age of every number")
    _words(frames.ages(facts, now))
    st.subheader("Limits in force", help="Fractions are of equity.")
    _words(pd.DataFrame({"limit": facts.limits.keys(), "value": facts.limits.values()}))
    st.caption(f"Run {', '.join(facts.run_ids)}, begun {facts.started_at:{_INSTANT}} UTC.")


_MONEY = "accounting"
_COLUMNS = {
    "quantity": "localized",
    "average_price": "%.2f",
    "last_price": "%.2f",
    "reference_price": "%.2f",
    "weight": "%.2f%%",
    "value": "localized",
    "unrealised": "localized",
    "realised": "localized",
    "filled": "localized",
}


def _table(frame: pd.DataFrame) -> None:
    """Show a table that scrolls; numbers get their format, instants lose their seconds."""
    shown = frame.round({"value": 0, "unrealised": 0, "realised": 0})
    st.dataframe(
        shown,
        hide_index=True,
        column_config={name: _column(str(name), shown[name].dtype) for name in shown.columns},
    )


def _column(name: str, dtype: object) -> ColumnConfig:
    label = name.replace("_", " ")
    if name in _COLUMNS:
        return st.column_config.NumberColumn(label, format=_COLUMNS[name])
    if isinstance(dtype, pd.DatetimeTZDtype):
        return st.column_config.DatetimeColumn(
            f"{label} (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"
        )
    return st.column_config.TextColumn(label, width="large" if name in ("why", "reason") else None)


def _words(frame: pd.DataFrame) -> None:
    """Show a table whose texts wrap, to be read to the end."""
    shown = frame.copy()
    for name in shown.columns:
        if isinstance(shown[name].dtype, pd.DatetimeTZDtype):
            shown[name] = shown[name].dt.strftime(_INSTANT)
    st.table(
        shown.rename(columns=lambda name: str(name).replace("_", " ")).set_index(shown.columns[0])
    )
