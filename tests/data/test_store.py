"""The store of bars, on both databases: what it keeps, what it forgets, and what it survives."""

import hashlib
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from alphalens.data import store as store_module
from alphalens.data._store import merge, postgres
from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.ingest_record import IngestRecord
from alphalens.data.port import BarRequest
from alphalens.data.reasons import Reason
from alphalens.data.store import Asked, BarStore, Written
from alphalens.errors import InputError, StorageError
from alphalens.storage import metadata, open_engine, reading, writing
from alphalens.storage.schema import bar_versions, quarantine, series
from alphalens.storage.schema import bars as bars_table
from alphalens.storage.upgrade import migrate
from tests.waiting import PATIENCE_S

DAY = timedelta(days=1)
T0 = datetime(2023, 12, 30, tzinfo=UTC)
#: When things were received.
R = [datetime(2024, 2, n, tzinfo=UTC) for n in range(1, 9)]
NOW = datetime(2024, 3, 1, tzinfo=UTC)
ALL = datetime(2100, 1, 1, tzinfo=UTC)
COLUMNS = ("time", "open", "high", "low", "close", "volume", "vwap", "trades", "is_final")


@pytest.fixture
def store(engine):
    return BarStore(engine)


def many(symbols, n, *, received=R[0], seed=7, **changes):
    """Random final bars of symbols on n days from T0, which is before a new year."""
    rng = np.random.default_rng(seed)
    size = len(symbols) * n
    columns = {name: rng.normal(100, 5, size) for name in COLUMNS[1:7]}
    facts = {
        "symbols": tuple(symbols),
        "codes": np.repeat(np.arange(len(symbols), dtype=np.int32), n),
        "time": np.tile(micros(T0) + np.arange(n) * 86_400_000_000, len(symbols)),
        "trades": rng.integers(-1, 1 << 40, size),
        "is_final": np.ones(size, np.bool_),
        "received": np.full(size, micros(received)),
        "sources": ("desk",),
        "source_codes": np.zeros(size, np.int16),
        "timeframe": Timeframe.DAY,
        "adjustment": Adjustment.RAW,
        **columns,
    }
    return Bars(**{**facts, **changes})


def one(close, received, *, is_final=True, source="desk", **changes):
    """A single bar of SPY at T0."""
    column = np.array([close], np.float64)
    prices = dict.fromkeys(COLUMNS[1:7], column)
    facts = {"is_final": np.array([is_final]), "sources": (source,), "trades": np.array([5])}
    return many(["SPY"], 1, received=received, **{**prices, **facts, **changes})


def wanted(*symbols, start=T0, end=ALL, **changes):
    return BarRequest(symbols=symbols, start=start, end=end, **changes)


def believed(store, as_of=None):
    return store.read(wanted("SPY"), as_of=as_of).close.tolist()


def history(store):
    found = store.revisions(wanted("SPY"))
    spans = zip(found["close"], found["received_at"], found["replaced_at"], strict=True)
    return [(close, begin.to_pydatetime(), end.to_pydatetime()) for close, begin, end in spans]


def rows_of(engine, table):
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def assert_same_bits(found, given):
    for name in COLUMNS:
        left, right = getattr(found, name), getattr(given, name)
        assert left.dtype == right.dtype, name
        assert left.tobytes() == right.tobytes(), name


def test_bars_and_orders_wait_for_each_other_on_no_server(postgres_url):
    desk, engine = open_engine(postgres_url), open_engine(postgres_url)
    with writing(desk):
        assert BarStore(engine).write(many(["A"], 3), at=NOW).new == 3
    for one in (desk, engine):
        one.dispose()


def test_what_is_read_is_what_was_written_to_the_last_bit(store):
    odd = [0.1 + 0.2, np.nan, 5e-324, 1.7976931348623157e308, -37.63, np.inf, 0.0, 1 / 3]
    given = many(["AAA", "BRK.B"], 4, vwap=np.array(odd), volume=np.array(odd[::-1]))
    marks = np.arange(8, dtype=np.uint64) | np.uint64(Reason.DELISTED.bit)
    assert store.write(given, at=NOW, marks=marks) == Written(new=8)
    found, found_marks = store.read_marked(wanted("BRK.B", "AAA"))
    assert found.symbols == ("BRK.B", "AAA")
    assert found.sources == ("desk",)
    assert (found.received == micros(R[0])).all()
    order = np.r_[4:8, 0:4]
    assert_same_bits(found, given.take(order))
    assert found_marks.tolist() == marks[order].tolist()
    assert (found.timeframe, found.adjustment, found.currency) == ("1d", "raw", "USD")


