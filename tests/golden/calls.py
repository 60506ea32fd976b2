"""The calls of the golden tests: one name, one function of a context, for both libraries.

Imports numpy and pandas only. A context carries the library's modules and the inputs; `fd` is
the frame that 0.5.1 made in the clean step, so that each call is judged alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Call = Callable[["Context"], Any]


@dataclass(frozen=True)
class Context:
    """What a call may use."""

    utils: Any
    performance: Any
    plotting: Any
    shape: Any
    fd: pd.DataFrame

    @property
    def periods(self) -> list[str]:
        """Return the names of the forward-return columns."""
        other = {"factor", "group", "factor_quantile", "note"}
        return [name for name in self.fd.columns if name not in other]

    @property
    def labels(self) -> list[Any]:
        """Return the quantile labels present, ascending."""
        return sorted(self.fd["factor_quantile"].unique().tolist())

    @property
    def calendar(self) -> Any:
        """Return the trading calendar of the frame, or None."""
        return self.fd.index.levels[0].freq

    @property
    def growth(self) -> pd.DataFrame:
        """Return the growth of one unit in each asset."""
        return (1 + self.shape.returns.fillna(0)).cumprod()


def as_documented(fd: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with float labels where 0.5.1 on pandas 3 leaves labels as objects."""
    if fd["factor_quantile"].dtype == object:
        return fd.assign(factor_quantile=fd["factor_quantile"].astype(float))
    return fd


def _returns_with_spread(c: Context) -> pd.DataFrame:
    """Follow the returns sheet from the frame to its table, unrounded."""
    p, u, base = c.performance, c.utils, c.periods[0]
    means, _ = p.mean_return_by_quantile(c.fd)
    dated, errors = p.mean_return_by_quantile(c.fd, by_date=True)
    rates = dated.apply(u.rate_of_return, axis=0, base_period=base)
    errors = errors.apply(u.std_conversion, axis=0, base_period=base)
    spread, _ = p.compute_mean_returns_spread(rates, c.labels[-1], c.labels[0], std_err=errors)
    rate = means.apply(u.rate_of_return, axis=0, base_period=base)
    return c.plotting.plot_returns_table(p.factor_alpha_beta(c.fd), rate, spread, return_df=True)


def _turnover_table(c: Context) -> Any:
    p, fq = c.performance, c.fd["factor_quantile"]
    spans = (1, 2)
    turnover = {
        n: pd.concat([p.quantile_turnover(fq, q, n) for q in c.labels], axis=1) for n in spans
    }
    auto = pd.concat([p.factor_rank_autocorrelation(c.fd, n) for n in spans], axis=1)
    return c.plotting.plot_turnover_table(auto, turnover, return_df=True)


def _extremes(c: Context) -> list[Any]:
    return [c.labels[0], c.labels[-1]]


def _date_and_group(c: Context) -> list[Any]:
    return [c.fd.index.get_level_values("date"), "group"]


def _spread(c: Context, **options: Any) -> Any:
    """Return the spread of the top over the bottom label, with its error."""
    mean, error = c.performance.mean_return_by_quantile(c.fd, by_date=True, **options)
    return c.performance.compute_mean_returns_spread(mean, c.labels[-1], c.labels[0], std_err=error)


def _clean(c: Context, **changes: Any) -> pd.DataFrame:
    options = dict(c.shape.clean) | changes
    return c.utils.get_clean_factor_and_forward_returns(c.shape.factor, c.shape.prices, **options)


def _forward(c: Context, **options: Any) -> pd.DataFrame:
    options.setdefault("periods", c.shape.periods)
    return c.utils.compute_forward_returns(c.shape.factor, c.shape.prices, **options)


def _starts(c: Context, **options: Any) -> pd.DataFrame:
    returns = options.pop("returns", c.growth)
    factor = options.pop("factor", c.fd["factor"])
    return c.performance.common_start_returns(factor, returns, 2, 3, **options)


def _averages(c: Context, before: int = 3, after: int = 6, **options: Any) -> pd.DataFrame:
    return c.performance.average_cumulative_return_by_quantile(
        c.fd, c.growth, periods_before=before, periods_after=after, **options
    )


