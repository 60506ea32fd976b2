"""Trees: one object for one meaning, known lengths, nothing that changes a number."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.factors import (
    Expression,
    Factor,
    delay,
    demean,
    equal,
    evaluate,
    field,
    named_factor,
    parse,
    rank,
    ts_corr,
    ts_mean,
    ts_quantile,
    where,
)
from alphalens.factors._grammar import RULES
from alphalens.factors.expression import MAX_DEPTH, build, number
from alphalens.strategies import FactorStrategy

CLOSE, VOLUME = field("close"), field("volume")


def _numbers() -> st.SearchStrategy[float]:
    return st.integers(-9, 9).map(float) | st.floats(-1e9, 1e9, allow_nan=False)


def _grown(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operands = parts | _numbers()
    windows = st.integers(4, 40)
    symbols = st.sampled_from(
        [name for name, rule in RULES.items() if len(rule.operands) == 2 and rule.symbol]
    )
    return st.one_of(
        st.builds(lambda o, x, y: build(o, (x, y)), symbols, parts, operands),
        st.builds(lambda o, x, y: build(o, (y, x)), symbols, parts, operands),
        st.builds(lambda o, x: build(o, (x,)), st.sampled_from(["neg", "not", "abs"]), parts),
        st.builds(lambda x, n: ts_mean(x, n), parts, windows),
        st.builds(lambda x, y, n: ts_corr(x, y, n), parts, parts, windows),
        st.builds(lambda x, n, q: ts_quantile(x, n, q), parts, windows, st.floats(0, 1)),
        st.builds(lambda x, g: rank(x, by=g), parts, st.sampled_from([None, "sector"])),
        st.builds(where, parts, operands, operands),
    )


EXPRESSIONS = st.recursive(
    st.sampled_from(["close", "volume", "x1"]).map(field), _grown, max_leaves=12
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_the_canonical_form_reads_back_as_the_same_expression(expression: Expression):
    again = parse(expression.canonical)

    assert again == expression
    assert again.canonical == expression.canonical
    assert (again.lookback, again.complexity, again.fields, again.groups) == (
        expression.lookback,
        expression.complexity,
        expression.fields,
        expression.groups,
    )


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (CLOSE / delay(CLOSE, 1) - 1, "close/delay(close,1)-1"),
        (2 * CLOSE, "(close) * 2.0"),
        (CLOSE > VOLUME, "close>volume"),
        (-(CLOSE**2), "-close**2"),
        ((-CLOSE) ** 2, "(-close)**2"),
        (abs(CLOSE) & ~(VOLUME >= 1), "abs(close) & ~(volume >= 1)"),
        (demean(CLOSE, by="sector"), "demean(close, by=sector)"),
        (equal(CLOSE, 1), "close == 1"),
        (np.float64(2) * CLOSE, "2 * close"),
        (1 - CLOSE, "1 - close"),
        (2.5**CLOSE, "2.5 ** close"),
        (1 + CLOSE - VOLUME, "1 + close - volume"),
        (1 / CLOSE * +VOLUME, "1 / close * +volume"),
        ((1 & CLOSE) | (CLOSE & VOLUME), "(1 & close) | (close & volume)"),
        (1 | (CLOSE | VOLUME), "1 | (close | volume)"),
        (CLOSE <= 1, "close <= 1"),
        (1 < CLOSE, "close > 1"),  # noqa: SIM300  # the reflected operator is meant
    ],
)
def test_python_and_text_give_the_same_object(built: Expression, text: str):
    assert parse(text) == built
    assert hash(parse(text)) == hash(built)
    assert parse(text).hash == built.hash


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("volume + close", "close + volume"),
        ("volume + (close + open)", "close + open + volume"),
        ("volume + close + open", "close + volume + open"),
        ("close > volume", "volume < close"),
        ("close >= volume", "volume <= close"),
        ("ts_corr(volume, close, 5)", "ts_corr(close, volume, 5)"),
        ("close * (1 + 2 * 3)", "7 * close"),
        ("close * 1.0e0", "1 * close"),
        ("--close", "close"),
        ("-(-2)", "2"),
        ("close - -0.0", "close - 0"),
        ("(close ** 2) ** 3", "(close ** 2) ** 3"),
        ("close ** (2 ** volume)", "close ** 2 ** volume"),
        ("(-2) ** close", "(-2) ** close"),
        ("close ** (-volume)", "close ** -volume"),
        ("-(close * volume)", "-(close * volume)"),
        ("(-close) * volume", "-close * volume"),
        ("close - (volume - 1)", "close - (volume - 1)"),
        ("(close - volume) - 1", "close - volume - 1"),
        ("close / (volume / 2)", "close / (volume / 2)"),
        ("(close < 1) < volume", "(close < 1) < volume"),
        ("close | (close < 1) & (volume < 1)", "(close < 1) & (volume < 1) | close"),
        ("scale(close, 1.0)", "scale(close)"),
        ("scale(close, 2, by=sector)", "scale(close, 2, by=sector)"),
        ("minimum(2, 3) * sqrt(16) * close", "8 * close"),
        ("0.1 + 0.2 - close", "0.30000000000000004 - close"),
        ("1e-12 + close", "1e-12 + close"),
    ],
)
def test_the_canonical_form_is_the_normal_form(text: str, canonical: str):
    assert parse(text).canonical == canonical
    assert str(parse(canonical)) == canonical
    assert repr(parse(text)) == f"parse({canonical!r})"


def test_a_sum_of_three_keeps_the_order_in_which_it_was_added():
    panel = {name: pd.DataFrame({"A": [value]}) for name, value in [("x", 1.0), ("y", 1e20)]}

    assert evaluate("y - y + x", panel).iloc[0, 0] == 1.0
    assert evaluate("(x - y) + y", panel).iloc[0, 0] == 0.0


def test_the_hash_is_the_sha256_of_the_canonical_form():
    expression = VOLUME + CLOSE

    assert expression.hash == sha256(b"close + volume").hexdigest()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("close", 1),
        ("returns", 2),
        ("delay(close, 5)", 6),
        ("delta(close, 5)", 6),
        ("ts_mean(close, 5)", 5),
        ("ts_mean(delay(close, 2), 5) + ts_max(volume, 6)", 7),
        ("ts_corr(ts_rank(close, 10), delta(volume, 1), 5)", 14),
        ("rank(ts_mean(close, 1))", 1),
    ],
)
def test_lookback_counts_the_rows_of_the_longest_way(text: str, rows: int):
    assert parse(text).lookback == rows


def test_complexity_fields_and_groups_are_known():
    expression = parse("rank(close / delay(close, 1), by=sector) * volume")

    assert expression.complexity == 6 + 1
    assert expression.fields == {"close", "volume"}
    assert expression.groups == {"sector"}


def test_an_expression_cannot_be_changed():
    with pytest.raises(AttributeError):
        CLOSE.label = "open"


def test_an_expression_survives_pickle_and_copy():
    expression = rank(CLOSE / VOLUME, by="sector")

    assert pickle.loads(pickle.dumps(expression)) == expression
    assert copy.deepcopy(expression) == expression


def test_an_expression_has_no_truth_value():
    with pytest.raises(InputError, match=r"join conditions with & \| ~"):
        bool(CLOSE > 1)
    with pytest.raises(InputError, match="no truth value"):
        1 < CLOSE < 2  # noqa: B015


def test_equality_is_that_of_trees():
    assert parse("close + 1") == CLOSE + 1
    assert parse("close + 1") != CLOSE + 2
    assert parse("close") != "close"
    assert len({CLOSE, parse("close"), VOLUME}) == 2


@pytest.mark.parametrize("other", ["volume", None, True, [1.0], 1j])
def test_python_refuses_to_join_what_is_no_number(other: object):
    with pytest.raises(TypeError):
        CLOSE + other


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_numbers_are_finite(value: float):
    with pytest.raises(InputError, match="finite numbers only"):
        CLOSE + value


@pytest.mark.parametrize("text", ["1 / 0", "log(0)", "exp(1000)", "(-1) ** 0.5"])
def test_constants_that_are_no_number_are_refused(text: str):
    with pytest.raises(InputError, match="is no finite number"):
        parse(f"close + {text}")


@pytest.mark.parametrize("name", ["", "1x", "a b", "a.b", "größe", "lambda", "rank", 5])
def test_a_field_has_a_name_that_can_be_written(name: object):
    with pytest.raises(InputError, match="rename"):
        field(name)


def test_an_expression_that_doubles_too_often_is_refused():
    expression = CLOSE
    for _ in range(12):
        expression = expression + expression

    with pytest.raises(InputError, match="10000 nodes"):
        expression + expression


def test_the_deepest_expression_reads_back_and_a_deeper_one_is_refused():
    expression = CLOSE
    for _ in range(MAX_DEPTH - 1):
        expression = VOLUME - expression

    assert parse(expression.canonical) == expression
    with pytest.raises(InputError, match=f"{MAX_DEPTH} levels"):
        VOLUME - expression


def test_an_expression_goes_where_a_factor_goes():
    rng = np.random.default_rng(2)
    closes = pd.DataFrame(np.exp(rng.normal(0, 0.02, (300, 3)).cumsum(axis=0)), columns=list("ABC"))
    expression = delay(CLOSE, 21) / delay(CLOSE, 252) - 1
    known = named_factor("momentum_12_1")

    values = expression(closes)

    assert expression.rows == known.rows
    assert expression.name == "delay(close, 21) / delay(close, 252) - 1"
    pd.testing.assert_frame_equal(values, known(closes))
    assert FactorStrategy(expression).lookback == 253
    named = Factor("slow", expression.rows, expression)
    pd.testing.assert_frame_equal(named(closes), values)
    assert FactorStrategy(named).name == "slow"


def test_an_expression_called_on_closes_names_the_field_it_lacks():
    with pytest.raises(InputError, match="the panel has no field 'volume'; It has close"):
        (CLOSE * VOLUME)(pd.DataFrame({"A": [1.0]}))


# The constructor itself


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("delay", (CLOSE,), (-3,)), "no looking ahead, got -3"),
        (("ts_mean", (CLOSE,), (0,)), "at least 1"),
        (("ts_mean", (CLOSE,), (2.5,)), "got 2.5"),
        (("ts_quantile", (CLOSE,), (3, 1.5)), "from 0 to 1, got 1.5"),
        (("delay", (CLOSE,)), r"1 parameters in a tuple, got \(\)"),
        (("delay", CLOSE, (3,)), "1 operands in a tuple"),
        (("add", (CLOSE,)), "2 operands in a tuple"),
        (("add", (CLOSE, 2.0)), "takes expressions"),
        (("add", (number(1), number(2))), "shorter form"),
        (("neg", (-CLOSE,)), "shorter form"),
        (("rank", (number(1),)), "must hold a field"),
        (("rank", (CLOSE,), (), "a b"), "rename"),
        (("ts_mean", (CLOSE,), (3,), "sector"), "knows no groups"),
        (("no_such", (CLOSE,)), "no operator 'no_such'"),
        (("field", (), (), "a b"), "rename"),
        (("field", (CLOSE,), (), "close"), "0 operands"),
        (("number", (), ()), "1 parameters"),
        (("number", (), (np.inf,)), "finite"),
        (("number", (), ("1",)), "finite"),
    ],
)
def test_the_constructor_refuses_what_cannot_be_written(parts: tuple, message: str):
    with pytest.raises(InputError, match=message):
        Expression(*parts)


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("ts_men", "did you mean ts_mean or "),
        ("nt", r"did you mean not\b"),
        ("corr", r"did you mean ts_corr\b"),
        ("no_such", "there are lt, "),
        (["ts_mean"], r"did you mean ts_mean\b"),
    ],
)
def test_an_unknown_operator_names_the_nearest_ones(name: object, guess: str):
    for make in (build, Expression):
        if isinstance(name, str) or make is build:
            with pytest.raises(InputError, match=f"there is no operator .*; ({guess})"):
                make(name, (CLOSE,))


def test_a_replaced_window_is_checked_as_a_written_one():
    with pytest.raises(InputError, match="no looking ahead"):
        replace(delay(CLOSE, 3), parameters=(-3,))
    assert replace(delay(CLOSE, 3), parameters=(4,)) == delay(CLOSE, 4)


def test_replaced_operands_come_in_the_order_of_the_normal_form():
    swapped = replace(CLOSE + VOLUME, operands=(VOLUME, CLOSE))

    assert swapped == CLOSE + VOLUME
    assert swapped.operands == (CLOSE, VOLUME)
