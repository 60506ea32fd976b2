from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import OptionKind
from alphalens.assets.contracts import FutureSymbol, OccSymbol
from alphalens.errors import InputError

D = Decimal

roots = st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True)
occ_symbols = st.builds(
    OccSymbol,
    root=roots,
    expiry=st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    kind=st.sampled_from(OptionKind),
    strike=st.decimals("0.001", "99999.999", places=3),
)
future_symbols = st.builds(
    FutureSymbol,
    root=st.from_regex(r"[A-Z0-9]{0,2}[A-Z][A-Z0-9]{0,2}", fullmatch=True),
    month=st.integers(1, 12),
    year=st.integers(1970, 2069),
)


@given(occ_symbols)
def test_option_symbol_is_read_back_from_both_forms(name):
    assert OccSymbol.parse(name.compact) == name
    assert OccSymbol.parse(name.padded) == name
    assert len(name.padded) == 21


@pytest.mark.parametrize(
    ("compact", "padded", "parts"),
    [
        (
            "AAPL250117P00190000",
            "AAPL  250117P00190000",
            ("AAPL", date(2025, 1, 17), OptionKind.PUT, "190"),
        ),
        (
            "SPXW261231C04507500",
            "SPXW  261231C04507500",
            ("SPXW", date(2026, 12, 31), OptionKind.CALL, "4507.5"),
        ),
        (
            "F1240621C00000500",
            "F1    240621C00000500",
            ("F1", date(2024, 6, 21), OptionKind.CALL, "0.5"),
        ),
        (
            "ABCDEF280229P99999999",
            "ABCDEF280229P99999999",
            ("ABCDEF", date(2028, 2, 29), OptionKind.PUT, "99999.999"),
        ),
    ],
)
def test_option_symbol_by_hand(compact, padded, parts):
    name = OccSymbol.parse(padded)
    assert (name.compact, name.padded) == (compact, padded)
    assert (name.root, name.expiry, name.kind, str(name.strike)) == parts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no option symbol"),
        ("AAPL", "no option symbol"),
        ("AAPL250117X00190000", "no option symbol"),
        ("AAPL250117P0190000", "no option symbol"),
        ("TOOLONG250117P00190000", "no option symbol"),
        ("AAPL 250117P00190000", "no option symbol"),
        ("AAPL  250117P00190000 ", "no option symbol"),
        ("1AAPL250117P00190000", "no option symbol"),
        ("AAPL25\u0660117P00190000", "no option symbol"),
        ("AAPL250117P00190000\n", "no option symbol"),
        ("AAPL250230P00190000", "expires on no day that exists"),
        ("AAPL251317P00190000", "expires on no day that exists"),
        ("AAPL250117P00000000", "strike must be a multiple of 0.001 above 0"),
    ],
)
def test_text_that_is_no_option_symbol_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        OccSymbol.parse(text)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"root": "aapl"}, "root is 1 to 6 capital letters"),
        ({"expiry": date(1999, 12, 31)}, "expiry must be a date of 2000 to 2099"),
        ({"expiry": datetime(2025, 1, 17)}, "expiry must be a date"),
        ({"kind": "put"}, "kind must be an OptionKind"),
        ({"strike": D("0.0005")}, "multiple of 0.001"),
        ({"strike": D(100_000)}, "below 100000"),
        ({"strike": 190.0}, "must be a Decimal"),
        ({"strike": D("NaN")}, "finite number"),
    ],
)
def test_option_that_has_no_symbol_is_refused(wrong, message):
    right = {
        "root": "AAPL",
        "expiry": date(2025, 1, 17),
        "kind": OptionKind.PUT,
        "strike": D(190),
    }
    with pytest.raises(InputError, match=message):
        OccSymbol(**{**right, **wrong})


@given(future_symbols, st.integers(0, 119))
def test_future_symbol_is_read_back_from_every_form(name, months_before):
    assert FutureSymbol.parse(name.code) == name
    assert FutureSymbol.parse(f"{name.code[:-2]}{name.year}") == name
    earlier = name.year * 12 + name.month - 1 - months_before
    near = date(earlier // 12, earlier % 12 + 1, 28)
    assert FutureSymbol.parse(f"{name.code[:-2]}{name.year % 10}", near=near) == name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ESZ26", ("ES", 12, 2026)),
        ("6EH27", ("6E", 3, 2027)),
        ("M2KF30", ("M2K", 1, 2030)),
        ("ZZ26", ("Z", 12, 2026)),
        ("CLK70", ("CL", 5, 1970)),
        ("CLK69", ("CL", 5, 2069)),
    ],
)
def test_future_symbol_by_hand(text, parts):
    name = FutureSymbol.parse(text)
    assert (name.root, name.month, name.year) == parts


@pytest.mark.parametrize(
    ("near", "year"),
    [
        (date(2026, 12, 31), 2026),
        (date(2027, 1, 1), 2036),
        (date(2029, 5, 1), 2036),
        (date(2016, 12, 1), 2016),
    ],
)
def test_year_of_one_digit_is_the_first_not_before_the_date(near, year):
    assert FutureSymbol.parse("ESZ6", near=near).year == year


def test_month_of_this_year_that_has_passed_is_of_the_next_decade():
    assert FutureSymbol.parse("ESH6", near=date(2016, 3, 31)).year == 2016
    assert FutureSymbol.parse("ESH6", near=date(2016, 4, 1)).year == 2026


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no futures symbol"),
        ("ES", "no futures symbol"),
        ("Z26", "no futures symbol"),
        ("66Z26", "no futures symbol"),
        ("ESA26", "no futures symbol"),
        ("ESZ126", "no futures symbol"),
        ("esz26", "no futures symbol"),
        ("ABCDEFZ26", "root is 1 to 5"),
        ("ESZ1969", "year must be 1970 to 2069"),
        ("ESZ6", "could be of any decade"),
    ],
)
def test_text_that_is_no_future_symbol_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        FutureSymbol.parse(text)


def test_month_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="month must be 1 to 12, got 13"):
        FutureSymbol(root="ES", month=13, year=2026)
