"""May the assets be ordered like that: known, enabled, and on their grids."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alphalens.assets.base import Asset, on_grid
from alphalens.assets.kinds import AssetClass
from alphalens.assets.rules import Violation, ViolationCode
from alphalens.errors import InputError
from alphalens.risk.cases import Case
from alphalens.risk.figures import text
from alphalens.risk.reasons import Reason, ReasonCode

__all__ = ["grid"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_C, _V = ReasonCode, ViolationCode
_LEAST = frozenset({_V.LOT, _V.MIN_QUANTITY, _V.MIN_NOTIONAL})
_MISTAKES = frozenset({_V.WRONG_TYPE, _V.NOT_FINITE, _V.TOO_LONG, _V.NOT_POSITIVE})
_CODES = {code: _C.MAX_ORDER if code in _MISTAKES else _C(code) for code in _V}
_EXITS = ("take_profit", "stop_loss", "stop_loss_limit")


def grid(case: Case) -> Iterator[Reason]:
    """Tell what an asset, or the venue for its class, does not take."""
    for symbol, units in case.units.items():
        asset = case.book.assets.get(symbol)
        if asset is None:
            known = f"one of the {len(case.book.assets)} known"
            remedy = "correct the symbol, or add the asset"
            yield case.refuse(_C.UNKNOWN_ASSET, ": the asset is", symbol, known, remedy)
            continue
        yield from _class(case, asset)
        yield from _leg(case, asset)
        yield from _violations(case, asset, units)
        yield from _expired(case, asset)
        yield from _ticks(case, asset)
    yield from _net_tick(case)


def _class(case: Case, asset: Asset) -> Iterator[Reason]:
    """Tell whether a flag is off; what is held from before may still be closed."""
    if asset.asset_class in case.book.enabled_classes or case.is_reducing:
        return
    enabled = ", ".join(sorted(case.book.enabled_classes)) or "nothing"
    says, remedy = f": {asset.symbol} is of class", "set the feature flag of the class"
    yield case.refuse(_C.ASSET_CLASS_DISABLED, says, asset.asset_class, enabled, remedy)


def _leg(case: Case, asset: Asset) -> Iterator[Reason]:
    """Tell whether an order of several legs has one that no venue takes beside others."""
    if case.intent.legs and asset.asset_class is not AssetClass.OPTION:
        says, remedy = f": the leg {asset.symbol} is of class", "send it as an order of its own"
        yield case.refuse(_C.ORDER_TYPE, says, asset.asset_class, AssetClass.OPTION, remedy)


def _violations(case: Case, asset: Asset, units: Decimal) -> Iterator[Reason]:
    """Give the asset's own word, in the codes of the gate."""
    intent, symbol = case.intent, asset.symbol
    held = case.book.held(symbol) - case.book.open_sells.get(symbol, _ZERO)
    found = asset.validate(
        quantity=abs(units),
        order_type=intent.order_type,
        time_in_force=intent.time_in_force,
        limit_price=None if intent.legs else intent.limit_price,
        stop_price=intent.stop_price,
        reference_price=case.price(symbol),
        capability=case.book.capabilities.get(asset.asset_class),
        is_short_sale=units < 0 and -units > max(held, _ZERO),
    )
    closes_all = units == -case.book.held(symbol)
    for violation in found:
        if not (closes_all and violation.code in _LEAST):  # a rest may always be closed
            yield _as_reason(case, asset, units, violation)


def _as_reason(case: Case, asset: Asset, units: Decimal, found: Violation) -> Reason:
    code = _CODES[found.code]
    if code is _C.LOT and on_grid(asset.lot, _ONE) and not on_grid(units, _ONE):
        code = _C.NOT_FRACTIONABLE
    said = found.message.removeprefix(f"{found.code}: ")
    message = f"{code}: {case.what}: {said}"
    return Reason(code=code, limit=found.limit, actual=found.value, message=message)


def _expired(case: Case, asset: Asset) -> Iterator[Reason]:
    now = case.book.now
    try:
        is_over = asset.is_expired(now)
    except InputError:  # an end that no calendar knows is not one to trade towards
        is_over = True
    if is_over:
        limit = f"before the end of trading of {asset.symbol}"
        remedy = "trade a later contract"
        yield case.refuse(_C.EXPIRED, ": the instant is", now.isoformat(), limit, remedy)


def _ticks(case: Case, asset: Asset) -> Iterator[Reason]:
    """Tell which exits lie between two ticks; the asset judges limit and stop itself."""
    for name in _EXITS:
        price = getattr(case.intent, name)
        if price is not None:
            yield from _tick(case, name.replace("_", " "), price, asset.tick_at(price))


def _net_tick(case: Case) -> Iterator[Reason]:
    """Tell whether the net price of several legs lies between the smallest ticks of them."""
    net = case.intent.limit_price
    assets = [case.book.assets[s] for s in case.units if s in case.book.assets]
    if case.intent.legs and net is not None and assets:
        tick = min(min(a.tick, a.small_tick or a.tick) for a in assets)
        yield from _tick(case, "net price", net, tick)


def _tick(case: Case, name: str, price: Decimal, step: Decimal) -> Iterator[Reason]:
    if not on_grid(price, step):
        limit = f"a multiple of {text(step)}"
        remedy = "round it as the asset does"
        yield case.refuse(_C.TICK, f": {name} is", f"{price:f}", limit, remedy)
