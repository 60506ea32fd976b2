"""Refresh of the latest bars of many symbols, from loopback vendors that answer late.

Usage: ``python -m benchmarks.market_refresh [--symbols 500] [--latency 0.02] [--rounds 7]``. Each
vendor is a process of its own and lets every answer wait, each on its own. The rows go to standard
output; `measure` gives them to others. The exit status is 1 when a bar is missing.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.asks import RestOptions
from alphalens.data.bars import Timeframe
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.testing.alpaca_data_server import alpaca_data_process
from alphalens.testing.loopback import VendorProcess
from alphalens.testing.polygon_server import polygon_process
from benchmarks import report

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
MINUTE = NOW - timedelta(minutes=2)
TODAY = datetime(2026, 3, 2, 5, tzinfo=UTC)
FAST = RestOptions(calls_per_minute=1_000_000)
HEAD = ("refresh", "vendor", "HTTP calls", "first", "median of the others", "processor, ours")

Bar = dict[str, Any]  # Any: text or numbers
Refresh = Callable[[], int]


def bar(at: datetime, *, is_text: bool) -> Bar:
    """Return a bar as the vendor's wire has it."""
    time_of = at.isoformat().replace("+00:00", "Z") if is_text else int(at.timestamp()) * 1000
    prices = {"o": 187.1, "h": 187.4, "l": 186.95, "c": 187.15}
    return {"t": time_of, **prices, "v": 51234, "vw": 187.2, "n": 812}


def alpaca(folder: Path, symbols: Sequence[str]) -> tuple[VendorProcess, MarketDataProvider]:
    """Return a running Alpaca with bars of the symbols, and its client."""
    vendor = alpaca_data_process(folder / "alpaca.json").start()
    for symbol in symbols:
        vendor.control.add_bars(symbol, [bar(MINUTE, is_text=True)], "1Min")
        vendor.control.add_bars(symbol, [bar(TODAY, is_text=True)])
    url = vendor.addresses["url"]
    return vendor, AlpacaProvider(
        "PKTEST", "secret", base_url=url, rng=random.Random(7), options=FAST
    )


def polygon(folder: Path, symbols: Sequence[str]) -> tuple[VendorProcess, MarketDataProvider]:
    """Return a running Polygon with bars of the symbols, and its client."""
    vendor = polygon_process(folder / "polygon.json").start()
    for symbol in symbols:
        vendor.control.add_aggs(symbol, [bar(MINUTE, is_text=False)], 1, "minute")
        vendor.control.add_aggs(symbol, [bar(TODAY, is_text=False)])
    url = vendor.addresses["url"]
    return vendor, PolygonProvider("key", base_url=url, rng=random.Random(7), options=FAST)


def refreshes(provider: MarketDataProvider, symbols: Sequence[str]) -> dict[str, Refresh]:
    """Return the ways to refresh; each returns how many bars or states came."""
    span = BarRequest(symbols=tuple(symbols), start=MINUTE, end=NOW, timeframe=Timeframe.MINUTE)
    return {
        "last minute": lambda: len(provider.latest(symbols, Timeframe.MINUTE).bars),
        "last day": lambda: len(provider.latest(symbols, Timeframe.DAY).bars),
        "snapshots": lambda: len(provider.snapshots(symbols)),
        "bars of two minutes": lambda: len(provider.bars(span).bars),
    }


def timed(refresh: Refresh, rounds: int, due: int) -> tuple[float, float, float]:
    """Return the seconds of the first refresh, and of the others the median.

    The third figure is the median of the seconds that this process itself worked.

    Raises
    ------
    RuntimeError
        If one brings less than is due.
    """
    spent, worked = [], []
    for _ in range(1 + rounds):
        begin, work_before = time.perf_counter(), time.process_time()
        came = refresh()
        spent.append(time.perf_counter() - begin)
        worked.append(time.process_time() - work_before)
        if came != due:
            raise RuntimeError(f"{came} of {due} came")
    return spent[0], statistics.median(spent[1:]), statistics.median(worked[1:])


def measure(count: int = 500, latency_s: float = 0.02, rounds: int = 7) -> list[tuple[str, ...]]:
    """Return the rows of the table `HEAD`.

    Parameters
    ----------
    count : int
        Symbols.
    latency_s : float
        Seconds for which each answer waits.
    rounds : int
        Refreshes after the first.
    """
    symbols = [f"S{number:03}" for number in range(count)]
    rows: list[tuple[str, ...]] = []
    for start in (alpaca, polygon):
        with tempfile.TemporaryDirectory() as folder:
            vendor, provider = start(Path(folder), symbols)
            vendor.control.set_latency(latency_s)
            try:
                for name, refresh in refreshes(provider, symbols).items():
                    vendor.control.forget_requests()
                    spent = timed(refresh, rounds, count)
                    calls = len(vendor.control.requests()) // (1 + rounds)
                    rows.append((name, provider.name, str(calls), *map(report.seconds, spent)))
            finally:
                provider.close()
                vendor.stop()
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds of each answer")
    parser.add_argument("--rounds", type=int, default=7, help="refreshes after the first")
    options = parser.parse_args(arguments)
    rows = measure(options.symbols, options.latency, options.rounds)
    print(report.table(HEAD, rows))
    print(report.machine(("httpx", "numpy")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
