"""Names of contracts that expire: listed options and futures, both ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from alphalens.assets.grid import on_grid, require_number
from alphalens.assets.kinds import OptionKind
from alphalens.errors import InputError

__all__ = ["MONTHS", "FutureSymbol", "OccSymbol"]

MONTHS = "FGHJKMNQUVXZ"  # January to December
_ROOT_WIDTH = 6
_MILS = 1000  # the strike is written in thousandths
_OCC = re.compile(r"([A-Z][A-Z0-9]{0,5})([0-9]{2})([0-9]{2})([0-9]{2})([CP])([0-9]{8})")
_PADDED = re.compile(r"(?=.{21}$)([A-Z][A-Z0-9]{0,5}) *([0-9]{6}[CP][0-9]{8})")
_FUTURE = re.compile(rf"([A-Z0-9]*[A-Z][A-Z0-9]*?)([{MONTHS}])([0-9]{{4}}|[0-9]{{2}}|[0-9])")
_FUTURE_ROOT = re.compile(r"(?=[A-Z0-9]*[A-Z])[A-Z0-9]{1,5}")
_PIVOT = 70  # two-digit years from here on are of the last century


@dataclass(frozen=True, slots=True, kw_only=True)
class OccSymbol:
    """The name of a listed option, as the Options Clearing Corporation writes it.

    Attributes
    ----------
    root : str
        Up to six letters and digits; that of ``BRK.B`` is ``BRKB``.
    expiry : date
        Date in the name, of this century.
    kind : OptionKind
        Call or put.
    strike : Decimal
        Strike price: a positive multiple of 0.001 below 100000.

    Raises
    ------
    InputError
        If a part cannot be written in the form.

    Examples
    --------
    >>> apple = OccSymbol.parse("AAPL  250117P00190000")
    >>> apple.compact, apple.strike
    ('AAPL250117P00190000', Decimal('190'))
    >>> apple.padded
    'AAPL  250117P00190000'
    """

    root: str
    expiry: date
    kind: OptionKind
    strike: Decimal

    def __post_init__(self) -> None:
        """Refuse what has no name in this form."""
        if not re.fullmatch(r"[A-Z][A-Z0-9]{0,5}", self.root):
            raise InputError(
                f"an option's root is 1 to 6 capital letters and digits, got {self.root!r}"
            )
        if type(self.expiry) is not date or not 2000 <= self.expiry.year <= 2099:
            raise InputError(
                f"{self.root}: the expiry must be a date of 2000 to 2099, got {self.expiry!r}"
            )
        if not isinstance(self.kind, OptionKind):
            raise InputError(f"{self.root}: kind must be an OptionKind, got {self.kind!r}")
        strike = require_number(f"{self.root}: strike", self.strike)
        if not (0 < strike < 100_000 and on_grid(strike, Decimal("0.001"))):
            raise InputError(
                f"{self.root}: the strike must be a multiple of 0.001 above 0 and below 100000, "
                f"got {strike}"
            )

    @classmethod
    def parse(cls, text: str) -> OccSymbol:
        """Read the compact form, or the one padded with blanks to 21 characters.

        Raises
        ------
        InputError
            If `text` is neither, its date does not exist or its strike is zero.
        """
        padded = _PADDED.fullmatch(text)
        match = _OCC.fullmatch("".join(padded.groups()) if padded else text)
        if match is None:
            raise InputError(
                f"{text!r} is no option symbol: root, yymmdd, C or P and the strike in eight "
                f"digits of thousandths are needed, like AAPL250117P00190000"
            )
        root, year, month, day, right, mils = match.groups()
        try:
            expiry = date(2000 + int(year), int(month), int(day))
        except ValueError as error:
            raise InputError(f"{text!r} expires on no day that exists: {error}") from error
        kind = OptionKind.CALL if right == "C" else OptionKind.PUT
        whole, rest = divmod(int(mils), _MILS)
        strike = Decimal(f"{whole}.{rest:03}".rstrip("0").rstrip("."))
        return cls(root=root, expiry=expiry, kind=kind, strike=strike)

    @property
    def compact(self) -> str:
        """Return the form without blanks, the canonical one."""
        return f"{self.root}{self._tail}"

    @property
    def padded(self) -> str:
        """Return the form of 21 characters."""
        return f"{self.root:<{_ROOT_WIDTH}}{self._tail}"

    @property
    def _tail(self) -> str:
        right = "C" if self.kind is OptionKind.CALL else "P"
        return f"{self.expiry:%y%m%d}{right}{int(self.strike * _MILS):08}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureSymbol:
    """The name of a futures contract.

    Attributes
    ----------
    root : str
        The product, up to five letters and digits, at least one letter.
    month : int
        Contract month, 1 to 12.
    year : int
        Contract year, 1970 to 2069.

    Raises
    ------
    InputError
        If a part cannot be written in the form.

    Examples
    --------
    >>> december = FutureSymbol.parse("ESZ26")
    >>> december.month, december.year, december.code
    (12, 2026, 'ESZ26')
    >>> FutureSymbol.parse("ESZ6", near=date(2026, 11, 2)).code
    'ESZ26'
    """

    root: str
    month: int
    year: int

    def __post_init__(self) -> None:
        """Refuse what has no name in this form."""
        if not _FUTURE_ROOT.fullmatch(self.root):
            raise InputError(
                f"a future's root is 1 to 5 capital letters and digits, at least one letter, "
                f"got {self.root!r}"
            )
        if not 1 <= self.month <= len(MONTHS):
            raise InputError(f"{self.root}: the month must be 1 to 12, got {self.month}")
        if not 1900 + _PIVOT <= self.year < 2000 + _PIVOT:
            raise InputError(f"{self.root}: the year must be 1970 to 2069, got {self.year}")

    @classmethod
    def parse(cls, text: str, *, near: date | None = None) -> FutureSymbol:
        """Read ``ESZ26`` or ``ESZ2026``, and with `near` also ``ESZ6``.

        Parameters
        ----------
        text : str
            The symbol, in capitals.
        near : date or None
            Makes a year of one digit the first such contract month not before that of `near`.

        Raises
        ------
        InputError
            If `text` is no such symbol, or has a year of one digit and no `near`.
        """
        match = _FUTURE.fullmatch(text)
        if match is None:
            raise InputError(
                f"{text!r} is no futures symbol: root, month ({MONTHS}) and year are needed, "
                f"like ESZ26"
            )
        root, letter, digits = match.groups()
        month, year = MONTHS.index(letter) + 1, int(digits)
        if len(digits) == 1:
            year = _year_near(text, year, month, near)
        elif len(digits) == 2:
            year += 1900 if year >= _PIVOT else 2000
        return cls(root=root, month=month, year=year)

    @property
    def code(self) -> str:
        """Return the form with a year of two digits, the canonical one."""
        return f"{self.root}{MONTHS[self.month - 1]}{self.year % 100:02}"


def _year_near(text: str, digit: int, month: int, near: date | None) -> int:
    if near is None:
        raise InputError(f"{text!r} could be of any decade; write the year with two digits")
    year = near.year + (digit - near.year) % 10
    return year + 10 if (year, month) < (near.year, near.month) else year
