"""The sample as it comes with skfolio, and what happens without it or with another file."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.util import find_spec

import pytest

from alphalens.assets import AssetClass
from alphalens.data import SampleProvider, sample_provider
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.reasons import Reason, names_of
from alphalens.data.validation import Context, judge
from alphalens.errors import DataError, InputError, MissingExtra
from alphalens.trading.clock import VirtualClock

pytestmark = pytest.mark.demo
needs_file = pytest.mark.skipif(find_spec("skfolio") is None, reason="extra `demo` not installed")


@needs_file
def test_sample_is_the_documented_set():
    history = SampleProvider().history()

    assert history.closes.shape == (8313, 20)
    assert str(history.closes.index[0]) == "1990-01-02 21:00:00+00:00"
    assert str(history.closes.index[-1]) == "2022-12-28 21:00:00+00:00"
    assert history.closes.loc["2022-12-28", "AAPL"].iloc[0] == 125.674
    assert (history.closes > 0).all(axis=None)
    assert history.adjustment == "all"


@needs_file
def test_caveats_name_survivors_closes_and_volume():
    text = " ".join(SampleProvider().history().caveats)

    assert all(word in text for word in ("survivors", "closes only", "no volume", "adjusted"))


@needs_file
def test_benchmark_has_the_instants_of_the_sample():
    provider = SampleProvider()

    benchmark = provider.benchmark()

    assert benchmark.index.equals(provider.history().closes.index)
    assert benchmark.iloc[-1] == 3783.22


@needs_file
def test_sample_is_read_without_importing_skfolio():
    code = (
        "import sys; from alphalens.data import SampleProvider; SampleProvider().history(); "
        "sys.exit('skfolio' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_gap_in_the_sample_is_refused(tmp_path):
    (tmp_path / "sp500_dataset.csv.gz").write_bytes(
        _packed("Date,A,B\n2022-01-03,1,2\n2022-01-04,1,\n")
    )

    with pytest.raises(DataError, match="gaps"):
        SampleProvider(tmp_path).history()


def test_a_changed_file_is_refused_by_name(tmp_path):
    (tmp_path / "sp500_index.csv.gz").write_bytes(_packed("Date,SP500\n2022-01-03,zero\n"))

    with pytest.raises(DataError, match=r"sp500_index.*line 2, column 'SP500': 'zero'"):
        SampleProvider(tmp_path).benchmark()


def test_without_skfolio_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(sample_provider, "find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"alpha-lens\[demo\]"):
        SampleProvider().history()


def _packed(text: str) -> bytes:
    import gzip

    return gzip.compress(text.encode())


@needs_file
def test_its_bars_are_closes_at_the_midnights_of_new_york():
    now = datetime(2024, 1, 2, tzinfo=UTC)
    with SampleProvider(clock=VirtualClock(now)) as provider:
        port: MarketDataProvider = provider
        batch = port.bars(bars_of("MSFT", "AAPL"))

    bars = batch.bars
    assert (bars.symbols, bars.sources, len(bars)) == (("MSFT", "AAPL"), ("sample",), 4)
    assert str(bars.frame()["timestamp"].iloc[-1]) == "2022-12-28 05:00:00+00:00"
    assert bars.close[-1] == 125.674
    assert bars.is_final.all()
    assert {names_of(int(mark)) for mark in batch.marks} == {("open_high_low_missing",)}
    assert batch.raw[3] == '{"date":"2022-12-28 21:00:00+00:00","AAPL":125.674}'
    assert batch.raw[2:][1] == batch.raw[3]
    assert (batch.received_at, batch.bars.adjustment) == (now, Adjustment.ALL)


@needs_file
def test_a_true_fall_in_its_bars_is_flagged_until_somebody_says_that_it_is_true():
    """Apple fell by half on 2000-09-29, after a warning; closes alone do not show that it did."""
    now = datetime(2024, 1, 2, tzinfo=UTC)
    batch = SampleProvider(clock=VirtualClock(now)).bars(
        bars_of("AAPL", "MSFT", start=datetime(1990, 1, 1, tzinfo=UTC))
    )
    context = Context(now=now, classes=dict.fromkeys(("AAPL", "MSFT"), AssetClass.EQUITY))

    judged = judge(batch, context)
    told = judge(batch, replace(context, accepted=frozenset({("AAPL", date(2000, 9, 29))})))

    assert (judged.report.told, judged.report.kept) == (2 * 8313, 2 * 8313)
    assert judged.report.counts[Reason.UNEXPLAINED_RATIO] == 1
    assert Reason.UNEXPLAINED_RATIO not in told.report.counts


@needs_file
def test_other_bars_and_symbols_are_refused():
    provider = SampleProvider()

    with pytest.raises(InputError, match="sample has no adjustment raw; it has all"):
        provider.bars(bars_of("AAPL", adjustment=Adjustment.RAW))
    with pytest.raises(InputError, match="sample has no timeframe 1m; it has 1d"):
        provider.bars(bars_of("AAPL", timeframe=Timeframe.MINUTE))
    with pytest.raises(DataError, match="the sample has no TSLA; it has AAPL, "):
        provider.bars(bars_of("AAPL", "TSLA"))
    with pytest.raises(InputError, match="sample has no news"):
        provider.news(["AAPL"], FIRST, FIRST)


FIRST = datetime(2022, 12, 27, tzinfo=UTC)


def bars_of(*symbols: str, **changes: object) -> BarRequest:
    fields = {"symbols": symbols, "start": FIRST, "end": datetime(2023, 6, 1, tzinfo=UTC)}
    return BarRequest(**{**fields, "adjustment": Adjustment.ALL, **changes})