def test_zero_has_no_sign_in_either_database(store):
    given = one(0.0, R[0], volume=np.array([-0.0]))
    store.write(given, at=NOW)
    assert not np.signbit(store.read(wanted("SPY")).volume).any()
    assert store.write(given, at=NOW) == Written(same=1)


def test_the_same_bars_twice_change_nothing(store, engine):
    given = many(["AAA", "BBB"], 300)
    given.vwap[::7] = np.nan
    store.write(given, at=NOW)
    again = many(["AAA", "BBB"], 300, received=R[3], sources=("other",))
    again.vwap[::7] = np.nan
    shuffled = again.take(np.random.default_rng(1).permutation(600))
    assert store.write(shuffled, at=NOW) == Written(same=600)
    found = store.read(wanted("AAA", "BBB"))
    assert_same_bits(found, given)
    assert set(found.received) == {micros(R[0])}
    assert found.sources == ("desk",)
    assert rows_of(engine, bar_versions) == 0


def test_bars_of_two_vendors_keep_their_vendor(store):
    store.write(many(["AAA"], 2), at=NOW)
    store.write(
        many(["BBB"], 2, sources=("unused", "other"), source_codes=np.int16([1, 1])), at=NOW
    )
    frame = store.read(wanted("AAA", "BBB")).frame()
    assert frame["source"].astype(str).tolist() == ["desk", "desk", "other", "other"]


def test_revised_bar_stands_and_the_old_one_is_known_to_have_been_believed(store):
    store.write(one(1.0, R[0]), at=NOW)
    assert store.write(one(2.0, R[2], source="other"), at=NOW) == Written(revised=1)
    assert believed(store) == [2.0]
    just_before = timedelta(microseconds=1)
    assert believed(store, R[0] - just_before) == []
    assert believed(store, R[0]) == [1.0]
    assert believed(store, R[2] - just_before) == [1.0]
    assert believed(store, R[2]) == [2.0]
    assert history(store) == [(1.0, R[0], R[2])]
    before = store.read(wanted("SPY"), as_of=R[1])
    assert (before.sources, before.received.tolist()) == (("desk",), [micros(R[0])])


def test_marks_are_of_the_values_they_were_found_on(store):
    store.write(one(1.0, R[0]), at=NOW, marks=np.array([1], np.uint64))
    store.write(one(2.0, R[2]), at=NOW, marks=np.array([2], np.uint64))
    assert store.read_marked(wanted("SPY"))[1].tolist() == [2]
    assert store.read_marked(wanted("SPY"), as_of=R[1])[1].tolist() == [1]


def test_only_the_rows_that_differ_are_revised(store):
    store.write(many(["AAA", "BBB"], 10), at=NOW)
    changed = many(["AAA", "BBB"], 12, received=R[1])
    old = store.read(wanted("AAA", "BBB"))
    for name in COLUMNS[1:8]:
        for symbol in range(2):
            getattr(changed, name)[12 * symbol : 12 * symbol + 10] = getattr(old, name)[
                10 * symbol : 10 * symbol + 10
            ]
    changed.trades[[0, 13]] += 1
    changed.vwap[2] = np.nan
    assert store.write(changed, at=NOW) == Written(new=4, same=17, revised=3)
    assert_same_bits(store.read(wanted("AAA", "BBB")), changed)
    assert_same_bits(store.read(wanted("AAA", "BBB"), as_of=R[0]), old)


def test_value_that_comes_back_is_a_revision_of_its_own(store):
    for close, received in ((1.0, R[0]), (2.0, R[1]), (1.0, R[2])):
        store.write(one(close, received), at=NOW)
    assert [believed(store, at) for at in R[:3]] == [[1.0], [2.0], [1.0]]
    assert history(store) == [(1.0, R[0], R[1]), (2.0, R[1], R[2])]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
