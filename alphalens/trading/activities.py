"""What moves a book without an order: dividends, splits, expiries, assignments, fees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from alphalens.errors import InputError

__all__ = ["Activity", "CashFlow", "CashKind", "ChangeKind", "PositionChange", "Split"]


class CashKind(StrEnum):
    """Why money moved."""

    DIVIDEND = "dividend"  # negative for who is short
    INTEREST = "interest"
    FEE = "fee"
    BORROW = "borrow"
    FUNDING = "funding"
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"


class ChangeKind(StrEnum):
    """Why units moved without an order."""

    EXPIRY = "expiry"
    ASSIGNMENT = "assignment"
    EXERCISE = "exercise"
    FEE = "fee"  # paid in the coin that was bought
    TRANSFER = "transfer"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashFlow:
    """Money that came or went, and was no trade.

    Attributes
    ----------
    activity_id : str
        The venue's id; an activity is applied once per id.
    kind : CashKind
        Why.
    amount : Decimal
        Signed, in `currency`; positive is received.
    at : datetime
        When, timezone-aware.
    currency : str
        ISO 4217 code.
    symbol : str
        The asset it belongs to; empty if to none.
    note : str
        The venue's words.
    """

    activity_id: str
    kind: CashKind
    amount: Decimal
    at: datetime
    currency: str = "USD"
    symbol: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse an amount that is none."""
        _check(self.activity_id, self.at, amount=self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A share became another number of shares: `new` for each `old`.

    Attributes
    ----------
    activity_id, symbol : str
        The venue's id, and the asset.
    new, old : Decimal
        4 and 1 for a split of four for one; 1 and 10 for a reverse split.
    at : datetime
        From when, timezone-aware.
    """

    activity_id: str
    symbol: str
    new: Decimal
    old: Decimal
    at: datetime

    def __post_init__(self) -> None:
        """Refuse a ratio that is none."""
        _check(self.activity_id, self.at, new=self.new, old=self.old)
        if not (self.new > 0 and self.old > 0):
            raise InputError(f"split {self.activity_id}: {self.new} for {self.old} is no ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChange:
    """Units that came or went without an order, at a price.

    Attributes
    ----------
    activity_id, symbol : str
        The venue's id, and the asset.
    kind : ChangeKind
        Why. An option that is assigned changes twice: it goes at 0, its underlying comes or
        goes at the strike.
    quantity : Decimal
        Signed units: negative leaves a long position smaller.
    price : Decimal
        Price per unit; 0 if nothing was paid.
    at : datetime
        When, timezone-aware.
    multiplier, currency
        As of a `Fill`.
    note : str
        The venue's words.
    """

    activity_id: str
    symbol: str
    kind: ChangeKind
    quantity: Decimal
    price: Decimal
    at: datetime
    multiplier: Decimal = Decimal(1)
    currency: str = "USD"
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a change of nothing."""
        figures = {"quantity": self.quantity, "price": self.price, "multiplier": self.multiplier}
        _check(self.activity_id, self.at, **figures)
        if not self.quantity:
            raise InputError(f"activity {self.activity_id}: no units of {self.symbol} changed")
        if self.multiplier <= 0:
            raise InputError(
                f"activity {self.activity_id}: multiplier must be positive, got {self.multiplier}"
            )


Activity = CashFlow | Split | PositionChange


def _check(activity_id: str, at: datetime, **figures: object) -> None:
    if not activity_id:
        raise InputError("an activity needs the venue's id: without it it could be booked twice")
    if at.tzinfo is None:
        raise InputError(f"activity {activity_id}: {at} has no time zone")
    for name, value in figures.items():
        if not isinstance(value, Decimal) or not value.is_finite():
            raise InputError(
                f"activity {activity_id}: {name} must be a finite Decimal, got {value!r}"
            )
