"""Which orders the venue refuses, and in which words.

The order of the checks is the one that clients see: what the asset allows, then the session,
then what the account allows. Sources: Alpaca's API reference, and answers that were published
by users of the paper environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from .assets import Asset, parse_contract
from .book import Book
from .records import Order, plain
from .refusals import DUPLICATE, Refused, forbidden, unprocessable
from .sessions import is_regular, new_york, session_of
from .tickets import Ticket

_CENT = Decimal("0.01")
_EQUITY_FRACTION_TYPES = ("market", "limit", "stop", "stop_limit")
_EXITS = ("bracket", "oco", "oto")
_EVENING = time(19)


@dataclass(slots=True, kw_only=True)
class Permissions:
    """What the account may do; `always_open` lets a venue on the machine's clock trade at once."""

    shorting: bool = True
    suspended: bool = False
    fractional: bool = True
    options_level: int = 3
    always_open: bool = False

    def trades(self, asset_class: str, now: datetime) -> bool:
        """Return whether an asset of this class trades in regular hours at `now`."""
        return self.always_open or asset_class == "crypto" or is_regular(now)


def check(ticket: Ticket, book: Book, may: Permissions, now: datetime) -> None:
    """Let an order pass, or refuse it.

    Raises
    ------
    Refused
        With the status, code and words of the venue.
    """
    if may.suspended:
        raise forbidden("new orders are rejected by user request")
    check_unique(ticket.client_order_id, book)
    if ticket.order_class == "mleg":
        _check_spread(ticket, book, may, now)
        return
    asset = _asset(ticket.symbol, book)
    _check_asset(ticket, asset)
    _check_class_of_asset(ticket, asset, may, now)
    _check_increments(ticket, asset)
    _check_exits(ticket, book)
    _check_wash(ticket, asset.symbol, book)
    if ticket.sign * book.held(asset.symbol) < 0:
        _check_closing(ticket, asset, book)
    else:
        _check_opening(ticket, asset, book, may)


def check_unique(client_order_id: str | None, book: Book) -> None:
    """Refuse a client identifier that was ever used."""
    if client_order_id is not None and client_order_id in book.by_client_id:
        raise Refused(422, "client_order_id must be unique", DUPLICATE)


def check_price(name: str, price: Decimal | None) -> None:
    """Refuse a price that is not positive or finer than the tick of a stock."""
    if price is None:
        return
    if price <= 0:
        raise unprocessable(f"{name} must be > 0")
    places = 2 if price >= 1 else 4
    if price != round(price, places):
        raise unprocessable(
            f"invalid {name} {plain(price)}. "
            "sub-penny increment does not fulfill minimum pricing criteria"
        )


def _asset(symbol: str, book: Book) -> Asset:
    if not symbol:
        raise unprocessable("symbol is required")
    asset = book.catalogue.find(symbol)
    if asset is None:
        raise unprocessable(f'asset "{symbol}" not found')
    return asset


def _check_asset(ticket: Ticket, asset: Asset) -> None:
    if not asset.tradable:
        raise unprocessable(f'asset "{asset.symbol}" is not tradable')
    fractional = ticket.notional is not None or not _is_whole(ticket.qty)
    if fractional and not asset.fractionable:
        raise forbidden("requested asset is not fractionable")
    if ticket.notional is not None and ticket.notional < 1:
        raise forbidden("cost basis must be >= minimal amount of order 1")


def _check_class_of_asset(ticket: Ticket, asset: Asset, may: Permissions, now: datetime) -> None:
    if asset.asset_class == "crypto":
        _check_crypto(ticket, asset)
    elif asset.asset_class == "us_option":
        _check_option(ticket, may, now)
    else:
        _check_equity(ticket, may, now)


def _check_crypto(ticket: Ticket, asset: Asset) -> None:
    if ticket.is_advanced:
        raise unprocessable(
            f"crypto orders not allowed for advanced order_class: {_wire_class(ticket)}"
        )
    if ticket.type not in ("market", "limit", "stop_limit"):
        raise unprocessable(f"invalid order type {ticket.type} for crypto order")
    if ticket.time_in_force not in ("gtc", "ioc"):
        raise unprocessable("invalid crypto time_in_force")
    minimum = asset.min_order_size
    if ticket.qty is not None and minimum is not None and ticket.qty < minimum:
        raise forbidden(f"minimum order size is {plain(minimum)}")


def _wire_class(ticket: Ticket) -> str:
    return "otoco" if ticket.order_class == "bracket" else ticket.order_class


def _check_option(ticket: Ticket, may: Permissions, now: datetime) -> None:
    if ticket.is_advanced:
        raise unprocessable("order_class must be simple or mleg for options")
    if ticket.time_in_force != "day":
        raise unprocessable("order_time_in_force provided not supported for options trading")
    if ticket.extended_hours:
        raise unprocessable("extended hours are not allowed for options")
    if ticket.type == "trailing_stop":
        raise unprocessable("invalid order type trailing_stop for options trading")
    if ticket.type == "market" and not may.trades("us_option", now):
        raise unprocessable("options market orders are only allowed during market hours")
    _check_expiry(ticket.symbol, now)


