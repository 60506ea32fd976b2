"""States of options in the store: what was known when, and what was refused."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alphalens.data.bars import micros
from alphalens.data.option_store import OptionStore
from alphalens.data.port import OptionSnapshot
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.data.validation_states import RefusedRow
from alphalens.errors import InputError
from alphalens.storage.schema import OPTION_FIGURES

AT = datetime(2024, 12, 10, 20, 59, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
CALL = OptionSnapshot(
    symbol="A250117C00100000",
    underlying="A",
    at=AT,
    **{**dict.fromkeys(OPTION_FIGURES, math.nan), "bid": 2.0, "ask": 2.2, "open_interest": 7.0},
)
PUT = replace(CALL, symbol="A250117P00100000", bid=1.0)
REFUSED = RefusedRow(
    symbol="A", time=micros(AT), marks=Reason.CROSSED_QUOTE.bit, because=1, raw='{"bid":\ud800}'
)


@pytest.fixture
def store(engine):
    return OptionStore(engine)


def test_states_come_back_as_they_were_told(store):
    assert store.write([PUT, CALL], source="desk", received_at=AT) == 2
    call, put = store.read("A", as_of=AT)
    assert [repr(call), repr(put)] == [repr(CALL), repr(PUT)]
    assert store.read("B", as_of=AT) == ()


def test_the_same_states_again_change_nothing(store):
    store.write([CALL, PUT], source="desk", received_at=AT)
    assert store.write([CALL, PUT], source="desk", received_at=LATER) == 0
    assert len(store.read("A", as_of=LATER)) == 2


def test_marks_are_kept(store):
    marks = np.array([0, Reason.ZERO_BID.bit], np.uint64)
    store.write([CALL, PUT], source="desk", received_at=AT, marks=marks)
    assert [mark for _, mark in store.read_marked("A", as_of=AT)] == [0, Reason.ZERO_BID.bit]
    with pytest.raises(InputError, match="1 states and 2 marks"):
        store.write([CALL], source="desk", received_at=AT, marks=marks)


def test_nobody_reads_what_had_not_been_received(store):
    store.write([CALL], source="desk", received_at=LATER)
    assert store.read("A", as_of=AT) == ()
    assert len(store.read("A", as_of=LATER)) == 1


def test_newer_state_stands_and_the_older_one_can_be_read(store):
    store.write([CALL], source="desk", received_at=AT)
    newer = replace(CALL, at=LATER, bid=2.1)
    assert store.write([newer], source="desk", received_at=LATER) == 1
    assert [one.bid for one in store.read("A", as_of=AT)] == [2.0]
    assert [one.bid for one in store.read("A", as_of=LATER)] == [2.1]


def test_state_that_changed_without_a_new_instant_is_kept_beside_the_one_before(store):
    store.write([CALL], source="desk", received_at=AT)
    more = replace(CALL, open_interest=9.0)
    assert store.write([more], source="desk", received_at=LATER) == 1
    assert store.write([more], source="desk", received_at=LATER + timedelta(minutes=1)) == 0
    assert [one.open_interest for one in store.read("A", as_of=AT)] == [7.0]
    (now,) = store.read("A", as_of=LATER)
    assert (now.open_interest, now.at) == (9.0, LATER)


def test_older_state_that_comes_late_does_not_stand(store):
    store.write([replace(CALL, at=LATER, bid=2.1)], source="desk", received_at=LATER)
    store.write([CALL], source="desk", received_at=LATER)
    assert [one.bid for one in store.read("A", as_of=LATER)] == [2.1]


def test_many_contracts_are_written_at_once(store):
    many = [
        replace(CALL, symbol=f"A250117C{strike:08}") for strike in range(1_000, 1_201_000, 1_000)
    ]
    assert store.write(many, source="desk", received_at=AT) == 1_200
    assert store.write(many, source="desk", received_at=LATER) == 0
    assert store.write([], source="desk", received_at=LATER) == 0


def test_refused_rows_stand_beside_refused_bars_each_once(store, engine):
    told = {"source": "desk", "received_at": AT, "at": LATER}
    assert store.refuse([REFUSED, REFUSED], **told) == 1
    assert store.refuse([REFUSED], **told) == 0
    assert store.refuse([replace(REFUSED, symbol="B")], **told) == 1
    table = BarStore(engine).quarantined(["A"])
    (row,) = table.itertuples()
    assert (row.timeframe, row.adjustment, row.source) == ("", "", "desk")
    assert (row.timestamp, row.received_at, row.at) == (AT, AT, LATER)
    assert (int(row.marks), row.raw) == (Reason.CROSSED_QUOTE.bit, '{"bid":\ud800}')
