"""Buying power and the cost of borrowing, as pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal

from alphalens.brokers.costs import check_cost
from alphalens.errors import ConfigError
from alphalens.trading.activities import CashKind

__all__ = ["Charge", "Claim", "Financing", "take"]

_ZERO = Decimal(0)
_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an open order may still add to the book.

    Attributes
    ----------
    units : Mapping of str to Decimal
        Signed units by symbol that a full execution trades.
    values : Mapping of str to Decimal
        Value of one unit of each, in currency, positive.
    """

    units: Mapping[str, Decimal]
    values: Mapping[str, Decimal]


def take(left: dict[str, Decimal], claim: Claim) -> Decimal:
    """Return the value that one more order may add, and take what it closes off `left`.

    Orders come in the order in which they were sent. One that closes a position adds nothing,
    but the units it closes are closed for those after it as well; one that has not been
    executed frees nothing.

    Parameters
    ----------
    left : dict of str to Decimal
        Signed units that no order before this one closes; changed in place.
    claim : Claim
        The order.

    Examples
    --------
    >>> sale = Claim(units={"A": Decimal(-15)}, values={"A": Decimal(2)})
    >>> take({"A": Decimal(10)}, sale)
    Decimal('10')
    """
    total = _ZERO
    for symbol, units in claim.units.items():
        before = left.get(symbol, _ZERO)
        if before * units >= 0:
            total += abs(units) * claim.values[symbol]
            continue
        total += max(_ZERO, abs(units) - abs(before)) * claim.values[symbol]
        left[symbol] = before + units
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One cost of borrowing: why, for which asset, and how much (negative is paid)."""

    kind: CashKind
    symbol: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Financing:
    """Fee for what is sold short, interest on what is owed; charged per calendar day.

    Attributes
    ----------
    borrow_rate : Decimal
        Fee per year and value of a short position, a fraction.
    borrow_rates : Mapping of str to Decimal
        The same for single symbols: what is hard to borrow costs far more.
    margin_rate : Decimal
        Interest per year on negative cash, a fraction.
    days_per_year : int
        The day count: 360, the custom of the US money market, by default.

    Raises
    ------
    ConfigError
        If a rate is negative or not finite, or the day count not positive.

    Notes
    -----
    For each midnight (UTC) that a book passes: ``value * rate / days_per_year``, rounded
    against the trader to 4 decimals; weekends and holidays count. The defaults, 1 % and 8 %,
    are chosen to be dear for a liquid US share and a small account; they were not measured.

    Examples
    --------
    >>> charges = Financing().charges(3, cash=Decimal(-36_000), shorts={})
    >>> [(charge.kind.value, charge.amount) for charge in charges]
    [('interest', Decimal('-24.0000'))]
    """

    borrow_rate: Decimal = Decimal("0.01")
    borrow_rates: Mapping[str, Decimal] = field(default_factory=dict)
    margin_rate: Decimal = Decimal("0.08")
    days_per_year: int = 360

    def __post_init__(self) -> None:
        """Refuse rates that would pay the borrower."""
        rates = {f"borrow_rates[{s!r}]": rate for s, rate in self.borrow_rates.items()}
        rates |= {"borrow_rate": self.borrow_rate, "margin_rate": self.margin_rate}
        for name, rate in rates.items():
            check_cost(name, rate)
        if self.days_per_year < 1:
            raise ConfigError(f"days_per_year must be at least 1, got {self.days_per_year}")

    def charges(
        self, days: int, *, cash: Decimal, shorts: Mapping[str, Decimal]
    ) -> Iterator[Charge]:
        """Yield what so many days cost, what is nothing left out.

        Parameters
        ----------
        days : int
            Midnights that were passed.
        cash : Decimal
            Balance in currency, signed.
        shorts : Mapping of str to Decimal
            Value of each short position by symbol, in currency, positive.
        """
        for symbol, value in sorted(shorts.items()):
            rate = self.borrow_rates.get(symbol, self.borrow_rate)
            if amount := self._amount(value, rate, days):
                yield Charge(kind=CashKind.BORROW, symbol=symbol, amount=amount)
        if amount := self._amount(max(_ZERO, -cash), self.margin_rate, days):
            yield Charge(kind=CashKind.INTEREST, symbol="", amount=amount)

    def _amount(self, value: Decimal, rate: Decimal, days: int) -> Decimal:
        exact = -value * rate * days / self.days_per_year
        return exact.quantize(_STEP, rounding=ROUND_FLOOR)
