"""What an order puts at stake in the worst case, and what opening takes of the buying power."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from alphalens.assets.kinds import OptionKind
from alphalens.assets.options import Option
from alphalens.risk.cases import Case
from alphalens.risk.facts import SentOrder, highest_own
from alphalens.trading.orders import Side

__all__ = ["max_loss", "opening_costs", "order_value", "spent", "worst_price"]

_ZERO, _ONE = Decimal(0), Decimal(1)


def worst_price(case: Case) -> Decimal:
    """Return the highest of the market's price and the prices of a plain order."""
    return max(case.price(case.intent.symbol), highest_own(case.intent))


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
    Only what an order may still execute counts; `spent` tells what was executed. Time O(n) in
    the open orders.
    """
    bill = _Bill(case)
    unknown = known = _ZERO
    for order in case.book.orders:
        if order.is_open:
            cost = bill.cost(order)
            if order.is_reserved:
                known += cost
            else:
                unknown += cost
    own = bill.cost(SentOrder(intent=case.intent, at=case.book.now, remaining=case.intent.quantity))
    return unknown + own, known + unknown + own


def spent(case: Case) -> Decimal:
    """Return what executions took of the buying power after the venue told it, in currency.

    Those of orders that were sent after it; of an order sent before it the venue has taken
    the whole cost off already.

    Notes
    -----
    With the units ``b`` bought and ``s`` sold of an asset by such orders, at the average
    prices ``p`` and ``q``, what is held now is theirs up to ``|b - s|`` units of the same
    sign: these count at ``p`` or ``q`` as `opening_costs` counts units not yet executed. What
    was both bought and sold counts by what was lost in it, ``min(b, s) (p - q)``; a gain, and
    what closing gave back, does not count before the venue tells it. A multi-leg order counts
    by the share of it that was executed, unless its legs are closed again.
    """
    trades: dict[str, _Trades] = {}
    total = _ZERO
    for order in case.book.orders:
        if order.is_reserved or not order.executed:
            continue
        if order.intent.legs:
            total += _spread_held(case, order)
        else:
            symbol = order.intent.symbol
            traded = trades.get(symbol)
            if traded is None:
                traded = trades[symbol] = _Trades()
            traded.add(order)
    return total + sum((one.cost(case, symbol) for symbol, one in trades.items()), _ZERO)


@dataclass(slots=True)
class _Trades:
    """Units and value of what was bought and sold of one asset."""

    bought: Decimal = _ZERO
    sold: Decimal = _ZERO
    paid: Decimal = _ZERO
    received: Decimal = _ZERO

    def add(self, order: SentOrder) -> None:
        """Count the executions of an order."""
        if order.intent.side is Side.BUY:
            self.bought += order.executed
            self.paid += order.executed * order.price
        else:
            self.sold += order.executed
            self.received += order.executed * order.price

    def cost(self, case: Case, symbol: str) -> Decimal:
        """Return what is held of it at what it cost, and what was lost in the rest."""
        held, net = case.book.held(symbol), self.bought - self.sold
        lost, multiplier = _ZERO, case.multiplier(symbol)
        if self.bought and self.sold:
            worse = max(_ZERO, self.paid / self.bought - self.received / self.sold)
            lost = min(self.bought, self.sold) * worse * multiplier
        if net * held <= 0:
            return lost
        average = self.paid / self.bought if net > 0 else self.received / self.sold
        own, price = min(abs(net), abs(held)), max(average, _ZERO)
        asset = case.book.assets.get(symbol)
        if isinstance(asset, Option) and net < 0:
            price = max(price, _written(case, asset, _ZERO))
        return lost + own * price * multiplier * case.book.margin_rates.get(symbol, _ONE)


def _spread_held(case: Case, order: SentOrder) -> Decimal:
    """Return what the executed part of a multi-leg order ties up; 0 once it is closed."""
    wanted = order.intent.traded
    if all(case.book.held(symbol) * units <= 0 for symbol, units in wanted.items()):
        return _ZERO
    own = replace(case, intent=order.intent, units=wanted)
    return order_value(own) * (order.executed / order.intent.quantity)


@dataclass(slots=True)
class _Line:
    """What the orders of one asset have in common, looked up once."""

    market: Decimal | None
    rate: Decimal
    factor: Decimal  # the rate, times what one unit is worth at a price of 1
    is_option: bool
    to_buy: Decimal  # units that buying, and that selling, may still close
    to_sell: Decimal

    def open(self, units: Decimal) -> Decimal:
        """Return the signed units beyond what closes the position held, and use that up."""
        if units > 0:
            closing = min(units, self.to_buy)
            self.to_buy -= closing
            return units - closing
        closing = min(-units, self.to_sell)
        self.to_sell -= closing
        return units + closing


class _Bill:
    """What orders cost one after the other: each uses up the room that it closes."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._lines: dict[str, _Line] = {}

    def cost(self, order: SentOrder) -> Decimal:
        """Return the cost of one order."""
        intent = order.intent
        if intent.legs:
            return self._spread(order)
        symbol = intent.symbol
        line = self._lines.get(symbol) or self._line(symbol)
        units = order.units[symbol]
        if line.to_buy or line.to_sell:
            units = line.open(units)
            if not units:
                return _ZERO
        price = intent.reference_price if line.market is None else line.market
        if order.own_price > price:
            price = order.own_price
        if line.is_option:
            return _leg_value(self._case, symbol, units, price) * line.rate
        return abs(units) * price * line.factor

    def _spread(self, order: SentOrder) -> Decimal:
        opening = [self._line(symbol).open(units) for symbol, units in order.units.items()]
        if not any(opening):
            return _ZERO
        own = replace(self._case, intent=order.intent, units=order.intent.traded)
        share = max(map(abs, order.units.values())) / max(map(abs, own.units.values()))
        return order_value(own) * share

    def _line(self, symbol: str) -> _Line:
        line = self._lines.get(symbol)
        if line is None:
            case, held = self._case, self._case.book.held(symbol)
            rate = case.book.margin_rates.get(symbol, _ONE)
            line = self._lines[symbol] = _Line(
                market=case.market(symbol),
                rate=rate,
                factor=rate * case.multiplier(symbol),
                is_option=isinstance(case.book.assets.get(symbol), Option),
                to_buy=max(-held, _ZERO),
                to_sell=max(held, _ZERO),
            )
        return line


def _leg_value(case: Case, symbol: str, units: Decimal, price: Decimal) -> Decimal:
    asset = case.book.assets.get(symbol)
    if isinstance(asset, Option) and units < 0 and not case.is_closing(symbol, units):
        price = max(price, _written(case, asset, -units))
    return abs(units) * price * case.multiplier(symbol)


def _written(case: Case, option: Option, units: Decimal) -> Decimal:
    """Return what an option written puts at stake per share; 0 where shares held cover it.

    `units` are about to be written, beside those that are held short already.
    """
    if option.kind is OptionKind.PUT:
        return option.strike
    share, book = option.underlying, case.book
    free = book.held(share) - book.reserved(share, Side.SELL)
    written = book.reserved(option.symbol, Side.SELL) + units
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
