"""How the feeds do, as plain values: what a running desk says, and what the database has."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from alphalens.config import Settings
from alphalens.dashboard.frames import age_text
from alphalens.monitoring.vendor_record import VendorRecord, vendor_records
from alphalens.net import LoopThread, NetError, Request, RetryPolicy, Transport
from alphalens.net.endpoint import is_loopback
from alphalens.runtime.market_data import market_place
from alphalens.runtime.market_status import MarketStatus, SeriesStatus, market_status
from alphalens.storage import open_engine

__all__ = [
    "DeskSays",
    "StoreHas",
    "ask_desk",
    "coverage_table",
    "gaps_table",
    "look_into",
    "place_of_bars",
    "records_table",
]

_PATIENCE_S = 5.0
_ANY = "0.0.0.0"  # noqa: S104 - where a desk may listen; it is asked on this machine
_NO_DESK = "what answers there is no desk"
_SHOWN = 200  # gaps, the newest
_CHECKS = ["check", "status", "value", "limit", "message"]
#: Column of the table, and the figure that it shows.
_FIGURES = {
    "uptime": "feed_uptime_ratio",
    "outage_s": "feed_outage_seconds",
    "stale_symbols": "feed_stale_symbols",
    "gaps": "feed_gaps_total",
    "errors": "feed_errors_total",
    "fallbacks": "feed_fallbacks_total",
    "breaches": "feed_breaches_total",
    "answers": "feed_answers_total",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class DeskSays:
    """What a desk answered.

    Attributes
    ----------
    address : str
        Where it was asked.
    problem : str
        Why there is no answer; empty if there is one.
    status : str
        The worst of its checks.
    at : str
        When they were made, as it told.
    feeds : DataFrame
        A row per vendor: ``vendor``, ``state`` (up, down, not asked), ``uptime``, ``p50_s``,
        ``p99_s``, ``stale_symbols``, ``gaps``, ``errors``, ``fallbacks``, ``breaches``,
        ``outage_s``, ``answers``; NaN where there is nothing to tell yet.
    checks : DataFrame
        ``check``, ``status``, ``value``, ``limit``, ``message``.
    """

    address: str
    problem: str = ""
    status: str = ""
    at: str = ""
    feeds: pd.DataFrame
    checks: pd.DataFrame


@dataclass(frozen=True, eq=False, kw_only=True)
class StoreHas:
    """What a database of bars has."""

    status: MarketStatus
    records: tuple[VendorRecord, ...]


def ask_desk(address: str) -> DeskSays:
    """Ask a desk on this machine how it does.

    Parameters
    ----------
    address : str
        As the setting `health_address` has it: ``host:port``.
    """
    host, _, port = address.rpartition(":")
    host = "127.0.0.1" if host == _ANY else host
    if not is_loopback(host):
        return _silent(address, "it is on another machine, and this page asks its own only")
    try:
        told = _told(f"http://{host}:{port}")
    except (NetError, ValueError) as error:
        return _silent(address, str(error))
    if "checks" not in told:
        return _silent(address, str(told.get("message", _NO_DESK)))
    try:
        return _understood(address, told)
    except (AttributeError, KeyError, TypeError, ValueError):
        return _silent(address, _NO_DESK)  # others call what they tell checks too


def _understood(address: str, told: Mapping[str, Any]) -> DeskSays:
    rows = [[c["name"], c["status"], c["value"], c["limit"], c["message"]] for c in told["checks"]]
    return DeskSays(
        address=address,
        status=str(told["status"]),
        at=pd.Timestamp(told["at"]).isoformat(),
        feeds=_feeds(told["figures"]),
        checks=pd.DataFrame(rows, columns=_CHECKS),
    )


def _told(base: str) -> Mapping[str, Any]:  # Any: JSON, as the desk wrote it
    with ExitStack() as stack:
        loop = stack.enter_context(LoopThread("alphalens-ask"))
        rng = random.Random(0)  # noqa: S311 - spreads retries, of which there are none
        transport = Transport(base, rng=rng, retry=RetryPolicy(attempts=1))
        stack.callback(lambda: loop.run(transport.close(), timeout_s=_PATIENCE_S))
        request = Request(method="GET", path="/healthz", deadline_s=_PATIENCE_S)
        answer = loop.run(transport.request(request), timeout_s=2 * _PATIENCE_S).json()
    return answer if isinstance(answer, dict) else {}


def _silent(address: str, problem: str) -> DeskSays:
    return DeskSays(
        address=address,
        problem=problem,
        feeds=_feeds({}),
        checks=pd.DataFrame(columns=_CHECKS),
    )


def _feeds(figures: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """Return the figures of the feeds, a row per vendor."""
    vendors = [sample["vendor"] for sample in figures.get("feed_up", ())]

    def column(name: str, **labels: str) -> list[float]:
        found = {
            sample["vendor"]: sample["value"]
            for sample in figures.get(name, ())
            if all(sample.get(key) == value for key, value in labels.items())
        }
        return [float("nan") if found.get(v) is None else float(found[v]) for v in vendors]

    states = {1.0: "up", 0.0: "down"}
    return pd.DataFrame(
        {
            "vendor": vendors,
            "state": [states.get(is_up, "not asked") for is_up in column("feed_up")],
            "p50_s": column("feed_latency_seconds", quantile="0.5"),
            "p99_s": column("feed_latency_seconds", quantile="0.99"),
            **{name: column(figure) for name, figure in _FIGURES.items()},
        }
    )


def place_of_bars(settings: Settings, folder: Path) -> str | Path:
    """Return the database of bars: that in the folder of the run, else that of the settings."""
    own = market_place(settings, folder)
    if isinstance(own, Path) and not own.exists():
        return market_place(settings)
    return own


def look_into(place: str | Path) -> StoreHas | None:
    """Read what a database of bars has; None if there is no such file yet.

    Raises
    ------
    StorageError, ConfigError
        If it cannot be read.
    """
    if isinstance(place, Path) and not place.exists():
        return None
    engine = open_engine(place, is_read_only=True)
    try:
        return StoreHas(status=market_status(engine), records=vendor_records(engine))
    finally:
        engine.dispose()


def records_table(store: StoreHas, now: datetime) -> pd.DataFrame:
    """Return each vendor: ``vendor``, ``last_fetch``, ``age``, ``refused``, ``last_refused``."""
    rows = [
        [
            one.vendor,
            _stamp(one.last_fetch),
            "never" if one.last_fetch is None else age_text(now - one.last_fetch),
            one.refused,
            _stamp(one.last_refused),
        ]
        for one in store.records
    ]
    columns = ["vendor", "last_fetch", "age", "refused_answers", "last_refused"]
    return _dated(pd.DataFrame(rows, columns=columns), "last_fetch", "last_refused")


def coverage_table(store: StoreHas) -> pd.DataFrame:
    """Return each kind of bars: how many symbols, bars, open gaps and refused rows, from when."""
    kinds: dict[tuple[str, str], list[SeriesStatus]] = {}
    for one in store.status.series:
        kinds.setdefault((str(one.timeframe), str(one.adjustment)), []).append(one)
    rows = [
        [
            *kind,
            len(own),
            sum(one.bars for one in own),
            _stamp(min((one.first for one in own if one.first), default=None)),
            _stamp(max((one.last for one in own if one.last), default=None)),
            sum(len(one.gaps) for one in own),
            sum(one.quarantined for one in own),
        ]
        for kind, own in sorted(kinds.items())
    ]
    columns = ["bars_of", "adjustment", "symbols", "bars", "first", "last"]
    frame = pd.DataFrame(rows, columns=[*columns, "open_gaps", "in_quarantine"])
    return _dated(frame, "first", "last")


def gaps_table(store: StoreHas) -> pd.DataFrame:
    """Return the open gaps, those found last in front: at most two hundred."""
    kept = [gap for one in store.status.series for gap in one.gaps]
    kept.sort(key=lambda one: (one.found, one.gap.after), reverse=True)
    rows = [
        [
            one.gap.symbol,
            str(one.timeframe),
            _stamp(one.gap.after),
            _stamp(one.gap.before),
            one.gap.count,
            one.gap.reason.name.lower().replace("_", " "),
            _stamp(one.found),
            _stamp(one.tried),
        ]
        for one in kept[:_SHOWN]
    ]
    columns = ["symbol", "bars_of", "after", "before", "missing", "why", "found", "asked_again"]
    return _dated(pd.DataFrame(rows, columns=columns), "after", "before", "found", "asked_again")


def _stamp(at: datetime | None) -> pd.Timestamp | None:
    return None if at is None else pd.Timestamp(at)


def _dated(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    """Give columns of instants their type, where all of them are missing too."""
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in names})
