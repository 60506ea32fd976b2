"""One asset in the books: its units, what they cost, and what they earned; exactly.

Products and sums are exact: a figure that would need more than 200 digits is refused. Two
quotients are not, and each has one declared rounding. The cost of a part of a position is
rounded to 18 decimals; what is rounded off stays in the cost of the rest, and the last unit
takes all of it along, so nothing is lost. Units after a split that does not come out are cut
at nine decimals, towards zero, so that no position grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import (
    ROUND_DOWN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)

from alphalens.errors import InputError
from alphalens.trading.activities import ChangeKind, PositionChange, Split
from alphalens.trading.orders import Fill, Side

__all__ = ["EXACT", "Holding", "Position", "Trade", "exactly", "is_figure", "unkept"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_WRONG = [InvalidOperation, DivisionByZero, Overflow]
_DIGITS = 200
#: Arithmetic that refuses to round.
EXACT = Context(prec=_DIGITS, traps=[*_WRONG, Inexact])
_QUOTIENT = Context(prec=60, traps=_WRONG)
_CUT = Context(prec=60, rounding=ROUND_DOWN, traps=_WRONG)
_SHOWN = Context(prec=28, traps=_WRONG)
_COST_GRID = Decimal("1e-18")
_SHARE_PLACES = 9  # the finest fraction of a share that venues book

Trade = Fill | Split | PositionChange


def is_figure(value: object) -> bool:
    """Return whether a value is a finite Decimal."""
    return isinstance(value, Decimal) and value.is_finite()


def unkept(what: str) -> InputError:
    """Return the error for a figure that is out of all measure."""
    return InputError(
        f"{what}: the books are exact and keep at most {_DIGITS} digits, and its figures need "
        f"more; nothing was booked, look at the source of the figures"
    )


@contextmanager
def exactly(what: str) -> Iterator[None]:
    """Compute without rounding inside the block; `what` begins the message of the refusal."""
    try:
        with localcontext(EXACT):
            yield
    except DecimalException as error:
        raise unkept(what) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding in one asset.

    Attributes
    ----------
    symbol : str
        Canonical symbol.
    quantity : Decimal
        Units, negative for a short position.
    cost : Decimal
        Signed money paid for the units held: quantity times multiplier times average price.
        Of a margined position the same product, although nobody paid it.
    realised : Decimal
        Profit of the units sold (or bought back) so far, before fees.
    multiplier, currency, is_margined
        As of a `Fill`.
    """

    symbol: str
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realised: Decimal = _ZERO
    multiplier: Decimal = _ONE
    currency: str = "USD"
    is_margined: bool = False

    @property
    def average_price(self) -> Decimal:
        """Return the average price of the units held, to 28 digits; 0 for a flat position."""
        if not self.quantity:
            return _ZERO
        return _SHOWN.divide(self.cost, EXACT.multiply(self.quantity, self.multiplier))

    def after(self, fill: Fill) -> Position:
        """Return the position once `fill` is booked, at average cost.

        A fill that turns a long position short (or the reverse) first closes the old
        position at the fill's price, then opens the rest at it.

        Raises
        ------
        InputError
            If its currency, multiplier or margining is not the position's.
        """
        holding = Holding.like(self)
        with exactly(f"fill {fill.fill_id}"):
            holding.feed(fill, _ZERO)
        return holding.position