CLEAN: dict[str, Call] = {
    "clean": _clean,
    "forward": _forward,
    "forward_last_period": lambda c: _forward(c, cumulative_returns=False),
    "forward_zscore": lambda c: _forward(c, filter_zscore=1.5),
    "forward_period_zero": lambda c: _forward(c, periods=range(3)),
    "infer_calendar": lambda c: c.utils.infer_trading_calendar(
        c.shape.factor.index.levels[0], c.shape.prices.index
    ),
    "period_columns": lambda c: c.utils.get_forward_returns_columns(c.fd.columns),
    "period_columns_days": lambda c: c.utils.get_forward_returns_columns(
        c.fd.columns, require_exact_day_multiple=True
    ),
    "turnover_periods": lambda c: c.utils.turnover_periods_from_columns(c.fd.columns),
    "demean": lambda c: c.utils.demean_forward_returns(c.fd),
    "naive_dates": lambda c: c.utils.make_naive_ts(c.fd.index.levels[0]),
    "naive_date": lambda c: c.utils.make_naive_ts(c.fd.index.levels[0][0]),
    "backshift": lambda c: c.utils.backshift_returns_series(c.fd[c.periods[0]].sort_index(), 2),
}
QUANTIZE: dict[str, Call] = {
    "quantiles_2": lambda c: c.utils.quantize_factor(c.fd, 2),
    "quantiles_2_no_raise": lambda c: c.utils.quantize_factor(c.fd, 2, no_raise=True),
    "quantiles_list": lambda c: c.utils.quantize_factor(c.fd, [0, 0.3, 1.0]),
    "quantiles_open": lambda c: c.utils.quantize_factor(c.fd, [0.1, 0.5, 0.9]),
    "bins_3": lambda c: c.utils.quantize_factor(c.fd, None, 3),
    "bins_list": lambda c: c.utils.quantize_factor(c.fd, None, [-1, -0.25, 0.5, 2]),
    "zero_aware": lambda c: c.utils.quantize_factor(c.fd, 4, zero_aware=True, no_raise=True),
    "zero_aware_bins": lambda c: c.utils.quantize_factor(
        c.fd, None, 4, zero_aware=True, no_raise=True
    ),
    "both": lambda c: c.utils.quantize_factor(c.fd, 2, 2),
    "neither": lambda c: c.utils.quantize_factor(c.fd, None, None),
    "zero_aware_list": lambda c: c.utils.quantize_factor(c.fd, [0, 1], zero_aware=True),
}
GROUPS: dict[str, Call] = {
    "demean_grouper": lambda c: c.utils.demean_forward_returns(c.fd, _date_and_group(c)),
    "quantiles_by_group": lambda c: c.utils.quantize_factor(c.fd, 2, by_group=True, no_raise=True),
    "bins_by_group": lambda c: c.utils.quantize_factor(c.fd, None, 2, by_group=True),
    "ic_group_adjust": lambda c: c.performance.factor_information_coefficient(c.fd, True),
    "ic_by_group": lambda c: c.performance.factor_information_coefficient(c.fd, by_group=True),
    "ic_both_group": lambda c: c.performance.factor_information_coefficient(c.fd, True, True),
    "mean_ic_by_group": lambda c: c.performance.mean_information_coefficient(c.fd, by_group=True),
    "mean_ic_by_group_and_time": lambda c: c.performance.mean_information_coefficient(
        c.fd, True, by_group=True, by_time="W"
    ),
    "quantile_means_by_group": lambda c: c.performance.mean_return_by_quantile(c.fd, by_group=True),
    "quantile_means_group_adjust": lambda c: c.performance.mean_return_by_quantile(
        c.fd, group_adjust=True
    ),
    "quantile_means_by_group_adjust": lambda c: c.performance.mean_return_by_quantile(
        c.fd, by_group=True, demeaned=False, group_adjust=True
    ),
    "quantile_means_by_date_and_group": lambda c: c.performance.mean_return_by_quantile(
        c.fd, by_date=True, by_group=True
    ),
    "spread_group_adjust": lambda c: _spread(c, group_adjust=True),
    "alpha_beta_group_adjust": lambda c: c.performance.factor_alpha_beta(c.fd, group_adjust=True),
    "cumulative_group_neutral": lambda c: c.performance.factor_cumulative_returns(
        c.fd, c.periods[0], group_neutral=True
    ),
    "cumulative_one_group": lambda c: c.performance.factor_cumulative_returns(
        c.fd, c.periods[0], groups=[c.fd["group"].cat.categories[0]]
    ),
    "positions_group_neutral": lambda c: c.performance.factor_positions(
        c.fd, c.periods[0], group_neutral=True, equal_weight=True
    ),
    "positions_one_group": lambda c: c.performance.factor_positions(
        c.fd, c.periods[-1], groups=[c.fd["group"].cat.categories[0]], quantiles=_extremes(c)
    ),
    "average_windows_group_adjust": lambda c: _averages(c, group_adjust=True),
    "average_windows_by_group": lambda c: _averages(c, by_group=True),
    "average_windows_by_group_adjust": lambda c: _averages(c, by_group=True, group_adjust=True),
    "average_windows_by_group_raw": lambda c: _averages(c, by_group=True, demeaned=False),
}
METRICS: dict[str, Call] = {
    "ic": lambda c: c.performance.factor_information_coefficient(c.fd),
    "mean_ic": lambda c: c.performance.mean_information_coefficient(c.fd),
    "mean_ic_month": lambda c: c.performance.mean_information_coefficient(c.fd, by_time="ME"),
    "mean_ic_week": lambda c: c.performance.mean_information_coefficient(c.fd, by_time="W"),
    "quantile_means": lambda c: c.performance.mean_return_by_quantile(c.fd),
    "quantile_means_raw": lambda c: c.performance.mean_return_by_quantile(c.fd, demeaned=False),
    "quantile_means_by_date": lambda c: c.performance.mean_return_by_quantile(c.fd, by_date=True),
    "spread": _spread,
    "spread_raw": lambda c: _spread(c, demeaned=False),
    "spread_without_error": lambda c: c.performance.compute_mean_returns_spread(
        c.performance.mean_return_by_quantile(c.fd, by_date=True)[0], c.labels[0], c.labels[-1]
    ),
    "alpha_beta": lambda c: c.performance.factor_alpha_beta(c.fd),
    "alpha_beta_long_only": lambda c: c.performance.factor_alpha_beta(c.fd, demeaned=False),
    "alpha_beta_equal": lambda c: c.performance.factor_alpha_beta(c.fd, equal_weight=True),
    "alpha_beta_given": lambda c: c.performance.factor_alpha_beta(
        c.fd, c.performance.factor_returns(c.fd, demeaned=False)
    ),
    "alpha_beta_series": lambda c: c.performance.factor_alpha_beta(
        c.fd, c.performance.factor_returns(c.fd, demeaned=False)[c.periods[0]].copy()
    ),
    "cumulative_frame": lambda c: c.performance.cumulative_returns(
        c.performance.factor_returns(c.fd)
    ),
    "cumulative_series": lambda c: c.performance.cumulative_returns(
        c.performance.factor_returns(c.fd)[c.periods[-1]]
    ),
    "rank_autocorrelation_1": lambda c: c.performance.factor_rank_autocorrelation(c.fd),
    "rank_autocorrelation_3": lambda c: c.performance.factor_rank_autocorrelation(c.fd, 3),
    "turnover_top_1": lambda c: c.performance.quantile_turnover(
        c.fd["factor_quantile"], c.labels[-1]
    ),
    "turnover_top_3": lambda c: c.performance.quantile_turnover(
        c.fd["factor_quantile"], c.labels[-1], 3
    ),
    "turnover_bottom_2": lambda c: c.performance.quantile_turnover(
        c.fd["factor_quantile"], c.labels[0], period=2
    ),
    "turnover_unknown": lambda c: c.performance.quantile_turnover(c.fd["factor_quantile"], 99),
}
BOOKS: dict[str, Call] = {
    "positions_first": lambda c: c.performance.factor_positions(c.fd, c.periods[0]),
    "positions_last": lambda c: c.performance.factor_positions(c.fd, c.periods[-1]),
    "positions_long_only": lambda c: c.performance.factor_positions(
        c.fd, c.periods[-1], long_short=False, equal_weight=True, quantiles=_extremes(c)
    ),
    "positions_unknown_period": lambda c: c.performance.factor_positions(c.fd, "77D"),
    "positions_without_freq": lambda c: c.performance.positions(
        c.performance.factor_weights(c.fd), c.periods[0]
    ),
    "positions_of_wide_weights": lambda c: c.performance.positions(
        c.performance.factor_weights(c.fd), pd.Timedelta(c.periods[-1]), freq=pd.offsets.BDay()
    ),
    "cumulative_first": lambda c: c.performance.factor_cumulative_returns(c.fd, c.periods[0]),
    "cumulative_last": lambda c: c.performance.factor_cumulative_returns(c.fd, c.periods[-1]),
    "cumulative_extremes": lambda c: c.performance.factor_cumulative_returns(
        c.fd, c.periods[0], long_short=False, equal_weight=True, quantiles=_extremes(c)
    ),
    "cumulative_unknown_period": lambda c: c.performance.factor_cumulative_returns(c.fd, "77D"),
    "pyfolio": lambda c: c.performance.create_pyfolio_input(
        c.fd, c.periods[0], benchmark_period=c.periods[0]
    ),
    "pyfolio_default_benchmark": lambda c: c.performance.create_pyfolio_input(c.fd, c.periods[-1]),
    "pyfolio_capital": lambda c: c.performance.create_pyfolio_input(
        c.fd, c.periods[-1], capital=10, long_short=False, equal_weight=True
    ),
    "pyfolio_extremes": lambda c: c.performance.create_pyfolio_input(
        c.fd, c.periods[0], quantiles=_extremes(c), benchmark_period="55D"
    ),
}
EVENTS: dict[str, Call] = {
    "windows": _starts,
    "windows_of_returns": lambda c: _starts(c, returns=c.shape.returns),
    "windows_demeaned": lambda c: _starts(c, cumulative=True, demean_by=c.fd),
    "windows_mean_by_date": lambda c: _starts(
        c, cumulative=True, mean_by_date=True, demean_by=c.fd
    ),
    "windows_mean_raw": lambda c: _starts(c, cumulative=True, mean_by_date=True),
    "windows_of_top": lambda c: _starts(
        c,
        factor=c.fd[c.fd["factor_quantile"] == c.labels[-1]],
        cumulative=True,
        mean_by_date=True,
        demean_by=c.fd,
    ),
    "average_windows": _averages,
    "average_windows_raw": lambda c: _averages(c, demeaned=False),
    "average_windows_after_only": lambda c: _averages(c, 0, 4),
    "average_windows_before_only": lambda c: _averages(c, 4, 0),
}
TABLES: dict[str, Call] = {
    "table_returns": _returns_with_spread,
    "table_information": lambda c: c.plotting.plot_information_table(
        c.performance.factor_information_coefficient(c.fd), return_df=True
    ),
    "table_turnover": _turnover_table,
    "table_quantiles": lambda c: c.plotting.plot_quantile_statistics_table(c.fd, return_df=True),
}


