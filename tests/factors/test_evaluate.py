"""Evaluation: no look-ahead, true lookbacks, shared parts once, panels checked at the door."""

from __future__ import annotations

import weakref

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphalens.errors import InputError
from alphalens.factors import _engine, evaluate, evaluate_many, field, parse
from alphalens.factors._grammar import CALLABLE, Rule

ROWS, ASSETS = 60, 12
SYMBOLS = [
    "x + y",
    "x / few",
    "few ** y",
    "x < 100 * few",
    "few & (y > 0)",
    "-x | ~few",
    "few == 1",
    "few != 1",
]


def panel(rows: int = ROWS, assets: int = ASSETS, seed: int = 11) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2024-01-01", periods=rows)
    names = [f"S{number}" for number in range(assets)]
    shape = (rows, assets)
    values = {
        "x": 100 + rng.normal(size=shape).cumsum(axis=0),
        "y": rng.normal(size=shape),
        "few": rng.integers(-2, 3, shape).astype(float),
    }
    gaps = {name: rng.random(shape) < 0.01 for name in values}
    return {
        name: pd.DataFrame(np.where(gaps[name], np.nan, array), index, names)
        for name, array in values.items()
    }


def sectors(fields: dict[str, pd.DataFrame]) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    like = fields["x"]
    labels = rng.choice(np.array(["oil", "tech", None], dtype=object), like.shape)
    return pd.DataFrame(labels, like.index, like.columns)


def call(rule: Rule) -> list[str]:
    """Calls of an operator, over a computed operand, with and without groups."""
    operands = ["delta(x, 2) * y", "y", "few"][: len(rule.operands)]
    values = {"n": "7", "q": "0.3", "limit": "0.2", "a": "2"}
    words = ", ".join([*operands, *(values[p.name] for p in rule.parameters)])
    tails = ["", ", by=sector"] if rule.kind == "section" else [""]
    return [f"{rule.name}({words}{tail})" for tail in tails]


EVERY = [*SYMBOLS, *(text for rule in CALLABLE.values() for text in call(rule))]


@pytest.mark.parametrize("text", EVERY)
def test_the_last_row_depends_on_the_last_lookback_rows_alone(text: str):
    fields, rows = panel(), parse(text).lookback
    groups = {"sector": sectors(fields)}

    whole = evaluate(text, fields, groups=groups)
    tail = evaluate(
        text,
        {name: frame.iloc[-rows:] for name, frame in fields.items()},
        groups={"sector": groups["sector"].iloc[-rows:]},
    )

    assert whole.iloc[-1].notna().any()
    pd.testing.assert_series_equal(tail.iloc[-1], whole.iloc[-1], check_exact=True)


@pytest.mark.parametrize("text", EVERY)
@pytest.mark.parametrize("last", [9, 31, 58])
def test_what_comes_after_a_row_never_changes_it(text: str, last: int):
    fields = panel()
    groups = {"sector": sectors(fields)}

    whole = evaluate(text, fields, groups=groups)
    cut = evaluate(
        text,
        {name: frame.iloc[: last + 1] for name, frame in fields.items()},
        groups={"sector": groups["sector"].iloc[: last + 1]},
    )

    pd.testing.assert_frame_equal(cut, whole.iloc[: last + 1], check_exact=True)


@pytest.mark.parametrize(
    "text", ["ts_sum(x, 7)", "ts_std(x, 7)", "ts_corr(x, y, 7)", "delta(x, 7)"]
)
def test_a_lookback_of_one_row_less_would_not_do(text: str):
    fields, rows = panel(), parse(text).lookback - 1

    tail = evaluate(text, {name: frame.iloc[-rows:] for name, frame in fields.items()})

    assert tail.iloc[-1].isna().all()


@pytest.mark.parametrize("text", EVERY)
def test_no_value_is_ever_infinite(text: str):
    fields = panel()
    fields["y"].iloc[20:30, 1] = np.inf
    fields["y"].iloc[40:50] = 1e200
    fields["few"].iloc[45:] = -1e308

    values = evaluate(text, fields, groups={"sector": sectors(fields)}).to_numpy()

    assert not np.isinf(values).any()


@pytest.mark.parametrize("jobs", [2, -1])
def test_threads_change_no_bit(jobs: int):
    fields = panel(rows=700, assets=130)
    expressions = dict(zip(map(str, range(len(EVERY))), EVERY, strict=True))
    groups = {"sector": sectors(fields)}

    alone = evaluate_many(expressions, fields, groups=groups)
    together = evaluate_many(expressions, fields, groups=groups, n_jobs=jobs)

    assert list(together) == list(expressions)
    for name, frame in alone.items():
        pd.testing.assert_frame_equal(together[name], frame, check_exact=True)


