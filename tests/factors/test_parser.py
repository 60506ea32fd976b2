"""Text: a whitelist of Python's grammar, and errors that show the place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.factors import Expression, field, parse
from alphalens.factors.parser import MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("close.shift(1)", "Attribute"),
        ("close[-1]", "earlier row is written delay"),
        ("__import__('os')", "there is no operator '__import__'"),
        ("eval(close)", "there is no operator 'eval'"),
        ("(lambda: close)()", "Lambda"),
        ("lambda: close", "Lambda"),
        ("'close'", "a text has no place"),
        ("b'close'", "b'close' has no place"),
        ("f'{close}'", "JoinedStr"),
        ("True", "True has no place"),
        ("None", "None has no place"),
        ("1j * close", "1j has no place"),
        ("...", "Ellipsis has no place"),
        ("close if open else 1", "where\\(condition, a, b\\)"),
        ("close and open", "with &"),
        ("close or open", "with |"),
        ("not close", "written ~"),
        ("close ^ 2", "written \\*\\*"),
        ("close // 2", "FloorDiv"),
        ("close % 2", "Mod"),
        ("close @ open", "MatMult"),
        ("close << 2", "LShift"),
        ("1 < close < 2", "one comparison at a time"),
        ("close is open", "Is has no place"),
        ("close in open", "In has no place"),
        ("[close]", "List"),
        ("(close, open)", "Tuple"),
        ("{close: open}", "Dict"),
        ("[x for x in close]", "ListComp"),
        ("(x := close)", "NamedExpr"),
        ("rank(*close)", "Starred"),
        ("rank(**close)", "rank is called as rank\\(x, by=None\\)"),
        ("rank(close, axis=1)", "rank is called as"),
        ("rank(close, by='sector')", "without quotes"),
        ("rank(close, by=1)", "without quotes"),
        ("log(close, by=sector)", "log is called as log\\(x\\)"),
        ("delay(close, n=1)", "delay is called as delay\\(x, n\\)"),
        ("delay(close)", "delay is called as"),
        ("delay(close, 1, 2)", "delay is called as"),
        ("delay(close, -1)", "n of delay.*no looking ahead, got -1"),
        ("delay(close, 0)", "got 0"),
        ("delay(close, 1.5)", "got 1.5"),
        ("delay(close, volume)", "got volume"),
        ("delay(close, 1 + 1)", "got 1 \\+ 1"),
        ("delay(close, True)", "got True"),
        ("ts_mean(1, 5)", "must hold a field"),
        ("rank", "cannot be 'rank', an operator: call it as rank"),
        ("close(1)", "there is no operator 'close'"),
        ("1e999", "finite numbers only"),
        ("9" * 5000, "finite numbers only|no expression"),
        ("close +", "no expression"),
        ("close)", "no expression"),
        ("close; open", "no expression"),
        ("x = close", "no expression"),
        ("import os", "no expression"),
        ("yield close", "no expression|Yield"),
        ("await close", "Await|no expression"),
        ("close # sure", "no comments"),
        ("", "no expression"),
        ("clo\0se", "no expression"),
        ("größe", "letters, digits"),
    ],
)
def test_what_is_not_on_the_whitelist_is_refused(text: str, message: str):
    with pytest.raises(InputError, match=message) as caught:
        parse(text)
    assert str(caught.value).endswith("^")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("ts_men(close, 5) + 1", 0),
        ("1 + ts_men(close, 5)", 4),
        ("  close + 'x'", 10),
        ("close +\n  open.x", 10),
        ("rank(close, by='sector')", 12),
        ("close + * 2", 8),
    ],
)
def test_the_caret_stands_under_the_place(text: str, place: int):
    with pytest.raises(InputError) as caught:
        parse(text)

    _, shown, caret = str(caught.value).split("\n")
    assert shown == "    " + text.replace("\n", " ")
    assert caret.index("^") == 4 + place


def test_the_caret_stands_under_the_place_of_a_long_text():
    text = " + ".join(["close"] * 40) + " + wrong.x" + " + close" * 40

    with pytest.raises(InputError) as caught:
        parse(text)

    _, shown, caret = str(caught.value).split("\n")
    assert shown[caret.index("^") :].startswith("wrong.x")
    assert len(shown) < 100


@pytest.mark.parametrize(
    ("wrong", "right"), [("ts_men", "ts_mean"), ("tsrank", "ts_rank"), ("winsorise", "winsorize")]
)
def test_a_misspelt_operator_brings_a_guess(wrong: str, right: str):
    with pytest.raises(InputError, match=rf"did you mean {right}\b"):
        parse(f"{wrong}(close, 5)")


@pytest.mark.parametrize(
    "text",
    [
        "-" * 30_000 + "close",
        "(" * 5_000 + "close" + ")" * 5_000,
        "abs(" * 300 + "close" + ")" * 300,
        "close" + " + close" * 3_000,
        "~" * 3_000 + "close",
        "close ** " * 3_000 + "close",
        "x" * (MAX_CHARACTERS + 1),
    ],
)
def test_huge_texts_are_refused_and_not_suffered(text: str):
    with pytest.raises(InputError):
        parse(text)


def test_spaces_and_line_ends_do_not_matter():
    assert parse("\n  close\n\t+ 1 ") == field("close") + 1


def test_a_text_is_asked_for():
    with pytest.raises(InputError, match="must be a str, got Expression"):
        parse(field("close"))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text("closerank(,)+-*/<>=&|~ 123._[]'", max_size=40))
def test_any_text_is_read_or_refused(text: str):
    try:
        result = parse(text)
    except InputError:
        return
    assert isinstance(result, Expression)
    assert parse(result.canonical) == result
