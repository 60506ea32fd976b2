"""One side of the comparison: times cases with whichever `alphalens` its interpreter has.

Run by ``benchmarks.core`` as a file, in two environments. Reads one JSON request a line from
standard input, ``{"case": name, "nudge": k}``, and answers one JSON line with seconds and digest;
the first line says which package it runs.
Before a call the input is copied and one value moved by ``k`` billionths: nothing that an earlier
call left behind can answer, and both sides see the same numbers.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alphalens import performance, tears, utils

PERIODS = (1, 5, 10)
QUANTILES = 5


def make_inputs(n_assets: int, n_days: int) -> tuple[pd.Series, pd.DataFrame]:
    """Return a factor (noise plus a little foresight) and random-walk prices on business days."""
    random = np.random.default_rng(20)
    dates = pd.bdate_range("2014-01-06", periods=n_days + max(PERIODS) + 1)
    walk = 50 * np.exp(np.cumsum(random.normal(0, 0.015, (len(dates), n_assets)), axis=0))
    assets = [f"S{i:04d}" for i in range(n_assets)]
    ahead = walk[5 : n_days + 5] / walk[:n_days] - 1
    values = random.normal(size=(n_days, n_assets)) + 3 * ahead
    index = pd.MultiIndex.from_product([dates[:n_days], assets], names=["date", "asset"])
    prices = pd.DataFrame(walk, index=dates, columns=assets)
    return pd.Series(values.ravel(), index=index, name="factor"), prices


class Side:
    """The inputs of one size, and the cases over them."""

    def __init__(self, n_assets: int, n_days: int, n_groups: int) -> None:
        names = [f"S{i:04d}" for i in range(n_assets)]
        self.groups = {a: f"G{i % n_groups:02d}" for i, a in enumerate(names)} if n_groups else None
        self.factor, self.prices = make_inputs(n_assets, n_days)
        self.growth = (1 + self.prices.pct_change(fill_method=None).fillna(0)).cumprod()
        self.frame = self._clean(self.factor)

    def run(self, case: str, nudge: int, *, is_warm: bool) -> dict[str, Any]:
        """Time one call on inputs that nobody has seen before, then one more on the same."""
        call = CASES[case]
        fresh = self._nudged(self.factor if case == "clean" else self.frame, nudge)
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Memory() as memory:
                start = time.perf_counter()
                result = call(self, fresh)
                seconds = time.perf_counter() - start
            start = time.perf_counter()
            if is_warm:
                call(self, fresh)
            again = time.perf_counter() - start if is_warm else None
        return {
            "seconds": seconds,
            "warm": again,
            "mebibytes": memory.growth,
            "digest": digest(result),
        }

    def _clean(self, factor: pd.Series) -> pd.DataFrame:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return utils.get_clean_factor_and_forward_returns(
                factor, self.prices, groupby=self.groups, quantiles=QUANTILES, periods=PERIODS
            )

    @staticmethod
    def _nudged(data: Any, nudge: int) -> Any:
        fresh = data.copy(deep=True)
        if isinstance(fresh, pd.Series):
            fresh.iloc[0] += nudge * 1e-9
        else:
            fresh.iloc[0, fresh.columns.get_loc("factor")] += nudge * 1e-9
        return fresh


def _turnovers(_: Side, fd: pd.DataFrame) -> Any:
    labels = fd["factor_quantile"]
    return tuple(
        performance.quantile_turnover(labels, quantile, period)
        for quantile in range(1, QUANTILES + 1)
        for period in PERIODS
    )


def _full_sheet(_: Side, fd: pd.DataFrame, *, by_group: bool = False) -> None:
    import matplotlib.pyplot as plt

    tears.create_full_tear_sheet(fd, by_group=by_group)
    plt.close("all")


CASES: dict[str, Callable[[Side, Any], Any]] = {
    "clean": lambda side, factor: side._clean(factor),
    "rank IC": lambda _, fd: performance.factor_information_coefficient(fd),
    "factor returns": lambda _, fd: performance.factor_returns(fd),
    "quantile means": lambda _, fd: performance.mean_return_by_quantile(fd),
    "quantile means by date": lambda _, fd: performance.mean_return_by_quantile(fd, by_date=True),
    "15 turnovers": _turnovers,
    "rank autocorrelation": lambda _, fd: performance.factor_rank_autocorrelation(fd),
    "event windows": lambda side, fd: performance.average_cumulative_return_by_quantile(
        fd, side.growth, 5, 15
    ),
    "full tear sheet": _full_sheet,
    "rank IC by group": lambda _, fd: performance.factor_information_coefficient(fd, by_group=True),
    "group-neutral returns": lambda _, fd: performance.factor_returns(fd, group_adjust=True),
    "quantile means by date and group": lambda _, fd: performance.mean_return_by_quantile(
        fd, by_date=True, by_group=True
    ),
    "event windows by group": lambda side, fd: performance.average_cumulative_return_by_quantile(
        fd, side.growth, 5, 15, by_group=True
    ),
    "full tear sheet by group": lambda _, fd: _full_sheet(_, fd, by_group=True),
}


class Memory:
    """Watches the peak of resident memory inside a ``with`` block, and its growth, in MiB."""

    def __enter__(self) -> Memory:
        self._before = self.peak = _resident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.peak = max(self.peak, _resident())
        self.growth = self.peak - self._before

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self.peak = max(self.peak, _resident())


def _resident() -> float:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def digest(result: Any) -> Any:
    """Return shape, count of NaN, sum and absolute sum of the numbers in a result."""
    if result is None:
        return None
    if isinstance(result, tuple):
        return [digest(part) for part in result]
    frame = result.to_frame() if isinstance(result, pd.Series) else result
    values = frame.select_dtypes("number").to_numpy(dtype=float)
    return [
        list(result.shape),
        int(np.isnan(values).sum()),
        float(np.nansum(values)),
        float(np.nansum(np.abs(values))),
    ]


def main() -> None:
    """Answer requests until standard input ends."""
    shape, _, groups = sys.argv[1].partition("g")
    side = Side(*map(int, shape.split("x")), int(groups or 0))
    answers, sys.stdout = sys.stdout, io.StringIO()
    answers.write(json.dumps({"package": performance.__file__}) + "\n")
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        answer = side.run(request["case"], request["nudge"], is_warm=request["warm"])
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