def _weights(demeaned: bool, adjust: bool, equal: bool) -> dict[str, Call]:
    """Return the calls about one weighting scheme."""
    words = {"demeaned": demeaned, "group_adjust": adjust, "equal_weight": equal}
    name = "_".join(word for word, on in words.items() if on) or "plain"
    return {
        f"weights_{name}": lambda c: c.performance.factor_weights(c.fd, **words),
        f"returns_{name}": lambda c: c.performance.factor_returns(c.fd, **words),
        f"asset_returns_{name}": lambda c: c.performance.factor_returns(
            c.fd, **words, by_asset=True
        ),
    }


def scheme_of(name: str) -> str | None:
    """Return the weighting scheme that a call is about, e.g. ``demeaned_equal_weight``."""
    for head in ("weights_", "returns_", "asset_returns_"):
        if name.startswith(head) and name != "returns_table":
            return name.removeprefix(head)
    return None


def calls_for(shape: Any) -> dict[str, Call]:
    """Return the calls of a shape in their order."""
    out = CLEAN | QUANTIZE | METRICS | BOOKS | EVENTS | TABLES
    flags = (False, True)
    has_groups = "groups" in shape.families
    for adjust in flags if has_groups else (False,):
        for demeaned in flags:
            for equal in flags:
                out = out | _weights(demeaned, adjust, equal)
    if has_groups:
        out = out | GROUPS
    return out | (SCALARS if "every_option" in shape.families else {})


