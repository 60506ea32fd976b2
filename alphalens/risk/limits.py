"""The limits of a desk, as settings that cannot be nonsense."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal

from alphalens.errors import ConfigError

__all__ = ["RiskLimits"]

_LONGEST_WINDOW_S = 600
_ONE = Decimal(1)
_OPTIONAL = frozenset(
    {
        "approval_above",
        "max_order_value",
        "max_spread",
        "max_sector",
        "max_concentration",
        "max_turnover",
        "max_orders_per_minute",
        "max_open_orders",
        "duplicate_window_s",
        "max_leverage",
    }
)
_MAY_BE_ZERO = frozenset({"max_net", "approval_above"})
_AT_MOST_ONE = {
    "max_daily_loss": "no more can be lost",
    "max_drawdown": "no more can be lost",
    "max_concentration": "a position is no more than the whole",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """What the pre-trade gate checks orders and books against.

    Attributes
    ----------
    max_order : Decimal
        Largest value of one order, as a fraction of equity.
    approval_above : Decimal or None
        Value of an order, as a fraction of equity, above which a person must agree. At most
        `max_order`; None means that nobody is asked.
    max_position : Decimal
        Largest absolute value of one position, as a fraction of equity.
    max_gross, max_net : Decimal
        Largest sum of absolute position values, and largest absolute sum of signed ones, as
        fractions of equity.
    max_daily_loss : Decimal
        Loss since the last mark of an earlier UTC date, as a fraction of the equity then, at
        which trading halts.
    max_drawdown : Decimal
        Loss since the highest equity, as a fraction of it, at which trading halts.
    price_collar : Decimal
        Largest distance of an order's reference price, and of the bad side of its limit
        price, from the current price, as a fraction of the current price.
    max_price_age_s : int
        Age of a price in seconds above which nothing is decided with it.
    max_orders_per_cycle : int
        Largest number of orders sent in one decision cycle.
    max_order_value : Decimal or None
        Largest value of one order, in the account's currency, whatever the equity is.
    max_spread : Decimal or None
        Largest distance of bid and ask, as a fraction of their middle, at which an order
        without a limit price is sent.
    stop_collar : Decimal
        Largest distance of a stop, or of what it trails by, from the price it starts from, as
        a fraction of that price.
    max_clock_skew_s : int
        Largest difference of our clock and the venue's, in seconds.
    max_sector : Decimal or None
        Largest sum of absolute position values in one sector, as a fraction of equity.
    max_concentration : Decimal or None
        Largest share of one position in the gross value, at most 1. A book counts as at least
        half of `max_gross`: a first order would be all of an empty one.
    max_turnover : Decimal or None
        Largest value traded in one UTC date, as a fraction of equity.
    max_orders_per_minute, max_open_orders : int or None
        Largest number of orders sent within 60 seconds, and open at once.
    duplicate_window_s : int or None
        Seconds within which the same wish under another id is a mistake.
    max_leverage : Decimal or None
        Buying power as a multiple of equity: what positions and open orders may take of it.

    Raises
    ------
    ConfigError
        If a limit is negative, not finite or contradicts another.

    Notes
    -----
    The defaults suit an unlevered book of about twenty names whose owner wants to be asked.

    Examples
    --------
    >>> RiskLimits().scaled(Decimal(2)).max_order
    Decimal('0.20')
    """

    max_order: Decimal = Decimal("0.10")
    approval_above: Decimal | None = Decimal("0.05")
    max_position: Decimal = Decimal("0.10")
    max_gross: Decimal = Decimal("1.00")
    max_net: Decimal = Decimal("1.00")
    max_daily_loss: Decimal = Decimal("0.03")
    max_drawdown: Decimal = Decimal("0.20")
    price_collar: Decimal = Decimal("0.05")
    max_price_age_s: int = 900
    max_orders_per_cycle: int = 100
    max_order_value: Decimal | None = None
    max_spread: Decimal | None = Decimal("0.05")
    stop_collar: Decimal = Decimal("0.50")
    max_clock_skew_s: int = 90
    max_sector: Decimal | None = None
    max_concentration: Decimal | None = None
    max_turnover: Decimal | None = None
    max_orders_per_minute: int | None = None
    max_open_orders: int | None = None
    duplicate_window_s: int | None = 5
    max_leverage: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse limits that nobody can have meant."""
        for field in fields(self):
            if getattr(self, field.name) is None and field.name in _OPTIONAL:
                continue
            if "int" in str(field.type):
                self._check_count(field.name)
            else:
                self._check_figure(field.name)
        self._check_order("approval_above", "max_order", "set it to None to ask nobody")
        self._check_order("max_position", "max_gross", "one position is part of the gross")
        self._check_order("max_net", "max_gross", "net exposure cannot exceed gross")
        self._check_order("max_position", "max_sector", "one position is part of its sector")
        self._check_order("max_sector", "max_gross", "one sector is part of the gross")
        self._check_order("max_gross", "max_leverage", "what cannot be paid cannot be held")

    def _check_count(self, name: str) -> None:
        value = getattr(self, name)
        if type(value) is not int:
            raise ConfigError(f"{name} must be a whole number, got {value!r}")
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
        if name == "duplicate_window_s" and value > _LONGEST_WINDOW_S:
            raise ConfigError(
                f"{name} must be at most {_LONGEST_WINDOW_S}, got {value}: no order that ended "
                f"longer ago is looked at"
            )

    def _check_figure(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, Decimal):
            raise ConfigError(f"{name} must be a Decimal, got {value!r}")
        may_be_zero = name in _MAY_BE_ZERO
        if not value.is_finite() or value < 0 or (value == 0 and not may_be_zero):
            what = "zero or positive" if may_be_zero else "positive"
            raise ConfigError(f"{name} must be {what} and finite, got {value}")
        if name in _AT_MOST_ONE and value > _ONE:
            raise ConfigError(f"{name} must be at most {_ONE}, got {value}: {_AT_MOST_ONE[name]}")

    def _check_order(self, smaller: str, larger: str, hint: str) -> None:
        low, high = getattr(self, smaller), getattr(self, larger)
        if low is not None and high is not None and low > high:
            raise ConfigError(f"{smaller} {low} is above {larger} {high}: {hint}")

    def scaled(self, factor: Decimal) -> RiskLimits:
        """Return these limits with every fraction of equity multiplied by `factor`.

        The two loss limits stop at 1, and leverage goes with the gross. Collars, spread, shares
        of the gross, seconds, counts and amounts of money stay as they are.

        Raises
        ------
        ConfigError
            If `factor` is not positive.
        """
        if not (factor.is_finite() and factor > 0):
            raise ConfigError(f"the factor must be positive and finite, got {factor}")
        return replace(
            self,
            max_order=self.max_order * factor,
            approval_above=_times(self.approval_above, factor),
            max_position=self.max_position * factor,
            max_gross=self.max_gross * factor,
            max_net=self.max_net * factor,
            max_sector=_times(self.max_sector, factor),
            max_turnover=_times(self.max_turnover, factor),
            max_leverage=_times(self.max_leverage, factor),
            max_daily_loss=min(_ONE, self.max_daily_loss * factor),
            max_drawdown=min(_ONE, self.max_drawdown * factor),
        )


def _times(value: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if value is None else value * factor
