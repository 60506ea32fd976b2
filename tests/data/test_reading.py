"""Rows of JSON into a batch: what is told, what is marked, and that no row is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from alphalens.data._vendors.cells import instants
from alphalens.data._vendors.reading import (
    Keys,
    Part,
    RawRows,
    batch_from,
    parts_of,
)
from alphalens.data.bars import NO_TIME, Adjustment, Timeframe, micros
from alphalens.data.port import BarRequest, Batch
from alphalens.data.reasons import names_of

DAY = datetime(2024, 1, 2, 5, tzinfo=UTC)
LATER = datetime(2024, 2, 1, tzinfo=UTC)
REQUEST = BarRequest(symbols=("AAPL", "MSFT"), start=DAY, end=LATER)
GOOD = {"t": "2024-01-02T05:00:00Z", "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 10, "n": 3}


def batch(*rows: object, received_at: datetime = LATER, **changes: object) -> Batch:
    parts = [Part(symbol="AAPL", rows=list(rows))]
    return batch_from(parts, REQUEST, source="here", received_at=received_at, calls=1, **changes)


def names(told: Batch) -> list[tuple[str, ...]]:
    return [names_of(int(mark)) for mark in told.marks]


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in GOOD.items() if name != key}


def test_columns_symbols_and_pages_come_out_as_told():
    parts = [
        Part(symbol="MSFT", rows=[GOOD | {"c": 7, "vw": 1.25}]),
        Part(symbol="AAPL", rows=[GOOD]),
        Part(symbol="MSFT", rows=[GOOD | {"t": "2024-01-03T05:00:00Z"}]),
    ]

    told = batch_from(parts, REQUEST, source="here", received_at=LATER, calls=4)

    frame = told.bars.frame()
    assert list(frame["symbol"]) == ["MSFT", "AAPL", "MSFT"]
    assert list(frame["close"]) == [7.0, 1.5, 1.5]
    assert frame["vwap"].tolist()[0] == 1.25
    assert np.isnan(frame["vwap"].tolist()[1:]).all()
    assert list(frame["timestamp"]) == [
        pd.Timestamp(DAY),
        pd.Timestamp(DAY),
        pd.Timestamp(DAY + timedelta(days=1)),
    ]
    assert list(frame["trades"]) == [3, 3, 3]
    assert set(frame["source"]) == {"here"}
    assert frame["is_final"].all()
    assert (told.bars.received == micros(LATER)).all()
    assert names(told) == [(), (), ()]
    assert told.calls == 4


def test_nothing_came_is_no_rows():
    told = batch_from([], REQUEST, source="here", received_at=LATER, calls=1)

    assert len(told.bars) == len(told.raw) == len(told.marks) == 0
    assert told.bars.symbols == ()


@pytest.mark.parametrize(
    ("changes", "column", "value", "reasons"),
    [
        ({"c": "187.15"}, "close", 187.15, ("text_number",)),
        ({"c": "1e2"}, "close", 100.0, ("text_number",)),
        ({"c": "-0.0009296.0025941"}, "close", None, ("locale_number",)),
        ({"c": "1,234.5"}, "close", None, ("locale_number",)),
        ({"c": "$187"}, "close", None, ("locale_number",)),
        ({"c": " 187"}, "close", None, ("locale_number",)),
        ({"c": ""}, "close", None, ("locale_number",)),
        ({"c": "1_000"}, "close", None, ("locale_number",)),
        ({"c": "١٢"}, "close", None, ("locale_number",)),
        ({"c": True}, "close", None, ("locale_number",)),
        ({"c": [1.5]}, "close", None, ("locale_number",)),
        ({"c": None}, "close", None, ("close_missing",)),
        ({"c": float("nan")}, "close", None, ("close_missing",)),
        ({"c": float("inf")}, "close", float("inf"), ("infinite",)),
        ({"c": "-Infinity"}, "close", float("-inf"), ("infinite", "text_number")),
        ({"c": 10**400}, "close", float("inf"), ("infinite",)),
        ({"h": None}, "high", None, ("open_high_low_missing",)),
        ({"o": float("inf")}, "open", float("inf"), ("infinite",)),
        ({"v": float("inf")}, "volume", float("inf"), ("infinite",)),
        ({"v": None}, "volume", None, ("schema_drift",)),
        ({"v": "12"}, "volume", 12.0, ("text_number",)),
        ({"vw": "1,5"}, "vwap", None, ("locale_number",)),
        ({"n": None}, "trades", -1, ()),
        ({"n": "3"}, "trades", 3, ("text_number",)),
        ({"n": 1e300}, "trades", -1, ()),
    ],
)
def test_an_odd_cell_marks_its_row_and_its_neighbour_survives(changes, column, value, reasons):
    told = batch(GOOD, GOOD | changes, GOOD)

    assert names(told) == [(), reasons, ()]
    got = getattr(told.bars, column)[1]
    assert np.isnan(got) if value is None else got == value
    assert list(told.bars.close[[0, 2]]) == [1.5, 1.5]


@pytest.mark.parametrize(
    ("row", "reasons"),
    [
        (without("c"), ("close_missing",)),
        (without("o"), ("open_high_low_missing",)),
        (without("v"), ("schema_drift",)),
        (without("t"), ("schema_drift",)),
        (without("n"), ()),
        (None, ("close_missing", "open_high_low_missing", "schema_drift")),
        ([1, 2], ("close_missing", "open_high_low_missing", "schema_drift")),
    ],
)
def test_a_field_that_is_absent_marks_its_row_only(row, reasons):
    told = batch(GOOD, row)

    assert names(told) == [(), reasons]
    assert len(told.bars) == 2


@pytest.mark.parametrize(
    ("cell", "reasons"),
    [
        ("2024-01-02T05:00:00", ("no_time_zone",)),
        ("2024-01-02", ("no_time_zone",)),
        ("2024-02-30T05:00:00Z", ("wrong_zone",)),
        ("yesterday", ("wrong_zone",)),
        (0, ("wrong_epoch",)),
        (17, ("wrong_epoch",)),
        (10**30, ("wrong_epoch",)),
        (-1704171600, ("wrong_epoch",)),
        (True, ("wrong_epoch",)),
        (float("nan"), ("wrong_epoch",)),
        (None, ("schema_drift",)),
    ],
)
def test_an_instant_that_cannot_be_told_is_marked_and_is_no_time(cell, reasons):
    time_read, marks = instants(["2024-01-02T05:00:00Z", cell])

    assert time_read.tolist() == [micros(DAY), NO_TIME]
    assert names_of(int(marks[1])) == reasons
    assert batch(GOOD, GOOD | {"t": cell}).bars.frame()["timestamp"].isna().tolist() == [
        False,
        True,
    ]


def test_the_bar_that_still_forms_is_not_final_and_a_late_feed_ends_later():
    minute = BarRequest(symbols=("AAPL",), start=DAY, end=LATER, timeframe=Timeframe.MINUTE)
    rows = [GOOD | {"t": "2024-01-02T14:30:00Z"}, GOOD | {"t": "2024-01-02T14:31:00Z"}]
    now = datetime(2024, 1, 2, 14, 31, 30, tzinfo=UTC)

    def read(delay_s: float, after: timedelta = timedelta()) -> list[bool]:
        told = batch_from(
            [Part(symbol="AAPL", rows=rows)],
            minute,
            source="here",
            received_at=now + after,
            calls=1,
            delay_s=delay_s,
        )
        assert [n == ("not_final",) for n in names(told)] == [not f for f in told.bars.is_final]
        return told.bars.is_final.tolist()

    assert read(0.0) == [True, False]
    assert read(900.0) == [False, False]
    assert read(900.0, timedelta(minutes=15)) == [True, False]


def test_a_bar_is_final_by_when_its_page_was_asked_for_and_not_by_the_last_page():
    minute = BarRequest(symbols=("AAPL",), start=DAY, end=LATER, timeframe=Timeframe.MINUTE)
    row = GOOD | {"t": "2024-01-02T14:30:00Z"}
    early, late = (datetime(2024, 1, 2, 14, 30, s, tzinfo=UTC) for s in (20, 50))
    parts = [
        *parts_of([[Part(symbol="AAPL", rows=[row])]], [early]),
        Part(symbol="AAPL", rows=[row], asked_at=late + timedelta(seconds=10)),
    ]

    told = batch_from(
        parts, minute, source="here", received_at=late + timedelta(minutes=1), calls=2
    )

    assert told.bars.is_final.tolist() == [False, True]
    assert names(told) == [("not_final",), ()]


def test_a_symbol_in_another_form_marks_every_row_of_its_part():
    parts = [
        Part(symbol="AAPL", rows=[GOOD, GOOD], marks=1 << 38),
        Part(symbol="MSFT", rows=[GOOD]),
    ]

    told = batch_from(parts, REQUEST, source="here", received_at=LATER, calls=1)

    assert names(told) == [("symbol_form",), ("symbol_form",), ()]


def test_other_keys_and_the_adjustment_of_the_request_are_taken():
    split = BarRequest(symbols=("AAPL",), start=DAY, end=LATER, adjustment=Adjustment.SPLIT)
    row = {"s": 1704171600000, "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10, "a": 1.2}

    told = batch_from(
        [Part(symbol="AAPL", rows=[row])],
        split,
        source="here",
        received_at=LATER,
        calls=1,
        keys=Keys(time="s", vwap="a"),
    )

    assert told.bars.time.tolist() == [micros(DAY)]
    assert told.bars.vwap.tolist() == [1.2]
    assert told.bars.adjustment is Adjustment.SPLIT


def test_the_raw_text_of_a_row_is_what_was_sent_and_is_written_when_asked_for():
    told = batch(GOOD, GOOD | {"c": "1,5", "x": "é"})

    assert json.loads(told.raw[0]) == GOOD
    assert '"c":"1,5"' in told.raw[1]
    assert '"x":"é"' in told.raw[1]
    assert list(told.raw) == [told.raw[0], told.raw[1]]
    assert list(told.raw[1:]) == [told.raw[1]]


def test_raw_rows_are_not_written_before_somebody_asks():
    class Loud(dict):
        def items(self):
            raise AssertionError("written too early")

    rows = RawRows([Loud(t=1)])

    assert len(rows) == 1
    with pytest.raises(AssertionError, match="too early"):
        rows[0]


def test_zone_that_the_source_names_is_that_of_texts_without_one():
    row = GOOD | {"t": "2024-01-02 00:00:00"}

    assert names(batch(row)) == [("no_time_zone",)]
    told = batch(row, zone="America/New_York")

    assert names(told) == [()]
    assert told.bars.time.tolist() == [micros(DAY)]


def test_numbers_of_good_rows_are_read_at_once(monkeypatch):
    def one(cell):
        raise AssertionError(f"{cell!r} was read by itself")

    monkeypatch.setattr("alphalens.data._vendors.cells._number", one)

    told = batch_from(
        [Part(symbol="AAPL", rows=[GOOD] * 1_000)],
        REQUEST,
        source="here",
        received_at=LATER,
        calls=1,
    )

    assert told.bars.close.tolist() == [GOOD["c"]] * 1_000
    with pytest.raises(AssertionError, match="by itself"):
        batch(GOOD | {"c": "187.15"})
