"""Metrics by date in parts give the numbers of one call, whoever computes the parts."""

from __future__ import annotations

import joblib
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

from alphalens import performance as perf
from alphalens.errors import InputError

from .golden.shapes import days, letters, normals

METRICS = [
    (perf.factor_information_coefficient, {}),
    (perf.factor_information_coefficient, {"by_group": True}),
    (perf.factor_returns, {"group_adjust": True}),
    (perf.factor_weights, {}),
    (perf.mean_return_by_quantile, {"by_date": True}),
    (perf.mean_return_by_quantile, {"by_date": True, "by_group": True}),
]


@pytest.fixture(scope="module")
def fd() -> pd.DataFrame:
    """Thirty business days with a hole, eight assets, two groups."""
    index = pd.MultiIndex.from_product(
        [days("2021-01-04", 30, freq="B"), letters(8)], names=["date", "asset"]
    )
    values = normals(1, 3, len(index))
    frame = pd.DataFrame(
        {"1D": values[0] / 50, "5D": values[1] / 20, "factor": values[2]}, index=index
    )
    frame["group"] = pd.Categorical(["xy"[i % 2] for i in range(len(index))])
    frame["factor_quantile"] = 1 + np.arange(len(index)) % 3
    return frame[~frame.index.get_level_values("date").isin(index.levels[0][[14, 15]])]


def equal(one, other) -> None:
    if isinstance(one, tuple):
        for a, b in zip(one, other, strict=True):
            equal(a, b)
    elif isinstance(one, pd.Series):
        assert_series_equal(one, other)
    else:
        assert_frame_equal(one, other)


@pytest.mark.parametrize("n_parts", [1, 3, 100])
@pytest.mark.parametrize(("metric", "options"), METRICS)
def test_parts_give_the_numbers_of_one_call(fd, metric, options, n_parts):
    parts = perf.by_dates(metric, fd, n_parts=n_parts, n_jobs=1, **options)

    equal(parts, metric(fd, **options))


@pytest.mark.parametrize(
    ("metric", "options"),
    [*METRICS, (perf.factor_returns, {"by_asset": True})],
)
def test_parts_of_a_frame_in_any_order_keep_the_order_of_its_rows(fd, metric, options):
    shuffled = fd.sample(frac=1.0, random_state=3)

    parts = perf.by_dates(metric, shuffled, n_parts=4, n_jobs=1, **options)

    equal(parts, metric(shuffled, **options))


def test_weights_of_all_rows_go_to_every_part(fd):
    options = {"by_date": True, "weights": fd["factor"].abs().sample(frac=1.0, random_state=1)}

    parts = perf.by_dates(perf.mean_return_by_quantile, fd, n_parts=4, n_jobs=1, **options)

    equal(parts, perf.mean_return_by_quantile(fd, **options))


def test_threads_of_joblib_give_the_same(fd):
    with joblib.parallel_config("threading"):
        parts = perf.by_dates(perf.factor_returns, fd, n_jobs=2)

    equal(parts, perf.factor_returns(fd))


@pytest.mark.nightly
@pytest.mark.filterwarnings("default")
def test_two_workers_of_a_dask_cluster_give_the_same(fd):
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config("dask"),
    ):
        for metric, options in METRICS:
            equal(perf.by_dates(metric, fd, **options), metric(fd, **options))


@pytest.mark.parametrize("n_parts", [0, -1, 1.5, 2.0, True, "2"])
def test_parts_are_counted_in_whole_numbers(fd, n_parts):
    with pytest.raises(InputError, match=f"into {n_parts!r} parts"):
        perf.by_dates(perf.factor_returns, fd, n_parts=n_parts, n_jobs=1)


@pytest.mark.parametrize(
    ("metric", "options", "words"),
    [
        (perf.factor_rank_autocorrelation, {}, "got 'factor_rank_autocorrelation'"),
        (perf.mean_return_by_quantile, {}, "by_date=True alone"),
        (perf.factor_returns, {"cost_bps": 5.0}, "earlier dates"),
    ],
)
def test_what_needs_other_dates_is_refused(fd, metric, options, words):
    with pytest.raises(InputError, match=words):
        perf.by_dates(metric, fd, n_jobs=1, **options)