def _without_freq(c: Context) -> Context:
    """Return the context with a frame that carries no calendar."""
    fd = c.fd.copy()
    dates = fd.index.levels[0].copy()
    dates.freq = None
    fd.index = fd.index.set_levels(dates, level=0)
    return dataclasses.replace(c, fd=fd)


def stand_ins(shape: Any) -> dict[str, Call]:
    """Return calls whose result in 0.5.1 is what ours gives under another name."""
    if shape.name == "moving_groups":  # a date without a group's members is no cell of that group
        options: dict[str, Any] = {"by_group": True, "no_raise": True}
        return {"bins_by_group": lambda c: c.utils.quantize_factor(c.fd, None, 2, **options)}
    if shape.name != "five_days":
        return {}
    own = calls_for(shape)  # one day of a 5B calendar is one business day, not five
    names = [n for n in BOOKS if n.startswith(("positions", "pyfolio")) and "unknown" not in n]
    return {name: lambda c, call=own[name]: call(_without_freq(c)) for name in names}


_FRIDAY = pd.Timestamp("2021-01-08 12:30")
_MONDAY = pd.Timestamp("2021-01-11 09:30")
_SATURDAY = pd.Timestamp("2021-01-09")
_CALENDAR = pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu", holidays=["2021-01-11"])
_SPANS = ["1D", "5D", "0D", "3h", "1D12h", "30m", "1ms", "2us", "5ns", "1D1ns", "45s", "3D2h5m"]
_OFFSETS = {
    "day": pd.offsets.Day(),
    "business": pd.offsets.BDay(),
    "custom": _CALENDAR,
}