def test_history_is_the_same_in_whatever_order_it_is_told(store, order):
    told = [one(1.0, R[0]), one(2.0, R[2]), one(3.0, R[4])]
    for n in order:
        store.write(told[n], at=NOW)
    assert believed(store) == [3.0]
    assert history(store) == [(1.0, R[0], R[2]), (2.0, R[2], R[4])]
    assert [believed(store, at) for at in R[:6]] == [[1.0], [1.0], [2.0], [2.0], [3.0], [3.0]]
    again = [store.write(bars, at=NOW) for bars in told]
    assert again == [Written(same=1)] * 3
    assert len(history(store)) == 2


def test_what_is_received_late_and_told_already_leaves_no_hole(store):
    store.write(one(1.0, R[0]), at=NOW)
    store.write(one(2.0, R[4]), at=NOW)
    assert store.write(one(1.0, R[2]), at=NOW) == Written(same=1)
    assert store.write(one(2.0, R[3]), at=NOW) == Written(same=1)
    assert store.write(one(3.0, R[2]), at=NOW) == Written(late=1)
    assert history(store) == [(1.0, R[0], R[2]), (3.0, R[2], R[4])]


def test_late_row_cuts_the_belief_before_it_and_no_other(store):
    store.write(Bars.concat([many(["AAA"], 1), one(1.0, R[0])]), at=NOW)
    later = many(["AAA"], 1, received=R[4], seed=8)
    store.write(Bars.concat([later, one(2.0, R[4])]), at=NOW)
    told = Bars.concat([many(["AAA"], 1, received=R[2], seed=9), one(2.0, R[2])])
    assert store.write(told, at=NOW) == Written(same=1, late=1)
    assert believed(store, R[3]) == [1.0]
    assert history(store) == [(1.0, R[0], R[4])]


def test_two_rows_of_one_key_in_one_batch_the_later_stands_and_both_are_kept(store):
    both = Bars.concat([one(2.0, R[1]), one(1.0, R[0]), one(3.0, R[1])])
    assert store.write(both, at=NOW) == Written(new=1, revised=2)
    assert believed(store) == [3.0]
    kept = [(1.0, R[0], R[1]), (2.0, R[1], R[1])]
    assert history(store) == kept
    assert store.write(both, at=NOW) == Written(same=3)
    assert (believed(store), history(store)) == ([3.0], kept)


def test_forming_bar_gives_way_without_a_version(store, engine):
    assert store.write(one(1.0, R[0], is_final=False), at=NOW) == Written(new=1)
    assert store.write(one(1.0, R[0], is_final=False), at=NOW) == Written(same=1)
    assert store.write(one(2.0, R[1], is_final=False), at=NOW) == Written(renewed=1)
    assert store.write(one(1.5, R[0], is_final=False), at=NOW) == Written(late=1)
    assert believed(store) == [2.0]
    assert store.write(one(2.0, R[1]), at=NOW) == Written(renewed=1)
    found = store.read(wanted("SPY"))
    assert (found.close.tolist(), found.is_final.tolist()) == ([2.0], [True])
    assert store.write(one(9.0, R[3], is_final=False), at=NOW) == Written(late=1)
    assert believed(store) == [2.0]
    assert rows_of(engine, bar_versions) == 0


def test_adjustments_timeframes_and_ranges_are_kept_apart(store):
    store.write(many(["SPY"], 5), at=NOW)
    store.write(many(["SPY"], 5, seed=8, adjustment=Adjustment.ALL), at=NOW)
    store.write(many(["SPY"], 5, seed=9, timeframe=Timeframe.HOUR), at=NOW)
    raw = store.read(wanted("SPY", start=T0 + DAY, end=T0 + 3 * DAY))
    assert_same_bits(raw, many(["SPY"], 5).take(np.array([1, 2])))
    found = store.read(wanted("SPY", adjustment=Adjustment.ALL))
    assert_same_bits(found, many(["SPY"], 5, seed=8))
    assert found.adjustment is Adjustment.ALL
    assert len(store.read(wanted("SPY", adjustment=Adjustment.SPLIT))) == 0


