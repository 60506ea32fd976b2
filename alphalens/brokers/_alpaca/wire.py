"""What the venue says, as our values.

Reading is lenient: a field that is not known is passed over, and a word that is not known
becomes None or `OrderStatus.UNKNOWN`, so that an order of a new kind is still an order. What
must be there (an id, how much was executed) is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from alphalens.assets import AssetClass
from alphalens.assets.contracts import OccSymbol
from alphalens.assets.symbols import split_pair
from alphalens.brokers._alpaca.words import text_of
from alphalens.brokers.base import Account, VenueOrder, VenueSession
from alphalens.data.alpaca_symbols import class_of, symbol_from
from alphalens.errors import InputError
from alphalens.net.exact_json import decimal, instant, rows
from alphalens.net.failures import Unreadable
from alphalens.trading.orders import (
    LONGEST_ID,
    Fill,
    OrderClass,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from alphalens.trading.text import storable

__all__ = [
    "account_from",
    "currency_of",
    "execution",
    "fill_from",
    "market_values",
    "multiplier_of",
    "order_from",
    "positions_from",
    "session_from",
    "side_from",
    "text",
]

_E = TypeVar("_E", bound=StrEnum)
_S = OrderStatus
_WORKING = (
    "new",
    "accepted",
    "pending_new",
    "accepted_for_bidding",
    "held",
    "pending_review",
    "stopped",
    "suspended",
    "calculated",
    "done_for_day",  # not the end of an order that lives longer than a day
)
_STATUSES = {
    **dict.fromkeys(_WORKING, _S.ACCEPTED),
    "partially_filled": _S.PARTIAL,
    "pending_cancel": _S.PENDING_CANCEL,
    "pending_replace": _S.PENDING_REPLACE,
    "filled": _S.FILLED,
    "canceled": _S.CANCELED,
    "rejected": _S.REJECTED,
    "expired": _S.EXPIRED,
    "replaced": _S.REPLACED,
}
_CONTRACT = Decimal(100)
_BLOCKS = ("trading_blocked", "account_blocked", "trade_suspended_by_user")


def text(body: Mapping[str, Any], name: str, *, is_needed: bool = False) -> str:
    """Return a field as text; empty where there is none and none is needed."""
    value = body.get(name)
    if isinstance(value, str) and value:
        return storable(value)
    if is_needed:
        raise Unreadable(f"{name} should be a text, got {value!r}")
    return ""


def _id_from(body: Mapping[str, Any]) -> str:  # Any: the values of JSON
    """Return the client order id; the venue's own id for one that is longer than any may be."""
    name = text(body, "client_order_id")
    return name if len(name) <= LONGEST_ID else text(body, "id")


def order_from(body: Mapping[str, Any], *, parent: str = "") -> VenueOrder:
    """Return the order that the venue wrote as `body`, with its exits or legs as children.

    Raises
    ------
    Unreadable
        If it has no id or no symbol, or does not say how much was executed.
    """
    venue_id = text(body, "id", is_needed=True)
    legs = rows(body.get("legs") or [], "legs")
    filled = decimal(body.get("filled_qty"), "filled_qty")
    word = text(body, "status")
    return VenueOrder(
        client_order_id=_id_from(body),
        venue_order_id=venue_id,
        symbol=_symbol(body, legs),
        status=_status(word, filled),
        venue_status=word,
        filled_quantity=filled,
        reason=text(body, "reject_reason") or text(body, "reason"),
        side=side_from(body.get("side")),
        quantity=_number(body, "qty"),
        order_type=_word(OrderType, body.get("type") or body.get("order_type")),
        time_in_force=_word(TimeInForce, body.get("time_in_force")),
        order_class=_word(OrderClass, body.get("order_class") or "simple"),
        limit_price=_number(body, "limit_price"),
        stop_price=_number(body, "stop_price"),
        average_price=_number(body, "filled_avg_price"),
        replaces=text(body, "replaces"),
        replaced_by=text(body, "replaced_by"),
        parent=parent,
        children=tuple(order_from(leg, parent=venue_id) for leg in legs),
        submitted_at=_instant(body, "submitted_at"),
    )


def fill_from(row: Mapping[str, Any], order: VenueOrder) -> Fill:
    """Return an execution from the list of them; its order says what was traded.

    Raises
    ------
    Unreadable
        If units, price, side, instant or the cumulative figure are not there.
    """
    return execution(
        order,
        side=side_from(row.get("side")),
        quantity=decimal(row.get("qty"), "qty"),
        price=decimal(row.get("price"), "price"),
        cumulative=decimal(row.get("cum_qty"), "cum_qty"),
        at=instant(row.get("transaction_time"), "transaction_time"),
        execution_id=text(row, "id", is_needed=True).rpartition("::")[2],
    )


