"""The cached panel: cells in any layout, labels, and a cache that never answers for the past."""

from __future__ import annotations

import gc
import pickle
import weakref

import numpy as np
import pandas as pd
import pytest

from alphalens import _cells, _panel
from alphalens._cells import Cells
from alphalens._panel import Labels, MissingLabelError, Panel
from alphalens.errors import InputError

from .golden.shapes import days, letters, normals, uniforms


def a_frame(n_dates: int = 6, n_assets: int = 5) -> pd.DataFrame:
    index = pd.MultiIndex.from_product(
        [days("2021-01-04", n_dates), letters(n_assets)], names=["date", "asset"]
    )
    return pd.DataFrame({"factor": normals(1, len(index))}, index=index)


def doubled(matrix: np.ndarray) -> np.ndarray:
    return matrix * 2


def total(matrix: np.ndarray, members: np.ndarray) -> np.ndarray:
    return np.nansum(matrix, axis=1)


LAYOUTS = {
    "rectangular": np.repeat(np.arange(4), 3),
    "ragged": np.array([0, 0, 1, 2, 2, 2, 3]),
    "shuffled": np.array([2, 0, 1, 2, 0, 3, 2]),
    "some left out": np.array([2, -1, 1, 2, 0, -1, 2]),
    "an empty cell": np.array([0, 0, 3, 3]),
    "one cell": np.zeros(5, dtype=int),
    "nothing": np.array([], dtype=int),
    "all left out": np.array([-1, -1]),
}


@pytest.mark.parametrize("is_split", [False, True])
@pytest.mark.parametrize("name", LAYOUTS)
def test_cells_reduce_and_transform_in_every_layout(monkeypatch, name, is_split):
    if is_split:
        monkeypatch.setattr(_cells, "_CROWDED", 0)
        monkeypatch.setattr(_cells, "_SMALL", 0)
    keys = LAYOUTS[name]
    values = normals(3, len(keys))
    cells = Cells(keys, 4)

    sums, twice = cells.reduce(total, values), cells.transform(doubled, values)

    inside = keys >= 0
    seen = cells.members > 0
    want = np.bincount(keys[inside], weights=values[inside], minlength=4)
    np.testing.assert_allclose(sums[seen], want[seen])
    np.testing.assert_allclose(twice, np.where(inside, values * 2, np.nan))
    np.testing.assert_allclose(cells.spread(want)[inside], want[keys[inside]])


def test_very_uneven_cells_do_not_take_the_memory_of_the_longest_for_each():
    keys = np.concatenate([np.zeros(20_000, dtype=int), np.arange(1, 20_000)])
    cells = Cells(keys, 20_000)
    sizes: list[int] = []

    def note(matrix: np.ndarray, members: np.ndarray) -> np.ndarray:
        sizes.append(matrix.size)
        return matrix[:, 0]

    cells.reduce(note, np.ones(len(keys)))

    assert sum(sizes) < 4 * len(keys)


def test_stable_order_sorts_keys_beyond_sixteen_bits():
    keys = (uniforms(4, 3000) * 100_000).astype(np.int64) - 1

    np.testing.assert_array_equal(_cells.stable_order(keys), np.argsort(keys, kind="stable"))


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, 3, 7],
        [3.0, np.nan, 1.0],
        [0.5, 0.25, 0.5],
        [1e18, -1e18],
        [np.inf, 1.0],
        ["b", "a", None],
        [np.nan, np.nan],
    ],
    ids=str,
)
def test_labels_are_those_of_a_sorted_factorize(values):
    column = pd.Series(values, name="label")

    labels = Labels(column)

    codes, distinct = pd.factorize(column, sort=True)
    np.testing.assert_array_equal(labels.codes, codes)
    assert list(labels.distinct) == list(distinct)
    assert labels.distinct.name == "label"


def test_labels_of_a_category_keep_every_category():
    column = pd.Series(pd.Categorical(["b", None, "b"], categories=["c", "b"]))

    labels = Labels(column)

    assert labels.codes.tolist() == [1, -1, 1]
    assert list(labels.distinct) == ["c", "b"]


def test_panel_lists_used_dates_in_order_whatever_the_order_of_levels_and_rows():
    frame = a_frame()
    index = frame.index
    turned = pd.MultiIndex(
        levels=[index.levels[0][::-1], index.levels[1]],
        codes=[5 - np.asarray(index.codes[0]), index.codes[1]],
        names=index.names,
    )
    moved = frame.set_axis(turned).iloc[::-1].drop(index.levels[0][2], level="date")

    panel = Panel.of(moved)

    assert list(panel.dates) == [d for i, d in enumerate(index.levels[0]) if i != 2]
    assert list(panel.dates[panel.date_codes]) == list(moved.index.get_level_values("date"))
    assert list(panel.assets[panel.asset_codes]) == list(moved.index.get_level_values("asset"))


def test_panel_is_kept_while_a_frame_with_the_same_index_lives():
    frame = a_frame()

    panel = Panel.of(frame)

    assert Panel.of(frame) is panel
    assert Panel.of(frame.copy()) is panel
    assert Panel.of(frame.iloc[:, 0]) is panel
    assert Panel.of(frame.iloc[1:]) is not panel
    assert Panel.of(pickle.loads(pickle.dumps(frame))) is not panel


