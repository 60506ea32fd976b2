"""From a target to orders: what has to change, and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.assets.calendars import ALWAYS_OPEN
from alphalens.errors import InputError
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import OrderIntent, Side, TimeInForce, client_order_id
from alphalens.trading.targets import Target

__all__ = ["MIN_TRADE", "closings_first", "plan_orders"]

_ZERO = Decimal(0)
#: Change of a position, as a fraction of equity, below which it is left alone by default.
MIN_TRADE = Decimal("0.005")


@dataclass(frozen=True, slots=True)
class _Leg:
    """One order to be: ``close`` brings a position nearer to zero, ``open`` away from it."""

    symbol: str
    name: str
    units: Decimal  # signed


def plan_orders(
    target: Target,
    *,
    book: Ledger,
    prices: Mapping[str, Decimal],
    assets: Mapping[str, Asset],
    account: str,
    cycle_id: str,
    at: datetime,
    min_trade: Decimal = MIN_TRADE,
    leave_alone: Collection[str] = (),
) -> tuple[OrderIntent, ...]:
    """Return the orders that bring a book to its target.

    Parameters
    ----------
    target : Target
        Wanted weights, signed fractions of equity; an asset that is held and not among them
        is closed.
    book : Ledger
        What is held.
    prices : Mapping of str to Decimal
        Current price of every asset held or wanted, in the account's currency.
    assets : Mapping of str to Asset
        Lots and multipliers.
    account, cycle_id : str
        Go into the client order ids.
    at : datetime
        Decision instant, timezone-aware.
    min_trade : Decimal
        Fraction of equity; a position is left alone while its change is worth less. A
        position that is not wanted at all is closed whatever it is worth.
    leave_alone : collection of str
        Symbols that are not planned for, held or not: positions of somebody else.

    Returns
    -------
    tuple of OrderIntent
        Market orders for the day, or until canceled where the market never closes: those that
        reduce first, then those that add, each by symbol. A
        position that changes its sign gives two: close all, then open.

    Raises
    ------
    InputError
        If an asset or a price is missing, a price is not positive, equity is not positive, or
        `min_trade` is negative.

    Notes
    -----
    The wanted units are weight times equity over price and multiplier, rounded towards zero
    to the lot, so that rounding never adds risk. Time O(n log n) in the assets.
    """
    if not (min_trade.is_finite() and min_trade >= 0):
        raise InputError(f"min_trade must be zero or positive and finite, got {min_trade}")
    _check(target, book, prices, assets)
    equity = book.equity(prices)
    if equity <= 0:
        raise InputError(f"equity is {equity}: weights of it mean nothing, reduce or bring money")
    legs = [
        leg
        for symbol in sorted({*target.weights, *book.positions} - set(leave_alone))
        for leg in _legs(symbol, target, book, prices, assets[symbol], equity, min_trade)
    ]
    legs.sort(key=lambda leg: (leg.name, leg.symbol))  # "close" sorts before "open"
    return tuple(
        OrderIntent(
            client_order_id=client_order_id(account, cycle_id, f"{leg.symbol}:{leg.name}"),
            account=account,
            cycle_id=cycle_id,
            symbol=leg.symbol,
            side=Side.BUY if leg.units > 0 else Side.SELL,
            quantity=abs(leg.units),
            reference_price=prices[leg.symbol],
            created_at=at,
            time_in_force=_in_force(assets[leg.symbol]),
            reason=f"{target.name}: {leg.name} towards weight "
            f"{target.weights.get(leg.symbol, 0.0):.4f}",
        )
        for leg in legs
    )


def _in_force(asset: Asset) -> TimeInForce:
    """Return how long a market order works: where nothing closes, there is no day."""
    return TimeInForce.GTC if asset.calendar == ALWAYS_OPEN else TimeInForce.DAY


def closings_first(intents: Iterable[OrderIntent], book: Ledger) -> tuple[OrderIntent, ...]:
    """Return orders of several plans as one: those that reduce before those that add."""

    def adds(intent: OrderIntent) -> bool:
        held = (book.quantity(s) * units for s, units in intent.traded.items())
        return any(product >= 0 for product in held)

    return tuple(sorted(intents, key=adds))


def _check(
    target: Target, book: Ledger, prices: Mapping[str, Decimal], assets: Mapping[str, Asset]
) -> None:
    for symbol in sorted({*target.weights, *book.positions}):
        if symbol not in assets:
            raise InputError(
                f"{target.name}: {symbol} is not among the {len(assets)} assets of this desk; "
                f"correct the symbol, or add the asset"
            )
        price = prices.get(symbol)
        if price is None or not (price.is_finite() and price > 0):
            raise InputError(
                f"{target.name}: the price of {symbol} is {price} as of {target.asof}; a positive "
                f"one is needed for every asset held or wanted"
            )


def _legs(
    symbol: str,
    target: Target,
    book: Ledger,
    prices: Mapping[str, Decimal],
    asset: Asset,
    equity: Decimal,
    min_trade: Decimal,
) -> Iterator[_Leg]:
    held, price = book.quantity(symbol), prices[symbol] * asset.multiplier
    weight = Decimal(str(target.weights.get(symbol, 0.0)))
    wanted = asset.round_quantity(weight * equity / price)
    change = wanted - held
    if wanted and abs(change) * price < min_trade * equity:
        return
    if held * wanted < 0 or not wanted:
        yield from _leg(symbol, "close", -held)
        yield from _leg(symbol, "open", wanted)
    else:
        name = "close" if abs(wanted) < abs(held) else "open"
        yield from _leg(symbol, name, asset.round_quantity(change))


def _leg(symbol: str, name: str, units: Decimal) -> Iterator[_Leg]:
    if units != _ZERO:
        yield _Leg(symbol, name, units)