def test_a_part_that_is_shared_is_computed_once(monkeypatch: pytest.MonkeyPatch):
    computed: list[str] = []
    compute = _engine._Run._value
    monkeypatch.setattr(
        _engine._Run,
        "_value",
        lambda run, node: computed.append(node.canonical) or compute(run, node),
    )

    evaluate_many({"a": "ts_mean(x / y, 5)", "b": "1 + ts_mean(x / y, 5)", "c": "x / y"}, panel())

    assert sorted(computed) == ["1 + ts_mean(x / y, 5)", "ts_mean(x / y, 5)", "x", "x / y", "y"]


def test_a_part_is_forgotten_when_its_last_user_is_done(monkeypatch: pytest.MonkeyPatch):
    held: list[int] = []
    compute = _engine._Run._value

    def watched(run: _engine._Run, node: _engine.Node) -> np.ndarray:
        values = compute(run, node)
        held.append(len(run._held) + len(run._spare) + 1)
        return values

    monkeypatch.setattr(_engine._Run, "_value", watched)
    chain = "x"
    for _ in range(30):
        chain = f"ts_mean({chain}, 1) + 1"

    evaluate(chain, panel())

    assert len(held) == 61
    assert max(held) <= 3


def test_results_do_not_keep_the_parts_alive(monkeypatch: pytest.MonkeyPatch):
    runs: list[weakref.ref[_engine._Run]] = []
    start = _engine._Run.__init__
    monkeypatch.setattr(
        _engine._Run,
        "__init__",
        lambda run, *given: runs.append(weakref.ref(run)) or start(run, *given),
    )

    frame = evaluate("rank(x) + 1", panel())

    assert runs[0]() is None
    assert frame.notna().any(axis=None)


def test_results_are_in_memory_of_their_own():
    fields = panel()

    frames = evaluate_many({"a": "x", "b": "x", "c": "x + 0 * y"}, fields)
    frames["a"].iloc[:] = 0.0

    assert (fields["x"].iloc[0] != 0).all()
    assert (frames["b"].iloc[0] != 0).all()
    assert (frames["c"].iloc[0] != 0).all()


def test_a_frame_with_columns_of_field_and_asset_is_a_panel():
    fields = panel()
    joined = pd.concat(fields, axis=1)

    pd.testing.assert_frame_equal(
        evaluate("rank(x) * y", joined), evaluate("rank(x) * y", fields), check_names=False
    )


def test_returns_come_from_closes_unless_the_panel_gives_them():
    closes = pd.DataFrame({"A": [1.0, 2.0, 0.0, 3.0]})

    derived = evaluate("returns", {"close": closes})["A"]
    given = evaluate("returns", {"close": closes, "returns": closes})["A"]

    assert derived.tolist()[1:3] == [1.0, -1.0]
    assert derived.isna().tolist() == [True, False, False, True]
    assert given.tolist() == [1.0, 2.0, 0.0, 3.0]


@pytest.mark.parametrize("dtype", ["int64", "float32", "bool", "Float64", "Int64"])
def test_numbers_of_any_kind_count_as_floats(dtype: str):
    values = pd.DataFrame({"A": [1, 0, 1]}).astype(dtype)

    assert evaluate("x + 1", {"x": values})["A"].tolist() == [2.0, 1.0, 2.0]


def test_groups_by_asset_equal_the_same_groups_on_every_date():
    fields = panel()
    by_asset = pd.Series(["oil", "tech", "oil", "tech"], ["S0", "S1", "S2", "S4"])
    aligned = by_asset.reindex(fields["x"].columns)
    by_date = pd.DataFrame([aligned.tolist()] * ROWS, fields["x"].index, fields["x"].columns)

    short = evaluate("zscore(x, by=sector)", fields, groups={"sector": by_asset})

    long = evaluate("zscore(x, by=sector)", fields | {"sector": by_date})
    pd.testing.assert_frame_equal(short, long, check_exact=True)
    assert short["S3"].isna().all()


def test_a_panel_without_rows_or_assets_gives_an_empty_frame():
    fields = panel()

    assert evaluate("rank(ts_mean(x, 5))", {"x": fields["x"].iloc[:0]}).shape == (0, ASSETS)
    assert evaluate("rank(ts_mean(x, 5))", {"x": fields["x"].iloc[:, :0]}).shape == (ROWS, 0)


def test_a_window_longer_than_the_panel_has_no_value():
    fields = panel()

    frames = evaluate_many(
        {"a": "ts_sum(x, 61)", "b": "delay(x, 60)", "c": "ts_sum(x, 60)"}, fields
    )

    assert frames["a"].isna().all(axis=None)
    assert frames["b"].isna().all(axis=None)
    assert frames["c"].shape == (ROWS, ASSETS)


def test_expressions_without_names_are_refused():
    with pytest.raises(InputError, match="mapping from names to expressions, got list"):
        evaluate_many(["x"], panel())


def test_no_expressions_give_no_frames():
    assert evaluate_many({}, panel()) == {}