def _check_expiry(symbol: str, now: datetime) -> None:
    contract = parse_contract(symbol)
    if contract is not None and new_york(now).date() > contract.expiry:
        raise unprocessable(f'asset "{symbol}" is not tradable')


def _check_equity(ticket: Ticket, may: Permissions, now: datetime) -> None:
    fractional = ticket.notional is not None or not _is_whole(ticket.qty)
    if fractional and not may.fractional:
        raise forbidden("account is not allowed to trade fractional shares")
    if fractional and ticket.time_in_force != "day":
        raise unprocessable("fractional orders must be DAY orders")
    if fractional and (ticket.type not in _EQUITY_FRACTION_TYPES or ticket.is_advanced):
        raise unprocessable("fractional orders must be simple market, limit, stop or stop_limit")
    if ticket.extended_hours and (ticket.type, ticket.time_in_force) != ("limit", "day"):
        raise unprocessable("extended hours order must be DAY limit orders")
    if ticket.type == "trailing_stop" and ticket.time_in_force not in ("day", "gtc"):
        raise unprocessable("trailing_stop orders must be day or gtc")
    if not may.always_open:
        _check_auction(ticket, now)


def _check_auction(ticket: Ticket, now: datetime) -> None:
    if ticket.time_in_force not in ("opg", "cls"):
        return
    if ticket.type not in ("market", "limit"):
        raise unprocessable(f"{ticket.time_in_force} orders must be market or limit")
    local = new_york(now)
    session = session_of(local.date())
    if session is None or local.time() >= _EVENING:
        return
    last = session.open - timedelta(minutes=2)
    if ticket.time_in_force == "cls":
        last = session.close - timedelta(minutes=10)
    if now >= last:
        name = "opening" if ticket.time_in_force == "opg" else "closing"
        raise unprocessable(
            f"market on {name} auction orders are no longer accepted until 7:00pm ET"
        )


def _check_increments(ticket: Ticket, asset: Asset) -> None:
    if asset.asset_class == "crypto":
        return
    check_price("limit_price", ticket.limit_price)
    check_price("stop_price", ticket.stop_price)
    check_price("take_profit.limit_price", ticket.take_profit)
    check_price("stop_loss.stop_price", ticket.stop_loss)
    check_price("stop_loss.limit_price", ticket.stop_loss_limit)


def _check_exits(ticket: Ticket, book: Book) -> None:
    if ticket.order_class not in _EXITS:
        return
    base = ticket.limit_price if ticket.order_class != "oco" else None
    base = base or book.tape.price(ticket.symbol)
    if base is None:
        return
    # The exits of a bracket are on the other side of its entry; an oco is itself an exit.
    side = ticket.sign if ticket.order_class != "oco" else -ticket.sign
    below, above = ("<=", ">=") if side > 0 else (">=", "<=")
    shown = {"base_price": plain(base)}
    if ticket.stop_loss is not None and side * (base - ticket.stop_loss) < _CENT:
        sign = "-" if side > 0 else "+"
        raise unprocessable(f"stop_loss.stop_price must be {below} base_price {sign} 0.01", **shown)
    if ticket.take_profit is not None and side * (ticket.take_profit - base) < _CENT:
        sign = "+" if side > 0 else "-"
        raise unprocessable(
            f"take_profit.limit_price must be {above} base_price {sign} 0.01", **shown
        )


def _check_wash(ticket: Ticket, symbol: str, book: Book) -> None:
    if ticket.order_class in _EXITS:
        return
    for other in book.open_orders(symbol):
        if other.sign == ticket.sign or other.status == "held" or other.order_class == "mleg":
            continue
        reason = _wash_reason(ticket, other)
        if reason is not None:
            raise forbidden(
                "potential wash trade detected. use complex orders",
                existing_order_id=other.id,
                reject_reason=f"opposite side {reason} order exists",
            )


def _wash_reason(ticket: Ticket, other: Order) -> str | None:
    if other.type != "limit":
        return "market/stop"
    if ticket.limit_price is None or other.limit_price is None:
        return "limit"
    crosses = ticket.sign * (ticket.limit_price - other.limit_price) >= 0
    return "limit" if crosses else None


