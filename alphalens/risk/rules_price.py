"""Is there a price to decide with, and are the order's prices near it and on the right side."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alphalens.risk.cases import Case
from alphalens.risk.exposure import no_price
from alphalens.risk.figures import age_s, is_price, text
from alphalens.risk.reasons import Reason, ReasonCode
from alphalens.trading.market import Quote
from alphalens.trading.orders import OrderClass, Side

__all__ = ["prices"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_C = ReasonCode
_JITTER_S = 2.0  # what is left of a clock's skew once it was measured


def prices(case: Case) -> Iterator[Reason]:
    """Tell what is wrong with the market's prices, or with the order's beside them."""
    for symbol in case.units:
        yield from _quote(case, symbol)
        yield from _last(case, symbol)
    if case.intent.legs:
        yield from _net(case)
    elif case.market(case.intent.symbol) is not None:
        yield from _collar(case)
        yield from _stop(case)
        yield from _exits(case)


def _quote(case: Case, symbol: str) -> Iterator[Reason]:
    quote = case.book.quotes.get(symbol)
    if quote is None:
        return
    remedy = "wait for a sound quote"
    shown = f"{quote.bid} to {quote.ask}"
    if not (is_price(quote.bid) and is_price(quote.ask)):
        yield case.refuse(_C.BAD_QUOTE, f": {symbol} is quoted", shown, "above 0", remedy)
    elif quote.bid > quote.ask:
        limit = "a bid of at most the ask"
        yield case.refuse(_C.CROSSED_QUOTE, f": {symbol} is quoted", shown, limit, remedy)
    else:
        yield from _spread(case, quote)
    yield from _age(case, f"quote of {symbol}", age_s(case.book.now, quote.at, _skew(case)))


def _spread(case: Case, quote: Quote) -> Iterator[Reason]:
    """Tell whether crossing the spread would cost too much; a limit guards itself."""
    limit = case.limits.max_spread
    if limit is None or case.intent.limit_price is not None:
        return
    spread = (quote.ask - quote.bid) / quote.mid
    if spread > limit:
        yield case.over(_C.MAX_SPREAD, spread, limit, "give a limit price, or raise")


def _last(case: Case, symbol: str) -> Iterator[Reason]:
    """Tell whether the last price can be used, where no later quote takes its place."""
    if case.market_quote(symbol) is not None:
        return
    price, made = case.book.prices.get(symbol), case.book.price_times.get(symbol)
    if made is None or not is_price(price):
        yield no_price(case.what, symbol, case.book)
        return
    yield from _age(case, f"price of {symbol}", age_s(case.book.now, made, _skew(case)))


def _age(case: Case, what: str, age: float) -> Iterator[Reason]:
    limit = case.limits.max_price_age_s
    earliest = 0.0 if case.book.clock_skew_s is None else -_JITTER_S
    if not earliest <= age <= limit:
        remedy = "fetch a fresh one, or raise max_price_age_s in the risk limits"
        says = f": seconds since the {what} are"
        yield case.refuse(_C.STALE_PRICE, says, f"{age:.0f}", f"0 to {limit}", remedy)


def _skew(case: Case) -> Decimal | None:
    return case.book.clock_skew_s


def _collar(case: Case) -> Iterator[Reason]:
    """Tell whether the order was decided, or limited on its bad side, far from the market."""
    market = case.price(case.intent.symbol)
    intent = case.intent
    base = market if intent.stop_price is None else intent.stop_price
    pairs = [("reference price", intent.reference_price, market)]
    if intent.limit_price is not None:
        pairs.append(("limit price", _worse(intent.side, intent.limit_price, base), base))
    if intent.stop_loss is not None and intent.stop_loss_limit is not None:
        worse = _worse(_exit_side(case), intent.stop_loss_limit, intent.stop_loss)
        pairs.append(("stop loss limit", worse, intent.stop_loss))
    for name, asked, near in pairs:
        distance, limit = abs(asked / near - _ONE), case.limits.price_collar
        if distance > limit:
            remedy = f"{name} {text(asked)} against {text(near)}; decide again, or raise"
            yield case.over(_C.PRICE_COLLAR, distance, limit, remedy)


def _stop(case: Case) -> Iterator[Reason]:
    """Tell whether a stop lies where it would be woken at once, or absurdly far."""
    intent, market = case.intent, case.price(case.intent.symbol)
    if intent.stop_price is not None:
        yield from _beyond(case, "stop price", intent.stop_price, intent.side, market)
    distance = intent.trail_fraction
    if intent.trail_amount is not None:
        distance = intent.trail_amount / market
    if distance is not None and distance > case.limits.stop_collar:
        yield case.over(_C.STOP_COLLAR, distance, case.limits.stop_collar, "trail nearer, or raise")


def _exits(case: Case) -> Iterator[Reason]:
    """Tell whether exits lie on the wrong side of the entry, or of the market without one."""
    intent = case.intent
    if intent.take_profit is None and intent.stop_loss is None:
        return
    base, side = case.price(intent.symbol), _exit_side(case)
    if intent.order_class is not OrderClass.OCO:
        entry = intent.limit_price if intent.limit_price is not None else intent.stop_price
        base = base if entry is None else entry
    if intent.take_profit is not None and (intent.take_profit - base) * side.sign >= 0:
        yield _wrong(case, "take profit", intent.take_profit, base, is_above=side is Side.SELL)
    if intent.stop_loss is not None:
        yield from _beyond(case, "stop loss", intent.stop_loss, side, base)


def _exit_side(case: Case) -> Side:
    """Return the side of the exits: the order's own for an oco, else the other one."""
    side = case.intent.side
    return side if case.intent.order_class is OrderClass.OCO else side.other


def _beyond(case: Case, name: str, stop: Decimal, side: Side, base: Decimal) -> Iterator[Reason]:
    """Tell whether a stop is not above `base` for a buy or below it for a sell, or too far."""
    if (stop - base) * side.sign <= 0:
        yield _wrong(case, name, stop, base, is_above=side is Side.BUY)
    distance, limit = abs(stop / base - _ONE), case.limits.stop_collar
    if distance > limit:
        remedy = f"{name} {text(stop)} against {text(base)}; move it nearer, or raise"
        yield case.over(_C.STOP_COLLAR, distance, limit, remedy)


def _wrong(case: Case, name: str, price: Decimal, base: Decimal, *, is_above: bool) -> Reason:
    limit = f"{'above' if is_above else 'below'} {text(base)}"
    return case.refuse(
        _C.WRONG_SIDE, f": {name} is", text(price), limit, "it would be executed at once, move it"
    )


def _net(case: Case) -> Iterator[Reason]:
    """Tell whether the net limit of several legs is far worse than their market."""
    asked = case.intent.limit_price
    legs = [(leg, case.market(leg.symbol)) for leg in case.intent.legs]
    if asked is None or any(price is None for _, price in legs):
        return
    values = [leg.side.sign * leg.ratio * price for leg, price in legs if price is not None]
    net, gross = sum(values, _ZERO), sum(map(abs, values), _ZERO)
    distance, limit = max(_ZERO, asked - net) / gross, case.limits.price_collar
    if distance > limit:
        remedy = f"net price {text(asked)} against {text(net)}; decide again, or raise"
        yield case.over(_C.PRICE_COLLAR, distance, limit, remedy)


def _worse(side: Side, price: Decimal, base: Decimal) -> Decimal:
    """Return a limit price where it is worse than `base` for the trader, else `base`."""
    return max(price, base) if side is Side.BUY else min(price, base)