def test_symbol_that_is_not_there_has_no_rows(store):
    store.write(many(["AAA"], 2), at=NOW)
    found = store.read(wanted("ZZZ", "AAA"))
    assert found.frame()["symbol"].astype(str).tolist() == ["AAA", "AAA"]
    assert len(store.read(wanted("ZZZ"))) == 0
    assert store.read(wanted("ZZZ")).frame().empty


def test_series_has_one_currency(store, engine):
    store.write(many(["SPY"], 2), at=NOW)
    with pytest.raises(InputError, match="SPY is kept in USD, its bars came in GBP: correct"):
        store.write(many(["ABC", "SPY"], 2, currency="GBP"), at=NOW)
    assert rows_of(engine, series) == 1
    store.write(many(["VOD.L"], 2, currency="GBP"), at=NOW)
    assert store.read(wanted("VOD.L")).currency == "GBP"
    with pytest.raises(InputError, match=r"SPY in USD, VOD\.L in GBP: ask apart"):
        store.read(wanted("SPY", "VOD.L"))


@pytest.mark.parametrize(
    ("bars", "match"),
    [
        (one(1.0, NOW + DAY), "which is after now, 2024-03-01T00:00:00.00:00: set the clock"),
        (one(1.0, R[0], time=np.array([1 << 60])), "years 1900 to 2199, got .*: check their unit"),
        (one(1.0, R[0], time=np.array([-(1 << 62)])), "years 1900 to 2199"),
    ],
)
def test_bars_that_cannot_be_are_refused_and_nothing_is_written(store, engine, bars, match):
    with pytest.raises(InputError, match=match):
        store.write(bars, at=NOW)
    assert (rows_of(engine, bars_table), rows_of(engine, series)) == (0, 0)


def test_too_many_bars_and_marks_that_do_not_fit_are_refused(store, monkeypatch):
    with pytest.raises(InputError, match="got 3 bars and 2 marks"):
        store.write(many(["AAA"], 3), at=NOW, marks=np.zeros(2, np.uint64))
    with pytest.raises(InputError, match="naive instant"):
        store.write(many(["AAA"], 3), at=NOW.replace(tzinfo=None))
    monkeypatch.setattr(store_module, "LARGEST", 2)
    with pytest.raises(InputError, match="one write takes 2 bars, got 3: write them in parts"):
        store.write(many(["AAA"], 3), at=NOW)


def test_failure_in_mid_write_leaves_nothing(store, engine, monkeypatch):
    store.write(many(["AAA"], 3), at=NOW)
    monkeypatch.setattr(merge, "_upsert", lambda _: sa.text("INSERT INTO nowhere VALUES (1)"))
    revised = many(["AAA", "BBB"], 5, received=R[1], seed=8)
    with pytest.raises(StorageError, match="nowhere"):
        store.write(revised, at=NOW, asked=Asked(request=wanted("BBB"), source="desk"))
    monkeypatch.undo()
    assert (rows_of(engine, bar_versions), rows_of(engine, series)) == (0, 1)
    assert_same_bits(store.read(wanted("AAA", "BBB")), many(["AAA"], 3))
    assert store.write(revised, at=NOW) == Written(new=7, revised=3)


def test_panel_is_wide_in_the_order_that_was_asked(store):
    given = many(["AAA", "BBB"], 3)
    store.write(given.take(np.array([0, 1, 4, 5])), at=NOW)
    forming = many(["AAA"], 4, is_final=np.zeros(4, np.bool_)).take(np.array([3]))
    store.write(forming, at=NOW)
    panel = store.panel(["BBB", "ZZZ", "AAA"], T0, ALL, "close")
    nan, close = np.nan, given.close
    values = [[nan, nan, close[0]], [close[4], nan, close[1]], [close[5], nan, nan]]
    index = pd.DatetimeIndex([T0, T0 + DAY, T0 + 2 * DAY], name="timestamp").as_unit("us")
    columns = pd.Index(["BBB", "ZZZ", "AAA"], name="symbol", dtype=object)
    pd.testing.assert_frame_equal(panel, pd.DataFrame(values, index=index, columns=columns))
    assert (panel.dtypes == np.float64).all()
    assert store.panel(["AAA"], T0, T0 + DAY, "volume").shape == (1, 1)
    assert store.panel(["ZZZ"], T0, ALL, "close").shape == (0, 1)
    with pytest.raises(InputError, match=r"a panel is of one of open, high, .*; got 'trades'"):
        store.panel(["AAA"], T0, ALL, "trades")


