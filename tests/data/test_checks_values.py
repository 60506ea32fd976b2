"""Checks of each row by itself."""

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.data.reasons import Reason
from alphalens.data.validation import judge
from tests.data.bad import facts
from tests.data.bad.facts import settles
from tests.data.bad_rows import (
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    aside,
    batch_of,
    context_of,
    flags,
    good,
    judged,
    kept,
)

NAN, INF = float("nan"), float("inf")
CRUDE = settles(*facts.CRUDE)


@pytest.mark.parametrize("price", [0.0, -5.0])
@pytest.mark.parametrize("kind", [AssetClass.EQUITY, AssetClass.CRYPTO])
def test_price_that_is_not_positive_is_rejected(price, kind):
    found = judge(
        batch_of(
            {"A": [good("2024-12-10T00:00:00"), ("2024-12-11T00:00:00", 99, 101, price, price, 5)]}
            if kind is AssetClass.CRYPTO
            else {"A": [good(TUESDAY), (WEDNESDAY, 99.0, 101.0, price, price, 5.0)]}
        ),
        context_of("A", kind=kind),
    )
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"price_not_positive"}}


def test_negative_settle_is_true_where_the_instrument_allows_it():
    found = judged(
        CRUDE,
        symbol="CLK20",
        kind=AssetClass.FUTURE,
        calendars={"CLK20": "NYMEX"},
        may_be_negative=frozenset({"CLK20"}),
    )
    assert [day for _, day in kept(found)] == ["2020-04-17", "2020-04-20", "2020-04-21"]
    assert found.bars.close[1] == pytest.approx(-37.63)
    assert flags(found) == {("CLK20", "2020-04-20"): {"negative_or_zero_settle"}}
    assert aside(found) == {}


def test_negative_settle_is_rejected_where_it_is_not_allowed():
    found = judged(CRUDE, symbol="CLK20", kind=AssetClass.FUTURE, calendars={"CLK20": "NYMEX"})
    assert aside(found) == {("CLK20", "2020-04-20"): {"price_not_positive"}}
    assert [day for _, day in kept(found)] == ["2020-04-17", "2020-04-21"]


def test_zero_settle_is_rejected_even_so():
    rows = settles(("2024-12-10", 1.5), ("2024-12-11", 0.0), ("2024-12-12", 1.52))
    found = judged(
        rows,
        symbol="RBF25",
        kind=AssetClass.FUTURE,
        calendars={"RBF25": "NYMEX"},
        may_be_negative=frozenset({"RBF25"}),
    )
    assert aside(found) == {("RBF25", WEDNESDAY): {"negative_or_zero_settle"}}
    assert [day for _, day in kept(found)] == [TUESDAY, THURSDAY]


def test_high_below_the_others_is_rejected():
    # Long set, ARE 2010-05-27, and the day before.
    bad = ("2010-05-27", 51.75, 5.349800109863281, 51.21300125122070, 53.42499923706055, 430169)
    found = judged([("2010-05-26", 51.131001, 52.126999, 50.233002, 50.473, 482175), bad])
    assert kept(found) == [("A", "2010-05-26")]
    assert aside(found) == {("A", "2010-05-27"): {"high_too_low"}}


def test_high_within_a_tick_is_raised():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 100.49, 99.0, 100.5, 7.0)])
    assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY)]
    assert found.bars.high.tolist() == [101.0, 100.5]
    assert flags(found) == {("A", WEDNESDAY): {"high_too_low"}}
    assert found.repaired.bars.high.tolist() == [100.49]
    assert found.repaired.raw == ("row 1 of A",)


def test_low_above_the_others_is_rejected():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 102.0, 100.8, 101.0, 7.0)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"low_too_high"}}


def test_low_within_a_tick_is_lowered():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 102.0, 100.01, 101.0, 7.0)])
    assert found.bars.low.tolist() == [99.0, 100.0]
    assert aside(found) == {}


def test_row_without_close_is_rejected():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 102.0, 99.0, NAN, 7.0)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"close_missing"}}


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_row_with_a_close_alone_is_kept_and_nothing_is_filled(missing):
    row = [WEDNESDAY, 100.0, 102.0, 99.0, 101.0, 7.0]
    row[missing] = NAN
    found = judged([good(TUESDAY), tuple(row)])
    assert flags(found) == {("A", WEDNESDAY): {"open_high_low_missing"}}
    assert np.isnan([found.bars.open, found.bars.high, found.bars.low]).sum() == 1
    assert aside(found) == {}


@pytest.mark.parametrize("place", [1, 2, 4, 5])
@pytest.mark.parametrize("value", [INF, -INF])
def test_infinite_value_is_rejected(place, value):
    row = [WEDNESDAY, 100.0, 102.0, 99.0, 101.0, 7.0]
    row[place] = value
    found = judged([good(TUESDAY), tuple(row)])
    assert kept(found) == [("A", TUESDAY)]
    assert "infinite" in aside(found)["A", WEDNESDAY]
    assert Reason.INFINITE in found.report.alarms


def test_what_reading_refused_is_refused():
    batch = batch_of(
        {"A": [good(TUESDAY), (WEDNESDAY, 1.0, 2.0, 1.0, NAN, 3.0), good(THURSDAY, 101.0)]},
        marks=[0, Reason.LOCALE_NUMBER.bit, Reason.TEXT_NUMBER.bit],
    )
    found = judge(batch, context_of("A"))
    assert kept(found) == [("A", TUESDAY), ("A", THURSDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"locale_number", "close_missing"}}
    assert flags(found) == {("A", THURSDAY): {"text_number"}}


def test_negative_volume_is_rejected():
    found = judged([good(TUESDAY), good(WEDNESDAY, 100.5, -1.0)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"negative_volume"}}


def test_fraction_of_a_share_is_flagged_and_rounded_only_if_the_feed_says_so():
    rows = [good(TUESDAY), good(WEDNESDAY, 100.5, 10.4)]
    found = judged(rows)
    assert flags(found) == {("A", WEDNESDAY): {"fractional_volume"}}
    assert found.bars.volume[1] == 10.4
    rounded = judged(rows, has_fractions=True)
    assert rounded.bars.volume[1] == 10.0
    assert rounded.repaired.bars.volume.tolist() == [10.4]
    assert flags(judged(rows, kind=AssetClass.CRYPTO, calendars={"A": "XNYS"})) == {}


def test_volume_that_overflowed_is_rejected():
    found = judged([good(TUESDAY), good(WEDNESDAY, 100.5, 1e300)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"volume_overflow"}}
