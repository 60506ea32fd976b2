from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets.grid import MAX_DIGITS, on_grid, product, require_number, to_grid, trouble
from alphalens.errors import InputError

D = Decimal
values = st.decimals("-1e17", "1e17", places=12)
steps = st.decimals("0.000000001", "1000", places=9)
roundings = st.sampled_from([ROUND_DOWN, ROUND_FLOOR, ROUND_CEILING])


@given(values, steps, roundings)
def test_rounding_agrees_with_exact_fractions(value, step, rounding):
    ratio = Fraction(value) / Fraction(step)
    floor = ratio.numerator // ratio.denominator
    ceiling = -(-ratio.numerator // ratio.denominator)
    towards_zero = floor if ratio >= 0 else ceiling
    steps_wanted = {ROUND_DOWN: towards_zero, ROUND_FLOOR: floor, ROUND_CEILING: ceiling}
    assert Fraction(to_grid(value, step, rounding=rounding)) == steps_wanted[rounding] * Fraction(
        step
    )


@given(values, steps, roundings)
def test_what_was_rounded_is_on_the_grid_and_stays(value, step, rounding):
    rounded = to_grid(value, step)
    assert on_grid(rounded, step)
    assert to_grid(rounded, step, rounding=rounding) == rounded


def test_a_quotient_just_below_a_line_is_not_lifted_onto_it():
    # 28 digits, the default precision, round this quotient up to 3.
    almost = D("2.99999999999999999999999999999999")
    assert to_grid(almost, D(1)) == 2
    assert not on_grid(almost, D(1))


def test_zero_has_no_sign():
    assert str(to_grid(D("-0.4"), D(1))) == "0"


@given(values, values, steps)
def test_product_of_three_keeps_every_digit(quantity, price, multiplier):
    exact = Fraction(quantity) * Fraction(price) * Fraction(multiplier)
    assert Fraction(product(quantity, price, multiplier)) == exact


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (0.5, "wrong_type"),
        (1, "wrong_type"),
        (True, "wrong_type"),
        ("1", "wrong_type"),
        (None, "wrong_type"),
        (D("NaN"), "not_finite"),
        (D("sNaN"), "not_finite"),
        (D("-Infinity"), "not_finite"),
        (D(10) ** MAX_DIGITS, "too_long"),
        (D("1e999999"), "too_long"),
    ],
)
def test_unusable_number_has_a_reason_and_is_refused(value, reason):
    assert trouble(value) == reason
    with pytest.raises(InputError, match="price"):
        require_number("price", value)
    with pytest.raises(InputError):
        to_grid(value, D(1))


@pytest.mark.parametrize("value", [D(0), D("-0.1"), D(10) ** MAX_DIGITS - 1, D("1e-400"), D(1) / 3])
def test_usable_number_is_returned_as_it_is(value):
    assert trouble(value) == ""
    assert require_number("price", value) is value


@pytest.mark.parametrize("step", [D(0), D("-0.01")])
def test_grid_without_a_positive_step_is_refused(step):
    with pytest.raises(InputError, match="step of a grid must be positive"):
        to_grid(D(1), step)


def test_rounding_to_nearest_is_refused_for_it_may_add_risk():
    with pytest.raises(InputError, match="rounding must be one of"):
        to_grid(D(1), D(1), rounding=ROUND_HALF_EVEN)