def execution(
    order: VenueOrder,
    *,
    side: Side | None,
    quantity: Decimal,
    price: Decimal,
    cumulative: Decimal,
    at: datetime,
    execution_id: str,
) -> Fill:
    """Return an execution of `order`, under the id that stream and list have in common.

    Raises
    ------
    Unreadable
        If there is no side, or it is no trade.
    """
    side = side or order.side
    if side is None:
        raise Unreadable(f"order {order.venue_order_id}: an execution needs a side")
    try:
        return Fill(
            fill_id=f"{order.venue_order_id}/{text_of(cumulative)}",
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=side,
            quantity=quantity,
            price=price,
            at=at,
            multiplier=multiplier_of(order.symbol),
            currency=currency_of(order.symbol),
            cumulative=cumulative,
            venue_order_id=order.venue_order_id,
            execution_id=execution_id,
        )
    except InputError as error:
        raise Unreadable(str(error)) from error


def side_from(word: object) -> Side | None:
    """Return the side; the list of executions also says ``sell_short`` and ``buy_to_close``."""
    first = word.partition("_")[0] if isinstance(word, str) else None
    return _word(Side, first)


def multiplier_of(symbol: str) -> Decimal:
    """Return how many units of currency one unit moves with a price move of one."""
    return _CONTRACT if class_of(symbol) is AssetClass.OPTION else Decimal(1)


def currency_of(symbol: str) -> str:
    """Return the currency an asset is priced in: the quote of a pair, else the dollar."""
    if class_of(symbol) not in (AssetClass.CRYPTO, AssetClass.PERPETUAL):
        return "USD"
    try:
        return split_pair(symbol)[1]
    except InputError as error:
        raise Unreadable(str(error)) from error


def positions_from(
    listed: Sequence[Mapping[str, Any]],
) -> dict[str, tuple[Decimal, Decimal | None]]:
    """Return signed units and average entry price by canonical symbol, flat ones left out.

    Raises
    ------
    Unreadable
        If a row has no symbol or no units, says two sides, or two rows are of one symbol.
    """
    held: dict[str, tuple[Decimal, Decimal | None]] = {}
    for row in listed:
        symbol = symbol_from(row.get("symbol"), row.get("asset_class"))
        quantity = decimal(row.get("qty"), f"qty of {symbol}")
        if row.get("side") == "short" and quantity > 0:
            raise Unreadable(f"position {symbol}: {quantity} units and a short side disagree")
        if symbol in held:
            raise Unreadable(f"position {symbol}: listed twice")
        held[symbol] = (quantity, _number(row, "avg_entry_price"))
    return {symbol: pair for symbol, pair in held.items() if pair[0]}


def market_values(body: Mapping[str, Any]) -> Decimal:
    """Return the sum of the absolute market values of long and short positions."""
    names = ("long_market_value", "short_market_value")
    return sum((abs(decimal(body.get(name), name)) for name in names), Decimal(0))


def account_from(
    body: Mapping[str, Any], *, is_live: bool, entry_prices: Mapping[str, Decimal]
) -> Account:
    """Return the account that the venue wrote as `body`.

    Raises
    ------
    Unreadable
        If it has no number or no cash.
    """
    status = text(body, "status")
    return Account(
        account_id=text(body, "account_number", is_needed=True),
        cash=decimal(body.get("cash"), "cash"),
        currency=text(body, "currency") or "USD",
        is_live=is_live,
        buying_power=_number(body, "buying_power"),
        is_blocked=status not in ("", "ACTIVE") or any(body.get(name) is True for name in _BLOCKS),
        entry_prices=entry_prices,
    )


def session_from(body: Mapping[str, Any]) -> VenueSession:
    """Return the trading hours that the venue wrote as `body`."""
    is_open = body.get("is_open")
    if not isinstance(is_open, bool):
        raise Unreadable(f"is_open should be true or false, got {is_open!r}")
    return VenueSession(
        at=instant(body.get("timestamp"), "timestamp"),
        is_open=is_open,
        next_open=instant(body.get("next_open"), "next_open"),
        next_close=instant(body.get("next_close"), "next_close"),
    )


def _symbol(body: Mapping[str, Any], legs: Sequence[Mapping[str, Any]]) -> str:
    if text(body, "symbol"):
        return symbol_from(body["symbol"], body.get("asset_class"))
    if body.get("order_class") != OrderClass.MULTILEG.value:
        raise Unreadable(f"symbol should be a text, got {body.get('symbol')!r}")
    if not legs:
        return ""
    # A multi-leg order has no symbol of its own; what its legs are written on names it.
    first = symbol_from(legs[0].get("symbol"), legs[0].get("asset_class"))
    try:
        return OccSymbol.parse(first).root
    except InputError:
        return first


def _status(word: str, filled: Decimal) -> OrderStatus:
    status = _STATUSES.get(word, OrderStatus.UNKNOWN)
    return OrderStatus.PARTIAL if status is OrderStatus.ACCEPTED and filled else status


def _word(kind: type[_E], word: object) -> _E | None:
    try:
        return kind(word) if isinstance(word, str) else None
    except ValueError:
        return None


def _number(body: Mapping[str, Any], name: str) -> Decimal | None:
    try:
        return decimal(body.get(name), name)
    except Unreadable:
        return None


def _instant(body: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return instant(body.get(name), name)
    except Unreadable:
        return None
