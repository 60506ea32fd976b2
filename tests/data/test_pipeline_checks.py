"""What the pipeline knows by itself, corrects by itself, and asks for again."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.context_maker import ContextMaker
from alphalens.data.fact_store import FactStore
from alphalens.data.gaps import Gap
from alphalens.data.port import BarRequest
from alphalens.data.reasons import Reason
from alphalens.data.validation import Tolerances

from .pipeline_desk import DAYS, MIDNIGHTS, NOW, closes_of, open_desk, request, walk

LATER = timedelta(hours=2)


@pytest.fixture(params=["sqlite", "postgres"])
def desk(request, tmp_path):
    url = f"sqlite:///{tmp_path / 'market.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    with open_desk(url, tmp_path) as desk:
        yield desk


def split(desk, day, ratio=4):
    told = {"ticker": "AAPL", "execution_date": day.isoformat(), "split_from": 1, "split_to": ratio}
    desk.polygon.control.add_splits([told])


def test_last_bar_that_turns_out_to_be_a_misprint_is_taken_back_and_still_seen_as_of_then(desk):
    told = walk()
    wrong = [*told]
    wrong[20] = round(told[20] / 100, 2)
    desk.tell("AAPL", wrong[:21])
    pipeline = desk.pipeline()
    (first,) = pipeline.fetch(request(last=20))
    assert [symbol for symbol, _ in first.judged.report.held] == ["AAPL"]
    assert closes_of(desk.store, request(last=20))[-1] == wrong[20]

    desk.wait(seconds=3600)
    desk.tell("AAPL", wrong)
    (second,) = pipeline.fetch(request(first=21))
    assert second.retracted == 1
    assert closes_of(desk.store, request()) == [*told[:20], *told[21:]]
    assert closes_of(desk.store, request(), as_of=NOW + timedelta(minutes=1))[-1] == wrong[20]
    (aside,) = desk.store.quarantined(["AAPL"]).itertuples()
    assert aside.timestamp == MIDNIGHTS[20]
    assert aside.marks & Reason.MISPRINT.bit
    assert str(wrong[20]) in aside.raw
    assert pipeline.fetch(request(first=21))[0].retracted == 0


def test_jump_of_an_announced_split_is_asked_about_once_and_then_known(desk):
    told = walk()
    after = [*told[:20], *(round(close / 4, 2) for close in told[20:])]
    desk.tell("AAPL", after)
    split(desk, DAYS[20])
    pipeline = desk.pipeline()
    assert pipeline.bars(request()).close.tolist() == after
    assert len(desk.store.quarantined()) == 0
    facts = FactStore(desk.store._engine)
    (known,) = facts.as_of(NOW).actions(["AAPL"])
    assert (known.kind, known.ex_date, int(known.ratio)) == ("split", DAYS[20], 4)
    asked = len([path for path in desk.calls() if "splits" in path])
    pipeline.fetch(request())
    assert asked == 1
    assert len([path for path in desk.calls() if "splits" in path]) == 1


def test_step_that_nobody_explains_is_held_back_and_comes_when_it_is_explained(desk):
    told = walk()
    after = [*told[:20], *(round(close / 4, 2) for close in told[20:])]
    desk.tell("AAPL", after)
    pipeline = desk.pipeline()
    assert pipeline.bars(request()).close.tolist() == told[:20]
    (gap,) = pipeline.record.gaps(is_open=True)
    assert (gap.gap.reason, gap.gap.count) == (Reason.UNEXPLAINED_RATIO, len(DAYS) - 20)

    desk.wait(seconds=7200)
    assert pipeline.refetch_gaps().rows == 0  # once, for the vendor may know it by now
    assert pipeline.refetch_gaps().parts == 0
    split(desk, DAYS[20])
    desk.wait(seconds=60)
    action = desk.provider().actions(["AAPL"], DAYS[0], DAYS[-1])
    FactStore(desk.store._engine).keep_actions(action)
    assert pipeline.refetch_gaps().rows == len(DAYS) - 20
    assert closes_of(desk.store, request()) == after
    assert pipeline.record.gaps(is_open=True) == []


def test_stored_bar_at_which_an_unexplained_step_begins_goes_to_quarantine_with_the_rest(desk):
    told = walk()
    after = [*told[:20], *(round(close / 4, 2) for close in told[20:])]
    desk.tell("AAPL", after)
    pipeline = desk.pipeline()
    pipeline.fetch(request(last=20))  # the step is the last row: held, and kept
    assert closes_of(desk.store, request())[-1] == after[20]
    pipeline.fetch(request(first=21))
    assert closes_of(desk.store, request()) == told[:20]
    aside = desk.store.quarantined(["AAPL"])
    assert len(aside) == len(DAYS) - 20
    assert all(marks & Reason.UNEXPLAINED_RATIO.bit for marks in aside["marks"])


def test_prices_in_hundredths_of_the_stored_ones_are_refused_whole(desk):
    told = walk()
    desk.tell("AAPL", [*told[:20], *(close * 100 for close in told[20:])])
    pipeline = desk.pipeline()
    pipeline.fetch(request(last=19))
    with pytest.raises(Exception, match="wrong_currency"):
        pipeline.fetch(request(first=20))
    assert pipeline.record.refusals()["reason"].tolist() == ["wrong_currency"]
    assert len(closes_of(desk.store, request())) == 20


def test_missing_session_is_on_record_asked_for_once_and_closed_when_it_comes(desk):
    told = walk()
    keep = [n for n in range(len(DAYS)) if n not in (10, 11)]
    desk.tell("AAPL", [told[n] for n in keep], [DAYS[n] for n in keep])
    pipeline = desk.pipeline()
    pipeline.bars(request())
    (gap,) = pipeline.record.gaps(["AAPL"])
    assert (gap.gap.after, gap.gap.before) == (MIDNIGHTS[9], MIDNIGHTS[12])
    assert (gap.gap.count, gap.gap.reason) == (2, Reason.SESSION_MISSING)
    assert (gap.found, gap.tried, gap.closed) == (NOW, None, None)
    assert pipeline.refetch_gaps().parts == 0  # too young
    missed = [(g.symbol, g.first, g.last) for f in desk.monitor.report().vendors for g in f.gaps]
    assert missed == [("AAPL", MIDNIGHTS[9], MIDNIGHTS[12])]

    desk.wait(seconds=7200)
    desk.tell(
        "AAPL",
        [told[n] for n in range(len(DAYS)) if n != 11],
        [DAYS[n] for n in range(len(DAYS)) if n != 11],
    )
    assert pipeline.refetch_gaps().rows == 3
    kept = pipeline.record.gaps(["AAPL"])
    assert [(g.gap.count, g.closed) for g in kept] == [(2, NOW + LATER), (1, None)]
    assert kept[0].tried == NOW + LATER
    assert len(closes_of(desk.store, request())) == len(DAYS) - 1  # nothing was put into it


def without(desk, *places):
    keep = [n for n in range(len(DAYS)) if n not in places]
    desk.tell("AAPL", [walk()[n] for n in keep], [DAYS[n] for n in keep])


def test_gap_is_closed_by_the_next_fetch_where_the_first_died_after_its_write(desk, monkeypatch):
    without(desk, 10)
    pipeline = desk.pipeline()
    pipeline.bars(request())
    desk.tell("AAPL", walk())
    desk.wait(hours=2)

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.record, "close_gaps", die)
        with pytest.raises(KeyboardInterrupt):
            pipeline.fetch(request())
    assert closes_of(desk.store, request()) == walk()
    assert len(pipeline.record.gaps(is_open=True)) == 1
    assert pipeline.refetch_gaps().failed == ()
    assert pipeline.record.gaps(is_open=True) == []


def test_gap_is_asked_for_until_somebody_answers(desk):
    without(desk, 10)
    pipeline = desk.pipeline()
    pipeline.bars(request())
    desk.tell("AAPL", walk())
    desk.wait(hours=2)
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", count=100)
    assert len(pipeline.refetch_gaps().failed) == 1
    desk.polygon.control.disarm()
    desk.wait(hours=2)
    assert pipeline.refetch_gaps().failed == ()
    assert pipeline.record.gaps(is_open=True) == []


def test_gap_of_which_nobody_has_bars_any_more_stops_no_other(desk):
    without(desk, 10)
    desk.pipeline().bars(request())
    at = desk.wait(hours=2)
    pipeline = desk.pipeline()
    lost = Gap(
        symbol="BTC/USDT-PERP",
        after=MIDNIGHTS[0],
        before=MIDNIGHTS[2],
        count=1,
        reason=Reason.SESSION_MISSING,
    )
    kind = {"timeframe": Timeframe.DAY, "adjustment": Adjustment.RAW}
    pipeline.record.note_gaps([lost], **kind, at=at - timedelta(hours=2))
    desk.tell("AAPL", walk())
    filled = pipeline.refetch_gaps()
    assert [failure.request.symbols for failure in filled.failed] == [("BTC/USDT-PERP",)]
    assert [one.gap.symbol for one in pipeline.record.gaps(is_open=True)] == ["BTC/USDT-PERP"]
    assert pipeline.refetch_gaps().parts == 0


def test_gap_that_stays_is_asked_for_once_only(desk):
    told = walk()
    keep = [n for n in range(len(DAYS)) if n != 10]
    desk.tell("AAPL", [told[n] for n in keep], [DAYS[n] for n in keep])
    pipeline = desk.pipeline()
    pipeline.bars(request())
    desk.wait(seconds=7200)
    assert pipeline.refetch_gaps().parts == 1
    desk.wait(seconds=7200)
    assert pipeline.refetch_gaps().parts == 0
    (gap,) = pipeline.record.gaps(is_open=True)
    assert gap.tried == NOW + LATER


def test_empty_answer_is_a_gap_that_is_asked_for_again(desk):
    desk.polygon.control.arm("empty", path="/v2/aggs/*")
    desk.tell("AAPL", walk())
    pipeline = desk.pipeline()
    assert len(pipeline.bars(request())) == 0
    (gap,) = pipeline.record.gaps()
    assert (gap.gap.reason, gap.gap.count) == (Reason.EMPTY, len(DAYS))
    desk.wait(seconds=7200)
    assert pipeline.refetch_gaps().rows == len(DAYS)
    assert pipeline.record.gaps(is_open=True) == []


def test_bars_of_the_last_day_are_asked_for_again_for_they_may_still_form(desk):
    desk.tell("AAPL", walk())
    pipeline = desk.pipeline()
    wanted = BarRequest(symbols=("AAPL",), start=MIDNIGHTS[-3], end=NOW + timedelta(days=1))
    pipeline.bars(wanted)
    ((begin, end),) = desk.store.missing(wanted)["AAPL"]
    assert (begin, end) == (NOW - timedelta(days=1), NOW + timedelta(days=1))
    desk.wait(days=3)
    pipeline.bars(wanted)
    assert desk.store.missing(wanted) == {}


def test_context_has_the_last_stored_bars_of_each_symbol_before_its_first_new_one(desk):
    told = walk()
    desk.tell("AAPL", told)
    desk.tell("MSFT", told[:5])
    pipeline = desk.pipeline()
    pipeline.fetch(request("AAPL", "MSFT", last=34))
    batch = desk.provider().bars(request("AAPL", "MSFT", "NONE", first=35))
    maker = ContextMaker(desk.store, clock=desk.clock, tolerances=Tolerances(repeats=7))
    context = maker(batch)
    assert context.now == NOW
    assert context.tolerances.repeats == 7
    stored = context.stored
    own = stored.codes == stored.symbols.index("AAPL")
    assert stored.close[own].tolist() == told[11:35]
    assert np.all(stored.time < batch.bars.time.min())


def test_stretch_that_nobody_asked_for_is_no_gap_and_one_that_was_asked_for_is(desk):
    told = walk()
    desk.tell("AAPL", told)
    pipeline = desk.pipeline()
    pipeline.fetch(request(last=9))
    pipeline.fetch(request(first=15, last=19))
    assert pipeline.record.gaps() == []
    keep = [n for n in range(len(DAYS)) if n not in (20, 21)]
    desk.tell("AAPL", [told[n] for n in keep], [DAYS[n] for n in keep])
    pipeline.bars(request(first=15, last=21))
    pipeline.bars(request(first=15, last=30))
    gaps = [one.gap for one in pipeline.record.gaps()]
    assert (MIDNIGHTS[19], MIDNIGHTS[22], 2) in [(g.after, g.before, g.count) for g in gaps]
