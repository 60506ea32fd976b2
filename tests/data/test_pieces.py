"""Bars that lie in columns already."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from alphalens.data._vendors.pieces import Piece, batch_of
from alphalens.data.bars import NO_TIME, micros
from alphalens.data.port import BarRequest
from alphalens.data.reasons import Reason, names_of

NOW = datetime(2024, 1, 4, 12, tzinfo=UTC)
DAYS = np.array([micros(datetime(2024, 1, day, 5, tzinfo=UTC)) for day in (2, 4)])
REQUEST = BarRequest(symbols=("A", "B"), start=datetime(2024, 1, 1, tzinfo=UTC), end=NOW)


def piece(symbol: str, *closes: float, **more: object) -> Piece:
    n = len(closes)
    fields = {
        "time": DAYS[:n],
        "columns": dict.fromkeys(("open", "high", "low", "close"), np.array(closes)),
        "marks": np.zeros(n, np.uint64),
        "raw": [f"{symbol} {close}" for close in closes],
    }
    return Piece(symbol=symbol, **{**fields, **more})


def test_pieces_become_one_batch_in_their_order():
    batch = batch_of([piece("B", 2.0), piece("A", 1.0, 1.5)], REQUEST, source="x", received_at=NOW)

    assert batch.bars.symbols == ("B", "A")
    assert batch.bars.close.tolist() == [2.0, 1.0, 1.5]
    assert batch.bars.is_final.tolist() == [True, True, False]
    assert [names_of(int(mark)) for mark in batch.marks] == [(), (), ("not_final",)]
    assert (batch.calls, batch.received_at, batch.bars.sources) == (0, NOW, ("x",))


def test_texts_are_found_by_their_row():
    raw = batch_of(
        [piece("B", 2.0), piece("A", 1.0, 1.5)], REQUEST, source="x", received_at=NOW
    ).raw

    assert list(raw) == ["B 2.0", "A 1.0", "A 1.5"]
    assert (raw[-1], raw[1:], len(raw)) == ("A 1.5", ["A 1.0", "A 1.5"], 3)
    for row in (3, -4):
        with pytest.raises(IndexError, match=f"row {row} of 3"):
            raw[row]


def test_no_piece_is_no_row():
    batch = batch_of([], REQUEST, source="x", received_at=NOW, currency="EUR")

    assert (len(batch.bars), len(batch.marks), len(batch.raw)) == (0, 0, 0)
    assert batch.bars.currency == "EUR"


def test_a_missing_price_is_marked_once_and_an_unread_one_not_again():
    columns = {"close": np.array([np.nan, np.nan]), "trades": np.array([3.0, np.inf])}
    marks = np.array([0, Reason.LOCALE_NUMBER.bit], np.uint64)
    given = piece("A", 1.0, 1.0, columns=columns, marks=marks, time=np.array([DAYS[0], NO_TIME]))

    batch = batch_of([given], REQUEST, source="x", received_at=NOW)

    found = [names_of(int(mark)) for mark in batch.marks]
    assert found == [("close_missing", "open_high_low_missing"), ("locale_number",)]
    assert batch.bars.trades.tolist() == [3, -1]
