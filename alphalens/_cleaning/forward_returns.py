"""The forward-return columns of factor_data, named by their length on the calendar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import pandas as pd

from alphalens import _calendar as calendars
from alphalens._calendar import infer_trading_calendar
from alphalens._forward import Ahead, factor_series, look_ahead, with_dates
from alphalens._warning import warn_user


def compute_forward_returns(
    factor: pd.Series | pd.DataFrame,
    prices: pd.DataFrame,
    periods: Iterable[int] = (1, 5, 10),
    filter_zscore: float | None = None,
    cumulative_returns: bool = True,
) -> pd.DataFrame:
    """Return what each asset earned after each factor date.

    Parameters
    ----------
    factor : Series or one-column DataFrame
        Index of dates and assets; the values do not matter.
    prices : DataFrame of shape (times, assets)
        Prices, forward-filled over NaN. A factor value on a date is followed by the return from the
        price on that date: use prices that could be traded after the factor was known.
    periods : iterable of int
        Horizons in rows of `prices`, 0 or more.
    filter_zscore : float, optional
        Set returns that are more than this many standard deviations (ddof 1) from the mean of their
        asset and period to NaN. None or False: keep all. Looks ahead, for cleaning only.
    cumulative_returns : bool
        True: the return over the whole horizon. False: that of its last single row.

    Returns
    -------
    DataFrame
        Fractions. Index of `factor` with levels named ``date`` and ``asset``; one column per
        period, ascending, named by its length on the trading calendar (``1D``, ``3h``). NaN where
        a price is missing.

    Raises
    ------
    NonMatchingTimezoneError
        If the time zones differ.
    InputError
        (a ValueError) If no factor date has a price, no price is late enough, or labels repeat.
    NotDatesError
        (an AttributeError) If the dates are not dates.

    Warns
    -----
    UserWarning
        If the factor's dates do not fit the trading calendar; they then keep the freq they had.

    Notes
    -----
    The calendar is the freq of the factor's dates if that is Day, BusinessDay or CustomBusinessDay,
    else the one inferred from both sets of dates; it becomes the freq of the result's dates.

    Examples
    --------
    >>> dates = pd.date_range("2024-01-01", periods=4)
    >>> prices = pd.DataFrame({"A": [10.0, 11.0, 12.1, 12.1]}, index=dates)
    >>> index = pd.MultiIndex.from_product([dates[:2], ["A"]], names=["date", "asset"])
    >>> compute_forward_returns(pd.Series(1.0, index), prices, periods=(1,)).round(3)["1D"].tolist()
    [0.1, 0.1]
    """
    ahead = look_ahead(
        factor_series(factor),
        prices,
        periods,
        filter_zscore=filter_zscore,
        is_cumulative=cumulative_returns,
    )
    return forward_frame(ahead)


def forward_frame(ahead: Ahead) -> pd.DataFrame:
    """Return the forward returns as a frame on the factor's index, with its calendar."""
    dates = cast("pd.DatetimeIndex", ahead.index.levels[0])
    own = dates.freq
    freq = calendars.trading_calendar(own) or infer_trading_calendar(dates, ahead.times)
    step = calendars.single_day(freq, message="the trading calendar must step by days")
    names = [calendars.period_name(*ahead.spans(period), step) for period in ahead.periods]
    columns = [ahead.long(ahead.matrix(p, is_filtered=True)) for p in ahead.periods]
    index = ahead.index
    on_calendar = calendars.with_calendar(dates, freq)
    if on_calendar is None:
        warn_user(
            f"The factor's dates do not step by the trading calendar {freq}, so they keep their "
            f"freq ({own}): nothing is laid on a calendar grid"
        )
    elif own != freq:
        index = with_dates(index, on_calendar)
    frame = pd.DataFrame(dict(enumerate(columns)), index=index.copy(), copy=False)
    frame.columns = pd.Index(names)
    return frame
