"""Facts are given out by the instant at which they are asked for, and by one rule."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from alphalens.data import point_in_time
from alphalens.data.point_in_time import Membership, Reports, available_at, usable
from alphalens.errors import InputError


def days(*texts) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(texts)


def instants(*texts) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(texts, tz="UTC")


#: Seen on, about the period that ended on, what it earned. The third is a correction of the
#: first, the fourth a late report about an older period.
TOLD = pd.DataFrame(
    [
        ("2016-02-01", "A", "2015-12-31", 1.0),
        ("2016-05-02", "A", "2016-03-31", 2.0),
        ("2016-05-03", "A", "2015-12-31", 1.5),
        ("2016-05-04", "A", "2014-12-31", 9.0),
        ("2016-05-06", "A", "2016-03-31", 2.5),
        ("2016-02-01", "B", "2015-12-31", np.nan),
    ],
    columns=["collected", "symbol", "end_date", "eps"],
).astype({"collected": "datetime64[us]", "end_date": "datetime64[us]"})


@pytest.mark.parametrize(
    ("seen", "from_then"),
    [
        ("2016-02-01", "2016-02-02T14:30"),  # Monday, before the open or after the close
        ("2016-02-05", "2016-02-08T14:30"),  # Friday
        ("2016-02-06", "2016-02-08T14:30"),  # Saturday
        ("2016-01-15", "2016-01-19T14:30"),  # Friday before a holiday
        ("2016-03-11", "2016-03-14T13:30"),  # clocks go forward in between
    ],
)
def test_fact_is_used_from_the_open_after_the_day_it_was_seen(seen, from_then):
    assert available_at(days(seen)).tolist() == [pd.Timestamp(from_then, tz="UTC")]


def test_days_keep_their_order_and_none_give_none():
    found = available_at(days("2016-02-05", "2016-02-01"))
    assert found.tolist() == instants("2016-02-08 14:30", "2016-02-02 14:30").tolist()
    assert len(available_at(days())) == 0


def test_what_was_seen_at_an_instant_is_used_from_then_on():
    given = instants("2016-02-06 03:00", "2016-02-01 09:30").tz_convert("America/New_York")
    assert available_at(given).tolist() == given.tz_convert("UTC").tolist()
    asked = datetime(2016, 2, 1, 9, 30, tzinfo=UTC)
    assert usable(given, asked).tolist() == [False, True]
    assert usable(given, asked - timedelta(microseconds=1)).tolist() == [False, False]


def test_days_that_are_none_are_refused():
    with pytest.raises(InputError, match="naive days at midnight"):
        available_at(days("2016-02-01 09:30"))
    for given in (days("2016-02-01", None), instants("2016-02-01", None)):
        with pytest.raises(InputError, match="some of them are missing"):
            available_at(given)
    with pytest.raises(InputError, match="no time zone"):
        usable(days("2016-02-01"), datetime(2016, 2, 1))


def test_figure_is_of_the_newest_period_that_was_known():
    asked = instants(
        "2016-02-02 14:29",  # a minute too early
        "2016-02-02 14:30",
        "2016-05-03 13:30",  # the next period
        "2016-05-04 13:30",  # a correction of the one before it
        "2016-05-05 13:30",  # a late report about an older one
        "2016-05-09 13:30",  # a correction of the newest
    )
    found = Reports(TOLD).latest("eps", asked, ["A", "B", "C"])
    assert found["A"].tolist()[1:] == [1.0, 2.0, 2.0, 2.0, 2.5]
    assert np.isnan(found["A"].iloc[0])
    assert found[["B", "C"]].isna().all(axis=None)


def test_all_periods_are_told_in_the_last_version_known():
    known = Reports(TOLD).as_of(datetime(2016, 5, 5, 14, tzinfo=UTC))
    assert known[known["symbol"] == "A"]["eps"].tolist() == [9.0, 1.5, 2.0]
    assert "known" not in known
    assert Reports(TOLD).as_of(datetime(2016, 1, 1, tzinfo=UTC)).empty


def test_report_that_was_corrected_while_the_market_was_closed_is_the_corrected_one():
    told = pd.DataFrame(
        {
            "collected": days("2016-01-16", "2016-01-15"),  # told out of order, and on one weekend
            "symbol": ["A", "A"],
            "end_date": days("2015-12-31", "2015-12-31"),
            "eps": [1.5, 1.0],
        }
    )
    tuesday = instants("2016-01-19 14:30")
    assert Reports(told).latest("eps", tuesday, ["A"])["A"].tolist() == [1.5]
    assert Reports(told).as_of(tuesday[0].to_pydatetime())["eps"].tolist() == [1.5]


def test_report_seen_before_its_period_ended_is_rejected_and_kept_aside():
    early = pd.DataFrame(
        {"collected": days("2016-01-04"), "symbol": ["A"], "end_date": days("2016-03-31")}
    ).assign(eps=5.0)
    reports = Reports(pd.concat([TOLD, early]))
    assert reports.rejected["reason"].tolist() == ["filing_lag"]
    assert reports.rejected["eps"].tolist() == [5.0]
    assert len(reports.as_of(datetime(2017, 1, 1, tzinfo=UTC))) == 4


def test_what_cannot_be_asked_is_refused():
    reports, good = Reports(TOLD), instants("2016-02-02")
    with pytest.raises(InputError, match="no figure 'sales': there are"):
        reports.latest("sales", good, ["A"])
    with pytest.raises(InputError, match="timezone-aware and ascend"):
        reports.latest("eps", days("2016-02-02"), ["A"])
    with pytest.raises(InputError, match="timezone-aware and ascend"):
        reports.latest("eps", good.append(instants("2016-01-01")), ["A"])
    with pytest.raises(InputError, match="no time zone"):
        reports.as_of(datetime(2016, 1, 1))
    with pytest.raises(InputError, match="columns collected"):
        Reports(TOLD.drop(columns="collected"))


def sees_the_future() -> bool:
    """Whether a report can be used in the session on whose evening it was published."""
    reports = Reports(TOLD)
    close = instants("2016-02-01 21:00")
    return not reports.latest("eps", close, ["A"]).isna().all(axis=None)


def test_a_rule_that_is_a_day_too_early_is_found_out(monkeypatch):
    assert not sees_the_future()
    true = point_in_time.available_at

    def shifted(given, **more):
        return true(given - timedelta(days=1), **more)

    monkeypatch.setattr(point_in_time, "available_at", shifted)
    assert sees_the_future()


MEMBERS = pd.DataFrame(
    [("A", "2000-01-03", None), ("B", "2000-01-03", "2010-06-01"), ("B", "2012-01-03", None)],
    columns=["symbol", "start", "end"],
)


def test_change_of_an_index_counts_from_the_open_of_its_day():
    index = Membership(MEMBERS)
    before_the_open = datetime(2010, 6, 1, 13, 29, tzinfo=UTC)
    assert index.members(before_the_open) == {"A", "B"}
    assert index.members(before_the_open + timedelta(minutes=1)) == {"A"}
    assert index.members(datetime(2012, 1, 3, 15, tzinfo=UTC)) == {"A", "B"}
    assert index.members(datetime(1999, 1, 1, tzinfo=UTC)) == frozenset()


def test_mask_is_the_members_of_each_instant():
    index = Membership(MEMBERS)
    asked = pd.date_range("2009-12-01", "2012-03-01", freq="7D", tz="UTC") + pd.Timedelta("15h")
    mask = index.mask(asked, ["B", "C", "A"])
    assert mask.columns.tolist() == ["B", "C", "A"]
    for instant, row in mask.iterrows():
        assert set(row.index[row]) == index.members(instant.to_pydatetime())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": "1999-01-01"}, "3 intervals have no start, or end before it, the first of 'A'"),
        ({"start": None}, "no start"),
    ],
)
def test_impossible_intervals_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        Membership(MEMBERS.assign(**change))
    with pytest.raises(InputError, match="columns end"):
        Membership(MEMBERS.drop(columns="end"))
    with pytest.raises(InputError, match="no time zone"):
        Membership(MEMBERS).members(datetime(2010, 1, 1))
    with pytest.raises(InputError, match="timezone-aware"):
        Membership(MEMBERS).mask(days("2010-01-01"), ["A"])


@pytest.mark.realdata
def test_real_reports_filed_before_their_period_ended_are_rejected(real_data):
    rows = pd.read_parquet(real_data / "us_fundamentals_pit_2015_2017.parquet")
    reports = Reports(rows)
    assert sorted(reports.rejected["symbol"]) == ["NDLS", "NRG"]
    lag = (rows["collected"] - rows["end_date"]).dt.days
    late = rows.loc[lag.idxmax()]
    assert (lag.max(), late["symbol"]) == (878, "TGLS")
    symbol = str(late["symbol"])
    day_before = late["collected"].tz_localize("UTC").to_pydatetime()
    before, after = reports.as_of(day_before), reports.as_of(day_before + timedelta(days=7))
    assert late["end_date"] not in before[before["symbol"] == symbol]["period"].tolist()
    assert late["end_date"] in after[after["symbol"] == symbol]["period"].tolist()


@pytest.mark.realdata
def test_real_membership_has_about_five_hundred_at_any_time(real_data):
    rows = pd.read_parquet(real_data / "sp500_membership_intervals.parquet")
    names = {"ticker": "symbol", "start_date": "start", "end_date": "end"}
    index = Membership(rows.rename(columns=names))
    for year in range(1997, 2024):
        assert 480 <= len(index.members(datetime(year, 6, 15, 15, tzinfo=UTC))) <= 510
    lehman = datetime(2008, 9, 12, 15, tzinfo=UTC)
    assert any(symbol.startswith("LEH") for symbol in index.members(lehman))
