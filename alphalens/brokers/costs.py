"""What trading costs: commission, half the spread on orders that cross it, and impact."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from alphalens.errors import ConfigError, DataError
from alphalens.trading.orders import Side

__all__ = ["CostModel", "Impact", "Tier", "check_cost"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_BPS = Decimal(10_000)
_PRICE_STEP = Decimal("0.000001")
_FEE_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A rate of commission for units up to a number of units traded in a calendar month.

    Attributes
    ----------
    up_to : Decimal or None
        Units of the month at which the tier ends; None for the last one.
    per_unit : Decimal
        Commission per unit, in currency.
    """

    up_to: Decimal | None
    per_unit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """How far an order moves the price against itself: the square-root law.

    Attributes
    ----------
    coefficient : Decimal
        Factor of the law, "of order one" in the sources.
    volatility : Decimal
        Standard deviation of the return over one of the bars that are traded on, a fraction.

    Raises
    ------
    ConfigError
        If one of them is not positive and finite.

    Notes
    -----
    An order of ``q`` units in a bar of ``v`` moves the price by the fraction
    ``coefficient * volatility * sqrt(q / v)``; all of it is charged, as if the whole order
    were executed at the end of the move. The default volatility, 2 % a day, is that of a
    restless US share; both defaults are meant to be dear rather than true, and neither was
    fitted to executions.

    References
    ----------
    Toth, Lemperiere, Deremble, de Lataillade, Kockelkoren, Bouchaud (2011), "Anomalous price
    impact and the critical nature of liquidity in financial markets", Physical Review X 1,
    021006, doi:10.1103/PhysRevX.1.021006.

    Examples
    --------
    >>> Impact().fraction(Decimal(100), Decimal(10_000))
    Decimal('0.002')
    """

    coefficient: Decimal = Decimal(1)
    volatility: Decimal = Decimal("0.02")

    def __post_init__(self) -> None:
        """Refuse a law that says nothing."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, Decimal) and value.is_finite() and value > 0):
                raise ConfigError(
                    f"impact: {field.name} must be a Decimal, positive and finite, got {value!r}"
                )

    def fraction(self, quantity: Decimal, volume: Decimal) -> Decimal:
        """Return the move of the price, a fraction of it.

        Parameters
        ----------
        quantity, volume : Decimal
            Units of the order, and of the whole bar, positive.
        """
        return self.coefficient * self.volatility * (quantity / volume).sqrt()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """Commission and spread, on by default; impact, if asked for.

    Attributes
    ----------
    commission_bps : Decimal
        Commission per traded value, in basis points.
    commission_per_unit : Decimal
        Commission per share, contract or coin, in currency; added to the former.
    minimum_commission : Decimal
        Least commission of one execution, in currency.
    half_spread_bps : Decimal
        Distance from the price of a bar to the bid or the offer, in basis points; paid on
        every execution on a bar, but never beyond a limit. On quotes the spread is theirs.
    tiers : tuple of Tier
        Rates per unit that fall with the units traded in the month, lowest first, the last
        without an end; added to the rest. Empty if there are none.
    impact : Impact or None
        Charged on bars, like the spread; it needs their volume.

    Raises
    ------
    ConfigError
        If a figure is negative or not finite, or the tiers do not rise to an open end. No costs
        have to be asked for: `CostModel.free`.

    Notes
    -----
    The default, 1 bp commission and 5 bps half spread, is on the dear side for the large US
    shares of the last decade and too cheap for small ones. Without `impact`, orders beyond
    about 1 % of a day's volume cost more than it says. Borrowing is charged by
    `alphalens.brokers.Financing`.

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
    tiers: tuple[Tier, ...] = ()
    impact: Impact | None = None

    def __post_init__(self) -> None:
        """Refuse costs that would pay the trader."""
        for name in _FIGURES:
            check_cost(name, getattr(self, name))
        ends = [tier.up_to for tier in self.tiers]
        for tier in self.tiers:
            check_cost("the commission of a tier", tier.per_unit)
        inner = [end for end in ends[:-1] if end is not None]
        is_rising = all(
            low < high for low, high in zip([_ZERO, *inner], inner, strict=False)
        ) and len(inner) == max(0, len(ends) - 1)
        if ends and not (is_rising and ends[-1] is None):
            raise ConfigError(
                f"tiers must rise from above 0 to a last one without an end (up_to=None), "
                f"got the ends {ends}"
            )

    @classmethod
    def free(cls) -> CostModel:
        """Return a model without any cost, for comparison only."""
        return cls(commission_bps=Decimal(0), half_spread_bps=Decimal(0))

    def price_of(
        self,
        side: Side,
        price: Decimal,
        *,
        quantity: Decimal = _ZERO,
        volume: Decimal | None = None,
    ) -> Decimal:
        """Return the price an execution pays, rounded against the trader to 6 decimals.

        Parameters
        ----------
        side : Side
            Buy or sell.
        price : Decimal
            Price of the bar.
        quantity : Decimal
            Units executed; without impact they do not matter.
        volume : Decimal or None
            Units traded in the whole bar.

        Raises
        ------
        DataError
            If there is impact and the bar has no volume.
        """
        away = self.half_spread_bps / _BPS
        if self.impact is not None:
            if volume is None or volume <= 0:
                raise DataError(
                    f"impact needs the volume of the bar, got {volume}; use bars with volumes, "
                    f"or a cost model without impact"
                )
            away += self.impact.fraction(quantity, volume)
        crossed = price * (1 + side.sign * away)
        rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
        return crossed.quantize(_PRICE_STEP, rounding=rounding)

    def commission(
        self,
        quantity: Decimal,
        price: Decimal,
        *,
        multiplier: Decimal = _ONE,
        traded: Decimal = _ZERO,
    ) -> Decimal:
        """Return the commission of one execution in currency, rounded up to 4 decimals.

        Parameters
        ----------
        quantity, price : Decimal
            Units, positive, and price of one.
        multiplier : Decimal
            Currency per point of the price.
        traded : Decimal
            Units traded before in the same calendar month; they choose the tier.
        """
        value = quantity * abs(price) * multiplier * self.commission_bps / _BPS
        units = quantity * self.commission_per_unit + self._tiered(quantity, traded)
        fee = max(value + units, self.minimum_commission)
        return fee.quantize(_FEE_STEP, rounding=ROUND_CEILING)

    def _tiered(self, quantity: Decimal, traded: Decimal) -> Decimal:
        fee, low = _ZERO, _ZERO
        end = traded + quantity
        for tier in self.tiers:
            high = end if tier.up_to is None else min(end, tier.up_to)
            fee += max(_ZERO, high - max(low, traded)) * tier.per_unit
            low = end if tier.up_to is None else tier.up_to
        return fee


_FIGURES = ("commission_bps", "commission_per_unit", "minimum_commission", "half_spread_bps")


def check_cost(name: str, value: object) -> None:
    """Refuse a cost that is no Decimal, negative or not finite.

    Raises
    ------
    ConfigError
        If it is.
    """
    if not (isinstance(value, Decimal) and value.is_finite() and value >= 0):
        raise ConfigError(f"{name} must be a Decimal, zero or positive and finite, got {value!r}")
