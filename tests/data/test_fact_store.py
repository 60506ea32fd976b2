"""Facts on both databases: each version once, and none before it could be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from alphalens.data.fact_store import FactStore
from alphalens.data.point_in_time import Reports
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError, InputError
from alphalens.storage import open_engine

DAY = timedelta(days=1)
TOLD = datetime(2014, 4, 23, 20, 30, tzinfo=UTC)
SPLIT = CorporateAction(
    symbol="AAPL",
    kind="split",
    ex_date=date(2014, 6, 9),
    ratio=Decimal(7),
    seen_at=TOLD,
    source="desk",
)
PAID = CorporateAction(
    symbol="AAPL",
    kind="dividend",
    ex_date=date(2014, 8, 7),
    cash=Decimal("0.47"),
    seen_at=TOLD + 90 * DAY,
    source="desk",
)
#: As in the tests of the reports in memory: a correction, a late report, a newer one.
FILED = pd.DataFrame(
    [
        ("2016-02-01", "A", "2015-12-31", 1.0, 5.0),
        ("2016-05-02", "A", "2016-03-31", 2.0, np.nan),
        ("2016-05-03", "A", "2015-12-31", 1.5, 5.0),
        ("2016-05-04", "A", "2014-12-31", 9.0, 4.0),
        ("2016-02-01", "B", "2015-12-31", np.nan, 7.0),
    ],
    columns=["seen", "symbol", "period", "eps", "cash"],
).astype({"seen": "datetime64[us]", "period": "datetime64[us]"})
MEMBERS = pd.DataFrame(
    [("A", "2000-01-03", None), ("B", "2000-01-03", "2010-06-01"), ("B", "2012-01-03", None)],
    columns=["symbol", "start", "end"],
)


@pytest.fixture
def store(database_url):
    engine = open_engine(database_url)
    yield FactStore(engine)
    engine.dispose()


def instants(*texts) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(texts, tz="UTC")


def test_actions_are_read_as_they_were_written_and_each_is_kept_once(store):
    rename = replace(SPLIT, kind="rename", new_symbol="APPL", ratio=Decimal(1))
    exact = replace(PAID, cash=Decimal("0.470000000000000000001"), currency="CAD")
    given = [SPLIT, exact, rename, replace(SPLIT, symbol="MSFT")]
    assert store.keep_actions(given) == 4
    assert store.keep_actions(given) == 0
    later = [replace(action, seen_at=action.seen_at + DAY) for action in given]
    assert store.keep_actions(later) == 0  # a vendor tells all of them every day
    assert store.as_of(TOLD + 99 * DAY).actions(["AAPL"]) == (rename, SPLIT, exact)
    assert store.as_of(TOLD).actions(["AAPL", "MSFT"]) == (rename, SPLIT, given[3])
    assert store.as_of(TOLD - timedelta(microseconds=1)).actions(["AAPL"]) == ()


def test_corrected_action_was_the_old_one_until_then(store):
    right = replace(PAID, cash=Decimal("3.29"), seen_at=PAID.seen_at + DAY)
    store.keep_actions([PAID])
    assert store.keep_actions([right]) == 1
    assert store.as_of(PAID.seen_at).actions(["AAPL"]) == (PAID,)
    assert store.as_of(right.seen_at).actions(["AAPL"]) == (right,)


def test_action_that_is_taken_back_was_known_until_then_and_may_come_again(store):
    store.keep_actions([SPLIT])
    void_at, again = TOLD + DAY, replace(SPLIT, seen_at=TOLD + 2 * DAY)
    assert store.take_back([SPLIT], seen_at=void_at) == 1
    assert store.take_back([SPLIT], seen_at=void_at + DAY / 2) == 0
    assert store.keep_actions([again]) == 1
    for at, known in ((TOLD, (SPLIT,)), (void_at, ()), (again.seen_at, (again,))):
        assert store.as_of(at).actions(["AAPL"]) == known
    assert store.take_back([replace(SPLIT, symbol="NEVER")], seen_at=void_at) == 0


def test_dividends_of_one_day_are_paid_together_and_two_splits_are_not_both_true(store):
    special = replace(PAID, cash=Decimal(1))
    assert store.keep_actions([PAID, special, PAID]) == 1
    (both,) = store.as_of(PAID.seen_at).actions(["AAPL"])
    assert both.cash == Decimal("1.47")
    with pytest.raises(InputError, match="two of the kind split on AAPL for 2014-06-09"):
        store.keep_actions([SPLIT, replace(SPLIT, ratio=Decimal(2))])


def test_what_was_known_cannot_be_changed_afterwards(store):
    store.keep_actions([SPLIT])
    with pytest.raises(InputError, match=r"desk told the split of AAPL .* in two ways"):
        store.keep_actions([PAID, replace(SPLIT, ratio=Decimal(2))])
    assert store.as_of(TOLD + 99 * DAY).actions(["AAPL"]) == (SPLIT,)
    store.keep_facts(FILED, source="desk")
    with pytest.raises(InputError, match=r"desk told eps of A for 2014-12-31 on 2016-05-04 as 9.0"):
        store.keep_facts(FILED.assign(eps=3.0), source="desk")
    store.keep_members("INDEX", MEMBERS, source="desk")
    with pytest.raises(InputError, match="B left INDEX on 2010-06-01, and now is told"):
        store.keep_members("INDEX", MEMBERS.assign(end="2013-01-01"), source="desk")


def test_lists_of_two_sources_are_never_mixed(store):
    other = replace(SPLIT, source="other", ratio=Decimal(2))
    alone = replace(SPLIT, source="other", symbol="MSFT")
    store.keep_actions([SPLIT, PAID, other, alone])
    known = store.as_of(TOLD + 99 * DAY)
    with pytest.raises(DataError, match="actions of AAPL are told by desk and other: name who"):
        known.actions(["AAPL", "MSFT"])
    assert known.actions(["AAPL", "MSFT"], sources=["desk", "other"]) == (SPLIT, PAID, alone)
    assert known.actions(["AAPL"], sources=["other"]) == (other,)
    assert known.actions(["AAPL"], sources=["nobody"]) == ()
    assert known.every_action(["AAPL"]) == (SPLIT, other, PAID)
    store.keep_facts(FILED, source="desk")
    store.keep_facts(FILED.assign(eps=8.0), source="other")
    late = store.as_of(datetime(2017, 1, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="figures of A are told by desk and other"):
        late.latest("eps", ["A"])
    assert late.latest("eps", ["A"], sources=["other"]).tolist() == [8.0]


def test_figures_are_those_of_the_reports_in_memory(store):
    assert store.keep_facts(FILED, source="desk")[0] == 9  # one of ten tells nothing new
    assert store.keep_facts(FILED, source="desk")[0] == 0
    asked = instants("2016-02-02 14:29", "2016-02-02 14:30", "2016-05-03 13:30", "2016-05-06")
    known = store.as_of(datetime(2016, 5, 6, tzinfo=UTC))
    whole = Reports(FILED, seen="seen", period="period")
    for item in ("eps", "cash"):
        found = known.panel(item, asked, ["A", "B", "C"])
        pd.testing.assert_frame_equal(found, whole.latest(item, asked, ["A", "B", "C"]))
    assert known.latest("eps", ["A"]).to_dict() == {"A": 2.0}
    assert store.as_of(datetime(2016, 2, 2, 14, tzinfo=UTC)).latest("cash", ["B"]).isna().all()


def test_all_periods_are_told_in_the_last_version_known(store):
    store.keep_facts(FILED, source="desk")
    found = store.as_of(datetime(2016, 5, 5, 14, tzinfo=UTC)).reports(["eps", "cash"], ["A"])
    assert found["period"].dt.year.tolist() == [2014, 2015, 2016]
    assert found["eps"].tolist() == [9.0, 1.5, 2.0]
    assert found["cash"].tolist()[:2] == [4.0, 5.0]
    assert found["seen"].dt.strftime("%m-%d").tolist() == ["05-04", "05-03", "05-02"]
    none = store.as_of(datetime(2016, 1, 1, tzinfo=UTC)).reports(["eps"], ["A"])
    assert none.empty


def test_report_before_its_period_ended_is_told_apart_and_its_neighbours_are_kept(store):
    early = FILED.assign(seen=FILED["seen"].where(FILED.index != 3, pd.Timestamp("2014-12-30")))
    new, rejected = store.keep_facts(early, source="desk")
    assert (new, rejected["eps"].tolist()) == (7, [9.0])
    assert rejected["reason"].tolist() == ["filing_lag"]
    nameless = FILED.assign(symbol=[None, *FILED["symbol"][1:]])
    assert len(store.keep_facts(nameless, source="other")[1]) == 1


def test_members_are_those_of_the_day_and_an_end_that_is_told_later_changes_no_past(store):
    open_end = MEMBERS.assign(end=None)
    assert store.keep_members("INDEX", open_end, source="desk") == 3
    then = store.as_of(datetime(2011, 1, 3, 20, tzinfo=UTC))
    assert then.members("INDEX") == {"A", "B"}
    assert store.keep_members("INDEX", MEMBERS, source="desk") == 1
    assert store.keep_members("INDEX", open_end, source="old list") == 0
    assert then.members("INDEX") == {"A"}
    assert store.as_of(datetime(2010, 6, 1, 13, tzinfo=UTC)).members("INDEX") == {"A", "B"}
    asked = instants("2009-01-05 15:00", "2010-12-31 15:00")
    assert then.was_member("INDEX", asked, ["B", "A"]).to_numpy().tolist() == [
        [True, True],
        [False, True],
    ]


def test_nothing_is_told_of_later_nor_without_an_instant(store):
    known = store.as_of(datetime(2011, 1, 3, tzinfo=UTC))
    later = instants("2011-01-04")
    store.keep_members("INDEX", MEMBERS, source="desk")
    with pytest.raises(InputError, match=r"what was known at 2011-01-04 .* is asked at 2011-01-03"):
        known.was_member("INDEX", later, ["A"])
    with pytest.raises(InputError, match=r"what was known at 2011-01-04 .* is asked at 2011-01-03"):
        known.panel("eps", later, ["A"])
    with pytest.raises(InputError, match="instants must be timezone-aware"):
        known.panel("eps", pd.DatetimeIndex(["2010-01-04"]), ["A"])
    with pytest.raises(AttributeError):
        known.instant = datetime(2020, 1, 1, tzinfo=UTC)  # a reader cannot move on by itself
    with pytest.raises(InputError, match="no time zone"):
        store.as_of(datetime(2011, 1, 3))
    with pytest.raises(InputError, match="at least one figure"):
        known.reports([], ["A"])
    with pytest.raises(DataError, match="nothing is known of the members of 'OTHER'"):
        known.members("OTHER")


def test_what_cannot_be_kept_is_refused(store):
    with pytest.raises(InputError, match="columns period"):
        store.keep_facts(FILED.drop(columns="period"), source="desk")
    with pytest.raises(InputError, match="seen must be naive days"):
        store.keep_facts(FILED.assign(seen=FILED["seen"] + pd.Timedelta("9h")), source="desk")
    with pytest.raises(InputError, match="end before it"):
        store.keep_members("INDEX", MEMBERS.assign(end="1999-01-01"), source="desk")
    with pytest.raises(InputError, match="naive instant"):
        store.keep_actions([replace(SPLIT, seen_at=datetime(2014, 1, 1))])
    for change in ({"ratio": Decimal(0)}, {"ratio": Decimal("NaN")}, {"cash": Decimal(-1)}):
        with pytest.raises(InputError, match=r"desk told of AAPL for 2014-06-09: a split .* none"):
            store.keep_actions([replace(SPLIT, **change)])
    merger = replace(SPLIT, kind="merger", ratio=Decimal(0), cash=Decimal(9))
    assert store.keep_actions([merger]) == 1  # for cash alone: no unit stands for the old one


@pytest.mark.parametrize("day", ["1899-12-29", "2098-07-01"])
def test_day_that_the_calendar_does_not_reach_is_refused_and_blinds_no_reader(store, day):
    store.keep_facts(FILED, source="desk")
    told = FILED.iloc[[0]].assign(period=pd.Timestamp("1899-12-28"), seen=pd.Timestamp(day))
    with pytest.raises(InputError, match="calendar XNYS knows 1990-01-01 to 2050-12-31"):
        store.keep_facts(told.astype(FILED.dtypes.to_dict()), source="desk")
    terms = pd.DataFrame({"symbol": ["CLK20"], "last_trade": ["2020-04-21"], "seen": [day]})
    table = terms.assign(first_notice=None).astype({"seen": "datetime64[us]"})
    with pytest.raises(InputError, match="calendar XNYS knows 1990-01-01 to 2050-12-31"):
        store.keep_contracts(table, source="desk")
    known = store.as_of(datetime(2020, 1, 1, tzinfo=UTC))
    assert known.latest("eps", ["A"]).tolist() == [2.0]


@pytest.mark.realdata
def test_real_filings_are_the_same_from_the_store_as_in_memory(store, real_data):
    rows = pd.read_parquet(real_data / "us_fundamentals_pit_2015_2017.parquet")
    names = {"collected": "seen", "end_date": "period"}
    told = rows.rename(columns=names)[["seen", "symbol", "period", "eps_diluted"]]
    symbols = ["AAPL", "IBM", "KO", "NFLX", "NRG", "TGLS", "GMCR", "MATW", "INOV", "NDLS"]
    told = told[told["symbol"].isin(symbols)].reset_index(drop=True)
    new, rejected = store.keep_facts(told, source="filings")
    assert store.keep_facts(told, source="filings")[0] == 0
    assert sorted(rejected["symbol"]) == ["NDLS", "NRG"]
    asked = pd.date_range("2015-06-01", "2017-12-01", freq="9D", tz="UTC") + pd.Timedelta("15h")
    known = store.as_of(asked[-1].to_pydatetime())
    whole = Reports(told, seen="seen", period="period").latest("eps_diluted", asked, symbols)
    pd.testing.assert_frame_equal(known.panel("eps_diluted", asked, symbols), whole)
    assert whole.notna().to_numpy().mean() > 0.5
    assert new > 60
    for place in range(0, len(asked), 20):
        then = store.as_of(asked[place].to_pydatetime()).latest("eps_diluted", symbols)
        assert then.equals(whole.iloc[place].rename("eps_diluted"))


@pytest.mark.realdata
def test_real_members_are_those_of_the_list(store, real_data):
    rows = pd.read_parquet(real_data / "sp500_membership_intervals.parquet")
    names = {"ticker": "symbol", "start_date": "start", "end_date": "end"}
    given = rows.rename(columns=names)
    assert store.keep_members("SP500", given, source="list") == len(rows)
    assert store.keep_members("SP500", given, source="list") == 0
    found = store.as_of(datetime(2008, 9, 12, 15, tzinfo=UTC)).members("SP500")
    assert 480 <= len(found) <= 510
    assert any(symbol.startswith("LEH") for symbol in found)
