"""From wanted option structures to orders: close what is not wanted, then open what is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from alphalens.assets import Asset, AssetClass
from alphalens.errors import InputError
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import OrderClass, OrderIntent, OrderType, Side, client_order_id
from alphalens.trading.targets import Structure

__all__ = ["plan_structures"]

_ZERO = Decimal(0)


def plan_structures(
    structures: Sequence[Structure],
    *,
    book: Ledger,
    prices: Mapping[str, Decimal],
    assets: Mapping[str, Asset],
    account: str,
    cycle_id: str,
    at: datetime,
    leave_alone: Collection[str] = (),
) -> tuple[OrderIntent, ...]:
    """Return the orders that bring the options of a book to the structures that are wanted.

    Parameters
    ----------
    structures : sequence of Structure
        Everything that is wanted in options; what is held beyond it is closed.
    book : Ledger
        What is held.
    prices : Mapping of str to Decimal
        Price of each contract held or wanted, in its currency.
    assets : Mapping of str to Asset
        Contracts that may be traded.
    account, cycle_id : str
        Go into the client order ids.
    at : datetime
        Decision instant, timezone-aware.
    leave_alone : collection of str
        Symbols that are not planned for: positions of somebody else.

    Returns
    -------
    tuple of OrderIntent
        Single orders that close, by symbol; then one order per structure, all its legs or
        none, for as many units as every leg still lacks.

    Raises
    ------
    InputError
        If a contract is not among the assets, is no option, has no price, two structures have
        one name, or they want a contract with opposite signs.

    Notes
    -----
    What is held makes up structures whole, in their order; the rest of it is closed. Time
    O(n log n) in the contracts.
    """
    wanted = _wanted(structures, assets)
    held = {
        symbol: position.quantity
        for symbol, position in book.positions.items()
        if symbol in assets and assets[symbol].asset_class is AssetClass.OPTION
    }
    for symbol in sorted({*wanted, *held} - set(leave_alone)):
        _check_price(symbol, prices)
    made_up, used = _made_up(structures, held)
    closings = [
        _closing(symbol, used.get(symbol, _ZERO) - units, prices, account, cycle_id, at)
        for symbol, units in sorted(held.items())
        if used.get(symbol, _ZERO) != units and symbol not in leave_alone
    ]
    openings = [
        _opening(structure, structure.quantity - have, prices, account, cycle_id, at)
        for structure, have in zip(structures, made_up, strict=True)
        if have < structure.quantity and not structure.wanted.keys() & set(leave_alone)
    ]
    return (*closings, *openings)


def _wanted(structures: Sequence[Structure], assets: Mapping[str, Asset]) -> dict[str, Decimal]:
    names = [structure.name for structure in structures]
    if len(set(names)) < len(names):
        raise InputError(f"structures need different names, got {sorted(names)}")
    wanted: dict[str, Decimal] = {}
    for structure in structures:
        for symbol, units in structure.wanted.items():
            asset = assets.get(symbol)
            if asset is None or asset.asset_class is not AssetClass.OPTION:
                raise InputError(
                    f"structure {structure.name}: {symbol} is no option among the {len(assets)} "
                    f"assets of this desk; correct the symbol, or add the contract"
                )
            if wanted.get(symbol, _ZERO) * units < 0:
                raise InputError(
                    f"structure {structure.name} wants {symbol} with the other sign than another "
                    f"structure: net them before they are planned"
                )
            wanted[symbol] = wanted.get(symbol, _ZERO) + units
    return wanted


def _check_price(symbol: str, prices: Mapping[str, Decimal]) -> None:
    price = prices.get(symbol)
    if price is None or not (price.is_finite() and price > 0):
        raise InputError(f"the price of {symbol} is {price}; a positive one is needed to plan it")


def _made_up(
    structures: Sequence[Structure], held: Mapping[str, Decimal]
) -> tuple[list[int], dict[str, Decimal]]:
    """Return how often what is held makes up each structure, and the contracts used for it."""
    left, used = dict(held), dict.fromkeys(held, _ZERO)
    counts = []
    for structure in structures:
        whole = [int(left.get(x.symbol, _ZERO) * x.side.sign // x.ratio) for x in structure.legs]
        count = max(0, min(*whole, structure.quantity))
        counts.append(count)
        for leg in structure.legs:
            units = Decimal(leg.side.sign * leg.ratio * count)
            left[leg.symbol] = left.get(leg.symbol, _ZERO) - units
            used[leg.symbol] = used.get(leg.symbol, _ZERO) + units
    return counts, used


def _closing(
    symbol: str,
    units: Decimal,
    prices: Mapping[str, Decimal],
    account: str,
    cycle_id: str,
    at: datetime,
) -> OrderIntent:
    return OrderIntent(
        client_order_id=client_order_id(account, cycle_id, f"{symbol}:close"),
        account=account,
        cycle_id=cycle_id,
        symbol=symbol,
        side=Side.BUY if units > 0 else Side.SELL,
        quantity=abs(units),
        reference_price=prices[symbol],
        created_at=at,
        reason="held beyond the structures that are wanted",
    )


def _opening(
    structure: Structure,
    units: int,
    prices: Mapping[str, Decimal],
    account: str,
    cycle_id: str,
    at: datetime,
) -> OrderIntent:
    first, is_single = structure.legs[0], len(structure.legs) == 1
    net = sum((leg.side.sign * leg.ratio * prices[leg.symbol] for leg in structure.legs), _ZERO)
    limit = structure.limit_price
    return OrderIntent(
        client_order_id=client_order_id(account, cycle_id, f"{structure.name}:open"),
        account=account,
        cycle_id=cycle_id,
        symbol=first.symbol if is_single else structure.underlying,
        side=first.side if is_single else Side.BUY,
        quantity=Decimal(units * first.ratio if is_single else units),
        reference_price=abs(net) or prices[first.symbol],
        created_at=at,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_price=abs(limit) if is_single and limit is not None else limit,
        order_class=OrderClass.SIMPLE if is_single else OrderClass.MULTILEG,
        legs=() if is_single else structure.legs,
        reason=f"structure {structure.name}",
    )
