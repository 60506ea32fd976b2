"""The price-volume members of the 101: transcription, values against plain pandas, readings."""

from __future__ import annotations

import ast
import re

import numpy as np
import pandas as pd
import pytest

from alphalens.errors import InputError
from alphalens.factors import alpha101, evaluate, evaluate_many, parse
from alphalens.factors.alpha101 import ALPHA101, NOTES, price_volume_panel

from .pandas_oracle import Oracle, rounding_decides
from .panels import random_panel
from .paper_notation import published, translated, tree

pytestmark = pytest.mark.untraced

REWRITTEN = {"alpha_045", "alpha_096"}
TIES = {f"alpha_{n:03d}" for n in (13, 15, 16, 26, 88, 92, 96, 98)}
TOLERANCE = 1e-9
SHAKEN = 20  # a tie that falls the same way in all of them has odds of one in a million


@pytest.fixture(scope="module")
def panel() -> dict[str, pd.DataFrame]:
    return random_panel()


@pytest.fixture(scope="module")
def values(panel: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return evaluate_many(ALPHA101, panel)


@pytest.fixture(scope="module")
def oracles(panel: dict[str, pd.DataFrame]) -> list[Oracle]:
    """One that computes, others whose sums are moved in the thirteenth digit."""
    return [Oracle(panel), *(Oracle(panel, shake=1e-13, seed=seed) for seed in range(SHAKEN))]


def printed(name: str) -> str:
    return published()[int(name.removeprefix("alpha_"))]


def test_the_82_members_are_those_printed_without_industry_and_cap():
    formulas = published()
    industry = {number for number, text in formulas.items() if "IndClass" in text}
    cap = {number for number, text in formulas.items() if re.search(r"\bcap\b", text)}

    assert list(formulas) == list(range(1, 102))
    assert (len(industry), len(cap), len(industry & cap)) == (18, 1, 0)
    assert list(ALPHA101) == [f"alpha_{n:03d}" for n in formulas if n not in industry | cap]


def test_the_docstring_names_those_left_out():
    sentence = r"Left out are (.+?), which neutralise .+? and (\d+),"
    left_out = re.search(sentence, alpha101.__doc__ or "", re.DOTALL)
    assert left_out is not None
    named = {int(number) for number in re.findall(r"\d+", " ".join(left_out.groups()))}

    assert {f"alpha_{n:03d}" for n in set(published()) - named} == set(ALPHA101)


@pytest.mark.parametrize("name", ALPHA101)
def test_a_string_says_what_the_paper_prints(name):
    formula = tree(translated(printed(name)))

    if name in REWRITTEN:
        assert tree(ALPHA101[name]) != formula
    else:
        assert tree(ALPHA101[name]) == formula


def test_the_members_need_prices_and_volume_alone():
    fields = {name for text in ALPHA101.values() for name in parse(text).fields}

    assert fields == {"open", "high", "low", "close", "vwap", "volume", "returns"}
    assert max(parse(text).lookback for text in ALPHA101.values()) <= 260


@pytest.mark.parametrize("name", ALPHA101)
def test_a_member_equals_plain_pandas(name, values, oracles):
    expected = oracles[0](ALPHA101[name])
    unsure = rounding_decides(ALPHA101[name], oracles, tolerance=TOLERANCE)

    counted = expected.notna() & ~unsure
    share = 0.4 if name in TIES else 0.95
    assert counted.sum().sum() > max(100, share * expected.notna().sum().sum())
    pd.testing.assert_frame_equal(
        values[name].mask(unsure), expected.mask(unsure), rtol=TOLERANCE, atol=0.0
    )


def test_a_correlation_over_two_rows_is_the_sign_of_the_common_move(panel):
    summed = Oracle(panel)("ts_corr(close, volume, 2)")

    exact = evaluate("1 / sign(delta(close, 1) * delta(volume, 1))", panel)

    assert set(np.unique(exact)[:2]) == {-1.0, 1.0}
    assert exact.isna().equals(summed.isna())
    pd.testing.assert_frame_equal(exact, summed, atol=1e-9)


def test_member_45_keeps_the_rest_of_what_is_printed(panel):
    corr = r"ts_corr\((.+?), (ts_sum\(close, 20\)|volume), 2\)"
    rewritten = re.sub(
        corr, r"(1 / sign(delta(\1, 1) * delta(\2, 1)))", translated(printed("alpha_045"))
    )

    assert tree(rewritten) == tree(ALPHA101["alpha_045"])


def test_member_96_is_as_printed_where_no_correlation_is_flat(panel, values):
    pair = "ts_corr(ts_rank(close, 7), ts_rank(ts_mean(vwap * volume, 60), 4), 3)"
    inside = re.search(r"ts_argmax\((where\(.+?, 3\)\)), 12\)", ALPHA101["alpha_096"])
    assert inside is not None

    plain, ours = evaluate(pair, panel), evaluate(inside[1], panel)
    formula = translated(printed("alpha_096"))

    assert (ours == 0.0).sum().sum() > 1000
    known = plain.notna()
    pd.testing.assert_frame_equal(ours[known], plain[known])
    assert evaluate(formula, panel).isna().all(axis=None)
    assert tree(ALPHA101["alpha_096"].replace(inside[1], pair)) == tree(formula)


def test_members_restated_by_hand(panel, values):
    open_, high, low, close = (panel[name] for name in ("open", "high", "low", "close"))
    volume, vwap, returns = panel["volume"], panel["vwap"], panel["returns"]
    dollars = (vwap * volume).rolling(20).mean()
    ranked = {"axis": 1, "pct": True}
    move, calm = close.diff(7), (close.diff(7) * 0 - 1).where(dollars.notna())
    expected = {
        6: -open_.rolling(10).corr(volume).where(open_.notna() & volume.notna()),
        12: np.sign(volume.diff()) * -close.diff(),
        25: (-returns * dollars * vwap * (high - close)).rank(**ranked),
        33: (open_ / close - 1).rank(**ranked),
        41: np.sqrt(high * low) - vwap,
        42: (vwap - close).rank(**ranked) / (vwap + close).rank(**ranked),
        53: -(((close - low) - (high - close)) / (close - low)).diff(9),
        101: (close - open_) / (high - low + 0.001),
    }
    for number, frame in expected.items():
        pd.testing.assert_frame_equal(values[f"alpha_{number:03d}"], frame, rtol=1e-7, atol=1e-9)
    signed = -move.abs().rolling(60).rank(pct=True) * np.sign(move)
    seventh = values["alpha_007"]
    busy = dollars < volume
    assert busy.sum().sum() > 100
    pd.testing.assert_frame_equal(seventh[busy], signed[busy], rtol=1e-9)
    quiet = (dollars >= volume) & signed.notna()
    pd.testing.assert_frame_equal(seventh[quiet], calm[quiet])


def test_notes_name_members_and_the_printed_points_they_settle():
    assert set(NOTES) <= set(ALPHA101)
    for name, text in ALPHA101.items():
        note = NOTES.get(name, "")
        assert ("rows ago" in note) == ("ts_arg" in text)
        assert ("element by element" in note) == ("imum(" in text)
        assert ("average dollars" in note) == bool(
            re.search(r"volume (/|,) ts_mean|< volume", text)
        )
        assert ("'||'" in note) == ("||" in printed(name))
        assert ("is the value of the factor" in note) == is_comparison(text)
    assert {name for name in NOTES if "often tie" in NOTES[name]} == TIES
    assert not REWRITTEN - set(NOTES)


def is_comparison(text: str) -> bool:
    """Whether the printed formula is a comparison, or one times -1."""
    node = ast.parse(text, mode="eval").body
    return isinstance(node.left if isinstance(node, ast.BinOp) else node, ast.Compare)


def test_the_panel_derives_returns_and_a_typical_price():
    closes = pd.DataFrame({"A": [2.0, 3.0, np.nan, 4.0]})
    prices = {"open": closes, "high": closes + 2, "low": closes - 1, "close": closes}

    panel = price_volume_panel(**prices, volume=closes * 100)
    given = price_volume_panel(**prices, volume=closes * 100, vwap=closes + 0.5)

    np.testing.assert_array_equal(panel["returns"]["A"], [np.nan, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(panel["vwap"]["A"], closes["A"] + 1 / 3)
    np.testing.assert_array_equal(given["vwap"]["A"], closes["A"] + 0.5)
    assert list(panel) == ["open", "high", "low", "close", "volume", "vwap", "returns"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.iloc[1:], "volume has 1 dates that are not the 2 of close"),
        (lambda frame: frame[["B", "A"]], "volume has 2 assets that are not the 2 of close"),
    ],
)
def test_frames_with_other_labels_are_refused(change, message):
    frame = pd.DataFrame({"A": [1.0, 2.0], "B": [3.0, 4.0]})
    prices = dict.fromkeys(("open", "high", "low", "close"), frame)

    with pytest.raises(InputError, match=message):
        price_volume_panel(**prices, volume=change(frame))
