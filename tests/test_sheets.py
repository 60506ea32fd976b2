"""Reports behind the tear sheets: right numbers, each computed once, every option passed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

import alphalens
from alphalens import _sheets, utils
from alphalens import performance as perf
from alphalens._doubt import doubt_report

METRICS = (
    "average_cumulative_return_by_quantile",
    "compute_mean_returns_spread",
    "factor_alpha_beta",
    "factor_information_coefficient",
    "factor_rank_autocorrelation",
    "factor_returns",
    "mean_information_coefficient",
    "mean_return_by_quantile",
    "quantile_turnover",
)


def make_factor_data(periods: tuple[str, ...] = ("1D", "5D"), dates: int = 40) -> pd.DataFrame:
    """Return factor data of eight assets in two groups whose returns follow their group."""
    index = pd.MultiIndex.from_product(
        [pd.bdate_range("2024-01-01", periods=dates, tz="UTC"), list("ABCDEFGH")],
        names=["date", "asset"],
    )
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        {name: rng.normal(0, 0.01 * (i + 1), len(index)) for i, name in enumerate(periods)},
        index=index,
    )
    group = np.tile(list("xxxxyyyy"), dates)
    frame = frame + np.where(group == "x", 0.02, -0.02)[:, None]
    frame["factor"] = rng.normal(size=len(index)) + (group == "x")
    frame["group"] = pd.Categorical(group)
    ranks = frame.groupby(level="date")["factor"].rank(method="first")
    frame["factor_quantile"] = ((ranks - 1) // 2).astype("int64") + 1
    return frame


@pytest.fixture
def fd() -> pd.DataFrame:
    return make_factor_data()


@pytest.fixture
def growth() -> pd.DataFrame:
    index = pd.bdate_range("2023-12-01", periods=80, tz="UTC")
    steps = np.random.default_rng(3).normal(0, 0.01, (80, 8))
    return pd.DataFrame((1 + steps).cumprod(axis=0), index=index, columns=list("ABCDEFGH"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of each metric, told apart by their plain arguments."""
    counts: Counter[str] = Counter()

    def counted(name: str, metric: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            plain = [a for a in args if isinstance(a, (bool, int, float, str))]
            counts[f"{name} {plain} {sorted(kwargs.items(), key=lambda i: i[0])[:4]}"] += 1
            return metric(*args, **kwargs)

        return call

    for name in METRICS:
        monkeypatch.setattr(perf, name, counted(name, getattr(perf, name)))
    return counts


def test_returns_report_turns_all_periods_to_the_first(fd: pd.DataFrame) -> None:
    report = _sheets.returns_report(fd)

    means, _ = perf.mean_return_by_quantile(fd)
    np.testing.assert_allclose(report.mean_by_quantile["5D"], (1 + means["5D"]) ** 0.2 - 1)
    assert_series_equal(report.mean_by_quantile["1D"], means["1D"])


def test_spread_is_the_highest_minus_the_lowest_label_of_the_dated_rates(fd: pd.DataFrame) -> None:
    fd["factor_quantile"] = fd["factor_quantile"].map({1: 2.0, 2: 3.0, 3: 5.0, 4: 9.0})

    report = _sheets.returns_report(fd)

    rates = report.mean_by_date
    np.testing.assert_allclose(report.spread, rates.xs(9.0) - rates.xs(2.0))
    wanted = report.spread.mean() * 1e4
    assert_series_equal(
        report.table.loc["Mean Period Wise Spread (bps)"], wanted, check_names=False
    )


def test_spread_error_is_brought_to_the_first_period_like_a_deviation(fd: pd.DataFrame) -> None:
    report = _sheets.returns_report(fd)

    _, errors = perf.mean_return_by_quantile(fd, by_date=True)
    wanted = np.hypot(errors["5D"].xs(4), errors["5D"].xs(1)) / np.sqrt(5)
    assert report.spread_error is not None
    np.testing.assert_allclose(report.spread_error["5D"], wanted)


def test_wealth_needs_a_one_day_column_and_stays_raw(fd: pd.DataFrame) -> None:
    with_days = _sheets.returns_report(fd)
    without = _sheets.returns_report(fd.drop(columns="1D"))

    assert with_days.factor_daily is not None
    assert_series_equal(with_days.factor_daily, perf.factor_returns(fd)["1D"])
    assert without.factor_daily is None
    assert without.quantile_daily is None


def test_group_neutral_reaches_every_table_of_the_summary(fd: pd.DataFrame) -> None:
    plain = _sheets.summary_report(fd)
    neutral = _sheets.summary_report(fd, group_neutral=True)

    wanted = perf.factor_information_coefficient(fd, group_adjust=True)
    assert_frame_equal(neutral.information.ic, wanted)
    assert not np.allclose(neutral.information.table, plain.information.table)
    assert not np.allclose(neutral.returns.table, plain.returns.table)


@pytest.mark.parametrize(
    ("long_short", "group_neutral", "words"),
    [
        (True, False, "Factor Weighted Long/Short Portfolio"),
        (True, True, "Factor Weighted Group Neutral Long/Short Portfolio"),
        (False, True, "Factor Weighted Group Neutral Portfolio"),
        (False, False, "Factor Weighted Portfolio"),
    ],
)
def test_portfolio_is_named_by_its_options(
    fd: pd.DataFrame, long_short: bool, group_neutral: bool, words: str
) -> None:
    report = _sheets.returns_report(fd, long_short=long_short, group_neutral=group_neutral)

    assert report.portfolio == words


def test_each_metric_is_computed_once_for_the_full_sheet(
    fd: pd.DataFrame, calls: Counter[str]
) -> None:
    _sheets.summary_report(fd)

    assert calls
    assert set(calls.values()) == {1}
    assert not [name for name in calls if name.startswith("mean_information_coefficient")]


def test_monthly_means_come_from_the_same_ic(fd: pd.DataFrame) -> None:
    report = _sheets.information_report(fd, group_neutral=True)

    wanted = perf.mean_information_coefficient(fd, group_adjust=True, by_time="ME")
    assert report.monthly is not None
    assert_frame_equal(report.monthly, pd.DataFrame(wanted))


def test_groups_take_the_place_of_months(fd: pd.DataFrame) -> None:
    report = _sheets.information_report(fd, by_group=True)

    assert report.monthly is None
    assert report.by_group is not None
    assert list(report.by_group.index) == ["x", "y"]


def test_turnover_uses_the_labels_present(fd: pd.DataFrame) -> None:
    fd["factor_quantile"] = fd["factor_quantile"].map({1: 2, 2: 2, 3: 4, 4: 9})

    report = _sheets.turnover_report(fd)

    assert list(report.by_quantile) == [1, 5]
    assert [list(frame.columns) for frame in report.by_quantile.values()] == [[2, 4, 9]] * 2
    assert report.table.notna().all(axis=None)
    wanted = perf.quantile_turnover(fd["factor_quantile"], 9, 5)
    assert_series_equal(report.by_quantile[5][9], wanted)


def test_turnover_periods_may_be_chosen_by_name(fd: pd.DataFrame) -> None:
    report = _sheets.turnover_report(fd, ["3D", "1D", "1 days"])

    assert list(report.by_quantile) == [3, 1]
    assert list(report.table.columns) == ["1D", "3D"]


def test_part_of_a_day_is_skipped_with_a_warning() -> None:
    fd = make_factor_data(("3h", "1D"), dates=5)

    with pytest.warns(UserWarning, match="exact multiples of days") as caught:
        report = _sheets.turnover_report(fd)

    assert list(report.table.columns) == ["1D"]
    assert [warning.filename for warning in caught] == [__file__]


def test_no_whole_day_gives_an_empty_turnover() -> None:
    fd = make_factor_data(("3h", "1D12h"), dates=5)

    with pytest.warns(UserWarning, match="exact multiples of days"):
        report = _sheets.turnover_report(fd)

    assert report.by_quantile == {}
    assert report.table.empty


def test_event_report_gives_each_group_its_own_paths(
    fd: pd.DataFrame, growth: pd.DataFrame
) -> None:
    report = _sheets.event_report(fd, growth, window=(2, 3), by_group=True)

    assert report.paths is not None
    assert list(report.paths.columns) == [-2, -1, 0, 1, 2, 3]
    assert list(report.by_group) == ["x", "y"]
    assert report.by_group["x"].index.names == ["factor_quantile", None]


@pytest.mark.parametrize("missing", ["returns", "window"])
def test_event_report_without_prices_or_window_is_empty(
    missing: str, fd: pd.DataFrame, growth: pd.DataFrame
) -> None:
    window = None if missing == "window" else (1, 1)

    report = _sheets.event_report(fd, None if missing == "returns" else growth, window=window)

    assert report.paths is None
    assert not report.by_group


def test_event_means_are_not_demeaned_and_rates_only_if_asked(fd: pd.DataFrame) -> None:
    raw, dated = _sheets.event_means(fd, rate_of_ret=False)
    rates, _ = _sheets.event_means(fd)

    wanted, _ = perf.mean_return_by_quantile(fd, demeaned=False)
    assert_frame_equal(raw, wanted)
    assert_frame_equal(rates, wanted.apply(utils.rate_of_return, axis=0, base_period="1D"))
    assert dated.index.names == ["factor_quantile", "date"]


def test_reports_leave_the_factor_data_as_it_was(fd: pd.DataFrame) -> None:
    before = fd.copy()

    _sheets.summary_report(fd, group_neutral=True, by_group=True)

    assert_frame_equal(fd, before)
    assert fd.index.levels[0].freq == before.index.levels[0].freq


def test_description_tells_what_the_data_is(fd: pd.DataFrame) -> None:
    facts = _sheets.describe(fd)

    assert facts == {
        "Dates": "2024-01-01 to 2024-02-23 (40 dates)",
        "Observations": "320",
        "Assets": "8",
        "Forward periods": "1D, 5D",
        "Quantiles": "1, 2, 3, 4",
        "Groups": "2",
        "Annualised by": "252 days over the period",
        "Data hash": facts["Data hash"],
        "alphalens": alphalens.__version__,
    }


@pytest.mark.parametrize("is_cut", [False, True])
def test_description_of_sparse_dates_tells_the_bets_of_a_year(is_cut: bool) -> None:
    daily = make_factor_data(("1D", "5D", "10D"), dates=200)
    weekly = daily[daily.index.get_level_values("date").day_of_week == 2]
    if not is_cut:
        weekly = weekly.set_axis(weekly.index.remove_unused_levels())

    words = _sheets.describe(weekly)["Annualised by"]

    assert words == (
        "252 days over the period; Sharpe ratios by bets a year: 52.2 (1D), 50.4 (5D), 25.2 (10D)"
    )
    bets = doubt_report(weekly).sharpe.loc["Bets a year"]
    assert words.endswith(", ".join(f"{count:.1f} ({name})" for name, count in bets.items()))
    alpha = _sheets.returns_report(weekly).alpha_beta.loc["Ann. alpha", "5D"]
    returns = perf.factor_returns(weekly)["5D"].dropna()
    universe = weekly["5D"].groupby(level="date").mean()
    beta = returns.cov(universe) / universe.var()
    assert 1 + alpha == pytest.approx((1 + returns.mean() - beta * universe.mean()) ** (252 / 5))


def test_description_of_no_rows_is_that_of_any(fd: pd.DataFrame) -> None:
    empty = fd.drop(columns="factor_quantile").iloc[:0]

    assert _sheets.describe(empty)["Annualised by"] == "252 days over the period"


def test_the_data_hash_moves_with_every_value_and_with_nothing_else(fd: pd.DataFrame) -> None:
    changed = fd.copy()
    changed.iloc[5, 0] += 1e-12

    hashes = [_sheets.describe(f)["Data hash"] for f in (fd, fd.copy(), changed, fd.iloc[1:])]

    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


def test_the_data_hash_moves_with_names_and_order(fd: pd.DataFrame) -> None:
    others = [
        fd,
        fd.rename(columns={"1D": "2D"}),
        fd[fd.columns[::-1]],
        fd.iloc[::-1],
        fd.rename(index={"A": "Z"}, level="asset"),
        fd.assign(group=fd["group"].cat.rename_categories({"x": "z"})),
        fd.assign(factor_quantile=fd["factor_quantile"].where(fd["factor_quantile"] > 1)),
    ]

    assert len({_sheets.data_hash([frame]) for frame in others}) == len(others)
    assert _sheets.data_hash([fd, others[1]]) != _sheets.data_hash([others[1], fd])


def test_the_data_hash_does_not_see_how_values_are_stored(fd: pd.DataFrame) -> None:
    dates, assets = fd.index.levels
    others = [
        fd.assign(factor_quantile=fd["factor_quantile"].astype("float64")),
        fd.assign(group=fd["group"].astype("object")),
        fd.assign(group=fd["group"].astype("string")),
        fd.assign(group=fd["group"].cat.reorder_categories(["y", "x"])),
        fd.set_axis(fd.index.set_levels(dates.as_unit("s"), level="date")),
        fd.set_axis(fd.index.set_levels(assets.astype("object"), level="asset")),
        fd.iloc[:, :].set_axis(fd.index.remove_unused_levels()),
    ]

    assert {_sheets.data_hash([frame]) for frame in others} == {_sheets.data_hash([fd])}


def test_reports_are_frozen(fd: pd.DataFrame) -> None:
    report = _sheets.information_report(fd)

    with pytest.raises(AttributeError):
        report.ic = fd  # type: ignore[misc]  # what the test is about
