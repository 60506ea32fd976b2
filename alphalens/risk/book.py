"""What the gate sees of a book, and what it says about an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from alphalens.assets.base import Asset
from alphalens.errors import InputError
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["Approval", "BookView", "Reason", "ReasonCode", "Verdict"]

_ZERO = Decimal(0)


class ReasonCode(StrEnum):
    """Why an order does not pass, one code per rule."""

    HALTED = "halted"
    REDUCING_ONLY = "reducing_only"
    DUPLICATE = "duplicate"
    UNRESOLVED = "unresolved"
    UNKNOWN_ASSET = "unknown_asset"
    LOT = "lot"
    TICK = "tick"
    NO_PRICE = "no_price"
    STALE_PRICE = "stale_price"
    PRICE_COLLAR = "price_collar"
    NO_EQUITY = "no_equity"
    MAX_ORDER = "max_order"
    MAX_POSITION = "max_position"
    MAX_GROSS = "max_gross"
    MAX_NET = "max_net"
    MAX_DAILY_LOSS = "max_daily_loss"
    MAX_DRAWDOWN = "max_drawdown"
    MAX_ORDERS_PER_CYCLE = "max_orders_per_cycle"
    DENIED = "denied"
    NEEDS_APPROVAL = "needs_approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule that an order or a book violates.

    Attributes
    ----------
    code : ReasonCode
        The rule.
    limit, actual : str
        The limit and the value that violates it, as text; fractions are of equity.
    message : str
        Rule, value, limit and remedy, for a person.
    """

    code: ReasonCode
    limit: str
    actual: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person's agreement to one order, exactly as it was shown.

    Attributes
    ----------
    client_order_id, fingerprint : str
        The order, and the hash of all that is in it (`OrderIntent.fingerprint`).
    by, reason : str
        Who agreed, and why.
    at, expires_at : datetime
        From when, and until when it counts; timezone-aware.

    Raises
    ------
    InputError
        If nobody is named, an instant is naive, or it expires before it begins.
    """

    client_order_id: str
    fingerprint: str
    by: str
    reason: str
    at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        """Refuse an approval that binds nobody."""
        what = f"approval of {self.client_order_id}"
        if not self.by.strip():
            raise InputError(f"{what}: say who approves, got an empty name")
        if self.at.tzinfo is None or self.expires_at.tzinfo is None:
            raise InputError(f"{what}: its instants need a time zone")
        if self.expires_at <= self.at:
            raise InputError(f"{what}: it expires at {self.expires_at}, before it begins")

    def covers(self, intent: OrderIntent, now: datetime) -> bool:
        """Return whether it lifts the need of approval of exactly this order at `now`."""
        return self.fingerprint == intent.fingerprint and self.at <= now < self.expires_at


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says: all reasons at once, none if the order may go.

    Attributes
    ----------
    reasons : tuple of Reason
        Every rule the order violates.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def is_approved(self) -> bool:
        """Return whether the order may be sent now."""
        return not self.reasons

    @property
    def needs_approval(self) -> bool:
        """Return whether a person's agreement is all that is missing."""
        return {reason.code for reason in self.reasons} == {ReasonCode.NEEDS_APPROVAL}

    @property
    def is_refused(self) -> bool:
        """Return whether no approval can help."""
        return not self.is_approved and not self.needs_approval


@dataclass(frozen=True, slots=True, kw_only=True)
class BookView:
    """One account at one instant, open orders included.

    Attributes
    ----------
    now : datetime
        The instant, timezone-aware.
    equity, cash : Decimal
        In the account's currency.
    day_open_equity, peak_equity : Decimal
        Equity at the last mark of an earlier UTC date, and the highest equity so far.
    quantities : Mapping of str to Decimal
        Signed units held.
    prices : Mapping of str to Decimal
        Last price per unit, in the account's currency.
    price_times : Mapping of str to datetime
        When each price was made.
    assets : Mapping of str to Asset
        What may be traded; anything else is refused.
    open_buys, open_sells : Mapping of str to Decimal
        Units of open orders not yet executed, positive: they are reserved.
    unresolved : frozenset of str
        Symbols with an order of unknown outcome.
    sent : frozenset of str
        Client order ids sent in this cycle.
    """

    now: datetime
    equity: Decimal
    cash: Decimal
    day_open_equity: Decimal
    peak_equity: Decimal
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    price_times: Mapping[str, datetime] = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    open_buys: Mapping[str, Decimal] = field(default_factory=dict)
    open_sells: Mapping[str, Decimal] = field(default_factory=dict)
    unresolved: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()

    def held(self, symbol: str) -> Decimal:
        """Return the signed units held; 0 if none."""
        return self.quantities.get(symbol, _ZERO)

    def reserved(self, symbol: str, side: Side) -> Decimal:
        """Return the units that open orders of one side still want, positive."""
        return (self.open_buys if side is Side.BUY else self.open_sells).get(symbol, _ZERO)

    def projected(self) -> dict[str, Decimal]:
        """Return the signed units held once every open order is executed, zeros included."""
        symbols = {*self.quantities, *self.open_buys, *self.open_sells}
        return {
            s: self.held(s) + self.reserved(s, Side.BUY) - self.reserved(s, Side.SELL)
            for s in sorted(symbols)
        }

    def is_reducing(self, intent: OrderIntent) -> bool:
        """Return whether an order can only bring a position nearer to zero, never through it.

        Open orders of the same side count first: two orders that close the same position
        twice do not both reduce it.
        """
        held = self.held(intent.symbol)
        room = abs(held) - self.reserved(intent.symbol, intent.side)
        return held * intent.side.sign < 0 and intent.quantity <= room

    def with_order(self, intent: OrderIntent) -> BookView:
        """Return the view once the order is sent and open."""
        is_buy = intent.side is Side.BUY
        side = dict(self.open_buys if is_buy else self.open_sells)
        side[intent.symbol] = side.get(intent.symbol, _ZERO) + intent.quantity
        sent = self.sent | {intent.client_order_id}
        if is_buy:
            return replace(self, open_buys=side, sent=sent)
        return replace(self, open_sells=side, sent=sent)