def test_panel_shows_only_what_was_known(store):
    store.write(many(["AAA"], 3), at=NOW)
    store.write(many(["AAA"], 4, received=R[2], seed=8), at=NOW)
    then = store.panel(["AAA"], T0, ALL, "close", as_of=R[1])
    assert then["AAA"].tolist() == many(["AAA"], 3).close.tolist()
    assert len(store.panel(["AAA"], T0, ALL, "close")) == 4
    assert store.panel(["AAA"], T0, ALL, "close", as_of=T0).empty


def test_bar_that_is_told_again_as_of_before_it_was_taken_back_is_there_once(store, engine):
    first, again, back = NOW, NOW + DAY, NOW + 2 * DAY
    said = many(["AAA"], 3, received=first)
    store.write(said, at=first)
    assert IngestRecord(engine).retract(said.take(np.array([1])), at=back) == 1
    store.write(many(["AAA"], 3, received=again), at=back)  # was on its way meanwhile
    request = wanted("AAA")
    for at in (first, again, back, back + DAY):
        bars = store.read(request, as_of=at)
        assert bars.time.tolist() == said.time.tolist()
        field = store.panel(["AAA"], T0, ALL, "close", as_of=at)
        assert field["AAA"].tolist() == bars.close.tolist()
    assert store.read(request, as_of=again).received[1] == micros(again)
    assert store.read(request, as_of=again - DAY / 2).received[1] == micros(first)


def test_coverage_tells_first_last_and_count(store):
    store.write(many(["AAA", "BBB"], 4).take(np.array([0, 1, 2, 3, 5, 6])), at=NOW)
    found = store.coverage(["BBB", "ZZZ", "AAA"])
    assert found.index.tolist() == ["BBB", "ZZZ", "AAA"]
    assert found["count"].tolist() == [2, 0, 4]
    assert found.loc["BBB", "first"] == T0 + DAY
    assert found.loc["AAA", "last"] == T0 + 3 * DAY
    assert found.loc["ZZZ", ["first", "last"]].isna().all()


def test_empty_answer_is_remembered_and_its_part_is_not_missing(store):
    request = wanted("AAA", "BBB", start=T0, end=T0 + 10 * DAY)
    nothing = Bars.empty(Timeframe.DAY, Adjustment.RAW)
    assert store.missing(request) == dict.fromkeys(("AAA", "BBB"), ((T0, T0 + 10 * DAY),))

    def ask(symbol, first, end, at, source="desk"):
        asked = wanted(symbol, start=T0 + first * DAY, end=T0 + end * DAY)
        assert store.write(nothing, at=at, asked=Asked(request=asked, source=source)) == Written()

    ask("AAA", 2, 4, NOW)
    ask("AAA", 1, 5, NOW)
    ask("AAA", 7, 20, NOW, source="other")
    assert store.missing(request) == {
        "AAA": ((T0, T0 + DAY), (T0 + 5 * DAY, T0 + 7 * DAY)),
        "BBB": ((T0, T0 + 10 * DAY),),
    }
    assert store.missing(request, source="other")["AAA"] == ((T0, T0 + 7 * DAY),)
    ask("AAA", 2, 4, NOW + DAY)
    ask("AAA", 2, 4, NOW)  # an older one, told late
    since = store.missing(request, since=NOW + DAY)["AAA"]
    assert since == ((T0, T0 + 2 * DAY), (T0 + 4 * DAY, T0 + 10 * DAY))
    ask("BBB", -3, 30, NOW)
    assert "BBB" not in store.missing(request)
    assert "BBB" in store.missing(wanted("BBB", adjustment=Adjustment.ALL))


