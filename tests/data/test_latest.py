"""The last bars of many symbols: what is asked for, what came, and what a judge makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.data._checks.context import Context
from alphalens.data._vendors.latest import last_bar, latest_batch, latest_request
from alphalens.data._vendors.reading import Part
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.port import Batch
from alphalens.data.reasons import names_of
from alphalens.data.validation import judge
from alphalens.errors import InputError
from alphalens.net.failures import Unreadable
from tests.data.any_kind import of_any_kind

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ROW = {"t": "2026-03-02T14:58:00Z", "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10}
HAS = of_any_kind(latest=frozenset({Timeframe.MINUTE}))


def told(rows: dict[str, dict[str, object]], delay_s: float = 0.0) -> Batch:
    return latest_batch(
        [Part(symbol=symbol, rows=[row]) for symbol, row in rows.items()],
        latest_request(("AAPL", "MSFT", "NONE"), Timeframe.MINUTE, HAS, "vendor"),
        source="vendor",
        received_at=NOW,
        calls=1,
        delay_s=delay_s,
    )


def test_a_length_that_a_vendor_does_not_tell_is_refused_by_name():
    with pytest.raises(InputError, match="vendor does not tell the last 1d bar; it tells 1m"):
        latest_request(("AAPL",), Timeframe.DAY, HAS, "vendor")
    nothing = replace(HAS, latest=frozenset())
    with pytest.raises(InputError, match="it tells none"):
        latest_request(("AAPL",), Timeframe.MINUTE, nothing, "vendor")


@pytest.mark.parametrize("symbols", [(), ("AAPL", "AAPL")])
def test_symbols_that_are_no_list_of_each_once_are_refused(symbols):
    with pytest.raises(InputError, match="each once"):
        latest_request(symbols, Timeframe.MINUTE, HAS, "vendor")


def test_the_request_is_the_span_of_what_was_told():
    batch = told({"AAPL": ROW, "MSFT": ROW | {"t": "2026-02-27T20:59:00Z"}})

    assert batch.request.symbols == ("AAPL", "MSFT", "NONE")
    assert batch.request.start == datetime(2026, 2, 27, 20, 59, tzinfo=UTC)
    assert batch.request.end == NOW + timedelta(microseconds=1)
    assert batch.request.adjustment is batch.bars.adjustment is Adjustment.RAW


def test_a_bar_of_the_future_is_within_the_span_and_nothing_makes_it_one_of_the_length():
    ahead = told({"AAPL": ROW | {"t": "2026-03-02T15:00:30Z"}})
    nothing = told({"AAPL": ROW | {"t": "soon"}})

    assert ahead.request.end == NOW + timedelta(seconds=30, microseconds=1)
    assert nothing.request.start == NOW - timedelta(minutes=1)
    assert told({}).request == nothing.request


def test_a_bar_ends_as_much_later_as_the_vendor_is_late():
    assert told({"AAPL": ROW}).bars.is_final.tolist() == [True]
    assert told({"AAPL": ROW}, delay_s=900).bars.is_final.tolist() == [False]


def test_the_last_bars_are_judged_like_any_others():
    batch = told({"AAPL": ROW, "MSFT": ROW | {"c": -1}})
    context = Context(now=NOW, classes=dict.fromkeys(batch.request.symbols, AssetClass.EQUITY))

    judged = judge(batch, context)

    frame = judged.bars.frame()
    assert frame["symbol"].tolist() == ["AAPL"]
    assert frame["close"].tolist() == [1.5]
    assert [names_of(int(mark))[0] for mark in judged.rejected.because] == ["price_not_positive"]
    assert judged.report.empty == ("NONE",)


def test_a_bar_of_a_snapshot_tells_what_it_has():
    bar = last_bar({"t": 1772463480000, "c": 2, "v": None}, "min")

    assert bar.at == datetime(2026, 3, 2, 14, 58, tzinfo=UTC)
    assert bar.close == 2.0
    assert np.isnan([bar.open, bar.high, bar.low, bar.volume, bar.vwap]).all()
    assert last_bar(None, "min") is None
    for odd in ("soon", {"c": "x"}, {"t": "soon"}):
        with pytest.raises(Unreadable):
            last_bar(odd, "min")