@dataclass(slots=True, kw_only=True)
class Holding:
    """The figures of one asset, changed in place by what is booked.

    A method that raises has changed no figure. `balance` is the account's money in the
    holding's currency before, and what is returned is the money after; both it and the
    figures have to be computed under `EXACT`.

    Attributes
    ----------
    symbol, quantity, cost, realised, multiplier, currency, is_margined
        As of a `Position`.
    fees : Decimal
        Paid so far.
    brought_in : Decimal
        Value, at their price, of the units that came without being paid for, less that of
        the units that were taken away so.
    """

    symbol: str
    currency: str = "USD"
    multiplier: Decimal = _ONE
    is_margined: bool = False
    quantity: Decimal = _ZERO
    cost: Decimal = _ZERO
    realised: Decimal = _ZERO
    fees: Decimal = _ZERO
    brought_in: Decimal = _ZERO

    @classmethod
    def like(cls, position: Position) -> Holding:
        """Return a holding with the figures of a position."""
        return cls(
            symbol=position.symbol,
            currency=position.currency,
            multiplier=position.multiplier,
            is_margined=position.is_margined,
            quantity=position.quantity,
            cost=position.cost,
            realised=position.realised,
        )

    @property
    def position(self) -> Position:
        """Return the figures as a value."""
        return Position(
            symbol=self.symbol,
            quantity=self.quantity,
            cost=self.cost,
            realised=self.realised,
            multiplier=self.multiplier,
            currency=self.currency,
            is_margined=self.is_margined,
        )

    def copy(self) -> Holding:
        """Return a second holding with the same figures."""
        return replace(self)

    @property
    def cash(self) -> Decimal:
        """Return the money that all that was booked here has moved."""
        moved = self.realised - self.fees + self.brought_in
        return moved if self.is_margined else moved - self.cost

    def value(self, price: Decimal) -> Decimal:
        """Return the signed value of the units at `price`."""
        return self.quantity * price * self.multiplier

    def worth(self, price: Decimal) -> Decimal:
        """Return what the units add to the equity: of a margined position its profit only."""
        value = self.value(price)
        return value - self.cost if self.is_margined else value

    def feed(self, event: Trade, balance: Decimal) -> Decimal:
        """Book whatever moves units, and return the balance after it."""
        if isinstance(event, Fill):
            return self.fill(event, balance)
        if isinstance(event, Split):
            return self.split(event, balance)
        return self.change(event, balance)

    def fill(self, fill: Fill, balance: Decimal) -> Decimal:
        """Book an execution, and return the balance after it."""
        if (
            fill.currency != self.currency
            or (fill.multiplier is not self.multiplier and fill.multiplier != self.multiplier)
            or fill.is_margined is not self.is_margined
        ):
            self._agree(
                f"fill {fill.fill_id}", fill.currency, fill.multiplier, is_margined=fill.is_margined
            )
        units = fill.quantity if fill.side is Side.BUY else -fill.quantity
        return self.trade(units, fill.price, fill.fee, balance)

    def change(self, change: PositionChange, balance: Decimal) -> Decimal:
        """Book units that came or went without an order, and return the balance after it.

        Fees in coin and transfers move no money. A change at price 0 has the multiplier of
        what is held, since it says nothing about it.
        """
        what = f"activity {change.activity_id}"
        is_told = bool(change.price) or not self.quantity
        multiplier = change.multiplier if is_told else self.multiplier
        is_margined = self.is_margined and bool(self.quantity)
        self._agree(what, change.currency, multiplier, is_margined=is_margined)
        value = change.quantity * change.price * self.multiplier
        if change.kind is ChangeKind.FEE:
            return self.trade(change.quantity, change.price, -value, balance)
        if change.kind is ChangeKind.TRANSFER and not self.is_margined:
            self.bring(change.quantity, change.price)
            return balance
        return self.trade(change.quantity, change.price, _ZERO, balance)

    def bring(self, units: Decimal, price: Decimal) -> None:
        """Book units that came, or went, at a price that nobody paid.

        Raises
        ------
        InputError
            If units, price or multiplier are none.
        """
        if not (is_figure(units) and is_figure(price) and units):
            raise InputError(
                f"{units!r} {self.symbol} at {price!r} are no position: both must be a finite "
                f"Decimal, the units not 0"
            )
        if not is_figure(self.multiplier) or self.multiplier <= 0:
            raise InputError(f"{self.symbol}: multiplier must be positive, got {self.multiplier}")
        value = _ZERO if self.is_margined else units * price * self.multiplier
        brought_in = self.brought_in + value
        self.trade(units, price, _ZERO, _ZERO)
        self.brought_in = brought_in

    def split(self, split: Split, balance: Decimal) -> Decimal:
        """Change the number of units and leave their cost; return the balance after it.

        A position too small to leave any unit is gone, and its cost is a loss.
        """
        if not self.quantity:
            return balance
        exponent = self.quantity.normalize().as_tuple().exponent
        places = max(_SHARE_PLACES, -int(exponent))
        units = _CUT.divide(self.quantity * split.new, split.old)
        units = units.quantize(Decimal((0, (1,), -places)), context=_CUT)
        if not units:
            return self.trade(-self.quantity, _ZERO, _ZERO, balance)
        self.quantity = units
        return balance

    def trade(self, units: Decimal, price: Decimal, fee: Decimal, balance: Decimal) -> Decimal:
        """Book signed units at a price, at average cost, and return the balance after it."""
        held, cost = self.quantity, self.cost
        quantity = held + units
        value = units * price * self.multiplier
        gain = _ZERO
        if not held or held.is_signed() == units.is_signed():
            cost += value
        elif not quantity:
            cost, gain = _ZERO, -value - cost
        elif quantity.is_signed() == held.is_signed():
            released = _QUOTIENT.divide(-units * cost, held).quantize(_COST_GRID, context=_QUOTIENT)
            cost, gain = cost - released, -value - released
        else:
            opened = quantity * price * self.multiplier
            cost, gain = opened, opened - value - cost
        balance += (gain if self.is_margined else -value) - fee
        realised, fees = self.realised + gain, self.fees + fee
        # Every figure is known: from here on nothing can fail.
        self.quantity, self.cost, self.realised, self.fees = quantity, cost, realised, fees
        return balance

    def _agree(self, what: str, currency: str, multiplier: Decimal, *, is_margined: bool) -> None:
        """Take the terms of a trade, or refuse them if they are not those of what is held."""
        if currency != self.currency:
            raise InputError(
                f"{what}: {self.symbol} is booked in {self.currency}, this is in {currency}; "
                f"an asset has one currency, give the other listing a symbol of its own"
            )
        if self.quantity and (multiplier, is_margined) != (self.multiplier, self.is_margined):
            raise InputError(
                f"{what}: {self.quantity} {self.symbol} are held with multiplier "
                f"{self.multiplier}, margined {self.is_margined}, this says {multiplier}, "
                f"{is_margined}; correct the asset's description"
            )
        self.multiplier, self.is_margined = multiplier, is_margined
