"""The part of the page that tells how the feeds do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from alphalens.config import Settings, load_settings
from alphalens.dashboard import feeds
from alphalens.dashboard.feeds import DeskSays, StoreHas
from alphalens.errors import ConfigError, StorageError

__all__ = ["show_feeds"]

_KEPT_S = 30.0  # what a database has is read once in so long, however often the page is drawn
_KEY = "ALPHALENS_HEALTH_ADDRESS"
_LABELS = {
    "p50_s": "latency p50 (s)",
    "p99_s": "latency p99 (s)",
    "outage_s": "outage (s)",
    "breaches": "outages over the limit",
    "bars_of": "bars of",
}
_FORMATS = {"uptime": "percent", "p50_s": "%.3f", "p99_s": "%.3f", "outage_s": "%.0f"}


def show_feeds(folder: Path, now: datetime, settings: Settings | None) -> None:
    """Draw what a running desk says of its feeds, and what the database of bars has.

    Parameters
    ----------
    folder : Path
        Of the run; a database of bars in it is shown, else that of the settings.
    now : datetime
        This machine's present.
    settings : Settings or None
        By default those of ``.env`` and the environment.
    """
    try:
        known = load_settings() if settings is None else settings
    except ConfigError as error:
        st.error(f"**The settings cannot be read.**\n\n{error}")
        return
    st.subheader("The desk that runs", help="Asked each time that this page is drawn.")
    if known.health_address:
        _desk(feeds.ask_desk(known.health_address))
    else:
        st.info(
            f"No desk is asked: set {_KEY}, such as 9464, for the desk and for this page, and "
            "uptime, latency, stale symbols, gaps, errors and fallbacks of its feeds are here."
        )
    st.subheader("What the database of bars has", help="Read at most every 30 seconds.")
    try:
        place = feeds.place_of_bars(known, folder)
        store = _read(place.absolute() if isinstance(place, Path) else place)
    except (StorageError, ConfigError) as error:
        st.error(f"**The database of bars cannot be read.**\n\n{error}")
        return
    if store is None:
        st.info("No bars are kept yet: `alphalens data fetch` makes the database.")
    else:
        _store(store, now)


@st.cache_data(ttl=_KEPT_S, show_spinner=False)
def _read(place: str | Path) -> StoreHas | None:
    return feeds.look_into(place)


def _desk(says: DeskSays) -> None:
    if says.problem:
        st.warning(f"**The desk at {says.address} does not answer.** {says.problem}")
        return
    box: Callable[[str], object] = {"ok": st.success, "warning": st.warning}.get(
        says.status, st.error
    )
    when = pd.Timestamp(says.at)
    box(f"The desk at {says.address} is **{says.status}**, as of {when:%Y-%m-%d %H:%M:%S} UTC.")
    if says.feeds.empty:
        st.info("It has no feed of its own.")
    else:
        _table(says.feeds)
        st.caption(
            "Counts are since the desk started. Uptime and outage count open market only; None is "
            "where there is nothing to tell yet."
        )
    st.table(says.checks[["check", "status", "value", "message"]].set_index("check"))


def _store(store: StoreHas, now: datetime) -> None:
    records, gaps = feeds.records_table(store, now), feeds.gaps_table(store)
    if records.empty:
        st.info("No vendor was asked yet.")
    else:
        _table(records)
    _table(feeds.coverage_table(store))
    st.subheader("Open gaps", help="Found last in front; `alphalens data refetch` asks again.")
    if gaps.empty:
        st.success("None on record.")
    else:
        _table(gaps)


def _table(frame: pd.DataFrame) -> None:
    columns = {}
    for name in map(str, frame.columns):
        label = _LABELS.get(name, name.replace("_", " "))
        if name in _FORMATS:
            columns[name] = st.column_config.NumberColumn(label, format=_FORMATS[name])
        elif isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            columns[name] = st.column_config.DatetimeColumn(
                f"{label} (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC"
            )
        else:
            columns[name] = st.column_config.Column(label)
    st.dataframe(frame, hide_index=True, column_config=columns)
