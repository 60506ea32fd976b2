"""What trading costs: commission, and half the spread on orders that cross it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from alphalens.errors import ConfigError
from alphalens.trading.orders import Side

__all__ = ["CostModel"]

_BPS = Decimal(10_000)
_PRICE_STEP = Decimal("0.000001")
_FEE_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """Commission and spread, on by default.

    Attributes
    ----------
    commission_bps : Decimal
        Commission per traded value, in basis points.
    commission_per_unit : Decimal
        Commission per share, contract or coin, in currency; added to the former.
    minimum_commission : Decimal
        Least commission of one execution, in currency.
    half_spread_bps : Decimal
        Distance from the price of a bar to the bid or the offer, in basis points; paid by
        market orders.

    Raises
    ------
    ConfigError
        If one of them is negative or not finite. No costs have to be asked for: `CostModel.free`.

    Notes
    -----
    The default, 1 bp commission and 5 bps half spread, is on the dear side for the large US
    shares of the last decade and too cheap for small ones. There is no market impact in it,
    so orders beyond about 1 % of a day's volume cost more than it says, and no fee for
    borrowing what is sold short.

    Examples
    --------
    >>> costs = CostModel()
    >>> price = costs.price_of(Side.BUY, Decimal(100))
    >>> price, costs.commission(Decimal(10), price)
    (Decimal('100.050000'), Decimal('0.1001'))
    """

    commission_bps: Decimal = Decimal(1)
    commission_per_unit: Decimal = Decimal(0)
    minimum_commission: Decimal = Decimal(0)
    half_spread_bps: Decimal = Decimal(5)

    def __post_init__(self) -> None:
        """Refuse costs that would pay the trader."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, Decimal) and value.is_finite() and value >= 0):
                raise ConfigError(
                    f"{field.name} must be a Decimal, zero or positive and finite, got {value!r}"
                )

    @classmethod
    def free(cls) -> CostModel:
        """Return a model without any cost, for comparison only."""
        return cls(commission_bps=Decimal(0), half_spread_bps=Decimal(0))

    def price_of(self, side: Side, price: Decimal) -> Decimal:
        """Return the price a market order pays, rounded against the trader to 6 decimals."""
        crossed = price * (1 + side.sign * self.half_spread_bps / _BPS)
        rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
        return crossed.quantize(_PRICE_STEP, rounding=rounding)

    def commission(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return the commission of one execution in currency, rounded up to 4 decimals."""
        value = quantity * price * self.commission_bps / _BPS
        fee = max(value + quantity * self.commission_per_unit, self.minimum_commission)
        return fee.quantize(_FEE_STEP, rounding=ROUND_CEILING)
