"""Factors of the literature as strings of the expression layer, and fundamentals point in time.

Every expression is signed so that the assets that earned more in its source score higher; months
are of 21 rows. `PRICE_CLASSICS` need prices and volume. `FUNDAMENTAL_CLASSICS` need panels of
fundamentals under these names, all in one currency; flows over the last twelve months
(`trailing_twelve_months` adds up quarterly reports), balances as of the last report
(`as_of_panel`):

==================== ============================================================================
``market_cap``        price times shares outstanding, of the day
``book_equity``       common shareholders' equity; where it is negative the ratios are kept as
                      they come, so drop such assets first if your study does
``total_assets``      total assets
``net_income``        after tax, twelve months
``gross_profit``      revenues less cost of goods sold, twelve months
``operating_cash_flow`` cash flow from operations, twelve months
==================== ============================================================================

`SOURCES` cites the paper behind each name.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from alphalens.errors import InputError

__all__ = [
    "FUNDAMENTAL_CLASSICS",
    "PRICE_CLASSICS",
    "SOURCES",
    "as_of_panel",
    "trailing_twelve_months",
]

#: Days from the end of a fiscal quarter to the end of the next: of 12 to 17 weeks, in whole ones.
_QUARTER_DAYS: Final = (80, 125)

#: Expressions of prices and volume by name; numbers in a name are months of 21 rows.
PRICE_CLASSICS: Mapping[str, str] = MappingProxyType(
    {
        "momentum_12_1": "delay(close, 21) / delay(close, 252) - 1",
        "reversal_1": "1 - close / delay(close, 21)",
        "long_reversal_60_12": "1 - delay(close, 252) / delay(close, 1260)",
        "nearness_to_high_12": "close / ts_max(close, 252)",
        "low_volatility_3": "-ts_std(close / delay(close, 1) - 1, 63)",
        "low_max_return_1": "-ts_max(close / delay(close, 1) - 1, 21)",
        "low_skewness_12": "-ts_skew(close / delay(close, 1) - 1, 252)",
        "amihud_illiquidity_1": "ts_mean(abs(close / delay(close, 1) - 1) / (close * volume), 21)",
        "low_dollar_volume_3": "-log(ts_mean(close * volume, 63))",
        "zero_return_days_12": "ts_mean(close == delay(close, 1), 252)",
    }
)

#: Expressions of fundamentals by name.
FUNDAMENTAL_CLASSICS: Mapping[str, str] = MappingProxyType(
    {
        "book_to_price": "book_equity / market_cap",
        "earnings_yield": "net_income / market_cap",
        "cash_flow_yield": "operating_cash_flow / market_cap",
        "small_size": "-log(market_cap)",
        "gross_profitability": "gross_profit / total_assets",
        "return_on_assets": "net_income / total_assets",
        "low_accruals": "(operating_cash_flow - net_income) / total_assets",
        "low_asset_growth": "1 - total_assets / delay(total_assets, 252)",
    }
)

#: Where each name comes from.
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "momentum_12_1": (
            "Jegadeesh, N. and Titman, S. (1993). Journal of Finance 48(1), 65-91. "
            "doi:10.1111/j.1540-6261.1993.tb04702.x"
        ),
        "reversal_1": (
            "Jegadeesh, N. (1990). Journal of Finance 45(3), 881-898. "
            "doi:10.1111/j.1540-6261.1990.tb05110.x"
        ),
        "long_reversal_60_12": (
            "De Bondt, W. F. M. and Thaler, R. (1985). Journal of Finance 40(3), 793-805. "
            "doi:10.1111/j.1540-6261.1985.tb05004.x; the latest year is left out"
        ),
        "nearness_to_high_12": (
            "George, T. J. and Hwang, C.-Y. (2004). Journal of Finance 59(5), 2145-2176. "
            "doi:10.1111/j.1540-6261.2004.00695.x"
        ),
        "low_volatility_3": (
            "Ang, A., Hodrick, R. J., Xing, Y. and Zhang, X. (2006). Journal of Finance 61(1), "
            "259-299. doi:10.1111/j.1540-6261.2006.00836.x; total volatility here"
        ),
        "low_max_return_1": (
            "Bali, T. G., Cakici, N. and Whitelaw, R. F. (2011). Journal of Financial Economics "
            "99(2), 427-446. doi:10.1016/j.jfineco.2010.08.014"
        ),
        "low_skewness_12": (
            "Harvey, C. R. and Siddique, A. (2000). Journal of Finance 55(3), 1263-1295. "
            "doi:10.1111/0022-1082.00247; total skewness here, theirs is shared with the market"
        ),
        "amihud_illiquidity_1": (
            "Amihud, Y. (2002). Journal of Financial Markets 5(1), 31-56. "
            "doi:10.1016/S1386-4181(01)00024-6; per unit of currency; "
            "a day without volume leaves its windows without a value"
        ),
        "low_dollar_volume_3": (
            "Brennan, M. J., Chordia, T. and Subrahmanyam, A. (1998). Journal of Financial "
            "Economics 49(3), 345-373. doi:10.1016/S0304-405X(98)00028-2"
        ),
        "zero_return_days_12": (
            "Lesmond, D. A., Ogden, J. P. and Trzcinka, C. A. (1999). Review of Financial Studies "
            "12(5), 1113-1141. doi:10.1093/rfs/12.5.1113"
        ),
        "book_to_price": (
            "Fama, E. F. and French, K. R. (1992). Journal of Finance 47(2), 427-465. "
            "doi:10.1111/j.1540-6261.1992.tb04398.x"
        ),
        "earnings_yield": (
            "Basu, S. (1977). Journal of Finance 32(3), 663-682. "
            "doi:10.1111/j.1540-6261.1977.tb01979.x"
        ),
        "cash_flow_yield": (
            "Lakonishok, J., Shleifer, A. and Vishny, R. W. (1994). Journal of Finance 49(5), "
            "1541-1578. doi:10.1111/j.1540-6261.1994.tb04772.x"
        ),
        "small_size": (
            "Banz, R. W. (1981). Journal of Financial Economics 9(1), 3-18. "
            "doi:10.1016/0304-405X(81)90018-0"
        ),
        "gross_profitability": (
            "Novy-Marx, R. (2013). Journal of Financial Economics 108(1), 1-28. "
            "doi:10.1016/j.jfineco.2013.01.003"
        ),
        "return_on_assets": (
            "Balakrishnan, K., Bartov, E. and Faurel, L. (2010). Journal of Accounting and "
            "Economics 50(1), 20-41"
        ),
        "low_accruals": (
            "Sloan, R. G. (1996). The Accounting Review 71(3), 289-315; from the cash flow "
            "statement as in Hribar, P. and Collins, D. W. (2002). Journal of Accounting Research "
            "40(1), 105-134. doi:10.1111/1475-679X.00041; over assets of the last report"
        ),
        "low_asset_growth": (
            "Cooper, M. J., Gulen, H. and Schill, M. J. (2008). Journal of Finance 63(4), "
            "1609-1651. doi:10.1111/j.1540-6261.2008.01370.x; what was known 252 rows apart"
        ),
    }
)


def as_of_panel(
    reports: pd.DataFrame,
    dates: pd.Index,
    *,
    value: str,
    known_at: str,
    symbol: str,
    period: str | None = None,
    stale_after_days: int | None = 400,
    is_same_day: bool = False,
) -> pd.DataFrame:
    r"""Lay a long table of reports out as a panel that knows only what was known.

    A report counts from the day **after** it was first seen, for nobody can say that it was read
    before that day's close; `is_same_day` counts it on the day itself. It counts until another
    replaces it: a restatement of its period, or a report on a later period. With `period`, a
    late report on an earlier period never takes the place of a later one; without it, what was
    seen last counts. A report that lacks the value replaces nothing.

    Parameters
    ----------
    reports : DataFrame
        One row per report, in any order. Rows whose `value` is NaN are left out.
    dates : DatetimeIndex of shape (n_dates,)
        Days of the panel, ascending. Days are told apart in the zone of `dates`.
    value : str
        Column of numbers, in any unit; infinite counts as NaN.
    known_at : str
        Column of the day, or instant, at which the report was first seen.
    symbol : str
        Column of the asset.
    period : str, optional
        Column that orders the periods reported on, such as the end of the quarter.
    stale_after_days : int, optional
        Calendar days after `known_at` from which the value is no longer believed; None for never.
        The default lets an annual report stand for a year and a month.
    is_same_day : bool
        Whether a report may be used on the day on which it was first seen.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        Latest value known, float64, assets in order of their names; NaN before the first report
        and where the latest is stale.

    Raises
    ------
    InputError
        If a column is missing or holds no day or asset in a row that has a value, no row has a
        value, `value` is not of numbers, `dates` are not ascending days, only `known_at` has a
        time zone, the limit is negative, or two reports of one asset, day and period give
        different values.

    Notes
    -----
    .. math:: x_{t,i} = v_{k}, \quad k = \arg\max\{\mathrm{period}_k,\ \mathrm{seen}_k :
       \mathrm{seen}_k < t,\ \mathrm{asset}_k = i\} .

    O(n log n + n_days n_assets) for n reports seen on n_days days.

    Examples
    --------
    >>> reports = pd.DataFrame({
    ...     "seen": pd.to_datetime(["2024-01-02", "2024-01-04"]),
    ...     "asset": ["A", "A"],
    ...     "assets": [10.0, 12.0],
    ... })
    >>> days = pd.date_range("2024-01-02", "2024-01-05")
    >>> as_of_panel(reports, days, value="assets", known_at="seen", symbol="asset")["A"].tolist()
    [nan, 10.0, 10.0, 12.0]
    """
    names = {"value": value, "seen": known_at, "symbol": symbol}
    events = _ordered(reports, names | ({"period": period} if period else {}), dates)
    return _laid_out(_standing(events), dates, stale_after_days, is_same_day=is_same_day)


def trailing_twelve_months(
    reports: pd.DataFrame,
    dates: pd.Index,
    *,
    value: str,
    known_at: str,
    symbol: str,
    period: str,
    stale_after_days: int | None = 200,
    is_same_day: bool = False,
) -> pd.DataFrame:
    """Lay the sum of the last four fiscal quarters known on each day out as a panel.

    A restatement changes the sum from the day on which `as_of_panel` would let it count, never
    before, also one of an earlier quarter among the four.

    Parameters
    ----------
    reports : DataFrame
        One row per quarter and report: the flow of that quarter alone. Where a report gives the
        year, or the year to date, subtract the quarters before it first.
    dates, value, known_at, symbol, is_same_day
        As in `as_of_panel`.
    period : str
        Column of the day on which the quarter ended.
    stale_after_days : int, optional
        Calendar days after the last report from which the sum is no longer believed; None for
        never. The default lets a quarter's report be more than three months late.

    Returns
    -------
    DataFrame of shape (n_dates, n_assets)
        In the unit of `value`, assets in order of their names; NaN where fewer than four quarters
        are known, or one between them is missing: ends must be 80 to 125 days apart.

    Raises
    ------
    InputError
        As in `as_of_panel`, or if `period` holds no days.

    Notes
    -----
    O(n log n + n q log q + n_days n_assets) for n reports, q quarters an asset.

    Examples
    --------
    >>> ends = pd.to_datetime(["2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31"])
    >>> seen = ends + pd.Timedelta(days=30)
    >>> reports = pd.DataFrame({"end": ends, "seen": seen, "asset": "A", "sales": [1, 2, 3, 4.0]})
    >>> days = pd.date_range("2024-01-30", "2024-01-31")
    >>> names = {"value": "sales", "known_at": "seen", "symbol": "asset", "period": "end"}
    >>> trailing_twelve_months(reports, days, **names)["A"].tolist()
    [nan, 10.0]
    """
    names = {"value": value, "seen": known_at, "symbol": symbol, "period": period}
    events = _ordered(reports, names, dates)
    if not pd.api.types.is_datetime64_any_dtype(events["period"]):
        raise InputError(
            f"the column {period!r} holds {events['period'].dtype}, not the days on which quarters "
            "ended: convert it with pandas.to_datetime"
        )
    ends = events["period"].dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64)
    values, sums = events["value"].to_numpy(), np.empty(len(events))
    for rows in events.groupby("symbol", observed=True, sort=False).indices.values():
        known: dict[int, float] = {}
        for row in rows:
            known[ends[row]] = values[row]
            sums[row] = _last_four(known)
    events = events.assign(value=sums).drop_duplicates(["symbol", "seen"], keep="last")
    return _laid_out(events, dates, stale_after_days, is_same_day=is_same_day)


def _last_four(quarters: Mapping[int, float]) -> float:
    """Return the sum of the last four quarters by day of their end; NaN where one is missing."""
    ends = sorted(quarters)[-4:]
    shortest, longest = _QUARTER_DAYS
    gaps = [later - end for end, later in pairwise(ends)]
    if len(ends) < 4 or not all(shortest <= gap <= longest for gap in gaps):
        return np.nan
    return sum(quarters[end] for end in ends)


def _laid_out(
    events: pd.DataFrame, dates: pd.Index, stale_after_days: int | None, *, is_same_day: bool
) -> pd.DataFrame:
    """Return the value that stands on each date, of events of one per asset and day."""
    if stale_after_days is not None and stale_after_days < 0:
        raise InputError(f"stale_after_days must be 0 or more, or None, got {stale_after_days}")
    days, today = np.unique(events["seen"]), _local_days(dates)
    values, seen = _known(events, days)
    rows = np.searchsorted(days, today, side="right" if is_same_day else "left")
    panel, age = values[rows], (today[:, None] - seen[rows]) / np.timedelta64(1, "D")
    if stale_after_days is not None:
        panel[age > stale_after_days] = np.nan
    return pd.DataFrame(panel, index=dates, columns=_symbols(events))


def _ordered(reports: pd.DataFrame, names: dict[str, str], dates: pd.Index) -> pd.DataFrame:
    """Return the reports by asset, day and period, one of each."""
    if not (isinstance(dates, pd.DatetimeIndex) and dates.is_monotonic_increasing):
        raise InputError("dates must be a DatetimeIndex in ascending order: sort them first")
    events = _events(reports, names)
    events["seen"] = _days(events["seen"], names["seen"], dates)
    events = events.drop_duplicates()
    keys = [name for name in ("symbol", "seen", "period") if name in events]
    twice = events[events.duplicated(keys)]
    if len(twice):
        raise InputError(
            f"{len(twice)} reports give another value for the same asset, day and period, the "
            f"first on {twice['symbol'].iloc[0]!r} at {twice['seen'].iloc[0]:%Y-%m-%d}: keep one, "
            "or tell them apart by the column named as period"
        )
    return events.sort_values(keys, kind="stable")


def _events(reports: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Return the rows that hold a value, under our names of the columns."""
    missing = [name for name in names.values() if name not in reports.columns]
    if missing:
        raise InputError(
            f"the reports have no column {', '.join(map(repr, missing))}; they have "
            f"{', '.join(map(repr, reports.columns))}"
        )
    if not pd.api.types.is_numeric_dtype(reports[names["value"]]):
        raise InputError(
            f"the column {names['value']!r} holds {reports[names['value']].dtype}, not numbers: "
            "convert it with pandas.to_numeric"
        )
    events = pd.DataFrame({ours: reports[theirs] for ours, theirs in names.items()})
    events["value"] = events["value"].astype(float)
    events = events.replace({"value": [np.inf, -np.inf]}, np.nan)
    events = events.dropna(subset="value").reset_index(drop=True)
    if events.empty:
        raise InputError(f"none of the {len(reports)} reports has a number in {names['value']!r}")
    for ours, theirs in names.items():
        blank = int(events[ours].isna().sum())
        if blank:
            raise InputError(f"{blank} reports with a value have no {theirs!r}: drop them first")
    return events


