"""The expression layer: published sets of factors on one panel, and single windows against pandas.

Usage: ``python -m benchmarks.expressions [ASSETSxDAYS]``, by default 500x2520. Each set runs in a
process of its own on all cores. The rows go to ``docs/benchmarks.md`` and to standard output; the
exit status is 1 when pandas gives other numbers.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import numpy as np
import pandas as pd

from alphalens.factors import evaluate, evaluate_many
from alphalens.factors.alpha101 import ALPHA101, price_volume_panel
from alphalens.factors.alpha158 import ALPHA158
from benchmarks import report
from benchmarks.core import same
from benchmarks.worker import Memory, digest, make_inputs

SETS = {"Alpha158": ALPHA158, "price-volume members of the 101": ALPHA101}
WINDOWS = (20, 60)
ROUNDS = 3
SET_HEAD = ("set", "expressions", "wall", "processor", "peak MiB", "MiB of results")
HEAD = ("operator", "pandas", "ours", "ratio")


def make_panel(n_assets: int, n_days: int) -> dict[str, pd.DataFrame]:
    """Return bars around the random walks of the other benchmarks, with a lognormal volume."""
    random = np.random.default_rng(21)
    close = make_inputs(n_assets, n_days)[1].iloc[:n_days]
    opened = close.shift(1).fillna(close) * np.exp(random.normal(0, 0.003, close.shape))
    reach = np.exp(np.abs(random.normal(0, 0.005, (2, *close.shape))))
    return price_volume_panel(
        open=opened,
        high=np.maximum(opened, close) * reach[0],
        low=np.minimum(opened, close) / reach[1],
        close=close,
        volume=pd.DataFrame(random.lognormal(13, 0.5, close.shape), close.index, close.columns),
    )


def measured(name: str, n_assets: int, n_days: int) -> tuple[str, ...]:
    """Evaluate one set and return its row; the peak is that of the whole process."""
    panel = make_panel(n_assets, n_days)
    with Memory() as memory:
        wall, processor = time.perf_counter(), time.process_time()
        frames = evaluate_many(SETS[name], panel, n_jobs=-1)
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
    held = sum(frame.to_numpy().nbytes for frame in frames.values()) / 2**20
    return (
        name,
        str(len(frames)),
        report.seconds(wall),
        report.seconds(processor),
        f"{memory.peak:.0f}",
        f"{held:.0f}",
    )


def set_rows(n_assets: int, n_days: int) -> list[tuple[str, ...]]:
    """Return the row of each set, from a fresh process."""
    rows = []
    for name in SETS:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            rows.append(fresh.submit(measured, name, n_assets, n_days).result())
    return rows


def in_pandas(panel: dict[str, pd.DataFrame], n: int) -> dict[str, Callable[[], pd.DataFrame]]:
    """Return single operators as text of ours, each with the shortest way to it in pandas."""
    close, volume = panel["close"], panel["volume"]
    rows = np.broadcast_to(np.arange(float(len(close)))[:, None], close.shape)
    clock = pd.DataFrame(rows, close.index, close.columns)
    return {
        f"ts_mean(close, {n})": lambda: close.rolling(n).mean(),
        f"ts_std(close, {n})": lambda: close.rolling(n).std(),
        f"ts_rank(close, {n})": lambda: close.rolling(n).rank(pct=True),
        f"ts_quantile(close, {n}, 0.8)": lambda: close.rolling(n).quantile(0.8),
        f"ts_slope(close, {n})": lambda: (
            close.rolling(n).cov(clock, pairwise=False) / clock.rolling(n).var()
        ),
        f"ts_corr(close, volume, {n})": lambda: close.rolling(n).corr(volume, pairwise=False),
        f"ts_argmax(close, {n})": lambda: n - 1 - close.rolling(n).apply(np.argmax, raw=True),
    }


def timed(call: Callable[[], pd.DataFrame]) -> tuple[float, pd.DataFrame]:
    """Return the seconds of a call and what it returns."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def operator_rows(
    panel: dict[str, pd.DataFrame],
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return the row of each operator, and those whose digests differ."""
    calls = {text: call for n in WINDOWS for text, call in in_pandas(panel, n).items()}
    calls["rank(close)"] = lambda: panel["close"].rank(axis=1, pct=True)
    rows, wrong = [], []
    for text, call in calls.items():
        times: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            theirs, expected = timed(call)
            ours, found = timed(partial(evaluate, text, panel, n_jobs=-1))
            times.append((theirs, ours))
        if not same(digest(expected), digest(found)):
            wrong.append(f"{text}: {digest(expected)} {digest(found)}")
        pandas, own = map(statistics.median, zip(*times, strict=True))
        rows.append((f"`{text}`", *map(report.seconds, (pandas, own)), f"{pandas / own:.1f}x"))
    return rows, wrong


def main(arguments: list[str] | None = None) -> int:
    """Time sets and operators, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", nargs="?", default="500x2520", help="ASSETSxDAYS")
    n_assets, n_days = map(int, parser.parse_args(arguments).size.split("x"))
    load = os.getloadavg()[0]
    sets = set_rows(n_assets, n_days)
    rows, wrong = operator_rows(make_panel(n_assets, n_days))
    text = [
        f"## Expression layer at {n_assets} assets x {n_days} days\n",
        "Each set once, from its text to frames, in a fresh process on all cores; the peak is the "
        "resident memory of that process, panel and results included. The aim is Alpha158 at "
        "500 x 2520 in less than 20 s on two cores and 4 GiB. Single operators are medians of "
        f"{ROUNDS} calls on all cores, in turns with the shortest way to the same numbers in "
        "pandas; shape, count of NaN and sums agree, unless a line says no. Load at the start "
        f"{load:.1f}; {report.machine(('numpy', 'pandas'))}\n",
        report.table(SET_HEAD, sets),
        report.table(HEAD, rows),
        *(f"Results differ: {line}\n" for line in wrong),
    ]
    report.put_section("expressions", "\n".join(text))
    print("\n".join(text))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
