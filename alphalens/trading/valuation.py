"""The value of a book: prices and exchange rates come from outside, and none is invented."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from alphalens.errors import InputError
from alphalens.trading.positions import Holding, exactly

__all__ = ["Prices", "Profit", "Rates", "equity", "exposure", "profits"]

_ZERO = Decimal(0)

Prices = Mapping[str, Decimal]
Rates = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """What was earned, in one currency.

    Attributes
    ----------
    realised : Decimal
        Profit of the units that left, before fees.
    unrealised : Decimal
        Value of the units held less their cost.
    fees : Decimal
        Paid with executions, or in the coin that was bought; positive means paid.
    income : Decimal
        Dividends, interest, borrow, funding, fees and adjustments that came as money of their
        own; positive means received. Transfers are no income.
    """

    realised: Decimal = _ZERO
    unrealised: Decimal = _ZERO
    fees: Decimal = _ZERO
    income: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """Return realised plus unrealised, less fees, plus income."""
        with exactly("a profit"):
            return self.realised + self.unrealised - self.fees + self.income

    def __add__(self, other: Profit) -> Profit:
        """Return the sum, figure by figure; both have to be in one currency."""
        with exactly("a sum of profits"):
            return Profit(
                realised=self.realised + other.realised,
                unrealised=self.unrealised + other.unrealised,
                fees=self.fees + other.fees,
                income=self.income + other.income,
            )


def profits(
    holdings: Collection[Holding], income: Mapping[tuple[str, str], Decimal], prices: Prices
) -> dict[tuple[str, str], Profit]:
    """Return the profit by symbol and currency, in that order.

    Parameters
    ----------
    holdings : collection of Holding
        Flat ones too; they need no price.
    income : Mapping
        Flows that are no transfers, by symbol (empty for none) and currency.
    prices : Mapping of str to Decimal
        By symbol.

    Raises
    ------
    InputError
        If a held asset has no price.
    """
    found: dict[tuple[str, str], Profit] = {}
    with exactly("the profit"):
        for holding in holdings:
            price = _price_of(prices, holding.symbol) if holding.quantity else _ZERO
            found[holding.symbol, holding.currency] = Profit(
                realised=holding.realised,
                unrealised=holding.value(price) - holding.cost,
                fees=holding.fees,
            )
    for key, amount in income.items():
        found[key] = found.get(key, Profit()) + Profit(income=amount)
    return dict(sorted(found.items()))


def equity(
    holdings: Collection[Holding],
    balances: Mapping[str, Decimal],
    prices: Prices,
    base: str,
    rates: Rates | None,
) -> Decimal:
    """Return the balances plus what the holdings are worth, in currency `base`.

    Raises
    ------
    InputError
        If a held asset has no price, or a currency that counts has no rate.
    """
    with exactly("the equity"):
        worth = dict(balances)
        for holding in holdings:
            if holding.quantity:
                worth[holding.currency] += holding.worth(_price_of(prices, holding.symbol))
        return sum((_in_base(w, c, base, rates) for c, w in worth.items()), _ZERO)


def exposure(
    holdings: Collection[Holding], prices: Prices, base: str, rates: Rates | None
) -> tuple[Decimal, Decimal]:
    """Return (gross, net) value of the holdings in currency `base`; raises as `equity`."""
    with exactly("the exposure"):
        values = [
            _in_base(h.value(_price_of(prices, h.symbol)), h.currency, base, rates)
            for h in holdings
            if h.quantity
        ]
        return sum(map(abs, values), _ZERO), sum(values, _ZERO)


def _price_of(prices: Prices, symbol: str) -> Decimal:
    price = prices.get(symbol)
    if price is None or not price.is_finite():
        got = "no price" if price is None else f"no price but {price}"
        raise InputError(f"{got} for {symbol}, which is held: fetch it before the book is valued")
    return price


def _in_base(amount: Decimal, currency: str, base: str, rates: Rates | None) -> Decimal:
    """Exchange an amount; nothing is nothing in every currency, and needs no rate."""
    if currency == base or not amount:
        return amount
    rate = (rates or {}).get(currency)
    if rate is None or not rate.is_finite() or rate <= 0:
        raise InputError(
            f"{amount} {currency} cannot be told in {base}: the rate is "
            f"{'missing' if rate is None else rate}, give {base} for one {currency} in rates"
        )
    return amount * rate