def test_who_asks_every_minute_leaves_a_part_a_day(store, engine):
    answer, minute = Bars.empty(Timeframe.DAY, Adjustment.RAW), timedelta(minutes=1)
    for n in range(60):
        at = NOW + n * minute
        asked = wanted("AAA", "BBB", start=T0 if n == 0 else at - minute, end=at)
        store.write(answer, at=at, asked=Asked(request=asked, source="desk"))
    end = NOW + 59 * minute
    next_day = wanted("AAA", start=end, end=end + DAY)
    store.write(answer, at=end + DAY, asked=Asked(request=next_day, source="desk"))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM fetches").scalar_one() == 3
    assert store.missing(wanted("AAA", "BBB", start=T0, end=end)) == {}
    everything = wanted("AAA", start=T0, end=end + DAY)
    assert store.missing(everything, since=NOW) == {}
    assert store.missing(everything, since=NOW + minute) == {"AAA": ((T0, end),)}
    whole = Asked(request=everything, source="desk")
    store.write(answer, at=end + 2 * DAY, asked=whole)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM fetches").scalar_one() == 2
    assert store.missing(everything, since=end + 2 * DAY) == {}


def test_what_had_not_happened_when_it_was_asked_is_still_missing(store):
    request = wanted("AAA", start=T0, end=ALL)
    noon = T0 + DAY / 2
    answer = Bars.empty(Timeframe.DAY, Adjustment.RAW)
    store.write(answer, at=noon, asked=Asked(request=request, source="desk"))
    assert store.missing(request) == {"AAA": ((noon, ALL),)}
    store.write(many(["AAA"], 2, currency="GBP"), at=NOW)
    assert store.read(request).currency == "GBP"
    store.write(answer, at=T0, asked=Asked(request=request, source="desk"))
    assert store.missing(request) == {"AAA": ((noon, ALL),)}


def test_quarantine_keeps_refused_rows_as_they_came_and_each_once(store, engine):
    raw = ['{"c": -1}', 'nul \0, lone \udc80, {"c": "1,5"}', "<html>"]
    marks = np.array([Reason.PRICE_NOT_POSITIVE.bit, Reason.DELISTED.bit, 3], np.uint64)
    times = np.array([micros(T0), np.iinfo(np.int64).min, micros(T0) + 1])
    bars = many(["AAA", "A\0B" * 100], 3, codes=np.int32([0, 1, 0] * 2), time=np.r_[times, times])
    bars = bars.take(np.arange(3))
    assert store.quarantine(bars, marks, raw, at=NOW) == 3
    assert store.quarantine(bars, marks, raw, at=NOW + DAY) == 0
    found = store.quarantined()
    assert found["raw"].tolist() == [raw[1], raw[0], raw[2]]
    assert found["marks"].tolist() == [Reason.DELISTED.bit, int(marks[0]), 3]
    assert found["marks"].dtype == np.uint64
    assert found["timestamp"].isna().tolist() == [True, False, False]
    assert found.loc[1, "timestamp"] == T0
    facts = ["AAA", "1d", "raw", "desk", R[0], NOW]
    names = ["symbol", "timeframe", "adjustment", "source", "received_at", "at"]
    assert found.loc[1, names].tolist() == facts
    assert store.quarantined(["A\0B" * 100])["raw"].tolist() == [raw[1]]
    assert store.quarantined(["ZZZ"]).empty
    assert store.quarantined(since=NOW + DAY).empty
    assert store.quarantine(bars.take(np.array([0])), marks[1:2], raw[:1], at=NOW + DAY) == 1
    assert len(store.quarantined(since=NOW + DAY)) == 1
    assert rows_of(engine, quarantine) == 4
    with pytest.raises(InputError, match="got 3 rows, 3 marks and 2 texts"):
        store.quarantine(bars, marks, raw[:2], at=NOW)
    assert store.quarantine(bars.take(np.array([], np.intp)), marks[:0], [], at=NOW) == 0


