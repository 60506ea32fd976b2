"""The judgement as a whole: every row ends in one place, and what was found is told."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from alphalens.assets import AssetClass
from alphalens.data._checks.calendar import local_days
from alphalens.data.bars import NO_TIME, Adjustment, Bars, Timeframe, micros
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.data.validation import Context, Life, Tolerances, judge
from alphalens.errors import DataError, InputError
from tests.data.bad_rows import (
    MONDAY,
    NOW,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    WEEK,
    aside,
    bars_of,
    batch_of,
    context_of,
    flags,
    good,
    kept,
)

OPEN_US = 34_200_000_000  # 09:30

MIXED = {
    "B": [good(TUESDAY), (WEDNESDAY, 1.0, 2.0, 0.5, -1.0, 5.0), good(THURSDAY, 101.0)],
    "A": [good(TUESDAY), good(TUESDAY), good(WEDNESDAY, 102.0, 0.5)],
}


def calm_bars(symbols, days, seed=7) -> Bars:
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (symbols, len(days))), axis=1))
    tables = {
        f"S{place}": [
            good(day, float(price), 100.0 + n)
            for n, (day, price) in enumerate(zip(days, closes, strict=True))
        ]
        for place, closes in enumerate(close)
    }
    return bars_of(tables)


def test_clean_rows_pass_unchanged_and_without_marks():
    bars = calm_bars(3, WEEK)
    found = judge(batch_of(bars), context_of(*bars.symbols))
    pd.testing.assert_frame_equal(found.bars.frame(), bars.frame())
    assert not found.marks.any()
    assert (len(found.rejected), len(found.repaired)) == (0, 0)
    assert str(found.report) == "15 rows: 15 kept, 0 in quarantine, 0 repaired"


def test_every_row_ends_in_exactly_one_place_in_whatever_order_it_came():
    bars = bars_of(MIXED)
    rng = np.random.default_rng(1)
    for _ in range(20):
        batch = batch_of(bars.take(rng.permutation(len(bars))))
        found = judge(batch, context_of("A", "B"))
        assert len(found.bars) + len(found.rejected) == len(bars)
        assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY), ("B", TUESDAY), ("B", THURSDAY)]
        assert aside(found) == {
            ("A", TUESDAY): {"duplicate"},
            ("B", WEDNESDAY): {"price_not_positive", "low_too_high"},
        }
        texts = {raw: int(raw.split()[1]) for raw in found.rejected.raw}
        told = batch.bars
        for raw, time, close in zip(
            found.rejected.raw, found.rejected.bars.time, found.rejected.bars.close, strict=True
        ):
            assert (told.time[texts[raw]], told.close[texts[raw]]) == (time, close)


def test_batch_itself_is_never_changed():
    batch = batch_of({"A": [good(TUESDAY), (WEDNESDAY, 100.0, 100.49, 99.0, 100.5, 7.5)]})
    before = batch.bars.frame().copy()
    found = judge(batch, context_of("A", has_fractions=True))
    assert found.bars.high[1] == 100.5
    pd.testing.assert_frame_equal(batch.bars.frame(), before)
    assert not batch.marks.any()


def test_empty_answer_gives_nothing_and_says_so():
    batch = batch_of(Bars.empty(Timeframe.DAY, Adjustment.RAW), symbols=("A", "B"))
    found = judge(batch, context_of("A", "B"))
    assert (len(found.bars), len(found.rejected), found.report.empty) == (0, 0, ("A", "B"))
    assert found.report.frame().empty
    assert "no rows: B" in str(found.report)


def test_report_counts_by_reason_symbol_and_day():
    found = judge(batch_of(MIXED), context_of("A", "B"))
    assert found.report.counts == {
        Reason.PRICE_NOT_POSITIVE: 1,
        Reason.LOW_TOO_HIGH: 1,
        Reason.FRACTIONAL_VOLUME: 1,
        Reason.DUPLICATE: 1,
    }
    table = found.report.frame()
    assert list(table.columns) == ["symbol", "day", "reason", "rows"]
    rows = {(r.symbol, str(r.day.date()), r.reason): r.rows for r in table.itertuples()}
    assert rows == {
        ("A", TUESDAY, "duplicate"): 1,
        ("A", WEDNESDAY, "fractional_volume"): 1,
        ("B", WEDNESDAY, "low_too_high"): 1,
        ("B", WEDNESDAY, "price_not_positive"): 1,
    }
    text = str(found.report)
    assert text.startswith("6 rows: 4 kept, 2 in quarantine, 0 repaired")
    assert "1 duplicate: row came twice" in text


def test_quarantine_is_a_table_of_what_was_told():
    found = judge(batch_of(MIXED), context_of("A", "B"))
    table = found.rejected.frame()
    row = table[table["symbol"] == "B"].iloc[0]
    assert row["timestamp"] == pd.Timestamp(WEDNESDAY, tz="America/New_York")
    assert (row["source"], row["received_at"]) == ("vendor", pd.Timestamp(NOW))
    assert row["because"] == "price_not_positive, low_too_high"
    assert row["raw"] == "row 1 of B"


def test_report_tells_the_gaps_within_the_batch():
    found = judge(batch_of({"A": [good(MONDAY), good(WEDNESDAY, 101.0)]}), context_of("A"))
    assert "gap: A lacks 1 between 2024-12-09T05:00:00+00:00 and" in str(found.report)


def test_gap_after_the_last_stored_bar_is_told():
    stored = bars_of({"A": [good("2024-12-06", 99.0), good(MONDAY)], "B": [good(MONDAY)]})
    rows = {"A": [good(WEDNESDAY, 101.0), good(THURSDAY)], "B": [good(TUESDAY, 101.0)]}
    found = judge(batch_of(rows), context_of("A", "B", stored=stored))
    (gap,) = found.report.gaps
    assert (gap.symbol, gap.count, gap.reason) == ("A", 1, Reason.SESSION_MISSING)
    assert (gap.after.day, gap.before.day) == (9, 11)
    assert flags(found) == {("A", WEDNESDAY): {"session_missing"}}


def test_gap_after_the_last_stored_minute_is_told_within_its_session_only():
    minutes = {"timeframe": Timeframe.MINUTE}
    stored = {"A": [good("2024-12-10T15:00:00")]}
    for at, count in (("15:01", 0), ("15:04", 3)):
        batch = batch_of({"A": [good(f"2024-12-10T{at}:00", 101.0)]}, **minutes)
        found = judge(batch, context_of("A", stored=bars_of(stored, **minutes)))
        assert [gap.count for gap in found.report.gaps] == [count] * bool(count)
    batch = batch_of({"A": [good("2024-12-11T14:31:00", 101.0)]}, **minutes)
    found = judge(batch, context_of("A", stored=bars_of(stored, **minutes)))
    assert found.report.gaps == ()


def test_stored_bar_outside_of_every_session_begins_no_gap():
    stored = bars_of({"A": [good("2024-12-25")]})  # a holiday
    batch = batch_of({"A": [good("2024-12-30", 101.0)]})
    assert judge(batch, context_of("A", stored=stored)).report.gaps == ()


def test_row_without_an_instant_has_one_reason_and_is_counted_without_a_day():
    bars = bars_of({"A": [good(MONDAY), good(TUESDAY, 101.0), good(WEDNESDAY)]})
    time = bars.time.copy()
    time[1] = NO_TIME
    lives = {"A": Life(first=date(2020, 1, 1), last=date(2024, 12, 31))}
    for timeframe in (Timeframe.DAY, Timeframe.MINUTE):
        told = replace(
            bars, time=time + (0 if timeframe.is_daily else OPEN_US), timeframe=timeframe
        )
        told.time[1] = NO_TIME
        found = judge(batch_of(told), context_of("A", lives=lives))
        assert aside(found) == {("A", "never"): {"wrong_zone"}}
        assert len(found.bars) == 2
        table = found.report.frame().set_index("reason")
        assert table.loc["wrong_zone", "rows"] == 1
        assert table.loc["wrong_zone", "day"] is pd.NaT
        assert found.rejected.raw == ("row 1 of A",)


def test_repeats_alarm_only_where_rows_were_rejected_for_it():
    few = judge(batch_of({"A": [good(day) for day in WEEK[:4]]}), context_of("A"))
    assert (few.report.counts[Reason.STALE_REPEAT], few.report.alarms) == (3, ())
    many = judge(batch_of({"A": [good(day) for day in WEEK]}), context_of("A"))
    assert many.report.alarms == (Reason.STALE_REPEAT,)


def test_rejected_row_leaves_no_gap():
    rows = [good(TUESDAY), good(WEDNESDAY, 100.0, -1.0), good(THURSDAY, 101.0)]
    found = judge(batch_of({"A": rows}), context_of("A"))
    assert (found.report.gaps, flags(found)) == ((), {})


def test_accepted_step_is_no_split():
    rows = [good(MONDAY, 20.0), good(TUESDAY, 40.0, 1_001.0), good(WEDNESDAY, 41.0, 1_002.0)]
    held = judge(batch_of({"A": rows}), context_of("A"))
    assert kept(held) == [("A", MONDAY)]
    assert Reason.UNEXPLAINED_RATIO in held.report.alarms
    seen = context_of("A", accepted=frozenset({("A", date(2024, 12, 10))}))
    assert len(judge(batch_of({"A": rows}), seen).bars) == 3


def test_steps_of_one_symbol_are_not_held_against_the_next():
    rows = {
        "A": [good(MONDAY, 20.0), good(TUESDAY, 100.0), good(WEDNESDAY, 101.0)],
        "B": [good(MONDAY, 20.0), good(TUESDAY, 20.5), good(WEDNESDAY, 20.2)],
    }
    found = judge(batch_of(rows), context_of("A", "B"))
    assert kept(found) == [("A", MONDAY), ("B", MONDAY), ("B", TUESDAY), ("B", WEDNESDAY)]


def test_stored_rows_of_other_symbols_and_later_days_do_not_count():
    stored = bars_of({"X": [good(MONDAY, 20.0)], "A": [good(THURSDAY, 20.0), good(MONDAY, 99.0)]})
    batch = batch_of({"A": [good(TUESDAY), good(WEDNESDAY, 101.0)]})
    found = judge(batch, context_of("A", stored=stored))
    assert (len(found.bars), flags(found)) == (2, {})


def test_stored_rows_reject_an_endless_repeat():
    stored = bars_of({"A": [good(day) for day in WEEK[:4]]})
    found = judge(batch_of({"A": [good(WEEK[4])]}), context_of("A", stored=stored))
    assert aside(found) == {("A", WEEK[4]): {"stale_repeat"}}


def test_refusal_of_a_batch_says_who_what_and_keeps_the_rows():
    batch = batch_of({"X": [good(TUESDAY)]}, symbols=("A",))
    with pytest.raises(DataError, match=r"vendor: the whole answer of 1 rows") as refused:
        judge(batch, context_of("A", "X"))
    assert isinstance(refused.value, AnswerRefused)
    assert (refused.value.reason, refused.value.vendor) == (Reason.WRONG_SYMBOL, "vendor")
    assert list(refused.value.raw) == ["row 0 of X"]


def test_caller_has_to_say_what_a_symbol_is():
    with pytest.raises(InputError, match=r"asset class of 'A' is not in Context\.classes"):
        judge(batch_of({"A": [good(TUESDAY)]}), Context(now=NOW, classes={}))


def test_context_refuses_what_nobody_could_use():
    with pytest.raises(InputError, match="time zone"):
        Context(now=datetime(2025, 1, 1), classes={})
    with pytest.raises(InputError, match="calendar must be one of"):
        Context(now=NOW, classes={}, calendars={"A": "MOON"})
    with pytest.raises(InputError, match="absurd is 0"):
        Tolerances(absurd=0.0)
    with pytest.raises(InputError, match="jump is 1"):
        Tolerances(jump=1.0)


def test_stored_bars_of_another_kind_are_refused():
    stored = bars_of({"A": [good(MONDAY)]}, adjustment=Adjustment.ALL)
    with pytest.raises(InputError, match="stored bars are"):
        judge(batch_of({"A": [good(TUESDAY)]}), context_of("A", stored=stored))


def test_batch_with_too_few_marks_is_refused():
    batch = replace(batch_of({"A": [good(TUESDAY)]}), marks=np.zeros(0, np.uint64))
    with pytest.raises(InputError, match="1 rows, 0 marks, 1 texts"):
        judge(batch, context_of("A"))


def test_symbols_of_different_calendars_go_together():
    rows = {
        "A": [good("2024-12-24T05:00:00"), good("2024-12-25T05:00:00", 101.0)],
        "BTC/USD": [good("2024-12-24T00:00:00"), good("2024-12-25T00:00:00", 101.0)],
    }
    classes = {"A": AssetClass.EQUITY, "BTC/USD": AssetClass.CRYPTO}
    found = judge(batch_of(rows), Context(now=NOW, classes=classes))
    assert aside(found) == {("A", "2024-12-25"): {"out_of_session"}}
    assert len(found.bars) == 3


def test_many_rows_are_judged_alike_wherever_the_pieces_end():
    days = [str(d) for d in np.arange("1992-01-01", "2024-12-01", dtype="M8[D]") if np.is_busday(d)]
    one = calm_bars(9, days)
    odd = np.arange(5, len(one), 1013)
    volume = one.volume.copy()
    volume[odd] = -1.0
    found = judge(batch_of(replace(one, volume=volume)), context_of(*one.symbols))
    closed = found.rejected.because & np.uint64(Reason.OUT_OF_SESSION.bit) != 0
    negative = found.rejected.because & np.uint64(Reason.NEGATIVE_VOLUME.bit) != 0
    assert len(one) > 2**16
    assert (negative | closed).all()
    assert negative.sum() == len(odd)
    holidays = pd.DatetimeIndex(found.rejected.bars.time[closed].view("M8[us]"))
    assert {(12, 25), (1, 1), (7, 4)} <= {(day.month, day.day) for day in holidays}


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "America/Chicago"])
def test_local_days_are_those_of_the_zone(zone):
    rng = np.random.default_rng(3)
    time = rng.integers(
        micros(datetime(1990, 1, 1, tzinfo=UTC)), micros(datetime(2050, 1, 1, tzinfo=UTC)), 5_000
    )
    edges = [datetime(2024, 3, 10, hour, tzinfo=UTC) for hour in range(24)]
    edges += [datetime(2024, 11, 3, hour, 59, 59, tzinfo=UTC) for hour in range(24)]
    time = np.concatenate((time, [micros(edge) for edge in edges]))
    day, clock = local_days(time, zone)
    local = pd.DatetimeIndex(time.view("M8[us]")).tz_localize("UTC").tz_convert(zone)
    wanted = local.tz_localize(None)
    assert (day.view("M8[D]") == wanted.normalize().to_numpy().astype("M8[D]")).all()
    assert (clock == (wanted - wanted.normalize()).to_numpy().astype("m8[us]").astype(int)).all()
