"""What the gate says about an order: coded reasons, a verdict, and what a person may lift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from alphalens.errors import InputError
from alphalens.risk.figures import text
from alphalens.trading.orders import OrderIntent

__all__ = ["Approval", "Reason", "ReasonCode", "Verdict", "over", "refusal"]


class ReasonCode(StrEnum):
    """Why an order does not pass, one code per rule."""

    # the desk and its account
    UNUSABLE_BOOK = "unusable_book"
    ACCOUNT_BLOCKED = "account_blocked"
    WRONG_ACCOUNT = "wrong_account"
    WRONG_HOST = "wrong_host"
    LIVE_DISABLED = "live_disabled"
    CLOCK_SKEW = "clock_skew"
    HALTED = "halted"
    REDUCING_ONLY = "reducing_only"
    # the identity of the order, and what its symbol waits for
    DUPLICATE = "duplicate"
    DUPLICATE_INTENT = "duplicate_intent"
    UNRESOLVED = "unresolved"
    SYMBOL_FROZEN = "symbol_frozen"
    SYMBOL_HALTED = "symbol_halted"
    EXTERNAL_POSITION = "external_position"
    # the asset, its grid and its hours
    UNKNOWN_ASSET = "unknown_asset"
    ASSET_CLASS_DISABLED = "asset_class_disabled"
    NOT_TRADABLE = "not_tradable"
    NOT_SHORTABLE = "not_shortable"
    NOT_FRACTIONABLE = "not_fractionable"
    EXPIRED = "expired"
    ORDER_TYPE = "order_type"
    TIME_IN_FORCE = "time_in_force"
    LOT = "lot"
    MIN_QUANTITY = "min_quantity"
    MIN_NOTIONAL = "min_notional"
    TICK = "tick"
    SESSION_CLOSED = "session_closed"
    EXTENDED_HOURS = "extended_hours"
    # the market and the prices of the order
    NO_PRICE = "no_price"
    STALE_PRICE = "stale_price"
    BAD_QUOTE = "bad_quote"
    CROSSED_QUOTE = "crossed_quote"
    MAX_SPREAD = "max_spread"
    PRICE_COLLAR = "price_collar"
    STOP_COLLAR = "stop_collar"
    WRONG_SIDE = "wrong_side"
    # sizes
    FAT_FINGER = "fat_finger"
    NO_EQUITY = "no_equity"
    MAX_ORDER = "max_order"
    MAX_POSITION = "max_position"
    MAX_GROSS = "max_gross"
    MAX_NET = "max_net"
    MAX_SECTOR = "max_sector"
    MAX_CONCENTRATION = "max_concentration"
    MAX_TURNOVER = "max_turnover"
    INSUFFICIENT_BUYING_POWER = "insufficient_buying_power"
    MAX_DAILY_LOSS = "max_daily_loss"
    MAX_DRAWDOWN = "max_drawdown"
    # how many orders, and against which others
    MAX_ORDERS_PER_CYCLE = "max_orders_per_cycle"
    MAX_ORDERS_PER_MINUTE = "max_orders_per_minute"
    MAX_OPEN_ORDERS = "max_open_orders"
    WASH_TRADE = "wash_trade"
    # people
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


def refusal(code: ReasonCode, what: str, actual: object, limit: object, remedy: str) -> Reason:
    """Return a reason whose message has rule, value, limit and remedy in their places."""
    return Reason(
        code=code,
        limit=str(limit),
        actual=str(actual),
        message=f"{code}: {what} {actual}, limit is {limit}: {remedy}",
    )


def over(code: ReasonCode, what: str, actual: Decimal, limit: Decimal, remedy: str) -> Reason:
    """Return that a limit of the same name as the code is passed."""
    advice = f"{remedy} {code} in the risk limits"
    return refusal(code, f"{what} reaches", text(actual), text(limit), advice)
