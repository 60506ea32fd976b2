"""Factors of the literature, and panels that know only what was known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.factors import (
    evaluate,
    low_volatility,
    momentum,
    nearness_to_high,
    parse,
    reversal,
)
from alphalens.factors.classics import (
    FUNDAMENTAL_CLASSICS,
    PRICE_CLASSICS,
    SOURCES,
    as_of_panel,
    trailing_twelve_months,
)

from .pandas_oracle import Oracle
from .panels import random_panel

TWINS = {
    "momentum_12_1": lambda closes: momentum(closes, 252, 21),
    "reversal_1": lambda closes: reversal(closes, 21),
    "low_volatility_3": lambda closes: low_volatility(closes, 63),
    "nearness_to_high_12": lambda closes: nearness_to_high(closes, 252),
}
BALANCES = ("market_cap", "book_equity", "total_assets")
FLOWS = ("net_income", "gross_profit", "operating_cash_flow")


def fundamentals(rows: int = 260, assets: int = 12, seed: int = 3) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2020-01-01", periods=rows)
    names = [f"S{number:02d}" for number in range(assets)]
    panel = {}
    for field in (*BALANCES, *FLOWS):
        values = rng.normal(1.0 if field in FLOWS else 5.0, 1.0, (rows, assets))
        values = values if field in FLOWS else np.exp(values)
        values[rng.random((rows, assets)) < 0.02] = np.nan
        panel[field] = pd.DataFrame(values, index=index, columns=names)
    return panel | {"close": panel["market_cap"]}


def reports(*rows: tuple[str, str, float], period: tuple[str, ...] = ()) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["symbol", "seen", "equity"])
    table["seen"] = pd.to_datetime(table["seen"], format="ISO8601")
    return table.assign(end=pd.to_datetime(list(period))) if period else table


def laid_out(table: pd.DataFrame, first: str, last: str, **options: object) -> pd.DataFrame:
    names = {"value": "equity", "known_at": "seen", "symbol": "symbol"}
    return as_of_panel(table, pd.date_range(first, last), **(names | options))


@pytest.mark.parametrize("name", PRICE_CLASSICS)
def test_a_price_classic_equals_plain_pandas(name):
    panel = random_panel(rows=parse(PRICE_CLASSICS[name]).lookback + 40, assets=4, gappy=1)

    values = evaluate(PRICE_CLASSICS[name], panel)

    expected = Oracle(panel)(PRICE_CLASSICS[name])
    assert expected.notna().sum().sum() > 100
    pd.testing.assert_frame_equal(values, expected, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("name", FUNDAMENTAL_CLASSICS)
def test_a_fundamental_classic_equals_plain_pandas(name):
    panel = fundamentals()

    values = evaluate(FUNDAMENTAL_CLASSICS[name], panel)

    expected = Oracle(panel)(FUNDAMENTAL_CLASSICS[name])
    assert expected.notna().sum().sum() > 50
    pd.testing.assert_frame_equal(values, expected, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("name", TWINS)
def test_an_expression_equals_the_function_of_the_same_name(name):
    panel = random_panel(rows=300, assets=4, gappy=1)

    values = evaluate(PRICE_CLASSICS[name], panel)

    pd.testing.assert_frame_equal(values, TWINS[name](panel["close"]), rtol=1e-9, atol=1e-15)


def test_illiquidity_of_a_hand_worked_month():
    close = pd.DataFrame({"A": [100.0, *([110.0, 100.0] * 11)]})
    volume = pd.DataFrame({"A": np.full(23, 1000.0)})

    value = evaluate(PRICE_CLASSICS["amihud_illiquidity_1"], {"close": close, "volume": volume})

    up, down = 0.1 / 110_000, (10 / 110) / 100_000
    assert value["A"].iloc[-1] == pytest.approx((10 * up + 11 * down) / 21)
    assert value["A"].iloc[:21].isna().all()


def test_every_classic_has_a_source_and_fields_that_the_page_names():
    names = set(PRICE_CLASSICS) | set(FUNDAMENTAL_CLASSICS)

    assert set(SOURCES) == names
    assert not set(PRICE_CLASSICS) & set(FUNDAMENTAL_CLASSICS)
    assert {f for e in PRICE_CLASSICS.values() for f in parse(e).fields} == {"close", "volume"}
    assert {f for e in FUNDAMENTAL_CLASSICS.values() for f in parse(e).fields} == {
        *BALANCES,
        *FLOWS,
    }


def test_a_report_counts_from_the_day_after_it_was_seen():
    table = reports(("A", "2024-01-02 18:30", 5.0), ("B", "2024-01-03", 7.0))

    panel = laid_out(table, "2024-01-02", "2024-01-04")

    assert panel.columns.tolist() == ["A", "B"]
    np.testing.assert_array_equal(panel, [[np.nan, np.nan], [5.0, np.nan], [5.0, 7.0]])


def test_the_day_itself_counts_when_asked_for():
    panel = laid_out(
        reports(("A", "2024-01-02", 5.0)), "2024-01-01", "2024-01-03", is_same_day=True
    )

    np.testing.assert_array_equal(panel["A"], [np.nan, 5.0, 5.0])


def test_a_restatement_replaces_what_it_restates_and_not_the_past():
    ends = ("2023-12-31", "2023-12-31")
    table = reports(("A", "2024-01-01", 5.0), ("A", "2024-01-03", 4.0), period=ends)

    panel = laid_out(table, "2024-01-02", "2024-01-05", period="end")

    assert panel["A"].tolist() == [5.0, 5.0, 4.0, 4.0]


def test_a_late_report_on_an_earlier_period_does_not_replace_a_later_one():
    ends = ("2023-12-31", "2023-09-30")
    table = reports(("A", "2024-01-01", 5.0), ("A", "2024-01-03", 4.0), period=ends)

    with_period = laid_out(table, "2024-01-02", "2024-01-04", period="end")
    without = laid_out(table, "2024-01-02", "2024-01-04")

    assert with_period["A"].tolist() == [5.0, 5.0, 5.0]
    assert without["A"].tolist() == [5.0, 5.0, 4.0]


def test_a_value_is_stale_after_the_limit_and_a_new_report_ends_that():
    table = reports(("A", "2024-01-01", 5.0), ("A", "2024-01-05", 6.0))

    panel = laid_out(table, "2024-01-02", "2024-01-06", stale_after_days=2)
    forever = laid_out(table, "2030-01-01", "2030-01-01", stale_after_days=None)

    np.testing.assert_array_equal(panel["A"], [5.0, 5.0, np.nan, np.nan, 6.0])
    assert forever["A"].tolist() == [6.0]


def test_a_report_without_the_value_replaces_nothing():
    table = reports(("A", "2024-01-01", 5.0), ("A", "2024-01-02", np.nan))

    assert laid_out(table, "2024-01-04", "2024-01-04")["A"].tolist() == [5.0]


def test_an_instant_belongs_to_the_day_of_the_market_that_reads_it():
    table = reports(("A", "2024-01-03 02:00", 5.0))
    table["seen"] = table["seen"].dt.tz_localize("UTC")  # the evening of 2 January in New York
    days = pd.date_range("2024-01-02", "2024-01-04", tz="America/New_York")

    panel = as_of_panel(table, days, value="equity", known_at="seen", symbol="symbol")

    np.testing.assert_array_equal(panel["A"], [np.nan, 5.0, 5.0])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda t: t.drop(columns="seen"), {}, "no column 'seen'"),
        (lambda t: t.assign(equity="5"), {}, "not numbers"),
        (lambda t: t.assign(equity=np.nan), {}, "none of the 2 reports"),
        (lambda t: t.assign(seen="2024-01-01"), {}, "not days"),
        (lambda t: t.assign(seen=[pd.NaT, t["seen"].iloc[1]]), {}, "1 reports with a value"),
        (lambda t: t.assign(seen=t["seen"].dt.tz_localize("UTC")), {}, "time zone"),
        (lambda t: t.assign(seen=t["seen"].iloc[0]), {}, "1 reports give another value"),
        (lambda t: t, {"stale_after_days": -1}, "got -1"),
    ],
)
def test_a_table_that_cannot_be_laid_out_is_refused(change, options, message):
    table = change(reports(("A", "2024-01-01", 5.0), ("A", "2024-01-02", 6.0)))

    with pytest.raises(InputError, match=message):
        laid_out(table, "2024-01-01", "2024-01-05", **options)


@pytest.mark.parametrize("days", [pd.RangeIndex(3), pd.to_datetime(["2024-01-02", "2024-01-01"])])
def test_dates_that_are_not_ascending_days_are_refused(days):
    table = reports(("A", "2024-01-01", 5.0))

    with pytest.raises(InputError, match="ascending"):
        as_of_panel(table, days, value="equity", known_at="seen", symbol="symbol")


def plain_as_of(rows: list[tuple[str, int, int]], day: int, symbol: str, limit: int) -> float:
    """Number of the report that stands on a day, having read every one of them."""
    known = [(end, seen, row) for row, (s, seen, end) in enumerate(rows) if s == symbol]
    known = [report for report in known if report[1] < day]
    _, seen, row = max(known, default=(0, -99, 0))
    return row if day - seen <= limit else np.nan


report_rows = st.tuples(st.sampled_from("AB"), st.integers(0, 12), st.integers(0, 3))


@given(st.lists(report_rows, min_size=1, max_size=12, unique=True), st.integers(0, 8))
@settings(deadline=None, max_examples=60)
def test_the_panel_equals_reading_every_report_on_every_day(rows, limit):
    table = pd.DataFrame(rows, columns=["symbol", "seen", "end"])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(table["seen"], unit="D")
    table = table.assign(seen=days, equity=np.arange(len(table)))

    panel = laid_out(table, "2024-01-01", "2024-01-16", period="end", stale_after_days=limit)

    for symbol in panel:
        expected = [plain_as_of(rows, day, symbol, limit) for day in range(16)]
        np.testing.assert_array_equal(panel[symbol], expected)


@pytest.mark.realdata
def test_real_reports_are_known_only_after_they_were_seen(real_data: Path):
    filed = pd.read_parquet(real_data / "us_fundamentals_pit_2015_2017.parquet")
    days = pd.bdate_range("2015-03-02", "2017-06-30")
    names = {"known_at": "collected", "symbol": "symbol", "period": "end_date"}

    panel = as_of_panel(filed, days, value="assets", **names)

    assert panel.shape[1] == filed.loc[filed["assets"].notna(), "symbol"].nunique()
    apple = panel["AAPL"]
    assert apple[:"2015-04-28"].isna().all()  # first seen on that day
    assert apple["2015-04-29"] == 261_194_000_000
    assert apple["2017-02-01"] == 321_686_000_000  # the report of that day counts the day after
    assert apple["2017-02-02"] == 331_141_000_000
    restated = panel["AAOI"]["2015-12-22"]  # three quarters restated at once: the last one counts
    assert restated == 256_949_000


# Twelve months from quarters

QUARTERS = ("2022-12-31", "2023-04-01", "2023-07-01", "2023-09-30", "2023-12-30")


def quarters(*values: float, asset: str = "A", late: int = 30) -> pd.DataFrame:
    """Return reports on quarters of 13 weeks, one a month after each."""
    ends = pd.to_datetime(list(QUARTERS[: len(values)]))
    seen = ends + pd.Timedelta(days=late)
    return pd.DataFrame({"symbol": asset, "seen": seen, "end": ends, "sales": values})


def summed(table: pd.DataFrame, first: str, last: str, **options: object) -> pd.DataFrame:
    names = {"value": "sales", "known_at": "seen", "symbol": "symbol", "period": "end"}
    return trailing_twelve_months(table, pd.date_range(first, last), **(names | options))


def test_twelve_months_are_the_last_four_quarters_known():
    panel = summed(quarters(1.0, 2.0, 3.0, 4.0, 50.0), "2023-10-30", "2024-01-30")

    assert np.isnan(panel["A"]["2023-10-30"])  # the day on which the fourth is seen
    assert (panel["A"]["2023-10-31":"2024-01-29"] == 1.0 + 2.0 + 3.0 + 4.0).all()
    assert panel["A"]["2024-01-30"] == 2.0 + 3.0 + 4.0 + 50.0


def test_a_restated_quarter_changes_the_sum_when_it_is_published_and_not_before():
    table = quarters(1.0, 2.0, 3.0, 4.0)
    again = pd.DataFrame(
        {"symbol": "A", "seen": pd.Timestamp("2023-11-10"), "end": table["end"][1:2], "sales": 9.0}
    )

    panel = summed(pd.concat([again, table]), "2023-11-01", "2023-11-12")

    assert panel["A"].tolist() == [10.0] * 10 + [17.0] * 2


@pytest.mark.parametrize("gone", [1, 2])
def test_a_missing_quarter_leaves_no_sum_until_it_is_published(gone: int):
    table = quarters(1.0, 2.0, 3.0, 4.0, 5.0)
    late = table.iloc[[gone]].assign(seen=pd.Timestamp("2024-02-10"))

    panel = summed(pd.concat([table.drop(index=gone), late]), "2024-01-20", "2024-02-12")

    assert panel["A"][:"2024-02-10"].isna().all()
    assert (panel["A"]["2024-02-11":] == 14.0).all()


def test_a_later_quarter_with_a_gap_before_it_ends_the_old_sum():
    table = quarters(1.0, 2.0, 3.0, 4.0)
    after = table.iloc[[3]].assign(end=pd.Timestamp("2024-03-30"), seen=pd.Timestamp("2024-04-10"))

    panel = summed(pd.concat([table, after]), "2024-04-10", "2024-04-11")

    np.testing.assert_array_equal(panel["A"], [10.0, np.nan])


def test_fiscal_quarters_of_twelve_and_sixteen_weeks_are_neighbours():
    ends = pd.to_datetime(["2015-05-10", "2015-08-30", "2015-11-22", "2016-02-14"])
    table = quarters(1.0, 2.0, 3.0, 4.0).assign(end=ends, seen=ends + pd.Timedelta(days=25))

    assert summed(table, "2016-03-11", "2016-03-11")["A"].tolist() == [10.0]


def test_quarters_seen_on_one_day_count_together_and_a_sum_grows_stale():
    table = quarters(1.0, 2.0, 3.0, 4.0).assign(seen=pd.Timestamp("2023-11-01"))
    both = pd.concat([table, quarters(5.0, asset="B")])

    panel = summed(both, "2023-11-01", "2023-11-05", stale_after_days=3)
    same_day = summed(both, "2023-11-01", "2023-11-01", is_same_day=True)

    np.testing.assert_array_equal(panel["A"], [np.nan, 10.0, 10.0, 10.0, np.nan])
    assert panel["B"].isna().all()
    assert same_day["A"].tolist() == [10.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(end=[1, 2, 3, 4]), "not the days on which quarters ended"),
        (lambda t: t.drop(columns="end"), "no column 'end'"),
        (lambda t: t.assign(sales="1"), "not numbers"),
        (lambda t: pd.concat([t, t.assign(sales=0.0)]), "4 reports give another value"),
    ],
)
def test_quarters_that_cannot_be_summed_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        summed(change(quarters(1.0, 2.0, 3.0, 4.0)), "2023-11-01", "2023-11-02")


def plain_twelve_months(rows: list[tuple[str, int, int]], day: int, symbol: str) -> float:
    """Sum on a day, having read every report anew."""
    known: dict[int, float] = {}
    for row in sorted(range(len(rows)), key=lambda row: rows[row][1]):
        owner, seen, quarter = rows[row]
        if owner == symbol and seen < day:
            known[quarter] = float(row)
    last = max(known, default=0)
    return sum(known.get(quarter, np.nan) for quarter in range(last - 3, last + 1))


quarter_rows = st.tuples(st.sampled_from("AB"), st.integers(0, 12), st.integers(0, 5))


@given(st.lists(quarter_rows, min_size=1, max_size=30, unique=True))
@settings(deadline=None, max_examples=60)
def test_the_sums_equal_reading_every_report_on_every_day(rows):
    table = pd.DataFrame(rows, columns=["symbol", "seen", "quarter"])
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(table["seen"], unit="D")
    ends = pd.Timestamp("2022-01-01") + pd.to_timedelta(table["quarter"] * 91, unit="D")
    table = table.assign(seen=days, end=ends, sales=np.arange(len(table), dtype=float))

    panel = summed(table, "2024-01-01", "2024-01-16", stale_after_days=None)

    for symbol in panel:
        expected = [plain_twelve_months(rows, day, symbol) for day in range(16)]
        np.testing.assert_array_equal(panel[symbol], expected)


@pytest.mark.realdata
def test_real_fundamentals_go_through_an_expression(real_data: Path):
    filed = pd.read_parquet(real_data / "us_fundamentals_pit_2015_2017.parquet")
    days = pd.bdate_range("2016-06-01", "2017-06-30")
    names = {"known_at": "collected", "symbol": "symbol", "period": "end_date"}
    assets = as_of_panel(filed, days, value="assets", **names)

    growth = evaluate(FUNDAMENTAL_CLASSICS["low_asset_growth"], {"total_assets": assets})

    last = growth.iloc[-1].dropna()
    assert len(last) > 2500
    expected = 1 - assets["AAPL"].iloc[-1] / assets["AAPL"].iloc[-253]
    assert last["AAPL"] == pytest.approx(expected, rel=1e-12)
    assert -0.2 < last.median() < 0.05