def test_panel_is_renewed_when_the_index_is_replaced():
    frame = a_frame()
    before = Panel.of(frame)

    frame.index = frame.index.set_levels(frame.index.levels[1][::-1], level=1)

    assert Panel.of(frame) is not before
    assert list(Panel.of(frame).assets) == list("EDCBA")


def test_cache_keeps_no_frame_alive():
    frame = a_frame()
    Panel.of(frame)
    alive, number = weakref.ref(frame), id(frame)

    del frame
    gc.collect()

    assert alive() is None
    assert number not in _panel._CACHE


def test_nothing_is_stored_in_the_frame():
    frame = a_frame()

    Panel.of(frame)

    assert frame.attrs == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda values: np.negative(values, out=values),
        lambda values: values.__setitem__(3, np.nextafter(values[3], 9)),
        lambda values: values.__setitem__(slice(None), values[::-1].copy()),
        lambda values: values.__setitem__(0, np.nan),
    ],
    ids=["signs", "last bit", "order", "nan"],
)
def test_recall_answers_again_only_for_the_same_bytes(change):
    memory = _cells.Memory()
    values = normals(5, 40)
    calls: list[int] = []

    def build() -> int:
        calls.append(1)
        return len(calls)

    first, again = (memory.recall("x", (values,), build) for _ in range(2))
    change(values)
    changed = memory.recall("x", (values,), build)

    assert (first, again, changed) == (1, 1, 2)


def test_a_fingerprint_sees_a_multiple_of_the_checksum_polynomial():
    values = normals(6, 40)
    changed = values.copy()
    words = changed.view(np.uint64)
    words[3] ^= np.uint64((0x1DB710641 << 19) & (2**64 - 1))  # leaves CRC-32 as it was

    assert _cells.fingerprint(values) != _cells.fingerprint(changed)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int16, np.int64, np.float32])
def test_a_fingerprint_takes_every_width(dtype):
    values = np.array([0, 1, 1, 0], dtype=dtype)

    assert _cells.fingerprint(values) == _cells.fingerprint(values.copy())
    assert _cells.fingerprint(values) != _cells.fingerprint(values[::-1][[0, 1, 3, 2]])


@pytest.mark.parametrize("is_dense", [True, False])
@pytest.mark.parametrize("is_product", [True, False])
def test_lagged_values_and_joined_members_are_those_of_the_wide_frame(
    monkeypatch, is_product, is_dense
):
    frame = a_frame(8, 6)
    frame = frame if is_product else frame[uniforms(6, len(frame)) < 0.7]
    if not is_dense:
        monkeypatch.setattr(_cells, "_CROWDED", 0)
        monkeypatch.setattr(_cells, "_SMALL", 0)
        frame = frame.iloc[::-1]
    panel = Panel.of(frame)
    previous = np.array([-1, -1, 0, 1, 2, 3, 4, 5])[: len(panel.dates)]

    values = frame["factor"].to_numpy()
    lagged = pd.Series(panel.lagged(values, previous), frame.index)
    joined = panel.joined(values > 0, previous)

    wide = frame["factor"].unstack("asset").sort_index().sort_index(axis=1)  # noqa: PD010 - the reference is unstack itself
    shifted = wide.shift(2)
    want = shifted.stack(future_stack=True).reindex(frame.index)
    np.testing.assert_array_equal(lagged, want)
    stayed = (wide > 0) & (shifted > 0)
    np.testing.assert_array_equal(joined, (wide > 0).sum(axis=1) - stayed.sum(axis=1))


def test_wide_matrix_has_the_assets_in_the_order_unstack_gives():
    frame = a_frame().drop(["B"], level="asset").iloc[::-1]

    matrix, assets = Panel.of(frame).wide(frame["factor"].to_numpy())

    want = frame["factor"].unstack("asset")  # noqa: PD010 - as above
    assert list(assets) == list(want.columns)
    np.testing.assert_array_equal(matrix, want.sort_index())


def test_repeated_rows_are_counted_and_the_first_is_named():
    frame = a_frame()
    twice = pd.concat([frame, frame.iloc[[6, 2]]])

    panel = Panel.of(twice)

    assert panel.has_duplicates
    assert panel.duplicates() == "2 rows, e.g. (2021-01-05 00:00:00, B)"
    assert not Panel.of(frame).has_duplicates


def test_rows_without_a_date_are_refused():
    frame = a_frame()
    index = pd.MultiIndex.from_arrays(
        [[pd.NaT, *frame.index.get_level_values(0)[1:]], frame.index.get_level_values(1)],
        names=["date", "asset"],
    )

    with pytest.raises(InputError, match="1 rows of the frame have no date"):
        Panel.of(frame.set_axis(index))


def test_a_column_found_twice_is_refused():
    frame = pd.concat([a_frame(), a_frame()], axis=1)

    with pytest.raises(InputError, match="2 columns named 'factor'"):
        _panel.column_values(frame, "factor")


def test_missing_label_errors_are_both_key_and_value_errors():
    with pytest.raises(MissingLabelError) as caught:
        _panel.column_values(a_frame(), "group")

    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith("factor_data has no column 'group'")
