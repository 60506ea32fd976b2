"""The doubt box: overlap, trials, costs, coverage, losses, buckets."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from alphalens import _stats as stats
from alphalens import comparison, performance, tears, utils
from alphalens._calendar import rows_spanned
from alphalens.errors import InputError
from alphalens.tears import doubt_report
from alphalens.trials import TrialCount, TrialRegistry

from .golden.shapes import days, letters, long, normals, walk

DATES, ASSETS = 260, 12


def clean(
    seed: int = 2, foresight: float = 0.0, periods=(1, 5), persistence: bool = False
) -> pd.DataFrame:
    """Return clean data of a factor that knows the next five rows as well as asked."""
    index = days("2020-01-06", DATES + 12, freq="B")
    prices = walk(1, index, letters(ASSETS))
    ahead = (prices.shift(-5) / prices - 1).iloc[:DATES].to_numpy()
    values = normals(seed, DATES, ASSETS) + foresight * ahead / ahead.std()
    values = values.cumsum(axis=0) if persistence else values
    factor = long(values, index[:DATES], letters(ASSETS))
    return utils.get_clean_factor_and_forward_returns(
        factor, prices, quantiles=3, periods=periods, max_loss=1.0
    )


def trials(count: int, variance: float | None = 0.01) -> TrialCount:
    """Return a count of trials as a registry gives it."""
    now = datetime(2024, 1, 1, tzinfo=UTC)
    return TrialCount(
        study="tests",
        n_trials=count,
        sharpe_variance=variance,
        best=0.2,
        best_key="a",
        first=now,
        last=now,
        n_effective=None,
    )


def test_a_period_spans_its_rows_on_every_kind_of_clock():
    daily = pd.bdate_range("2024-01-01", periods=60)
    weekly = pd.date_range("2024-01-01", periods=30, freq="5B")
    hours = pd.DatetimeIndex(
        [day + pd.Timedelta(hours=h) for day in daily for h in (10, 11, 12, 13)]
    )

    assert [rows_spanned(daily, p, daily.freq) for p in ("1D", "5D", "10D")] == [1, 5, 10]
    assert rows_spanned(daily.tz_localize("US/Eastern"), "5D", daily.freq) == 5
    assert [rows_spanned(weekly, p, weekly.freq) for p in ("1D", "5D", "10D")] == [1, 1, 2]
    assert [rows_spanned(hours, p, hours.freq) for p in ("1h", "2h", "1D")] == [1, 2, 4]


@pytest.mark.parametrize(
    ("step", "rows"),
    [("W-WED", [1, 1, 2, 5]), ("BME", [1, 1, 1, 1]), ("BQE", [1, 1, 1, 1]), ("B", [1, 5, 10, 21])],
)
def test_days_are_days_however_far_apart_the_dates_are(step, rows):
    dates = pd.date_range("2015-01-01", "2020-12-31", freq=step)

    for carried in (dates.freq, None, pd.offsets.BusinessDay()):
        found = [rows_spanned(dates, f"{days}D", carried) for days in (1, 5, 10, 21)]
        assert found == rows
        zoned = dates.tz_localize("US/Eastern")
        assert [rows_spanned(zoned, f"{days}D", carried) for days in (1, 5, 10, 21)] == rows


def test_no_date_and_one_date_span_one_row():
    for dates in (pd.DatetimeIndex([]), pd.DatetimeIndex(["2024-01-03"])):
        assert rows_spanned(dates, "5D", None) == 1


def test_t_statistics_of_a_long_period_shrink_and_those_of_one_row_do_not(capsys):
    data = clean(persistence=True, periods=(1, 10))

    table = doubt_report(data).information

    ic = performance.factor_information_coefficient(data)
    naive = ic.mean() / ic.std() * np.sqrt(ic.count())
    np.testing.assert_allclose(table.loc["t, naive"], naive)
    assert table.loc["t, Hansen-Hodrick", "1D"] == pytest.approx(table.loc["t, naive", "1D"])
    assert table.loc["Rows a period spans"].tolist() == [1, 10]
    assert table.loc["Observations they are worth", "10D"] < DATES / 3
    assert abs(table.loc["t, Newey-West", "10D"]) < abs(table.loc["t, naive", "10D"]) / 1.5


def test_a_planted_edge_is_found_and_noise_is_not(capsys):
    planted, noise = doubt_report(clean(foresight=0.5)), doubt_report(clean())

    assert planted.information.loc["p, cosine", "5D"] < 0.001
    assert planted.sharpe.loc["Probability that it is above 0", "5D"] > 0.99
    assert noise.information.loc["p, cosine", "5D"] > 0.05


def test_the_break_even_cost_takes_the_whole_spread(capsys):
    data = clean(foresight=0.5)

    costs = doubt_report(data).costs["1D"]

    turnover = sum(
        performance.quantile_turnover(data["factor_quantile"], label, 1).mean() for label in (1, 3)
    )
    paid = costs["Break-even one-way cost (bps)"] * 2 * turnover
    assert paid == pytest.approx(costs["Mean spread (bps)"])


def decisions(step: str = "W-WED", *, zone: str | None = None, days_a_week: str = "B"):
    """Return clean data of slow decisions among daily prices."""
    index = days("2020-01-06", 1000, freq=days_a_week, tz=zone)
    prices = walk(1, index, letters(ASSETS))
    at = pd.date_range(index[0], index[-20], freq=step, normalize=True)
    factor = long(normals(2, len(at), ASSETS).cumsum(axis=0), at, letters(ASSETS))
    return utils.get_clean_factor_and_forward_returns(
        factor, prices, quantiles=3, periods=(1, 5, 10), max_loss=0.2
    )


def weekly(carrier: str) -> pd.DataFrame:
    """Return Wednesdays among daily prices: on weeks, on nothing, or cut from daily data."""
    if carrier == "cut from daily":
        index = days("2020-01-06", 1000, freq="B")
        factor = long(normals(2, 980, ASSETS).cumsum(axis=0), index[:980], letters(ASSETS))
        daily = utils.get_clean_factor_and_forward_returns(
            factor, walk(1, index, letters(ASSETS)), quantiles=3, periods=(1, 5, 10)
        )
        return daily[daily.index.get_level_values("date").day_of_week == 2]
    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid"):
        data = decisions()
    if carrier == "no freq":
        data.index = data.index.set_levels(list(data.index.levels[0]), level="date")
        assert data.index.levels[0].freq is None
    return data


def turnover_by_hand(data: pd.DataFrame, label: int, back: int) -> float:
    """Return the mean share of a quantile that was not in it so many decisions before."""
    members = [
        set(day.index.get_level_values("asset")[day == label])
        for _, day in data["factor_quantile"].groupby(level="date")
    ]
    pairs = zip(members[back:], members, strict=False)
    return float(np.mean([len(now - before) / len(now) for now, before in pairs]))


@pytest.mark.parametrize("carrier", ["weeks", "no freq", "cut from daily"])
def test_turnover_of_weekly_decisions_is_over_decisions_and_says_so(carrier, capsys):
    data = weekly(carrier)

    report = doubt_report(data)

    assert report.costs.loc["Rows turnover is over"].tolist() == [1, 1, 2]
    for period, back in (("1D", 1), ("5D", 1), ("10D", 2)):
        top, bottom = (turnover_by_hand(data, label, back) for label in (3, 1))
        assert report.costs.loc["Top quantile turnover", period] == pytest.approx(top)
        assert report.costs.loc["Bottom quantile turnover", period] == pytest.approx(bottom)
        spread = report.spread.loc["Mean spread (bps)", period]
        cost = report.costs.loc["Break-even one-way cost (bps)", period]
        assert cost == pytest.approx(spread / (2 * (top + bottom)))
    naive, hodrick = (report.information.loc[f"t, {kind}"] for kind in ("naive", "Hansen-Hodrick"))
    np.testing.assert_allclose(hodrick[["1D", "5D"]], naive[["1D", "5D"]])  # they do not overlap
    assert hodrick["10D"] != pytest.approx(naive["10D"])


@pytest.mark.parametrize("carrier", ["weeks", "no freq", "cut from daily"])
def test_a_ratio_of_weekly_decisions_counts_the_bets_that_were_made(carrier, capsys):
    data = weekly(carrier)

    table = doubt_report(data).sharpe

    bets = [365.25 / 7, 252 / 5, 252 / 10]  # one a week; and no more than fit into the year
    np.testing.assert_allclose(table.loc["Bets a year"], bets)
    returns = performance.factor_returns(data)
    annual = returns.mean() / returns.std() * np.sqrt(bets)
    np.testing.assert_allclose(table.loc["Annual Sharpe ratio"], annual)


def test_a_ratio_of_daily_data_is_annual_as_ever_and_nothing_ends_early(capsys):
    report = doubt_report(clean(periods=(1, 5, 10)))

    np.testing.assert_allclose(report.sharpe.loc["Bets a year"], [252, 252 / 5, 252 / 10])
    assert report.costs.loc["Rows turnover is over"].tolist() == [1, 5, 10]
    assert not any("further apart" in note for note in report.notes)


def test_a_period_that_ends_before_the_next_date_is_named(capsys):
    notes = doubt_report(weekly("weeks")).notes

    assert sum("after 1D: the dates are further apart" in note for note in notes) == 1


@pytest.mark.parametrize("zone", [None, "US/Eastern"])
def test_month_ends_among_daily_prices_are_bets_of_a_month(zone, capsys):
    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid"):
        data = decisions("BME", zone=zone)

    report = doubt_report(data)

    assert report.information.loc["Rows a period spans"].tolist() == [1, 1, 1]
    assert report.sharpe.loc["Bets a year"].to_numpy() == pytest.approx([12] * 3, rel=0.02)


def test_weekly_dates_at_weekends_are_counted_in_all_days(capsys):
    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid"):
        data = decisions("W-SUN", days_a_week="D")

    report = doubt_report(data)

    assert report.costs.loc["Rows turnover is over"].tolist() == [1, 1, 2]
    np.testing.assert_allclose(report.sharpe.loc["Bets a year"], [365.25 / 7, 365.25 / 7, 36.525])


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_calendar_without_a_weekend_has_a_year_of_all_its_days(zone, capsys):
    index = days("2020-01-06", 300, freq="D", tz=zone)
    factor = long(normals(2, 280, ASSETS), index[:280], letters(ASSETS))
    data = utils.get_clean_factor_and_forward_returns(
        factor, walk(1, index, letters(ASSETS)), quantiles=3, periods=(1, 7)
    )

    for frame in (data, plain(data)):
        bets = doubt_report(frame).sharpe.loc["Bets a year"]
        np.testing.assert_allclose(bets, [365.25, 365.25 / 7])


def test_a_few_sessions_at_weekends_leave_the_year_at_252_days(capsys):
    weekdays = days("2020-01-06", 300, freq="B")
    index = weekdays.union(pd.DatetimeIndex(["2020-02-01", "2020-11-15"]))
    factor = long(normals(2, 280, ASSETS), index[:280], letters(ASSETS))
    data = utils.get_clean_factor_and_forward_returns(
        factor, walk(1, index, letters(ASSETS)), quantiles=3, periods=(1, 5)
    )

    np.testing.assert_allclose(doubt_report(data).sharpe.loc["Bets a year"], [252, 50.4])


CALENDARS = {
    "daily": lambda: clean(foresight=0.3, periods=(1, 5, 10)),
    "weeks": lambda: weekly("weeks"),
    "weeks, no freq": lambda: weekly("no freq"),
    "weeks cut from daily": lambda: weekly("cut from daily"),
    "month ends": lambda: sparse("BME"),
    "month ends, no freq": lambda: plain(sparse("BME")),
    "month ends cut from daily": lambda: cut("BME"),
    "month ends in a zone": lambda: sparse("BME", zone="US/Eastern"),
    "quarters": lambda: sparse("BQE"),
    "quarters cut from daily": lambda: cut("BQE"),
    "hours": lambda: hourly(),
}


def sparse(step: str, zone: str | None = None) -> pd.DataFrame:
    """Return slow decisions among daily prices, whose warning is looked at elsewhere."""
    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid"):
        return decisions(step, zone=zone)


def plain(data: pd.DataFrame) -> pd.DataFrame:
    """Return the data without a freq on its dates."""
    level = pd.DatetimeIndex(data.index.levels[0], freq=None)
    return data.set_axis(data.index.set_levels(level, level="date"))


def cut(step: str) -> pd.DataFrame:
    """Return the rows of slow dates of daily data, whose calendar stays."""
    index = days("2020-01-06", 1000, freq="B")
    factor = long(normals(2, 980, ASSETS).cumsum(axis=0), index[:980], letters(ASSETS))
    daily = utils.get_clean_factor_and_forward_returns(
        factor, walk(1, index, letters(ASSETS)), quantiles=3, periods=(1, 5, 10)
    )
    at = pd.date_range(index[0], index[979], freq=step)
    return daily[daily.index.get_level_values("date").isin(at)]


def hourly() -> pd.DataFrame:
    """Return four bars a day, periods of one and of two bars."""
    index = pd.DatetimeIndex(
        [day + pd.Timedelta(hours=h) for day in days("2020-01-06", 90, freq="B") for h in range(4)]
    )
    factor = long(normals(2, 350, ASSETS), index[:350], letters(ASSETS))
    with pytest.warns(UserWarning, match="nothing is laid on a calendar grid"):
        return utils.get_clean_factor_and_forward_returns(
            factor, walk(1, index, letters(ASSETS)), quantiles=3, periods=(1, 2)
        )


@pytest.mark.parametrize("name", CALENDARS)
def test_the_comparison_of_a_factor_says_what_its_doubt_box_says(name, capsys):
    data, count = CALENDARS[name](), trials(20)

    alone = doubt_report(data, trials=count)

    other = clean(seed=5, periods=(1, 5, 10))
    among = {"it": data} if name in {"hours", "month ends in a zone"} else {"it": data, "b": other}
    for factors in ({"it": data}, among):  # whatever it is compared with
        report = comparison.compare_factors(factors, trials=count)
        ic, returns = (frame.loc["it"] for frame in (report.information, report.returns))
        for column, row, found in (
            (ic["t_naive"], "t, naive", alone.information),
            (ic["t"], "t, cosine", alone.information),
            (ic["degrees"], "Degrees of freedom, cosine", alone.information),
            (ic["p"], "p, cosine", alone.information),
            (returns["spread_bps"], "Mean spread (bps)", alone.spread),
            (returns["spread_t"], "t, cosine", alone.spread),
            (returns["turnover_top"], "Top quantile turnover", alone.costs),
            (returns["turnover_bottom"], "Bottom quantile turnover", alone.costs),
            (returns["break_even_bps"], "Break-even one-way cost (bps)", alone.costs),
        ):
            assert column.notna().all()
            np.testing.assert_allclose(column, found.loc[row], rtol=1e-9)
        annual = returns["sharpe"] * np.sqrt(alone.sharpe.loc["Bets a year"])
        np.testing.assert_allclose(annual, alone.sharpe.loc["Annual Sharpe ratio"])
        assert returns["rank_autocorrelation"].notna().all()
    report = comparison.compare_factors({"it": data}, trials=count)
    deflated = report.returns.loc["it", "deflated_sharpe"]
    np.testing.assert_allclose(deflated, alone.sharpe.loc["Probability after deflation"])
    assert deflated.notna().all()


@pytest.mark.parametrize("step", ["W-WED", "BME", "BQE"])
def test_sparse_dates_are_judged_alike_with_their_daily_calendar_and_without(step, capsys):
    data = cut(step)
    assert data.index.levels[0].freq is not None

    with_calendar, without = doubt_report(data), doubt_report(plain(data))

    for title, table in with_calendar.tables().items():
        assert_frame_equal(table, without.tables()[title])
    assert data.index.levels[0].freq is not None  # what was given stays as it was


@pytest.mark.parametrize("name", CALENDARS)
def test_costs_of_a_date_are_of_what_replaces_the_decision_a_period_before(name, capsys):
    data = CALENDARS[name]()
    weights = performance.factor_weights(data).unstack()  # noqa: PD010 - wide

    paid = performance.factor_returns(data) - performance.factor_returns(data, cost_bps=10)

    back = {
        "daily": [1, 5, 10], "weeks": [1, 1, 2], "weeks, no freq": [1, 1, 2],
        "weeks cut from daily": [1, 1, 2], "hours": [1, 2],
    }.get(name, [1, 1, 1])  # fmt: skip
    for period, rows in zip(paid.columns, back, strict=True):
        traded = (weights - weights.shift(rows).fillna(0)).abs().sum(axis=1)
        np.testing.assert_allclose(paid[period].reindex(traded.index), traded / 1000, atol=1e-15)


def test_bets_within_a_day_are_those_of_its_bars(capsys):
    table = doubt_report(hourly()).sharpe

    assert table.columns.tolist() == ["1h", "2h"]
    assert table.loc["Bets a year"].tolist() == [252 * 4, 252 * 2]


def test_prices_of_quarters_are_quarters_whatever_their_name(capsys):
    index = pd.bdate_range("2000-01-03", periods=3000).to_series().resample("QE").last()
    quarters = pd.DatetimeIndex(index.to_numpy(), name="date")
    factor = long(normals(2, len(quarters) - 2, ASSETS), quarters[:-2], letters(ASSETS))
    data = utils.get_clean_factor_and_forward_returns(
        factor, walk(1, quarters, letters(ASSETS)), quantiles=3, periods=(1, 2)
    )

    report = doubt_report(data)

    assert report.sharpe.columns.tolist() == ["1D", "2D"]
    assert report.sharpe.loc["Bets a year"].to_numpy() == pytest.approx([4, 2], rel=0.02)
    assert report.costs.loc["Rows turnover is over"].tolist() == [1, 2]


def test_without_recorded_trials_nothing_is_deflated_and_the_box_says_so(capsys):
    report = doubt_report(clean())

    assert report.sharpe.loc["Probability after deflation"].isna().all()
    assert report.sharpe.loc["Trials"].isna().all()
    assert "deflated Sharpe ratio (1D, 5D): the trials were not recorded" in report.notes[0]


def test_more_trials_leave_less_probability(capsys):
    data = clean(foresight=0.1)

    few, many = (doubt_report(data, trials=trials(count)).sharpe for count in (2, 1000))

    row = "Probability after deflation"
    assert (many.loc[row] < few.loc[row]).all()
    assert (few.loc[row] < few.loc["Probability that it is above 0"]).all()
    assert (many.loc["Trials"] == 1000).all()


def test_trials_of_one_row_raise_the_hurdle_of_a_longer_period(capsys):
    data = clean(foresight=0.1)
    count = trials(20)

    found = doubt_report(data, trials=count).sharpe.loc["Probability after deflation"]

    returns = performance.factor_returns(data)
    for period, rows in (("1D", 1), ("5D", 5)):
        tried = dataclasses.replace(count, sharpe_variance=count.sharpe_variance * rows)
        alone = stats.deflated_sharpe(returns[period].to_numpy(), tried, rows=rows)
        assert found[period] == alone.probability
    compared = comparison.compare_factors({"it": data}, trials=count).returns["deflated_sharpe"]
    np.testing.assert_allclose(compared.to_numpy(), found.to_numpy())


def test_the_break_even_cost_is_the_same_under_both_conventions(capsys):
    data = clean(foresight=0.5)

    original = doubt_report(data).costs
    with utils.options.context(convention="reloaded"):
        halved = doubt_report(data).costs

    row = "Break-even one-way cost (bps)"
    np.testing.assert_allclose(halved.loc[row], original.loc[row])
    np.testing.assert_allclose(
        halved.loc["Mean spread (bps)"] * 2, original.loc["Mean spread (bps)"]
    )


def test_rows_lost_in_cleaning_are_told_by_reason_and_time_and_only_where_known(capsys):
    data = clean()
    index = days("2020-01-06", DATES + 12, freq="B")
    factor = long(normals(2, DATES, ASSETS), index[:DATES], letters(ASSETS))
    factor.iloc[:7] = np.nan
    lossy = utils.get_clean_factor_and_forward_returns(
        factor, walk(1, index, letters(ASSETS)), quantiles=3, periods=(1, 20), max_loss=1.0
    )

    lost = doubt_report(lossy).losses

    assert lost is not None
    assert lost["NaN factor"].sum() == 7
    assert lost["no later price"].sum() == 8 * ASSETS
    assert lost.to_numpy().sum() == DATES * ASSETS - len(lossy)
    assert doubt_report(data).losses.to_numpy().sum() == 0


def test_losses_are_kept_by_date_too(capsys):
    index = days("2020-01-06", DATES + 12, freq="B")
    factor = long(normals(2, DATES, ASSETS), index[:DATES], letters(ASSETS))
    factor.iloc[[0, 1, 2, 5 * ASSETS]] = np.nan
    lossy = utils.get_clean_factor_and_forward_returns(
        factor, walk(1, index, letters(ASSETS)), quantiles=3, max_loss=1.0
    )

    report = doubt_report(lossy)

    by_date = report.losses_by_date["NaN factor"]
    assert by_date[by_date > 0].to_dict() == {index[0]: 3, index[5]: 1}
    assert len(by_date) == DATES
    assert by_date.sum() == report.losses["NaN factor"].sum()


def test_a_copy_has_the_losses_of_its_rows(capsys):
    data = clean(periods=(1, 20))

    found = doubt_report(data.assign(factor=data["factor"] * 2).copy()).losses_by_date

    assert found["no later price"].sum() > 0
    assert_frame_equal(found, doubt_report(data).losses_by_date)


@pytest.mark.parametrize(
    "part",
    [
        lambda data: data.iloc[ASSETS:],
        lambda data: data[data["factor"] > 0.0],
        lambda data: data.sort_index(ascending=False),
    ],
    ids=["part", "selection", "reordered"],
)
def test_a_part_claims_no_losses_and_the_box_says_what_to_judge(part, capsys):
    report = doubt_report(part(clean()))

    assert report.losses is report.losses_by_date is None
    (note,) = (note for note in report.notes if note.startswith("rows lost in cleaning"))
    assert "judge that frame" in note


def test_rows_left_out_for_what_came_later_are_counted_in_a_note(capsys):
    index = days("2020-01-06", DATES + 12, freq="B")
    prices = walk(1, index, letters(ASSETS))
    prices.iloc[100:, 3] *= 0.2  # a crash, from which filter_zscore shields the factor
    factor = long(normals(2, DATES, ASSETS), index[:DATES], letters(ASSETS))
    options = {"quantiles": 3, "periods": (1, 20), "max_loss": 1.0}
    found = {
        zscore: utils.get_clean_factor_and_forward_returns(
            factor, prices, filter_zscore=zscore, **options
        )
        for zscore in (4, None)
    }

    notes = {zscore: doubt_report(data).notes for zscore, data in found.items()}

    lost = doubt_report(found[4]).losses_by_date.sum()
    assert lost["zscore filter"] > 0
    assert lost["no later price"] > 0  # of the last dates, which have none for any asset
    (note,) = (note for note in notes[4] if "later return" in note)
    count = lost["zscore filter"]
    assert note.startswith(
        f"{count} rows left out because of their later return (zscore filter: {count}): nobody knew"
    )
    assert not any("later return" in note for note in notes[None])


def test_buckets_may_be_per_asset_wide_or_long(capsys):
    data = clean(foresight=0.2)
    size = pd.Series(np.arange(float(ASSETS)), letters(ASSETS))
    wide = pd.DataFrame([size] * DATES, index=days("2020-01-06", DATES, freq="B"))
    tall = wide.stack()

    tables = [
        doubt_report(data, buckets={"size": form}).by_bucket["size"] for form in (size, wide, tall)
    ]

    assert tables[0].loc["5D"].index.tolist() == ["low", "middle", "high"]
    assert_frame_equal(tables[0], tables[1])
    assert_frame_equal(tables[0], tables[2])


def test_ics_in_buckets_and_in_time_come_with_their_test_and_counts(capsys):
    data = clean(foresight=0.2)
    size = pd.Series(np.arange(float(ASSETS)), letters(ASSETS))

    report = doubt_report(data, buckets={"size": size})

    small = data[data.index.get_level_values("asset").isin(letters(ASSETS)[:4])]
    spring = data[data.index.get_level_values("date").to_period("Q") == "2020Q2"]
    for part, found in (
        (small, report.by_bucket["size"].xs("low", level="size")),
        (spring, report.by_time.xs("2020Q2", level="date")),
    ):
        ic = performance.factor_information_coefficient(part)
        for period, rows in (("1D", 1), ("5D", 5)):
            test = stats.overlap_tstat(ic[period].to_numpy(), rows)
            expected = [test.mean, test.t, len(ic), len(part) / len(ic)]
            np.testing.assert_allclose(found.loc[period].to_numpy(dtype=float), expected)
    assert report.tables()["Mean IC by size"].index[:2].tolist() == ["1D low", "1D middle"]


def test_dates_on_which_no_bucket_could_be_cut_are_counted(capsys):
    data = clean()
    exposure = pd.DataFrame(
        normals(5, DATES, ASSETS), days("2020-01-06", DATES, freq="B"), letters(ASSETS)
    )
    exposure.iloc[50:] = 1.0

    report = doubt_report(data, buckets={"a": exposure})

    assert (report.by_bucket["a"]["Dates"] == 50).all()
    assert any(
        note.startswith(f"mean IC by a: {DATES - 50} of {DATES} dates") for note in report.notes
    )
    exposure.iloc[50:] = exposure.iloc[:50].mean().to_numpy()
    notes = doubt_report(data, buckets={"a": exposure}).notes
    assert not any(note.startswith("mean IC by a") for note in notes)


SECTORS = pd.Series(["x", "y", None] * 4, letters(ASSETS), dtype=object)


@pytest.mark.parametrize(
    "labels",
    [
        SECTORS,
        SECTORS.astype("category"),
        SECTORS.astype("string"),
        SECTORS.eq("x").where(SECTORS.notna()),
    ],
    ids=["text", "category", "string", "truth"],
)
def test_labels_are_buckets_as_they_are(labels, capsys):
    data = clean(foresight=0.2)

    found = doubt_report(data, buckets={"sector": labels}).by_bucket["sector"]

    assets = data.index.get_level_values("asset")
    for part in found.loc["5D"].index:
        own = labels.index[labels.astype(str) == part]
        ic = performance.factor_information_coefficient(data[assets.isin(own)])["5D"]
        assert found.loc[("5D", part), "Mean IC"] == pytest.approx(ic.mean())
        assert found.loc[("5D", part), "Names a date"] == 4
    assert len(found) == 4


@pytest.mark.parametrize("is_ordered", [False, True])
def test_dates_without_labels_are_counted_and_nothing_is_said_of_thirds(is_ordered, capsys):
    words = np.full((DATES, ASSETS), "x", dtype=object)
    words[:, ::2], words[50:] = "y", None
    labels = long(words, days("2020-01-06", DATES, freq="B"), letters(ASSETS)).dropna()
    if is_ordered:
        labels = labels.astype(pd.CategoricalDtype(["x", "y"], ordered=True))

    notes = doubt_report(clean(), buckets={"sector": labels}).notes

    (found,) = (note for note in notes if note.startswith("mean IC by sector"))
    assert found.startswith(f"mean IC by sector: {DATES - 50} of {DATES} dates are without")
    assert found.endswith("the labels given for them are missing")


def test_labels_may_change_in_time(capsys):
    data = clean()
    wide = pd.DataFrame("x", days("2020-01-06", DATES, freq="B"), letters(ASSETS))
    wide.iloc[100:, :6] = "y"

    found = doubt_report(data, buckets={"sector": wide}).by_bucket["sector"].loc["1D"]

    assert found["Dates"].to_dict() == {"x": DATES, "y": DATES - 100}
    assert found.loc["y", "Names a date"] == 6


@pytest.mark.parametrize(
    "exposure", [pd.Series(1.0, letters(ASSETS)), pd.Series([0.0, 1.0] * 6, letters(ASSETS))]
)
def test_a_bucket_of_numbers_alike_is_refused_by_name_and_with_the_way_out(exposure, capsys):
    data = clean()

    with pytest.raises(InputError, match=r"buckets\['size'\] has no value that can be cut"):
        doubt_report(data, buckets={"size": exposure})
    assert len(doubt_report(data, buckets={"size": exposure.astype("category")}).by_bucket) == 1


@pytest.mark.parametrize(
    ("buckets", "words"),
    [
        ({"size": "large"}, r"buckets\['size'\] is a str \('large'\): give e.g."),
        ({"size": 3}, r"buckets\['size'\] is a int"),
        ({"size": np.ones(3)}, r"buckets\['size'\] is a ndarray"),
        ([pd.Series(1.0, ["A"])], "buckets maps names to exposures, not a list"),
        ({"size": pd.Series(1.0, ["nobody"])}, "has no value for any row"),
        ({"size": pd.Series([1.0, 2.0], ["A", "A"])}, r"buckets\['size'\] repeats 'A'"),
    ],
)
def test_what_is_no_bucket_is_refused_with_what_to_give(buckets, words, capsys):
    with pytest.raises(InputError, match=words):
        doubt_report(clean(), buckets=buckets)


@pytest.mark.parametrize("count", [5, 5.0, "study", {"n_trials": 5}])
def test_a_bare_number_of_trials_is_refused_with_what_to_give(count, tmp_path, capsys):
    data = clean()
    for given in (count, TrialRegistry(tmp_path / "trials.sqlite")):
        for call in (
            doubt_report,
            tears.create_full_tear_sheet,
            lambda data, trials: comparison.compare_factors({"it": data}, trials=trials),
        ):
            with pytest.raises(InputError, match=r"give registry\.trials\('name of the study'\)"):
                call(data, trials=given)


def test_the_box_says_why_a_test_is_missing_and_judges_no_handful_of_periods(capsys):
    data = clean(periods=(1, 5)).iloc[: 40 * ASSETS]

    report = doubt_report(data)

    row = report.information.loc["t, cosine"]
    assert row.notna().tolist() == [True, False]
    assert report.sharpe.loc["Probability that it is above 0"].notna().tolist() == [True, False]
    why = "n too small: of 40 observations over 5 rows each 8 do not overlap, 10 are needed"
    for what in ("tests of the mean IC", "tests of the mean spread (bps)",
                 "probability of the Sharpe ratio"):  # fmt: skip
        assert f"{what} (5D): {why}" in report.notes
    worth, seen = (
        report.information.loc[row] for row in ("Observations they are worth", "Observations")
    )
    assert worth["1D"] <= seen["1D"]


def test_the_correlation_of_values_stands_beside_that_of_ranks(capsys):
    data = clean(foresight=0.2)

    table = doubt_report(data).information

    ic = performance.factor_information_coefficient(data, method="pearson")
    test = stats.overlap_tstat(ic["5D"].to_numpy(), 5)
    assert table.loc["Mean Pearson IC", "5D"] == pytest.approx(ic["5D"].mean())
    assert table.loc["t, cosine, of Pearson IC", "5D"] == pytest.approx(float(test.t))
    assert table.loc["Mean Pearson IC", "5D"] != pytest.approx(table.loc["Mean IC", "5D"])


def test_the_box_names_the_study_and_says_that_ratios_are_before_costs(capsys):
    data = clean()

    assert (
        "trials: those of study 'tests', 7 recorded" in doubt_report(data, trials=trials(7)).notes
    )
    notes = doubt_report(data).notes
    assert not any(note.startswith("trials:") for note in notes)
    assert sum("before costs" in note for note in notes) == 1


def test_turnover_and_ranks_are_told_over_several_rows(capsys):
    data = clean(persistence=True)

    table = doubt_report(data).by_lag

    assert table.index.tolist() == [1, 5, 10, 20]
    ranks = performance.rank_autocorrelation_by_lag(data, (1, 5, 10, 20))
    np.testing.assert_allclose(table["Rank autocorrelation"], ranks)
    turnover = performance.turnover_by_lag(data, (1, 5, 10, 20))
    np.testing.assert_allclose(table["Top quantile turnover"], turnover[3])
    np.testing.assert_allclose(table["Bottom quantile turnover"], turnover[1])
    short = doubt_report(data.iloc[: 8 * ASSETS]).by_lag
    assert short.index.tolist() == [1, 5]


def test_reports_can_be_compared_and_hashed(capsys):
    data = clean()
    report, other = doubt_report(data), doubt_report(data)

    assert report != other
    assert len({report, other}) == 2


def test_coverage_counts_dates_and_assets(capsys):
    data = clean()
    holed = data.drop(index=data.index[:6])

    coverage = doubt_report(holed).coverage

    assert coverage["Dates"].sum() == DATES
    assert coverage["Assets a date"].iloc[0] < coverage["Assets a date"].iloc[-1] == ASSETS


def test_old_calls_show_no_doubt_and_new_ones_do(monkeypatch, capsys):
    data = clean()
    shown: list[str] = []
    monkeypatch.setattr(utils, "display", lambda frame: shown.extend(map(str, frame.index)))

    tears.create_summary_tear_sheet(data)
    assert "t, Newey-West" not in shown
    tears.create_summary_tear_sheet(data, trials=trials(10))
    assert "t, Newey-West" in shown
    sheet = tears.create_summary_tear_sheet(data, return_fig=True)
    assert "Sharpe ratio under doubt" in sheet.tables


def test_there_is_nothing_to_doubt_in_an_empty_frame(capsys):
    with pytest.raises(InputError, match="0 rows"):
        doubt_report(clean().iloc[:0])


@pytest.mark.parametrize("bad", [np.inf, 0.0], ids=["infinite", "constant"])
def test_a_period_that_has_no_ratio_says_why_and_leaves_the_others(bad, capsys):
    data = clean()
    if np.isinf(bad):
        data.iloc[40, data.columns.get_loc("5D")] = bad
    else:
        data["5D"] = bad

    report = doubt_report(data)

    row = report.sharpe.loc["Probability that it is above 0"]
    assert np.isfinite(row["1D"])
    assert np.isnan(row["5D"])
    assert any(note.startswith("probability of the Sharpe ratio (5D)") for note in report.notes)
