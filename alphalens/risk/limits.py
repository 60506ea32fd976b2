"""The limits of a desk, as settings that cannot be nonsense."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from alphalens.errors import ConfigError

__all__ = ["RiskLimits"]

_ONE = Decimal(1)


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

    def __post_init__(self) -> None:
        """Refuse limits that nobody can have meant."""
        for name in ("max_order", "max_position", "max_gross", "price_collar"):
            self._check(name, positive=True)
        for name in ("max_net", "approval_above"):
            self._check(name, positive=False)
        for name in ("max_daily_loss", "max_drawdown"):
            self._check(name, positive=True, top=_ONE)
        for name in ("max_price_age_s", "max_orders_per_cycle"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        self._check_order("approval_above", "max_order", "set it to None to ask nobody")
        self._check_order("max_position", "max_gross", "one position is part of the gross")
        self._check_order("max_net", "max_gross", "net exposure cannot exceed gross")

    def _check(self, name: str, *, positive: bool, top: Decimal | None = None) -> None:
        value = getattr(self, name)
        if value is None and name == "approval_above":
            return
        if not isinstance(value, Decimal):
            raise ConfigError(f"{name} must be a Decimal, got {value!r}")
        if not value.is_finite() or value < 0 or (positive and value == 0):
            what = "positive" if positive else "zero or positive"
            raise ConfigError(f"{name} must be {what} and finite, got {value}")
        if top is not None and value > top:
            raise ConfigError(f"{name} must be at most {top}, got {value}: no more can be lost")

    def _check_order(self, smaller: str, larger: str, hint: str) -> None:
        low, high = getattr(self, smaller), getattr(self, larger)
        if low is not None and low > high:
            raise ConfigError(f"{smaller} {low} is above {larger} {high}: {hint}")

    def scaled(self, factor: Decimal) -> RiskLimits:
        """Return these limits with every fraction of equity multiplied by `factor`.

        The two loss limits stop at 1. Collar, price age and order count stay as they are.

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
            approval_above=None if self.approval_above is None else self.approval_above * factor,
            max_position=self.max_position * factor,
            max_gross=self.max_gross * factor,
            max_net=self.max_net * factor,
            max_daily_loss=min(_ONE, self.max_daily_loss * factor),
            max_drawdown=min(_ONE, self.max_drawdown * factor),
        )
