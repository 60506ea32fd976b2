"""The door to data: what was known, and nothing later."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from alphalens.data import DataView, PriceHistory
from alphalens.data.fact_store import FactStore
from alphalens.errors import DataError, InputError
from alphalens.storage import open_engine

INDEX = pd.DatetimeIndex(["2022-01-03 21:00", "2022-01-04 21:00", "2022-01-05 21:00"], tz="UTC")


def history(index: pd.Index = INDEX) -> PriceHistory:
    closes = pd.DataFrame({"A": [1.0, 2.0, 3.0], "B": [4.0, None, 6.0]}, index=index)
    return PriceHistory(closes=closes, source="test", adjustment="raw")


def test_view_ends_at_its_instant_and_includes_it():
    view = DataView(history(), datetime(2022, 1, 4, 21, tzinfo=UTC))

    assert view.closes()["A"].tolist() == [1.0, 2.0]
    assert view.last_instant() == datetime(2022, 1, 4, 21, tzinfo=UTC)
    assert view.last_prices().to_dict() == {"A": 2.0}
    assert view.symbols == ("A", "B")


def test_a_microsecond_earlier_the_close_is_not_known():
    view = DataView(history(), datetime(2022, 1, 4, 20, 59, 59, 999999, tzinfo=UTC))

    assert view.closes()["A"].tolist() == [1.0]


def test_what_a_reader_does_to_closes_stays_with_him():
    view = DataView(history(), datetime(2022, 1, 5, 21, tzinfo=UTC))

    mine = view.closes(2)
    mine.loc[:, "A"] = 99.0

    assert view.closes(2)["A"].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(("rows", "closes"), [(0, []), (1, [3.0]), (9, [1.0, 2.0, 3.0])])
def test_as_many_closes_are_given_as_are_asked_for_and_known(rows, closes):
    view = DataView(history(), INDEX[-1].to_pydatetime())
    assert view.closes(rows)["A"].tolist() == closes


def test_view_refuses_naive_instants_and_the_time_before_the_data():
    with pytest.raises(InputError, match="no time zone"):
        DataView(history(), datetime(2022, 1, 4))
    with pytest.raises(DataError, match="nothing known"):
        DataView(history(), datetime(2021, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize(
    "index", [INDEX.tz_localize(None), INDEX[::-1], INDEX[[0, 0, 1]], pd.RangeIndex(3)]
)
def test_history_refuses_an_uncertain_order_in_time(index):
    with pytest.raises(InputError, match=r"timezone-aware|ascend"):
        history(index)


def test_facts_are_behind_the_door_too_and_only_if_they_were_given():
    instant = datetime(2022, 1, 5, 21, tzinfo=UTC)
    engine = open_engine("sqlite://")
    assert DataView(history(), instant, FactStore(engine)).facts.instant == instant
    with pytest.raises(InputError, match="no facts were given; make the view with a FactStore"):
        _ = DataView(history(), instant).facts
    engine.dispose()