def _scalars() -> dict[str, Call]:
    """Return the calls about single values and calendars."""
    out: dict[str, Call] = {
        "names": lambda c: [c.utils.timedelta_to_string(pd.Timedelta(s)) for s in _SPANS[:10]],
        "names_seconds": lambda c: [c.utils.timedelta_to_string(pd.Timedelta(s)) for s in _SPANS],
        "whole_days": lambda c: c.utils.timedelta_strings_to_integers(["1D", "5D", "12h", "1D12h"]),
        "name_filter": lambda c: c.utils.get_forward_returns_columns(
            pd.Index(["1D", "3D12h", "5d", "2H", "30m", "10s", "4ms", "1us", "9ns", "", "x", "D1"])
        ),
        "name_filter_days": lambda c: c.utils.get_forward_returns_columns(
            pd.Index(["5D", "3D12h", "1D", "2h"]), require_exact_day_multiple=True
        ),
        "turnover_spans": lambda c: c.utils.turnover_periods_from_columns(
            pd.Index(["10D", "2h", "1D", "1D12h"])
        ),
        "rate_of_return": lambda c: c.utils.rate_of_return(
            pd.Series([0.1, -0.05, np.nan], name="5D"), "1D"
        ),
        "rate_of_return_hours": lambda c: c.utils.rate_of_return(
            pd.Series([0.1, -0.05], name="3h"), "1h"
        ),
        "std_conversion": lambda c: c.utils.std_conversion(
            pd.Series([0.1, 0.05, np.nan], name="10D"), "1D"
        ),
        "naive_text": lambda c: c.utils.make_naive_ts(pd.Timestamp("2021-01-04 09:30")),
        "naive_zone": lambda c: c.utils.make_naive_ts(
            pd.Timestamp("2021-01-04 09:30", tz="US/Eastern")
        ),
        "add_bad_freq": lambda c: c.utils.add_custom_calendar_timedelta(
            _FRIDAY, pd.Timedelta("1D"), pd.offsets.Hour()
        ),
    }
    for word, freq in _OFFSETS.items():
        out[f"diff_{word}"] = lambda c, freq=freq: c.utils.diff_custom_calendar_timedeltas(
            _FRIDAY, _MONDAY, freq
        )
        for span in ("0D", "1D", "5D", "3D2h", "4h"):
            out[f"add_{word}_{span}"] = lambda c, freq=freq, span=span: [
                c.utils.add_custom_calendar_timedelta(stamp, pd.Timedelta(span), freq)
                for stamp in (_FRIDAY, _SATURDAY, _MONDAY, _SATURDAY.tz_localize("US/Eastern"))
            ]
        out[f"add_index_{word}"] = lambda c, freq=freq: c.utils.add_custom_calendar_timedelta(
            pd.DatetimeIndex([_FRIDAY, _SATURDAY]).as_unit("us"), pd.Timedelta("2D1h"), freq
        )
    return out


SCALARS = _scalars()