def _shifted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns={"S3": "T3"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_shifted, "column 3 of 'y' is 'T3', of 'x' 'S3'"),
        (lambda f: f.iloc[:-1], "row 59 of 'y' is missing, of 'x' Timestamp"),
        (lambda f: f.iloc[:, :-1], "column 11 of 'y' is missing, of 'x' 'S11'"),
        (lambda f: f.iloc[::-1], "row 0 of 'y'"),
        (lambda f: f.astype(str) + "?", "the field 'y' must hold numbers"),
        (lambda f: f.to_numpy(), "the field 'y' must be a DataFrame .* got ndarray"),
    ],
)
def test_a_field_that_does_not_fit_is_named(change, message: str):
    fields = panel()

    with pytest.raises(InputError, match=message):
        evaluate("x + y", fields | {"y": change(fields["y"])})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.iloc[::-1], "must ascend"),
        (lambda f: f.iloc[[0, 0, 1]], "dates of 'x' must differ"),
        (lambda f: f.iloc[:, [0, 0, 1]], "assets of 'x' must differ, 'S0' occurs twice"),
    ],
)
def test_labels_in_disorder_are_refused(change, message: str):
    with pytest.raises(InputError, match=message):
        evaluate("x", {"x": change(panel()["x"])})


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("clos", None, "no field 'clos'; did you mean 'close'"),
        ("1 + 2", None, "'3' holds no field"),
        ("rank(close, by=sectr)", None, "no groups 'sectr'; did you mean 'sector'"),
        ("rank(close, by=nought)", {"nought": 5}, "must be a DataFrame .* or a Series"),
        ("rank(close, by=odd)", {"odd": pd.Series("a", ["Z"])}, "name none of the panel's assets"),
        ("rank(close, by=odd)", {"odd": pd.Series("a", ["A", "A"])}, "'A' occurs twice"),
        ("rank(close, by=odd)", {"odd": pd.DataFrame({"A": [1]})}, "row 1 of 'odd' is missing"),
    ],
)
def test_names_that_the_panel_lacks_are_told(text: str, given, message: str):
    closes = pd.DataFrame({"A": [1.0, 2.0], "B": [1.0, 2.0]})
    labels = pd.Series("a", ["A", "B"])

    with pytest.raises(InputError, match=message):
        evaluate(text, {"close": closes, "sector": labels}, groups=given)


@pytest.mark.parametrize("odd", [pd.DataFrame({"A": [1.0]}), [1], None])
def test_a_panel_of_another_kind_is_refused(odd: object):
    with pytest.raises(InputError, match="a panel"):
        evaluate("close", odd)


@pytest.mark.parametrize("jobs", [0, -2, 1.5, True, None])
def test_threads_are_counted_in_whole_numbers(jobs: object):
    with pytest.raises(InputError, match="n_jobs must be"):
        evaluate("x", panel(), n_jobs=jobs)


def test_an_error_of_one_text_of_many_names_it():
    with pytest.raises(InputError, match=r"^second: there is no operator"):
        evaluate_many({"first": "x", "second": "oops(x)"}, panel())


VALUES = arrays(
    np.float64,
    (12, 4),
    elements=st.one_of(st.floats(-1e6, 1e6, width=32), st.just(np.nan), st.just(0.0)),
)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_ranks_lie_above_zero_and_reach_one(values: np.ndarray):
    fields = {"x": pd.DataFrame(values)}

    ranks = evaluate("rank(x)", fields).to_numpy()

    np.testing.assert_array_equal(np.isnan(ranks), np.isnan(values))
    known = ranks[~np.isnan(ranks)]
    assert ((known > 0) & (known <= 1)).all()
    counts = (~np.isnan(values)).sum(axis=1)
    sums = np.nansum(ranks, axis=1)
    np.testing.assert_allclose(sums, np.where(counts > 0, (counts + 1) / 2, 0.0), rtol=1e-12)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(1, 12))
def test_ts_rank_does_not_change_under_a_rising_transformation(values: np.ndarray, n: int):
    values = np.round(values / 1e3)
    rising = {"x": pd.DataFrame(values), "up": pd.DataFrame(values**3 + values)}

    plain, moved = (evaluate(f"ts_rank({name}, {n})", rising) for name in rising)

    pd.testing.assert_frame_equal(plain, moved, check_exact=True)
    known = plain.to_numpy()[plain.notna().to_numpy()]
    assert ((known > 0) & (known <= 1)).all()


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(2, 12))
def test_scores_are_centred_and_correlations_bounded(values: np.ndarray, n: int):
    fields = {"x": pd.DataFrame(values), "y": pd.DataFrame(values[::-1].copy())}

    frames = evaluate_many({"score": "zscore(x)", "corr": f"ts_corr(x, y, {n})"}, fields)

    assert (frames["score"].sum(axis=1).abs() < 1e-6).all()
    assert not (frames["corr"].abs() > 1).any(axis=None)


def test_a_field_is_shared_by_name_and_not_by_spelling():
    fields = panel()

    assert field("x") == parse(" ( x ) ")
    pd.testing.assert_frame_equal(evaluate(field("x"), fields), fields["x"], check_freq=False)
