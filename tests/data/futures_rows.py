"""Contracts and closes of oil around the day on which it was sold below zero, and real curves.

The closes are settlements of NYMEX, from the set of energy futures that is named in the folder of
real data (MIT); the dates of the contracts are from the calendar of expiries beside it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from alphalens.assets import Future
from alphalens.assets.contracts import FutureSymbol
from alphalens.data.futures_chain import FuturesChain
from alphalens.data.sessions import closing_instants

#: Last day of trading, and first notice.
OIL = {
    "CLK20": (date(2020, 4, 21), date(2020, 4, 23)),
    "CLM20": (date(2020, 5, 19), date(2020, 5, 21)),
    "CLN20": (date(2020, 6, 22), date(2020, 6, 24)),
}
CLOSES = {
    "2020-04-14": (20.11, 27.40, 31.87),
    "2020-04-15": (19.87, 26.04, 29.96),
    "2020-04-16": (19.87, 25.53, 29.55),
    "2020-04-17": (18.27, 25.03, 29.42),
    "2020-04-20": (-37.63, 20.43, 26.28),
    "2020-04-21": (10.01, 11.57, 18.69),
    "2020-04-22": (np.nan, 13.78, 20.69),
    "2020-04-23": (np.nan, 16.50, 21.44),
}


def future(symbol: str, last: date, notice: date | None = None) -> Future:
    dates = {"last_trade": last, "first_notice": notice}
    return Future(
        symbol=symbol, tick=Decimal("0.01"), multiplier=Decimal(1000), calendar="NYMEX", **dates
    )


def oil() -> FuturesChain:
    return FuturesChain([future(symbol, *dates) for symbol, dates in OIL.items()])


def oil_closes() -> pd.DataFrame:
    return table(pd.DataFrame.from_dict(CLOSES, orient="index", columns=list(OIL)))


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by day as rows by the instant of the close."""
    days = pd.DatetimeIndex(rows.index).as_unit("us")
    return rows.set_axis(closing_instants(days), axis=0)


def real_chain(folder: Path, root: str, first: str, last: str) -> tuple[FuturesChain, pd.DataFrame]:
    """The contracts of a product and their closes: the n-th of a day is the n-th still traded."""
    dates = pd.read_parquet(folder / "futures_expiry_calendar.parquet")
    dates = dates[dates["tick.prefix"] == root]
    ends = np.array(dates["Last.Trade"], "M8[D]")
    names = [
        FutureSymbol(root=root, month=int(month), year=int(year)).code
        for year, month in zip(dates["Year"], dates["Month"], strict=True)
    ]
    order = np.argsort(ends)
    ends, names = ends[order], np.array(names, object)[order]
    notices = np.array(dates["First.Notice"], "M8[D]")[order]
    curves = pd.read_parquet(folder / "futures_energy_curves_2007_2025.parquet")
    curves = curves[(curves["root"] == root) & curves["date"].between(first, last)]
    days = curves["date"].to_numpy().astype("M8[D]")
    place = np.searchsorted(ends, days) + curves["n"].to_numpy(int) - 1
    rows = pd.DataFrame({"day": days, "symbol": names[place], "settle": curves["settle"]})
    closes = rows.pivot_table("settle", index="day", columns="symbol").astype(float)
    used = sorted(set(place.tolist()))
    contracts = [future(names[at], ends[at].item(), notices[at].item()) for at in used]
    return FuturesChain(contracts), table(closes)
