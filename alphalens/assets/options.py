"""Listed options on shares and funds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from alphalens.assets.base import BaseAsset
from alphalens.assets.calendars import session_until
from alphalens.assets.contracts import OccSymbol
from alphalens.assets.grid import require_number
from alphalens.assets.kinds import AssetClass, OptionKind, OptionStyle
from alphalens.assets.symbols import canonical
from alphalens.errors import InputError

__all__ = ["Option"]

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(BaseAsset):
    """The right to buy or to sell a share at a price, until a day.

    What the symbol says is read from it and not given a second time.

    Attributes
    ----------
    symbol : str
        Compact OCC symbol.
    underlying : str
        Canonical symbol of the share; the root of the symbol if it is not given. The root of
        options on ``BRK.B`` is ``BRKB``, and an adjusted contract has a digit in it.
    style : OptionStyle
        When it may be exercised.
    tick, small_tick, small_below : Decimal
        Steps of the premium: 0.10, and 0.05 below 3. In the penny program they are 0.05 and
        0.01; for the widest funds 0.01 at every price (``small_tick=None``).
    multiplier : Decimal
        Shares per contract.
    root : str
        Read from the symbol.
    expiry : date
        Read from the symbol.
    kind : OptionKind
        Read from the symbol.
    strike : Decimal
        Read from the symbol, in `currency` per share.

    Raises
    ------
    InputError
        If the symbol or the underlying is not canonical, and as `BaseAsset`.

    Examples
    --------
    >>> put = Option(symbol="AAPL250117P00190000")
    >>> put.underlying, put.expiry.isoformat(), put.strike
    ('AAPL', '2025-01-17', Decimal('190'))
    >>> put.intrinsic_value(Decimal("182.50")), put.notional(Decimal(2), Decimal("7.60"))
    (Decimal('7.50'), Decimal('1520.00'))
    """

    underlying: str = ""
    style: OptionStyle = OptionStyle.AMERICAN
    tick: Decimal = Decimal("0.10")
    small_tick: Decimal | None = Decimal("0.05")
    small_below: Decimal = Decimal(3)
    multiplier: Decimal = Decimal(100)
    is_marginable: bool = False
    root: str = field(init=False)
    expiry: date = field(init=False)
    kind: OptionKind = field(init=False)
    strike: Decimal = field(init=False)

    def __post_init__(self) -> None:
        """Read the symbol, and refuse what contradicts it."""
        BaseAsset.__post_init__(self)
        if not isinstance(self.style, OptionStyle):
            raise InputError(f"{self.symbol}: style must be an OptionStyle, got {self.style!r}")
        name = OccSymbol.parse(self.symbol)
        share = self.underlying or name.root
        form = canonical(share, AssetClass.EQUITY)
        if form != share:
            raise InputError(f"{self.symbol}: underlying {share!r} is not canonical: {form}")
        parts = {
            "underlying": share,
            "root": name.root,
            "expiry": name.expiry,
            "kind": name.kind,
            "strike": name.strike,
        }
        for key, value in parts.items():
            object.__setattr__(self, key, value)

    @classmethod
    def contract(
        cls, *, underlying: str, expiry: date, kind: OptionKind, strike: Decimal
    ) -> Option:
        """Return the standard contract on a share.

        Raises
        ------
        InputError
            If a part cannot be written in an OCC symbol.

        Examples
        --------
        >>> Option.contract(
        ...     underlying="BRK.B", expiry=date(2026, 6, 18), kind=OptionKind.CALL,
        ...     strike=Decimal("512.5"),
        ... ).symbol
        'BRKB260618C00512500'
        """
        root = underlying.replace(".", "")
        name = OccSymbol(root=root, expiry=expiry, kind=kind, strike=strike)
        return cls(symbol=name.compact, underlying=underlying)

    @property
    def asset_class(self) -> AssetClass:
        """Return `AssetClass.OPTION`."""
        return AssetClass.OPTION

    def intrinsic_value(self, spot: Decimal) -> Decimal:
        """Return what exercise brings per share at a price of the share, never negative.

        Raises
        ------
        InputError
            If `spot` is no finite Decimal, or negative.
        """
        spot = require_number(f"{self.underlying}: price", spot)
        if spot < _ZERO:
            raise InputError(f"{self.underlying}: price must not be negative, got {spot}")
        return max(_ZERO, self.kind.sign * (spot - self.strike))

    def last_trading_instant(self) -> datetime:
        """Return the close of the session of `expiry`, or of the last one before it."""
        return session_until(self.calendar, self.expiry).close
