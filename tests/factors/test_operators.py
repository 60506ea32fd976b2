"""Every operator against plain pandas on random panels with gaps and ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alphalens.errors import InputError
from alphalens.factors import evaluate, field, operators, parse
from alphalens.factors._grammar import CALLABLE, RULES

Frame = pd.DataFrame
Oracle = Callable[[dict[str, Frame]], Frame]

ROWS, ASSETS = 90, 7


def panel(seed: int = 3) -> dict[str, Frame]:
    """Two continuous fields, one of few values, one without gaps, one constant in stretches."""
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2024-01-01", periods=ROWS)
    assets = [f"S{number}" for number in range(ASSETS)]

    def frame(values: np.ndarray, gaps: float) -> Frame:
        values = np.where(rng.random(values.shape) < gaps, np.nan, values)
        return pd.DataFrame(values, index, assets)

    shape = (ROWS, ASSETS)
    return {
        "x": frame(100 + rng.normal(size=shape).cumsum(axis=0), 0.02),
        "y": frame(rng.normal(size=shape), 0.02),
        "few": frame(rng.integers(-2, 3, shape).astype(float), 0.02),
        "full": frame(rng.lognormal(14, 1, shape), 0.0),
        "steps": frame(np.repeat(rng.normal(size=(ROWS // 15, ASSETS)), 15, axis=0), 0.0),
    }


def over(name: str, n: int, statistic: Callable[[np.ndarray], float]) -> Oracle:
    return lambda p: p[name].rolling(n, min_periods=n).apply(statistic, raw=True)


def over_two(n: int, statistic: Callable[[np.ndarray, np.ndarray], float]) -> Oracle:
    def values(p: dict[str, Frame]) -> Frame:
        out = p["x"] * np.nan
        for row in range(n - 1, ROWS):
            for asset in range(ASSETS):
                window = slice(row - n + 1, row + 1)
                x, y = p["x"].iloc[window, asset], p["y"].iloc[window, asset]
                if x.notna().all() and y.notna().all():
                    out.iloc[row, asset] = statistic(x.to_numpy(), y.to_numpy())
        return out

    return values


def finite(frame: Frame) -> Frame:
    return frame.replace([np.inf, -np.inf], np.nan)


def told(frame: Frame, *operands: Frame) -> Frame:
    out = frame.astype(float)
    for operand in operands:
        out = out.where(operand.notna())
    return out


def line(window: np.ndarray) -> tuple[float, float]:
    slope, intercept = np.polyfit(np.arange(1.0, len(window) + 1), window, 1)
    return slope, intercept


def by_date(frame: Frame, function: Callable[[pd.Series], pd.Series]) -> Frame:
    return frame.apply(function, axis=1)


def in_groups(frame: Frame, labels: Frame, function: Callable[[pd.Series], pd.Series]) -> Frame:
    rows = {
        date: row.groupby(labels.loc[date]).transform(function) for date, row in frame.iterrows()
    }
    return pd.DataFrame(rows).T.reindex(columns=frame.columns)


def clip(row: pd.Series, limit: float) -> pd.Series:
    return row.clip(row.quantile(limit), row.quantile(1 - limit))


N, LONG = 5, 23
ELEMENT: dict[str, Oracle] = {
    "x + y": lambda p: p["x"] + p["y"],
    "x - 2 * y": lambda p: p["x"] - 2 * p["y"],
    "y / few": lambda p: finite(p["y"] / p["few"]),
    "-x": lambda p: -p["x"],
    "few ** 2": lambda p: p["few"] * p["few"],
    "few ** -1": lambda p: finite(1 / p["few"]),
    "x < 100 * few": lambda p: told(p["x"] < 100 * p["few"], p["x"], p["few"]),
    "few >= 1": lambda p: told(p["few"] >= 1, p["few"]),
    "few > 1": lambda p: told(p["few"] > 1, p["few"]),
    "few <= 1": lambda p: told(p["few"] <= 1, p["few"]),
    "few == 0": lambda p: told(p["few"] == 0, p["few"]),
    "few != 0": lambda p: told(p["few"] != 0, p["few"]),
    "few & (y > 0)": lambda p: told((p["few"] != 0) & (p["y"] > 0), p["few"], p["y"]),
    "few | (y > 0)": lambda p: told((p["few"] != 0) | (p["y"] > 0), p["few"], p["y"]),
    "~few": lambda p: told(p["few"] == 0, p["few"]),
    "abs(y)": lambda p: p["y"].abs(),
    "log(y)": lambda p: np.log(p["y"].where(p["y"] > 0)),
    "sqrt(few)": lambda p: np.sqrt(p["few"].where(p["few"] >= 0)),
    "exp(y * 400)": lambda p: np.exp((p["y"] * 400).where(p["y"] * 400 < 709.7)),
    "sign(few)": lambda p: np.sign(p["few"]),
    "minimum(x, 100)": lambda p: p["x"].clip(upper=100),
    "maximum(few, y)": lambda p: p["few"].where(p["few"] >= p["y"], p["y"]) + 0 * p["few"],
    "signed_power(y, 0.5)": lambda p: p["y"].abs() ** 0.5 * np.sign(p["y"]),
    "signed_power(y, few)": lambda p: finite(p["y"].abs() ** p["few"]) * np.sign(p["y"]),
    "where(few > 0, x, -1)": lambda p: p["x"].where(p["few"] > 0, -1).where(p["few"].notna()),
    "where(few, 1, y)": lambda p: p["y"].where(p["few"] == 0, 1).where(p["few"].notna()),
}
WINDOW: dict[str, Oracle] = {
    "delay(x, 3)": lambda p: p["x"].shift(3),
    "delta(x, 3)": lambda p: p["x"] - p["x"].shift(3),
    f"ts_sum(x, {N})": over("x", N, np.sum),
    f"ts_mean(full, {LONG})": over("full", LONG, np.mean),
    f"ts_std(x, {LONG})": over("x", LONG, lambda w: np.std(w, ddof=1)),
    f"ts_std(full, {N})": over("full", N, lambda w: np.std(w, ddof=1)),
    f"ts_var(full, {N})": over("full", N, lambda w: np.var(w, ddof=1)),
    f"ts_min(x, {LONG})": over("x", LONG, np.min),
    f"ts_max(x, {N})": over("x", N, np.max),
    f"ts_argmin(few, {N})": over("few", N, lambda w: np.argmin(w[::-1])),
    f"ts_argmax(few, {LONG})": over("few", LONG, lambda w: np.argmax(w[::-1])),
    f"ts_rank(few, {N})": lambda p: p["few"].rolling(N, min_periods=N).rank() / N,
    f"ts_rank(x, {LONG})": lambda p: p["x"].rolling(LONG, min_periods=LONG).rank() / LONG,
    f"ts_quantile(x, {N}, 0.8)": over("x", N, lambda w: np.quantile(w, 0.8)),
    f"ts_quantile(few, {LONG}, 0.2)": over("few", LONG, lambda w: np.quantile(w, 0.2)),
    f"ts_quantile(x, {N}, 1)": over("x", N, np.max),
    "ts_median(x, 6)": over("x", 6, np.median),
    f"ts_median(few, {LONG})": over("few", LONG, np.median),
    f"ts_product(y, {N})": over("y", N, np.prod),
    f"ts_corr(x, y, {N})": over_two(N, lambda x, y: np.corrcoef(x, y)[0, 1]),
    f"ts_corr(y, x, {LONG})": over_two(LONG, lambda x, y: np.corrcoef(x, y)[0, 1]),
    f"ts_cov(x, y, {N})": over_two(N, lambda x, y: np.cov(x, y)[0, 1]),
    f"ts_slope(full, {N})": over("full", N, lambda w: line(w)[0]),
    f"ts_slope(x, {LONG})": over("x", LONG, lambda w: line(w)[0]),
    f"ts_rsquare(x, {LONG})": over(
        "x", LONG, lambda w: np.corrcoef(w, np.arange(len(w)))[0, 1] ** 2
    ),
    f"ts_residual(x, {N})": over("x", N, lambda w: w[-1] - line(w)[0] * N - line(w)[1]),
    f"decay_linear(x, {N})": over("x", N, lambda w: w @ np.arange(1, N + 1) / 15),
    f"decay_linear(full, {LONG})": over(
        "full", LONG, lambda w: np.average(w, weights=np.arange(1, LONG + 1))
    ),
    f"ts_skew(x, {LONG})": over("x", LONG, lambda w: stats.skew(w, bias=False)),
    f"ts_kurt(y, {LONG})": over("y", LONG, lambda w: stats.kurtosis(w, bias=False)),
    f"ts_count(few > 0, {N})": lambda p: (
        told(p["few"] > 0, p["few"]).rolling(N, min_periods=N).sum()
    ),
    f"ts_zscore(x, {N})": over("x", N, lambda w: (w[-1] - w.mean()) / w.std(ddof=1)),
}
SECTION: dict[str, Oracle] = {
    "rank(x)": lambda p: p["x"].rank(axis=1, pct=True),
    "rank(few)": lambda p: p["few"].rank(axis=1, pct=True),
    "zscore(x)": lambda p: by_date(p["x"], lambda row: (row - row.mean()) / row.std()),
    "demean(full)": lambda p: p["full"].sub(p["full"].mean(axis=1), axis=0),
    "scale(y)": lambda p: p["y"].div(p["y"].abs().sum(axis=1), axis=0),
    "scale(y, 3)": lambda p: 3 * p["y"].div(p["y"].abs().sum(axis=1), axis=0),
    "winsorize(y, 0.1)": lambda p: by_date(p["y"], lambda row: clip(row, 0.1)),
    "quantile(x, 3)": lambda p: by_date(p["x"], lambda row: pd.qcut(row, 3, labels=False) + 1.0),
}


@pytest.mark.parametrize("text", [*ELEMENT, *WINDOW, *SECTION])
def test_values_equal_plain_pandas(text: str):
    fields = panel()

    ours = evaluate(text, fields)

    expected = (ELEMENT | WINDOW | SECTION)[text](fields).astype(float)
    assert expected.notna().sum().sum() > 50
    pd.testing.assert_frame_equal(ours, expected, rtol=1e-9, atol=1e-9, check_freq=False)


@pytest.mark.parametrize("text", ["rank(y)", "demean(y)", "zscore(y)", "scale(y)"])
def test_groups_of_dates_and_assets_equal_a_pandas_groupby(text: str):
    fields = panel()
    rng = np.random.default_rng(5)
    labels = pd.DataFrame(
        rng.choice(
            np.array(["tech", "oil", None], dtype=object), (ROWS, ASSETS), p=[0.5, 0.4, 0.1]
        ),
        fields["y"].index,
        fields["y"].columns,
    )
    functions: dict[str, Callable[[pd.Series], pd.Series]] = {
        "rank(y)": lambda s: s.rank(pct=True),
        "demean(y)": lambda s: s - s.mean(),
        "zscore(y)": lambda s: (s - s.mean()) / s.std(),
        "scale(y)": lambda s: s / s.abs().sum(),
    }

    ours = evaluate(text.replace(")", ", by=sector)"), fields, groups={"sector": labels})

    expected = in_groups(fields["y"], labels, functions[text]).astype(float)
    pd.testing.assert_frame_equal(ours, expected, rtol=1e-9, atol=1e-12, check_freq=False)


def test_every_operator_has_an_oracle():
    texts = " ".join([*ELEMENT, *WINDOW, *SECTION])

    missing = {
        rule.name for rule in RULES.values() if f"{rule.symbol or rule.name + '('}" not in texts
    }

    assert missing == set()


def test_every_callable_operator_is_a_function_of_the_same_name():
    functions = set(operators.__all__)

    assert functions == set(CALLABLE) - {"abs"} | {"equal", "not_equal"}
    assert str(operators.ts_quantile(field("x"), 5, 0.5)) == "ts_quantile(x, 5, 0.5)"


@pytest.mark.parametrize("name", operators.__all__)
def test_a_function_builds_what_its_call_reads(name: str):
    rule, values = RULES[name], {"n": 7, "q": 0.25, "limit": 0.125, "a": 2.0}
    operands = ["x", "y + 1", "few"][: len(rule.operands)]
    numbers = [values[parameter.name] for parameter in rule.parameters]
    written = f" {rule.symbol} ".join(operands)
    if not rule.symbol:
        written = f"{name}({', '.join([*operands, *map(str, numbers)])})"

    built = getattr(operators, name)(*map(parse, operands), *numbers)

    assert built == parse(written)
    assert built.operator == name


@pytest.mark.parametrize("name", [n for n, rule in CALLABLE.items() if rule.kind == "section"])
def test_groups_are_named_in_python_as_in_text(name: str):
    numbers = [{"n": 7, "limit": 0.125, "a": 2.0}[p.name] for p in CALLABLE[name].parameters]

    built = getattr(operators, name)(field("x"), *numbers, by="sector")

    assert built == parse(f"{name}({', '.join(['x', *map(str, numbers)])}, by=sector)")
    assert built.groups == {"sector"}


@pytest.mark.parametrize("name", ["ts_corr", "ts_rsquare", "ts_zscore", "ts_skew", "ts_kurt"])
def test_a_constant_window_has_no_value_where_its_spread_divides(name: str):
    fields = panel()
    second = ", full" if name == "ts_corr" else ""

    values = evaluate(f"{name}(steps{second}, 10)", fields)

    assert values.iloc[14::15].isna().all(axis=None)
    assert values.iloc[19::15].notna().any(axis=None)


def test_a_constant_window_has_a_deviation_of_exactly_zero():
    fields = {"x": pd.DataFrame({"A": [0.1] * 40})}

    values = evaluate("ts_std(x, 37)", fields)

    assert values["A"].iloc[36:].tolist() == [0.0] * 4


def test_a_deviation_survives_a_level_a_billion_times_its_size():
    noise = np.random.default_rng(1).normal(size=60)
    fields = {"x": pd.DataFrame({"A": 1e9 + noise})}

    values = evaluate("ts_std(x, 60)", fields)

    stored = fields["x"]["A"].to_numpy() - 1e9
    assert values["A"].iloc[-1] == pytest.approx(stored.std(ddof=1), rel=1e-9)


@pytest.mark.parametrize("count", [2, 3, 5, 7, 10])
def test_quantile_labels_are_those_of_qcut_where_edges_are_values(count: int):
    rng = np.random.default_rng(8)
    fields = {"x": pd.DataFrame([rng.permutation(3 * count + 1) / 7.0 for _ in range(20)])}

    values = evaluate(f"quantile(x, {count})", fields)

    expected = by_date(fields["x"], lambda row: pd.qcut(row, count, labels=False) + 1.0)
    pd.testing.assert_frame_equal(values, expected)


def test_equal_quantile_edges_leave_labels_out():
    fields = {"x": pd.DataFrame([[1.0, 1.0, 1.0, 1.0, 2.0, np.nan]])}

    values = evaluate("quantile(x, 4)", fields)

    assert values.iloc[0, :5].tolist() == [1.0, 1.0, 1.0, 1.0, 4.0]
    assert np.isnan(values.iloc[0, 5])


@pytest.mark.parametrize(
    ("name", "least"), [("delay", 1), ("ts_mean", 1), ("ts_std", 2), ("ts_skew", 3), ("ts_kurt", 4)]
)
def test_a_window_below_its_least_is_refused(name: str, least: int):
    operator = getattr(operators, name)

    assert operator(field("x"), least).lookback >= least
    with pytest.raises(InputError, match=f"at least {least}; rows are counted backwards"):
        operator(field("x"), least - 1)


@pytest.mark.parametrize("n", [-1, 0, 2.0, True, "5", None])
def test_a_window_is_a_whole_positive_number(n: object):
    with pytest.raises(InputError, match="n of delay"):
        operators.delay(field("x"), n)


def test_a_window_of_numpy_counts_as_whole():
    assert operators.delay(field("x"), np.int64(3)) == parse("delay(x, 3)")


@pytest.mark.parametrize(
    "text",
    [
        "ts_quantile(x, 5, 1.5)",
        "winsorize(x, 0.5)",
        "quantile(x, 1)",
        "scale(x, 0)",
        "scale(x, -1)",
    ],
)
def test_a_level_outside_its_limits_is_refused(text: str):
    with pytest.raises(InputError, match="must be a"):
        parse(text)


def test_a_window_over_numbers_alone_is_refused():
    with pytest.raises(InputError, match=r"x of ts_mean.* must hold a field, got the number 1"):
        operators.ts_mean(1, 5)


def test_a_text_in_place_of_an_expression_is_refused():
    with pytest.raises(InputError, match=r"write field\('close'\)"):
        operators.delay("close", 1)


@pytest.mark.parametrize("text", ["one ** gap", "signed_power(one, gap)", "gap ** 0", "gap ** nil"])
def test_a_power_of_or_with_nothing_is_nothing(text):
    panel = {
        "one": pd.DataFrame({"x": [1.0]}),
        "gap": pd.DataFrame({"x": [np.nan]}),
        "nil": pd.DataFrame({"x": [0.0]}),
    }

    assert evaluate(text, panel).isna().all(axis=None)