def test_hash_of_a_refused_row_is_what_it_was_for_those_that_are_there(store, engine):
    raw, marks = ["{}", "{}", "{} "], np.array([2**51, 2**51, 1], np.uint64)
    bars = many(["A'B", "A\0B"], 3, codes=np.int32([0, 1] * 3)).take(np.array([0, 0, 3]))
    bars = replace(bars, received=bars.received + np.array([0, 7, 0]))
    assert store.quarantine(bars, marks, raw, at=NOW) == 2
    with engine.connect() as connection:
        columns = (quarantine.c.hash, quarantine.c.symbol, quarantine.c.received)
        found = connection.execute(sa.select(*columns).order_by(quarantine.c.marks)).all()
    facts = [
        repr(("A\N{REPLACEMENT CHARACTER}B", "1d", "raw", "desk", int(bars.time[2]), 1)),
        repr(("A'B", "1d", "raw", "desk", int(bars.time[0]), 2**51)),
    ]
    texts = (raw[2], raw[0])
    hashes = [
        hashlib.sha256(fact.encode() + b"\0" + text.encode()).hexdigest()
        for fact, text in zip(facts, texts, strict=True)
    ]
    assert [row.hash for row in found] == hashes
    assert [row.symbol for row in found] == ["A\N{REPLACEMENT CHARACTER}B", "A'B"]
    assert found[1].received == bars.received[1]  # of two that are the same, the later one


def test_two_who_refuse_the_same_rows_at_once_keep_each_once(engine, database_url):
    engines = [engine, open_engine(database_url)]
    bars, ready = many(["AAA"], 300), threading.Barrier(2)
    marks, raw = np.full(300, Reason.DELISTED.bit, np.uint64), [str(n) for n in range(300)]

    def refuse(k):
        ready.wait(PATIENCE_S)
        own, parts = BarStore(engines[k]), np.random.default_rng(k).permutation(300)
        return sum(
            own.quarantine(bars.take(p), marks[p], [raw[n] for n in p], at=NOW)
            for p in np.array_split(parts, 6)
        )

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(refuse, range(2))) == 300
    assert sorted(BarStore(engine).quarantined()["raw"]) == sorted(raw)
    engines[1].dispose()


def test_two_writers_at_once_lose_nothing_and_double_nothing(engine, database_url):
    """One tells the first belief of each bar and the other the second, in pieces, at once."""
    symbols, n, pieces = ["AAA", "BBB", "CCC"], 60, 6
    told = [many(symbols, n), many(symbols, n, received=R[2], seed=8)]
    engines = [engine, open_engine(database_url)]
    ready = threading.Barrier(2)

    def ingest(k):
        ready.wait(PATIENCE_S)
        own, parts = BarStore(engines[k]), np.random.default_rng(k).permutation(3 * n)
        return [own.write(told[k].take(p), at=NOW) for p in np.array_split(parts, pieces)]

    with ThreadPoolExecutor(2) as pool:
        results = [w for own in pool.map(ingest, range(2)) for w in own]
    assert sum(w.new for w in results) == 3 * n
    assert sum(w.revised + w.late for w in results) == 3 * n
    store = BarStore(engines[1])
    assert_same_bits(store.read(wanted(*symbols)), told[1])
    assert_same_bits(store.read(wanted(*symbols), as_of=R[1]), told[0])
    assert rows_of(engine, bar_versions) == 3 * n
    engines[1].dispose()


WRITER = """
import sys, time
import sqlalchemy as sa
from alphalens.data.store import Asked, BarStore
from alphalens.storage import open_engine
from tests.data.test_store import NOW, R, many, wanted

def wait(*_):
    print("written, not committed", flush=True)
    time.sleep(600)

engine = open_engine(sys.argv[1])
sa.event.listen(engine, "commit", wait)
asked = Asked(request=wanted("AAA", "BBB"), source="desk")
BarStore(engine).write(many(["AAA", "BBB"], 500, received=R[2], seed=8), at=NOW, asked=asked)
"""


