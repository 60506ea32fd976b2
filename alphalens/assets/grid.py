"""Exact arithmetic on grids of prices and quantities: a result is exact, or it is refused."""

from __future__ import annotations

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

from alphalens.errors import InputError

__all__ = [
    "MAX_DIGITS",
    "divide_down",
    "on_grid",
    "product",
    "require_number",
    "to_grid",
    "trouble",
]

MAX_DIGITS = 18  # digits before the point beyond which a figure is a mistake

# Enough for three factors that are quotients of the default precision, 28 digits, and more.
_EXACT = Context(
    prec=6 * MAX_DIGITS, rounding=ROUND_DOWN, traps=[InvalidOperation, DivisionByZero, Overflow]
)
_MOVES = {ROUND_DOWN: 0, ROUND_FLOOR: -1, ROUND_CEILING: 1}
_ZERO = Decimal(0)


def trouble(value: object) -> str:
    """Return why `value` is no number to trade with, and nothing if it is one.

    Parameters
    ----------
    value : object
        What somebody gave as a price, a quantity or an amount.

    Returns
    -------
    str
        ``"wrong_type"`` for anything but a Decimal, ``"not_finite"`` for NaN and infinities,
        ``"too_long"`` beyond `MAX_DIGITS` digits before the point, else ``""``.

    Examples
    --------
    >>> trouble(0.1), trouble(Decimal("NaN")), trouble(Decimal("0.1"))
    ('wrong_type', 'not_finite', '')
    """
    if not isinstance(value, Decimal):
        return "wrong_type"
    if not value.is_finite():
        return "not_finite"
    return "too_long" if value.adjusted() >= MAX_DIGITS else ""


def require_number(name: str, value: object) -> Decimal:
    """Return `value` if exact trading can be done with it.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
        A finite Decimal of at most `MAX_DIGITS` digits before the point.

    Raises
    ------
    InputError
        If it is anything else. A float has been rounded already, so it is refused as well.
    """
    reason = trouble(value)
    if isinstance(value, Decimal) and not reason:
        return value
    if reason == "wrong_type":
        raise InputError(
            f"{name} must be a Decimal, got {value!r} of type {type(value).__name__}; "
            f"write Decimal('...'), a float is rounded before it arrives"
        )
    if reason == "not_finite":
        raise InputError(f"{name} must be a finite number, got {value}")
    raise InputError(
        f"{name} must have at most {MAX_DIGITS} digits before the point, got {value}: correct it"
    )


def to_grid(value: Decimal, step: Decimal, *, rounding: str = ROUND_DOWN) -> Decimal:
    """Return the multiple of `step` next to `value`, by default towards zero.

    Parameters
    ----------
    value : Decimal
        Any number.
    step : Decimal
        Distance of the grid's lines, positive.
    rounding : str
        ``decimal.ROUND_DOWN`` towards zero, ``ROUND_FLOOR`` down or ``ROUND_CEILING`` up.

    Returns
    -------
    Decimal
        Exact, with the exponent of `step`; a zero has no sign.

    Raises
    ------
    InputError
        If a number is not usable (`require_number`), `step` is not positive, or `rounding` is
        none of the three.

    Examples
    --------
    >>> to_grid(Decimal("-7.9"), Decimal("0.5"))
    Decimal('-7.5')
    """
    if rounding not in _MOVES:
        raise InputError(f"rounding must be one of {', '.join(_MOVES)}, got {rounding!r}")
    steps, rest = _split(value, step)
    move = _MOVES[rounding]
    if rest * move > 0:
        steps += move
    result = _EXACT.multiply(steps, step)
    return result if result else abs(result)


def on_grid(value: Decimal, step: Decimal) -> bool:
    """Return whether `value` is a multiple of `step`.

    Raises
    ------
    InputError
        If a number is not usable (`require_number`), or `step` is not positive.
    """
    return _split(value, step)[1] == _ZERO


def product(*factors: Decimal) -> Decimal:
    """Return the exact product of up to three usable numbers."""
    result = Decimal(1)
    for factor in factors:
        result = _EXACT.multiply(result, factor)
    return result


def divide_down(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Return the quotient, cut off towards zero at far more digits than any grid has."""
    return _EXACT.divide(dividend, divisor)


def _split(value: Decimal, step: Decimal) -> tuple[Decimal, Decimal]:
    """Return the whole steps in `value`, towards zero, and what is left, with its sign."""
    value, step = require_number("the value", value), require_number("the step", step)
    if step <= _ZERO:
        raise InputError(f"the step of a grid must be positive, got {step}")
    return _EXACT.divmod(value, step)
