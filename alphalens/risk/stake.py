"""What an order puts at stake in the worst case, and what opening takes of the buying power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from alphalens.assets.kinds import OptionKind
from alphalens.assets.options import Option
from alphalens.risk.cases import Case, side_of
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["max_loss", "opening_costs", "order_value", "worst_price"]

_ZERO, _ONE = Decimal(0), Decimal(1)


def worst_price(case: Case) -> Decimal:
    """Return the highest of the market's price and the prices of a plain order."""
    intent = case.intent
    own = (intent.limit_price, intent.stop_price)
    return max(case.price(intent.symbol), *(price for price in own if price is not None), _ZERO)


def order_value(case: Case) -> Decimal:
    """Return the most that an order puts at stake, in the account's currency.

    Notes
    -----
    A plain order: units times the highest of the market's price and its own prices. An
    option that is written: its strike in place of its premium, or the price of the share
    where that is higher, unless shares held cover it. A multi-leg order: its largest loss at
    expiry where that is bounded (`max_loss`), else the sum over its legs.
    """
    intent = case.intent
    if not intent.legs:
        price = worst_price(case)
        return _leg_value(case, intent.symbol, intent.signed_quantity, price)
    loss = max_loss(case)
    if loss is not None:
        return loss
    values = [_leg_value(case, s, units, case.price(s)) for s, units in case.units.items()]
    return sum(values, _ZERO)


def max_loss(case: Case) -> Decimal | None:
    """Return the largest loss of a multi-leg order at expiry, None where it has no bound.

    Notes
    -----
    With the legs ``i`` of one expiry on one share, signed ratios ``r_i`` and the net price
    ``p`` paid, the loss at a price ``S`` of the share is ``p - sum r_i * payoff_i(S)``. It is
    piecewise linear, so its maximum lies at 0 or at a strike, unless more calls are written
    than bought: then there is none. A "loss" that is not positive comes of prices that do not
    fit, and counts as no bound.
    """
    legs = [(case.book.assets.get(leg.symbol), leg) for leg in case.intent.legs]
    options = [(asset, leg) for asset, leg in legs if isinstance(asset, Option)]
    series = {(asset.underlying, asset.expiry, asset.multiplier) for asset, _ in options}
    if len(options) != len(legs) or len(series) != 1:
        return None
    signed = [(asset, Decimal(leg.side.sign * leg.ratio)) for asset, leg in options]
    if sum((r for asset, r in signed if asset.kind is OptionKind.CALL), _ZERO) < 0:
        return None
    paid = case.intent.limit_price
    if paid is None:
        paid = sum((r * case.price(asset.symbol) for asset, r in signed), _ZERO)
    spots = [_ZERO, *(asset.strike for asset, _ in signed)]
    worst = min(sum((r * asset.intrinsic_value(s) for asset, r in signed), _ZERO) for s in spots)
    loss = (paid - worst) * case.intent.quantity * signed[0][0].multiplier
    return loss if loss > 0 else None


def opening_costs(case: Case) -> tuple[Decimal, Decimal]:
    """Return what this order takes of the buying power, with open orders, in currency.

    Closing units cost nothing, and give nothing back until they are executed.

    Returns
    -------
    tuple of Decimal
        With those open orders whose cost the venue has not taken off yet, and with all.

    Notes
    -----
    Only what an order may still execute counts: after an execution the venue's figure is to
    be asked for again.
    """
    rooms: dict[tuple[str, Side], Decimal] = {}
    unknown = known = _ZERO
    for order in case.book.orders:
        if order.is_open:
            cost = _cost(case, order.intent, order.units, rooms)
            if order.is_reserved:
                known += cost
            else:
                unknown += cost
    own = _cost(case, case.intent, case.units, rooms)
    return unknown + own, known + unknown + own


def _cost(
    case: Case,
    intent: OrderIntent,
    units: Mapping[str, Decimal],
    rooms: dict[tuple[str, Side], Decimal],
) -> Decimal:
    """Return the cost of one order, and use up the room that it closes."""
    opening = {s: _opening(case, s, n, rooms) for s, n in units.items()}
    if not any(opening.values()):
        return _ZERO
    own = case if intent is case.intent else replace(case, intent=intent, units=intent.traded)
    if intent.legs:
        share = max(abs(n) for n in units.values()) / max(map(abs, own.units.values()))
        return order_value(own) * share
    symbol, price = intent.symbol, worst_price(own)
    rate = case.book.margin_rates.get(symbol, _ONE)
    return _leg_value(own, symbol, opening.get(symbol, _ZERO), price) * rate


def _opening(
    case: Case, symbol: str, units: Decimal, rooms: dict[tuple[str, Side], Decimal]
) -> Decimal:
    """Return the signed units beyond what closes the position held."""
    side, held = side_of(units), case.book.held(symbol)
    room = rooms.get((symbol, side), abs(held) if held * side.sign < 0 else _ZERO)
    closing = min(abs(units), room)
    rooms[symbol, side] = room - closing
    return side.sign * (abs(units) - closing)


def _leg_value(case: Case, symbol: str, units: Decimal, price: Decimal) -> Decimal:
    asset = case.book.assets.get(symbol)
    if isinstance(asset, Option) and units < 0 and not case.is_closing(symbol, units):
        price = max(price, _written(case, asset, units))
    return abs(units) * price * case.multiplier(symbol)


def _written(case: Case, option: Option, units: Decimal) -> Decimal:
    """Return what an option written puts at stake per share; 0 where shares held cover it."""
    if option.kind is OptionKind.PUT:
        return option.strike
    share, book = option.underlying, case.book
    free = book.held(share) - book.reserved(share, Side.SELL)
    written = book.reserved(option.symbol, Side.SELL) - units
    written -= sum((_short_calls(case, s, share) for s in sorted(book.quantities)), _ZERO)
    if free >= written * option.multiplier:
        return _ZERO
    return max(option.strike, book.mark(share) or _ZERO)


def _short_calls(case: Case, symbol: str, share: str) -> Decimal:
    """Return the calls on a share that are held short under a symbol, as a number below 0."""
    asset = case.book.assets.get(symbol)
    if not isinstance(asset, Option) or asset.underlying != share:
        return _ZERO
    return min(_ZERO, case.book.held(symbol)) if asset.kind is OptionKind.CALL else _ZERO
