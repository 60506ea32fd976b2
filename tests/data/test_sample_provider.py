"""The sample as it comes with skfolio, and what happens without it or with another file."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from alphalens.data import SampleProvider, sample_provider
from alphalens.errors import DataError, MissingExtra

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