def test_writer_that_is_killed_in_mid_write_leaves_nothing_and_stops_nobody(
    store, engine, database_url
):
    old = many(["AAA"], 100)
    store.write(old, at=NOW)
    command = [sys.executable, "-c", WRITER, database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "written, not committed\n"
            assert_same_bits(store.read(wanted("AAA", "BBB")), old)  # a reader does not wait
        finally:
            child.send_signal(signal.SIGKILL)
        assert child.wait(PATIENCE_S) == -signal.SIGKILL
    assert_same_bits(store.read(wanted("AAA", "BBB")), old)
    assert (rows_of(engine, bar_versions), rows_of(engine, series)) == (0, 1)
    assert set(store.missing(wanted("AAA", "BBB"))) == {"AAA", "BBB"}
    given = many(["AAA", "BBB"], 500, received=R[2], seed=8)
    assert store.write(given, at=NOW) == Written(new=900, revised=100)
    assert_same_bits(store.read(wanted("AAA", "BBB")), given)


def test_migrated_database_takes_bars_as_a_new_one(database_url):
    engine = open_engine(database_url)
    with writing(engine) as connection:
        metadata.drop_all(connection)
    with writing(engine) as connection:
        migrate(connection, 2)
    engine.dispose()
    engine = open_engine(database_url)
    assert BarStore(engine).write(many(["AAA"], 400), at=NOW) == Written(new=400)
    assert_same_bits(BarStore(engine).read(wanted("AAA")), many(["AAA"], 400))
    assert _is_laid_out(engine)
    engine.dispose()


def test_new_database_keeps_bars_by_their_key_alone_or_in_parts_by_year(store, engine):
    store.write(many(["AAA"], 400), at=NOW)
    assert _is_laid_out(engine)


def _is_laid_out(engine):
    with reading(engine) as connection:
        if engine.dialect.name == "sqlite":
            query = "SELECT sql FROM sqlite_master WHERE name = 'bars'"
            return "WITHOUT ROWID" in connection.exec_driver_sql(query).scalar_one()
        query = "SELECT tableoid::regclass::text, count(*) FROM bars GROUP BY 1 ORDER BY 1"
        parts = connection.exec_driver_sql(query).all()
    return parts == [("bars_y2023", 2), ("bars_y2024", 366), ("bars_y2025", 32)]


def test_column_that_somebody_emptied_is_told_and_not_misread(postgres_url):
    engine = open_engine(postgres_url)
    store = BarStore(engine)
    store.write(many(["AAA"], 3), at=NOW)
    with writing(engine) as connection:
        connection.execute(bars_table.update().values(vwap=None))
    with pytest.raises(StorageError, match="bars with an empty column"):
        store.read(wanted("AAA"))
    engine.dispose()


@pytest.mark.parametrize("at_once", [1, 700, 100_000])
def test_a_large_read_is_the_same_in_parts(store, monkeypatch, at_once):
    symbols = [f"S{number:02}" for number in range(23)]
    given = many(symbols, 200)
    store.write(given.take(np.random.default_rng(3).permutation(len(given))), at=NOW)
    later = many(["S05"], 1, received=R[2], seed=9)
    assert store.write(later, at=NOW).revised == 1
    monkeypatch.setattr(store_module, "_AT_ONCE", at_once)
    order = np.lexsort((given.time, -given.codes))
    found = store.read(wanted("none", *symbols[::-1]), as_of=R[1])
    assert_same_bits(found, given.take(order))
    assert found.codes.tolist() == (23 - given.codes[order]).tolist()
    close = store.panel(symbols, T0, ALL, "close", as_of=R[1])
    assert close.to_numpy().T.tobytes() == given.close.tobytes()
    assert store.read(wanted("S05")).close[0] == later.close[0]


def test_failure_of_a_read_is_told_as_every_other(postgres_url):
    engine = open_engine(postgres_url)
    store = BarStore(engine)
    store.write(many(["AAA"], 3), at=NOW)
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE bars DROP COLUMN marks")
    with pytest.raises(StorageError, match=r"column bars\.marks does not exist"):
        store.read(wanted("AAA"))
    engine.dispose()


def test_failure_amid_the_rows_is_told_and_the_connection_goes_on(postgres_url):
    engine = open_engine(postgres_url)
    rows = sa.text("generate_series(1, 9000) n")
    dtype = np.dtype([("series_id", np.int32), ("time", np.int64)])
    number, time = sa.literal_column("n").label("series_id"), sa.literal_column("-n").label("time")
    query = sa.select(number, sa.literal_column("1 / (n - 5000)").label("time")).select_from(rows)
    with pytest.raises(StorageError, match="division by zero"), reading(engine) as connection:
        postgres.fetch(connection, query, dtype)
    fine = sa.select(number, time).select_from(rows)
    with reading(engine) as connection:
        found = postgres.fetch(connection, fine, dtype)
    assert (found["time"] == -found["series_id"]).all()
    assert sorted(found["series_id"].tolist()) == list(range(1, 9001))
    engine.dispose()
