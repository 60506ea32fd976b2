"""What the gate is told about orders already sent, the venue's account and its hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from alphalens.assets.kinds import AssetClass
from alphalens.errors import InputError
from alphalens.trading.orders import OrderIntent

__all__ = ["MarketSession", "SentOrder", "VenueFacts", "enabled_classes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOrder:
    """An order that went out: it is still open, or it is recent.

    Attributes
    ----------
    intent : OrderIntent
        What was sent.
    at : datetime
        When, timezone-aware.
    remaining : Decimal
        Units not yet executed; 0 once nothing more can come of it.
    is_reserved : bool
        Whether the buying power that the venue told has its cost taken off already.
    """

    intent: OrderIntent
    at: datetime
    remaining: Decimal
    is_reserved: bool = False

    @property
    def is_open(self) -> bool:
        """Return whether more of it may be executed."""
        return self.remaining > 0

    @property
    def units(self) -> dict[str, Decimal]:
        """Return the signed units by symbol that may still be executed."""
        left, quantity = self.remaining, self.intent.quantity
        return {symbol: units / quantity * left for symbol, units in self.intent.traded.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFacts:
    """Whose account it is, and whether flag, host and account agree on real money.

    Attributes
    ----------
    account_id : str
        The account number, by the venue's own word.
    expected_account : str
        The account number that a person typed; live trading needs it.
    is_live : bool
        Whether orders of the account move real money, by the venue's own word.
    is_live_host : bool or None
        Whether the host is the one for real money; None where there is no host.
    is_flagged_live : bool
        Whether the feature flag of live trading is on.
    is_blocked : bool
        Whether the venue takes no orders of the account now.
    """

    account_id: str
    expected_account: str = ""
    is_live: bool = False
    is_live_host: bool | None = None
    is_flagged_live: bool = False
    is_blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSession:
    """The trading hours of one market around the present.

    Attributes
    ----------
    is_open : bool
        Whether the regular session is open.
    next_open, next_close : datetime
        The next opening and the next close, timezone-aware.
    last_close : datetime or None
        The last close; None if it is not known.
    is_extended : bool
        Whether orders for extended hours are executed now.
    opening_cutoff, closing_cutoff : timedelta
        How long before an auction the venue takes its last order.
    auction_pause : timedelta
        How long after the close it takes no order for an auction.

    Raises
    ------
    InputError
        If an instant has no time zone.
    """

    is_open: bool
    next_open: datetime
    next_close: datetime
    last_close: datetime | None = None
    is_extended: bool = False
    opening_cutoff: timedelta = timedelta(minutes=2)
    closing_cutoff: timedelta = timedelta(minutes=10)
    auction_pause: timedelta = timedelta(hours=3)

    def __post_init__(self) -> None:
        """Refuse hours that cannot be compared with the present."""
        for name in ("next_open", "next_close", "last_close"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                raise InputError(f"market session: {name} {instant} has no time zone")

    def is_open_at(self, now: datetime) -> bool:
        """Return whether the regular session is open; what was told holds until its close."""
        return self.is_open and now < self.next_close

    def is_pausing(self, now: datetime) -> bool:
        """Return whether the close is so near behind that no order for an auction is taken."""
        return self.last_close is not None and now - self.last_close < self.auction_pause


def enabled_classes(*, options: bool, crypto: bool) -> frozenset[AssetClass]:
    """Return what the feature flags let a desk open: shares and futures need none.

    Examples
    --------
    >>> print(*sorted(enabled_classes(options=False, crypto=True)))
    crypto equity future perpetual
    """
    classes = {AssetClass.EQUITY, AssetClass.FUTURE}
    if options:
        classes.add(AssetClass.OPTION)
    if crypto:
        classes |= {AssetClass.CRYPTO, AssetClass.PERPETUAL}
    return frozenset(classes)