def _days(seen: pd.Series, name: str, dates: pd.DatetimeIndex) -> pd.Series:
    """Return the day of each report in the zone of the panel."""
    if not pd.api.types.is_datetime64_any_dtype(seen):
        raise InputError(
            f"the column {name!r} holds {seen.dtype}, not days: convert it with pandas.to_datetime"
        )
    if seen.dt.tz is not None:
        if dates.tz is None:
            raise InputError(
                f"the column {name!r} has the time zone {seen.dt.tz} and dates have none: "
                "localise dates to the zone of the market"
            )
        seen = seen.dt.tz_convert(dates.tz).dt.tz_localize(None)
    days: pd.Series = seen.dt.normalize().astype("datetime64[ns]")
    return days


def _local_days(dates: pd.Index) -> np.ndarray:
    return np.asarray(pd.DatetimeIndex(dates).tz_localize(None).normalize(), dtype="datetime64[ns]")


def _standing(events: pd.DataFrame) -> pd.DataFrame:
    """Keep one report per asset and day, none that a later period had replaced before."""
    if "period" in events:
        order = events["period"].rank(method="dense")
        latest = order.groupby(events["symbol"], observed=True).cummax()
        events = events[order == latest]
    return events.drop_duplicates(["symbol", "seen"], keep="last")


def _symbols(events: pd.DataFrame) -> pd.Index:
    symbols: pd.Index = pd.Index(sorted(events["symbol"].unique()))
    return symbols


def _known(events: pd.DataFrame, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return value and day of the report that stands after each day; row 0 is before them all."""
    symbols = _symbols(events)
    at = np.searchsorted(days, events["seen"].to_numpy()) + 1
    column = symbols.get_indexer(pd.Index(events["symbol"], dtype=object))
    source = np.full((len(days) + 1, len(symbols)), -1)
    source[at, column] = np.arange(len(events))
    source = np.maximum.accumulate(source, axis=0)
    values = np.append(events["value"].to_numpy(), np.nan)[source]
    seen = np.append(events["seen"].to_numpy(), np.datetime64("NaT"))[source]
    return values, seen
