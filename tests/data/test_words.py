"""Single values of a vendor's JSON: read strictly, or refused with the value in the text."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from alphalens.data._vendors.reading import Unfit
from alphalens.data._vendors.words import contract_of, day, figure, member, moment
from alphalens.data.reasons import Reason
from alphalens.net.failures import Unreadable


def test_a_figure_that_is_not_told_is_nan_and_one_that_is_none_is_refused():
    assert math.isnan(figure({"iv": None}, "iv"))
    assert figure({"iv": "0.31"}, "iv") == 0.31
    with pytest.raises(Unreadable, match="iv should be a number, got 'high'"):
        figure({"iv": "high"}, "iv")


def test_a_part_that_is_not_there_is_empty_and_one_that_is_no_object_is_refused():
    assert member({"greeks": None}, "greeks") == {}
    with pytest.raises(Unreadable, match="greeks should be an object"):
        member({"greeks": [1]}, "greeks")


def test_a_day_is_an_iso_date_and_nothing_else():
    assert day({"ex_date": "2024-06-10"}, "ex_date") == date(2024, 6, 10)
    for wrong in ("10.6.2024", "2024-02-30", 20240610, None):
        with pytest.raises(Unreadable, match="ex_date should be a date"):
            day({"ex_date": wrong}, "ex_date")


def test_a_moment_has_a_zone_or_is_an_epoch_that_can_be_told():
    assert moment({}, "t") is None
    assert moment({"t": 1704171600000}, "t") == datetime(2024, 1, 2, 5, tzinfo=UTC)
    for wrong in ("2024-01-02T05:00:00", "soon", 17, True):
        with pytest.raises(Unreadable, match="t should be an instant"):
            moment({"t": wrong}, "t")


@pytest.mark.parametrize("text", ["AAPL1240119C00150000", "AAPL240119C00150000"])
def test_a_contract_may_have_a_root_that_is_longer_than_the_share(text):
    assert contract_of(text, "AAPL") == text


@pytest.mark.parametrize("text", ["AAPL", "TSLA240119C00150000", "AAPL240230C00150000"])
def test_what_is_no_contract_on_the_share_is_of_the_wrong_symbol(text):
    with pytest.raises(Unfit) as caught:
        contract_of(text, "AAPL")

    assert caught.value.reason is Reason.WRONG_SYMBOL
