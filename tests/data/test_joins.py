"""Adjusted series are of one piece, whatever is paid, split or out of order meanwhile."""

from __future__ import annotations

import pytest

from alphalens.data.bars import Adjustment
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.errors import DataError

from .pipeline_desk import DAYS, NOW, closes_of, open_desk, request, walk

ADJUSTED = {"adjustment": Adjustment.SPLIT}


@pytest.fixture
def desk(tmp_path):
    with open_desk(f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path) as desk:
        desk.tell("AAPL", walk())
        desk.tell("MSFT", walk(seed=5))
        yield desk


def split(desk, day):
    told = {"ticker": "AAPL", "execution_date": day.isoformat(), "split_from": 1, "split_to": 4}
    desk.polygon.control.add_splits([told])


def test_new_bars_that_fit_are_appended_and_one_stored_bar_is_told_again(desk):
    pipeline = desk.pipeline()
    pipeline.bars(request(last=19, **ADJUSTED))
    desk.wait(hours=1)
    (kept,) = pipeline.fetch(request(first=20, **ADJUSTED))
    assert (kept.written.new, kept.written.same, kept.written.revised) == (len(DAYS) - 20, 1, 0)
    assert closes_of(desk.store, request(**ADJUSTED)) == walk()
    assert len(desk.calls()) == 2


@pytest.mark.parametrize("first", ["older", "newer"])
def test_series_that_was_revised_is_told_anew_as_a_whole_and_the_old_one_is_on_record(desk, first):
    early, late = (
        request("AAPL", "MSFT", last=19, **ADJUSTED),
        request("AAPL", "MSFT", first=20, **ADJUSTED),
    )
    parts = (early, late) if first == "older" else (late, early)
    pipeline = desk.pipeline()
    pipeline.bars(parts[0])
    told = [*walk()[:30], *(close / 4 for close in walk()[30:])]
    desk.tell("AAPL", told)
    split(desk, DAYS[30])  # known now; the prices of before are a quarter from here on
    desk.wait(hours=1)
    pipeline.bars(parts[1])
    adjusted = closes_of(desk.store, request(**ADJUSTED))
    assert adjusted == pytest.approx([close / 4 for close in walk()])
    assert closes_of(desk.store, request("MSFT", **ADJUSTED)) == walk(seed=5)
    then = closes_of(desk.store, parts[0], as_of=NOW)
    half = walk()[:20] if first == "older" else walk()[20:]
    assert then[: len(half)] == half
    _, marks = desk.store.read_marked(request(**ADJUSTED))
    assert all(int(mark) & Reason.REVISED_ADJUSTMENT.bit for mark in marks)
    assert len(desk.store.quarantined()) == 0


def everywhere(told):
    return [round(close * 1.001, 2) for close in told]


def on_one_day_far_back(told):
    return [*told[:5], round(told[5] * 1.001, 2), *told[6:]]


@pytest.mark.parametrize("differs", [everywhere, on_one_day_far_back])
def test_another_vendor_tells_the_whole_series_and_not_a_part_of_it(desk, differs):
    alpaca, _ = desk.alpaca({"AAPL": differs(walk())})
    pipeline = desk.pipeline(alpaca)
    pipeline.bars(request(last=19, **ADJUSTED))
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", count=100)
    desk.wait(hours=1)
    assert pipeline.bars(request(**ADJUSTED)).close.tolist() == differs(walk())


def test_raw_bars_of_two_vendors_make_one_series_and_nothing_is_told_again(desk):
    alpaca, _ = desk.alpaca({"AAPL": walk()})
    pipeline = desk.pipeline(alpaca)
    pipeline.bars(request(last=19))
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", count=100)
    bars = pipeline.bars(request())
    assert set(bars.sources) == {"polygon", "alpaca"}
    assert bars.close.tolist() == walk()
    assert len(desk.store.revisions(request())) == 0


def test_whole_series_that_cannot_be_told_leaves_the_old_one_as_it_is(desk):
    pipeline = desk.pipeline()
    pipeline.bars(request(last=19, **ADJUSTED))
    desk.tell("AAPL", [*walk()[:30], *(close / 4 for close in walk()[30:])])
    split(desk, DAYS[30])
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", nth=2, count=100)
    with pytest.raises(Exception, match="no vendor gave"):
        pipeline.bars(request(**ADJUSTED))
    assert closes_of(desk.store, request(**ADJUSTED)) == walk()[:20]


def test_series_that_are_told_anew_are_asked_for_some_at_a_time(desk, monkeypatch):
    pipeline = desk.pipeline()
    both = {"last": 19, **ADJUSTED}
    pipeline.bars(request("AAPL", "MSFT", **both))
    desk.tell("AAPL", [close / 2 for close in walk()])
    desk.tell("MSFT", [close / 2 for close in walk(seed=5)])
    desk.wait(hours=1)
    monkeypatch.setattr("alphalens.data._intake.joins._MOST", 20)
    kept = pipeline.fetch(request("AAPL", "MSFT", first=20, **ADJUSTED))
    assert sorted(len(set(one.judged.bars.symbols)) for one in kept) == [1, 1]
    assert closes_of(desk.store, request(**ADJUSTED)) == [close / 2 for close in walk()]


def test_series_told_anew_before_the_vendor_failed_is_kept_whole_and_the_rest_comes_later(
    desk, monkeypatch
):
    both = ("AAPL", "MSFT")
    pipeline = desk.pipeline()
    pipeline.bars(request(*both, last=19, **ADJUSTED))
    halves = {"AAPL": [c / 2 for c in walk()], "MSFT": [c / 2 for c in walk(seed=5)]}
    for symbol, closes in halves.items():
        desk.tell(symbol, closes)
    desk.wait(hours=1)
    monkeypatch.setattr("alphalens.data._intake.joins._MOST", 20)
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", nth=4, count=100)
    with pytest.raises(DataError, match="no vendor gave"):
        pipeline.fetch(request(*both, first=20, **ADJUSTED))
    found = {symbol: closes_of(desk.store, request(symbol, **ADJUSTED)) for symbol in both}
    (whole,) = (symbol for symbol in both if found[symbol] == halves[symbol])
    (old,) = (symbol for symbol in both if symbol != whole)
    assert found[old] == walk(seed={"AAPL": 1, "MSFT": 5}[old])[:20]
    desk.polygon.control.disarm()
    pipeline.fetch(request(*both, first=20, **ADJUSTED))
    assert closes_of(desk.store, request(old, **ADJUSTED)) == halves[old]
    assert closes_of(desk.store, request(whole, **ADJUSTED)) == halves[whole]


def test_next_series_is_asked_for_when_the_one_before_it_is_kept(desk, monkeypatch):
    pipeline = desk.pipeline()
    pipeline.bars(request("AAPL", "MSFT", last=19, **ADJUSTED))
    desk.tell("AAPL", [close / 2 for close in walk()])
    desk.tell("MSFT", [close / 2 for close in walk(seed=5)])
    desk.wait(hours=1)
    monkeypatch.setattr("alphalens.data._intake.joins._MOST", 20)
    asked, write = [], BarStore.write
    before = len(desk.calls())

    def written(store, *args, **changes):
        asked.append(len(desk.calls()) - before)
        return write(store, *args, **changes)

    monkeypatch.setattr(BarStore, "write", written)
    pipeline.fetch(request("AAPL", "MSFT", first=20, **ADJUSTED))
    assert asked == [3, 4]  # two that show the break, then one series at a time
