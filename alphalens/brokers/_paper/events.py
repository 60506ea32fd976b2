"""What happens to a book without an order: borrowing, splits, dividends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import partial

from alphalens.assets import BaseAsset
from alphalens.brokers._paper.executing import end
from alphalens.brokers._paper.orders import PaperOrder
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers.margin import Financing
from alphalens.trading.activities import Split
from alphalens.trading.orders import OrderStatus, OrderType, Side

__all__ = ["accrue", "adjust_for_dividend", "adjust_for_split"]

_STEP = Decimal("0.000001")
_CANCELED = OrderStatus.CANCELED
_PRICES = ("limit_price", "stop_price", "trail_amount", "best")


def accrue(state: PaperState, financing: Financing | None, at: datetime) -> None:
    """Charge borrowing for the midnights (UTC) passed, and keep how far the venue has come."""
    today = at.astimezone(UTC).date()
    since = today if state.accrued is None else state.accrued
    days = (today - since).days
    if days > 0 and financing is not None:
        shorts = {
            symbol: -units * state.value(symbol)
            for symbol, units in state.held().items()
            if units < 0 and not state.is_margined(symbol)
        }
        for charge in list(financing.charges(days, cash=state.book.cash, shorts=shorts)):
            note = f"{days} days to {today.isoformat()}"
            state.add_cash(charge.kind, charge.amount, at, symbol=charge.symbol, note=note)
    state.set_time(last=at, accrued=max(today, since))


def adjust_for_split(state: PaperState, split: Split, assets: Mapping[str, BaseAsset]) -> None:
    """Adjust the last price and the open orders of an asset that was split.

    As the rule of the US exchanges has it (FINRA Rule 5330): a split that makes more shares
    multiplies what is left of an order, rounded down to whole units if it was whole, and
    divides its prices, in favour of the trader; one that makes fewer cancels the order. A
    multi-leg order is canceled by either.
    """
    ratio = split.new / split.old
    mark = state.marks.get(split.symbol)
    if mark is not None:
        state.set_marks({split.symbol: replace(mark, price=mark.price / ratio)})
    for order in _orders_of(state, split.symbol):
        if ratio < 1 or order.is_leg:
            whole = state.orders[order.parent] if order.is_leg else order
            why = f"{split.new} for {split.old} split of {split.symbol}"
            end(state, whole, _CANCELED, why)
            continue
        quantity = order.filled + _multiplied(order, split)
        change = partial(_divided, order=order, ratio=ratio, assets=assets)
        terms = order.terms.repriced(change, *_PRICES)
        state.put(replace(order, quantity=quantity, terms=terms), "restated")


def adjust_for_dividend(
    state: PaperState, symbol: str, per_unit: Decimal, assets: Mapping[str, BaseAsset]
) -> None:
    """Lower purchases at a limit and sales at a stop by a dividend, as FINRA Rule 5330 has it.

    One whose price would not stay positive is canceled. Others keep their prices.
    """
    for order in _orders_of(state, symbol):
        if not (names := _lowered(order)):
            continue
        if any(getattr(order.terms, name) <= per_unit for name in names):
            end(state, order, _CANCELED, f"dividend of {per_unit} on {symbol}")
            continue
        change = partial(_less, order=order, amount=per_unit, assets=assets)
        terms = order.terms.repriced(change, *names)
        state.put(replace(order, terms=terms), "restated")


def _orders_of(state: PaperState, symbol: str) -> list[PaperOrder]:
    return [o for o in state.open_orders() if o.intent.symbol == symbol and not o.intent.legs]


def _lowered(order: PaperOrder) -> tuple[str, ...]:
    if order.intent.side is Side.BUY:
        return ("limit_price",) if order.intent.order_type is OrderType.LIMIT else ()
    kinds = {OrderType.STOP: ("stop_price",), OrderType.STOP_LIMIT: ("stop_price", "limit_price")}
    return kinds.get(order.intent.order_type, ())


def _multiplied(order: PaperOrder, split: Split) -> Decimal:
    left = order.remaining * split.new / split.old
    is_whole = order.quantity == order.quantity.to_integral_value()
    return left.to_integral_value(rounding=ROUND_FLOOR) if is_whole else left


def _divided(
    price: Decimal, *, order: PaperOrder, ratio: Decimal, assets: Mapping[str, BaseAsset]
) -> Decimal:
    return _to_tick(price / ratio, order, assets)


def _less(
    price: Decimal, *, order: PaperOrder, amount: Decimal, assets: Mapping[str, BaseAsset]
) -> Decimal:
    return _to_tick(price - amount, order, assets)


def _to_tick(price: Decimal, order: PaperOrder, assets: Mapping[str, BaseAsset]) -> Decimal:
    asset, is_buy = assets.get(order.intent.symbol), order.intent.side is Side.BUY
    if asset is not None:
        return asset.round_price(price, is_buy=is_buy)
    return price.quantize(_STEP, rounding=ROUND_FLOOR if is_buy else ROUND_CEILING)
