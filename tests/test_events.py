"""Event windows: the two ways of adding up agree with a loop."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alphalens import _events as events

from .golden.shapes import normals, uniforms

N_TIMES, N_ASSETS, BEFORE, AFTER = 30, 9, 3, 4


def a_case(
    *, has_gaps: bool, lowest: int = -1, is_settled: bool = False
) -> tuple[events.Windows, events.EventCells]:
    """Return windows on 30 x 9 returns, and events of two groups and three quantiles.

    A lowest quantile of -1 leaves events without; settled assets keep one group.
    """
    returns = normals(1, N_TIMES, N_ASSETS)
    if has_gaps:
        returns[uniforms(2, *returns.shape) < 0.15] = np.nan
    rows = np.array([0, 1, 5, 6, 7, 20, 28, 29])
    dates, assets = np.nonzero(uniforms(3, len(rows), N_ASSETS) < 0.8)
    pick = uniforms(4, 2, len(dates))
    cells = events.EventCells(
        dates=dates,
        assets=assets,
        quantiles=(pick[0] * (3 - lowest)).astype(np.int64) + lowest,
        groups=assets % 2 if is_settled else (pick[1] * 2).astype(np.int64),
        n_quantiles=3,
        n_groups=2,
    )
    return events.Windows(returns=returns, rows=rows, before=BEFORE, after=AFTER), cells


def slow_mean(windows: events.Windows, date: int, assets: np.ndarray) -> np.ndarray:
    """Average the windows of some assets on one date, offset by offset."""
    out = np.full(windows.width, np.nan)
    for place, offset in enumerate(range(-BEFORE, AFTER + 1)):
        row = windows.rows[date] + offset
        if 0 <= row < N_TIMES and len(assets):
            values = windows.returns[row, assets]
            out[place] = values[~np.isnan(values)].mean() if (~np.isnan(values)).any() else np.nan
    return out


@pytest.mark.parametrize("few_cells", [0, 100], ids=["added", "multiplied"])
@pytest.mark.parametrize("has_gaps", [False, True])
@pytest.mark.parametrize("universe", [None, "date", "group"])
@pytest.mark.parametrize(
    ("lowest", "is_settled"),
    [(-1, False), (0, False), (0, True)],
    ids=["some without quantile", "moving", "settled"],
)
def test_windows_by_quantile_are_those_of_a_loop(
    monkeypatch, few_cells, has_gaps, universe, lowest, is_settled
):
    monkeypatch.setattr(events, "_FEW_CELLS", few_cells)
    windows, cells = a_case(has_gaps=has_gaps, lowest=lowest, is_settled=is_settled)

    cube = windows.by_quantile(cells, universe)

    for date, group, quantile in np.ndindex(cube.shape[:3]):
        here = cells.dates == date
        own = here & (cells.groups == group)
        want = slow_mean(windows, date, cells.assets[own & (cells.quantiles == quantile)])
        if universe is not None:
            others = here if universe == "date" else own
            want = want - slow_mean(windows, date, cells.assets[others])
        np.testing.assert_allclose(cube[date, group, quantile], want, atol=1e-13)


@pytest.mark.parametrize(("is_settled", "added"), [(True, 0), (False, 1)])
def test_groups_that_keep_their_assets_are_multiplied_one_by_one(monkeypatch, is_settled, added):
    monkeypatch.setattr(events, "_FEW_CELLS", 3)
    calls = []
    plain = events.Windows._added
    monkeypatch.setattr(
        events.Windows, "_added", lambda self, *args: calls.append(1) or plain(self, *args)
    )
    windows, cells = a_case(has_gaps=False, lowest=0, is_settled=is_settled)

    windows.by_quantile(cells, None)

    assert len(calls) == added


def test_an_infinite_return_reaches_its_own_window_only():
    windows, cells = a_case(has_gaps=False)
    windows.returns[6, 0] = np.inf

    mean = windows.means(cells.dates, cells.assets)

    hit = np.isinf(mean) | np.isnan(mean)
    assert hit.any()
    assert not hit[5].any()


def test_offsets_that_no_date_reaches_are_left_out():
    windows = events.Windows(returns=np.ones((4, 1)), rows=np.array([0, 1]), before=3, after=9)

    assert windows.labels(windows.offsets()).tolist() == [-1, 0, 1, 2, 3]


@pytest.mark.parametrize("is_settled", [False, True])
def test_rebased_windows_do_not_depend_on_the_way_of_adding_up(monkeypatch, is_settled):
    windows, cells = a_case(has_gaps=True, lowest=0, is_settled=is_settled)
    rebased = dataclasses.replace(windows, is_rebased=True)

    multiplied = rebased.by_quantile(cells, "group")
    monkeypatch.setattr(events, "_FEW_CELLS", 0)

    np.testing.assert_allclose(multiplied, rebased.by_quantile(cells, "group"), atol=1e-12)


def test_blocks_pool_dates_and_groups_or_keep_groups_apart():
    windows, cells = a_case(has_gaps=False)
    cube = windows.by_quantile(cells, None)

    pooled, keys = events.blocks(cube, cells, is_by_group=False)
    apart, group_keys = events.blocks(cube, cells, is_by_group=True)

    assert keys == [(0, 0), (0, 1), (0, 2)]
    assert group_keys == [(g, q) for g in range(2) for q in range(3)]
    np.testing.assert_allclose(pooled[0], np.nanmean(cube[:, :, 0].reshape(-1, 8), axis=0))
    np.testing.assert_allclose(apart[3], np.nanstd(cube[:, 0, 1], axis=0, ddof=1))
