"""Days and instants."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pandas as pd
import pytest

from alphalens.data import (
    DataView,
    PriceHistory,
    closing_instants,
    equal_weight_returns,
    session_closes,
)
from alphalens.data.sessions import known_closes
from alphalens.errors import InputError


def history(instants: list[str]) -> PriceHistory:
    index = pd.DatetimeIndex(instants, tz="UTC")
    closes = pd.DataFrame({"A": [float(n + 1) for n in range(len(index))]}, index=index)
    return PriceHistory(closes=closes, source="test", adjustment="raw")


def test_closing_instants_follow_daylight_saving():
    days = pd.DatetimeIndex(["2022-03-11", "2022-03-14"])

    instants = closing_instants(days, close_time=time(17, 30), timezone="America/New_York")

    assert [instant.hour for instant in instants] == [22, 21]
    assert {instant.minute for instant in instants} == {30}


@pytest.mark.parametrize("days", [["2022-03-11 10:00"], ["2022-03-11T00:00:00Z"]])
def test_closing_instants_need_naive_midnights(days):
    with pytest.raises(InputError, match="naive days at midnight"):
        closing_instants(pd.DatetimeIndex(days))


def test_session_closes_are_by_trading_day_across_daylight_saving():
    closes = session_closes(history(["2022-03-11 21:00", "2022-03-14 20:00"]))

    assert closes.index.tolist() == [pd.Timestamp("2022-03-11"), pd.Timestamp("2022-03-14")]
    assert (closes.index.name, closes.columns.name) == ("date", "asset")


def test_session_closes_refuse_two_closes_of_one_day():
    with pytest.raises(InputError, match="more than one close on 2022-03-11"):
        session_closes(history(["2022-03-11 20:00", "2022-03-11 21:00"]))


def test_equal_weight_returns_skip_assets_without_a_price():
    closes = pd.DataFrame({"A": [1.0, 1.2, 1.2], "B": [None, 5.0, 5.5]})

    assert equal_weight_returns(closes).round(6).tolist() == [0.2, 0.05]


def test_stored_days_are_known_at_the_close_of_their_session_and_not_at_their_begin():
    days = pd.DatetimeIndex(["2024-07-02", "2024-07-03", "2024-07-05"], tz="America/New_York")
    panel = pd.DataFrame({"A": [1.0, 2.0, 3.0]}, index=days.tz_convert("UTC"))
    closes = known_closes(panel)
    history = PriceHistory(closes=closes, source="desk", adjustment="all")
    at_noon = DataView(history, datetime(2024, 7, 3, 16, tzinfo=UTC))
    assert at_noon.closes()["A"].tolist() == [1.0]
    half_day = DataView(history, datetime(2024, 7, 3, 17, tzinfo=UTC))
    assert half_day.closes()["A"].tolist() == [1.0, 2.0]
    assert panel.index[0].hour == 4


def test_stored_days_of_coins_are_known_at_the_end_of_the_day():
    panel = pd.DataFrame({"BTC/USD": [1.0]}, index=pd.DatetimeIndex(["2024-07-06"], tz="UTC"))
    found = known_closes(panel, calendar="24/7")
    assert found.index[0] == pd.Timestamp("2024-07-07", tz="UTC")


@pytest.mark.parametrize("begin", ["2024-07-04T04:00Z", "2024-07-05T13:30Z", "2024-07-05T00:00Z"])
def test_begin_that_is_no_midnight_of_a_session_is_refused(begin):
    panel = pd.DataFrame({"A": [1.0]}, index=pd.DatetimeIndex([begin]))
    with pytest.raises(InputError, match=f"{begin[:13]}.* is none"):
        known_closes(panel)
    if begin[11:13] != "00":
        with pytest.raises(InputError, match="in UTC that begin sessions of 24/7"):
            known_closes(panel, calendar="24/7")
    with pytest.raises(InputError, match="timezone-aware"):
        known_closes(panel.tz_localize(None))


def test_no_stored_day_is_no_close():
    panel = pd.DataFrame({"A": []}, index=pd.DatetimeIndex([], tz="UTC"))
    assert known_closes(panel).empty
