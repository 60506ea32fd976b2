"""Two vendors of the same bars: where they agree, and what the second may repair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alphalens.data.agreement import compare
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.reasons import Reason
from alphalens.errors import DataError, InputError

from .pipeline_desk import DAYS, MIDNIGHTS, NOW, closes_of, open_desk, request, walk


@pytest.fixture
def desk(tmp_path):
    with open_desk(f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path) as desk:
        yield desk


def daily(closes, *, source="one", symbol="AAPL", **changes):
    times = np.array([micros(at) for at in MIDNIGHTS[: len(closes)]])
    given = {"timeframe": Timeframe.DAY, "adjustment": Adjustment.RAW, "received_at": NOW}
    prices = {"close": np.array(closes, float)}
    return Bars.of_symbol(symbol, times, prices, source=source, **{**given, **changes})


def cent(_):
    return 0.01


def test_closes_may_differ_by_a_tick_or_two_parts_in_a_thousand():
    one = daily([1.00, 1.00, 100.0, 100.0])
    other = daily([1.01, 1.02, 100.2, 100.21], source="two")
    found = compare(one, other, tick_of=cent)
    assert found.table["agrees"].tolist() == [True, False, True, False]
    assert found.share == 0.5
    assert (found.first, found.second) == ("one", "two")
    assert "4 bars, 2 agree, 2 differ, 0 are told by one" in str(found)
    assert "AAPL 2024-01-03: 1 and 1.02" in str(found)


def test_day_that_one_lacks_is_no_disagreement():
    found = compare(daily([1.0, 2.0]), daily([1.0], source="two"), tick_of=cent)
    assert len(found.disagreements) == 0
    assert found.alone["timestamp"].tolist() == [MIDNIGHTS[1]]
    assert found.frame()[["agree", "differ", "alone"]].to_numpy().tolist() == [[1, 0, 0], [0, 0, 1]]
    nothing = compare(daily([1.0]), daily([1.0], symbol="MSFT"), tick_of=cent)
    assert math.isnan(nothing.share)


def test_bars_that_still_form_are_not_compared():
    forming = daily([1.0, 2.0])
    forming.is_final[1] = False
    found = compare(forming, daily([1.0, 9.0], source="two"), tick_of=cent)
    assert len(found.disagreements) == 0


def test_only_daily_bars_of_one_adjustment_are_compared():
    with pytest.raises(InputError, match="1d/all/USD and 1d/raw/USD"):
        compare(daily([1.0]), daily([1.0], adjustment=Adjustment.ALL), tick_of=cent)
    minutes = daily([1.0], timeframe=Timeframe.MINUTE)
    with pytest.raises(InputError, match="daily bars of one adjustment"):
        compare(minutes, minutes, tick_of=cent)


def test_two_vendors_are_asked_and_nothing_is_kept(desk):
    told = walk()
    other = [*told]
    other[9] = round(told[9] * 1.01, 2)
    desk.tell("AAPL", told)
    alpaca, _ = desk.alpaca({"AAPL": other})
    found = desk.pipeline(alpaca).check_agreement(request())
    assert (found.first, found.second) == ("polygon", "alpaca")
    assert found.disagreements["timestamp"].tolist() == [MIDNIGHTS[9]]
    assert found.share == 1 - 1 / len(DAYS)
    assert closes_of(desk.store, request()) == []
    assert list(desk.store.missing(request())) == ["AAPL"]


def test_one_vendor_alone_agrees_with_nobody(desk):
    with pytest.raises(InputError, match="two vendors are compared, and only polygon has AAPL"):
        desk.pipeline().check_agreement(request())
    alpaca, _ = desk.alpaca({})
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", count=100)
    with pytest.raises(DataError):
        desk.pipeline(alpaca).check_agreement(request())


def misprinted(at):
    told = walk()
    wrong = [*told]
    wrong[at] = round(told[at] / 100, 2)
    return told, wrong


def test_misprint_is_replaced_where_a_second_vendor_agrees_around_it(desk):
    told, wrong = misprinted(20)
    desk.tell("AAPL", wrong)
    alpaca, _ = desk.alpaca({"AAPL": told})
    (kept,) = desk.pipeline(alpaca, has_second_opinion=True).fetch(request())
    assert kept.replaced == 1
    bars = desk.store.read(request())
    assert bars.close.tolist() == told
    names = [bars.sources[code] for code in bars.source_codes]
    assert [place for place, name in enumerate(names) if name == "alpaca"] == [20]
    (aside,) = desk.store.quarantined().itertuples()
    assert (aside.timestamp, aside.source) == (MIDNIGHTS[20], "polygon")
    assert aside.marks & Reason.MISPRINT.bit


def test_stored_misprint_is_replaced_too(desk):
    told, wrong = misprinted(20)
    desk.tell("AAPL", wrong)
    alpaca, _ = desk.alpaca({"AAPL": told})
    pipeline = desk.pipeline(alpaca, has_second_opinion=True)
    pipeline.fetch(request(last=20))
    desk.wait(hours=1)
    (kept,) = pipeline.fetch(request(first=21))
    assert (kept.retracted, kept.replaced) == (1, 1)
    assert closes_of(desk.store, request()) == told
    assert closes_of(desk.store, request(), as_of=NOW)[20:] == [wrong[20]]


def second_that_is_off(told):
    return [round(close * 1.01, 2) for close in told]


def second_without_the_day(told):
    return [*told[:20], math.nan, *told[21:]]


def second_that_ends_before(told):
    return [*told[:21], *[math.nan] * (len(told) - 21)]


@pytest.mark.parametrize(
    "other", [second_that_is_off, second_without_the_day, second_that_ends_before]
)
def test_misprint_stays_in_quarantine_where_the_second_vendor_is_no_witness(desk, other):
    told, wrong = misprinted(20)
    desk.tell("AAPL", wrong)
    alpaca, _ = desk.alpaca({"AAPL": other(told)})
    (kept,) = desk.pipeline(alpaca, has_second_opinion=True).fetch(request())
    assert kept.replaced == 0
    assert closes_of(desk.store, request()) == [*told[:20], *told[21:]]
    assert len(desk.store.quarantined()) == 1


def test_second_vendor_is_not_asked_without_need(desk):
    told, wrong = misprinted(20)
    alpaca, server = desk.alpaca({"AAPL": told})
    desk.tell("AAPL", told)
    desk.pipeline(alpaca, has_second_opinion=True).fetch(request())
    desk.tell("AAPL", wrong)
    desk.pipeline(alpaca).fetch(request())
    assert server.control.requests("GET") == []
