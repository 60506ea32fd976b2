"""Days and instants."""

from __future__ import annotations

from datetime import time

import pandas as pd
import pytest

from alphalens.data import PriceHistory, closing_instants, equal_weight_returns, session_closes
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