def _check_closing(ticket: Ticket, asset: Asset, book: Book) -> None:
    held = book.held(asset.symbol)
    reserved = book.held_for_orders(asset.symbol)
    available = max(abs(held) - reserved, Decimal(0))
    wanted = ticket.qty
    if wanted is None:
        price = book.price(asset.symbol)
        wanted = Decimal(0) if ticket.notional is None or not price else ticket.notional / price
    if wanted <= available:
        return
    related = [o.id for o in book.open_orders(asset.symbol) if o.sign == ticket.sign]
    raise forbidden(
        "insufficient qty available for order "
        f"(requested: {plain(wanted)}, available: {plain(available)})",
        available=plain(available),
        existing_qty=plain(abs(held)),
        held_for_orders=plain(reserved),
        symbol=asset.symbol,
        related_orders=related,
    )


def _check_opening(ticket: Ticket, asset: Asset, book: Book, may: Permissions) -> None:
    if ticket.side == "sell":
        _check_short(ticket, asset, book, may)
    probe = probe_order(ticket, asset)
    cost = book.cost_basis(probe)
    power = book.spendable(asset)
    if cost > power:
        raise insufficient_power(cost, power)


def insufficient_power(cost: Decimal, power: Decimal) -> Refused:
    """Return the refusal for want of money."""
    return forbidden(
        "insufficient buying power",
        buying_power=plain(round(power, 2)),
        cost_basis=plain(round(cost, 2)),
    )


def _check_short(ticket: Ticket, asset: Asset, book: Book, may: Permissions) -> None:
    symbol = asset.symbol
    if asset.asset_class == "crypto":
        raise forbidden(
            "insufficient balance for "
            f"{symbol.split('/')[0]} (requested: {_amount(ticket)}, available: 0)",
            available="0",
            symbol="USD",
        )
    if asset.asset_class == "us_option":
        _check_cover(ticket, asset, book)
        return
    if any(order.side == "buy" and order.is_open for order in book.open_orders(symbol)):
        raise forbidden("cannot open a short sell while a long buy order is open")
    if not may.shorting or book.multiplier == 1:
        raise forbidden("account is not allowed to short")
    if not asset.shortable:
        raise unprocessable(f'asset "{symbol}" cannot be sold short')
    if ticket.notional is not None or not _is_whole(ticket.qty):
        raise unprocessable("fractional orders cannot be sold short")


def _check_cover(ticket: Ticket, asset: Asset, book: Book) -> None:
    """Refuse to write a call without the shares, or a put without the cash to take them."""
    contract = parse_contract(asset.symbol)
    assert contract is not None  # noqa: S101 - an option is listed by its symbol
    shares = (ticket.qty or Decimal(0)) * asset.multiplier
    if contract.is_call:
        is_covered = book.held(contract.root) - book.written_shares(contract.root) >= shares
    else:
        is_covered = book.cash - book.reserved() >= shares * contract.strike
    if not is_covered:
        raise forbidden("account not eligible to trade uncovered option contracts")


def _check_spread(ticket: Ticket, book: Book, may: Permissions, now: datetime) -> None:
    if may.options_level < 3:
        raise forbidden("account not eligible to trade multi-leg option orders")
    if ticket.qty is None or not _is_whole(ticket.qty):
        raise unprocessable("mleg orders require a whole qty")
    for leg in ticket.legs:
        asset = _asset(leg.symbol, book)
        if asset.asset_class != "us_option":
            raise unprocessable(f'leg "{leg.symbol}" is not an option contract')
        _check_expiry(leg.symbol, now)
    if ticket.type == "market" and not may.trades("us_option", now):
        raise unprocessable("options market orders are only allowed during market hours")
    debit = max(ticket.limit_price or Decimal(0), Decimal(0)) * ticket.qty * 100
    power = max(book.cash - book.reserved(), Decimal(0))
    if debit > power:
        raise insufficient_power(debit, power)


def probe_order(ticket: Ticket, asset: Asset) -> Order:
    """Return an order as the ticket describes it, that no book knows yet."""
    never = datetime.min
    return Order(
        id="", client_order_id="", seq=0, symbol=asset.symbol, asset_id=asset.id,
        asset_class=asset.asset_class, status="new", created_at=never, updated_at=never,
        submitted_at=never, **order_fields(ticket),
    )  # fmt: skip


def order_fields(ticket: Ticket) -> dict[str, Any]:
    """Return what an order takes over from its ticket."""
    limit = ticket.take_profit if ticket.order_class == "oco" else ticket.limit_price
    return {
        "side": ticket.side,
        "type": ticket.type,
        "time_in_force": ticket.time_in_force,
        "order_class": ticket.order_class,
        "qty": ticket.qty,
        "notional": ticket.notional,
        "limit_price": limit,
        "stop_price": ticket.stop_price,
        "trail_price": ticket.trail_price,
        "trail_percent": ticket.trail_percent,
        "extended_hours": ticket.extended_hours,
        "position_intent": ticket.position_intent,
    }


def _is_whole(qty: Decimal | None) -> bool:
    return qty is not None and qty == qty.to_integral_value()


def _amount(ticket: Ticket) -> str:
    amount = ticket.qty if ticket.qty is not None else ticket.notional
    return "0" if amount is None else plain(amount)
