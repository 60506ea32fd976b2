"""The trading API: orders, positions, assets, clock and calendar over one venue."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from typing import Any

from alphalens.testing.loopback.clock import parse_instant
from alphalens.testing.loopback.plain_http import Answer

from .assets import Asset
from .records import Order, Position, order_json, plain
from .refusals import Refused, forbidden, not_found, unprocessable
from .routes import Call, Route
from .sessions import is_regular, new_york, next_open, session_at_or_after, sessions_between
from .venue import Venue

_MAX_ORDERS = 500
_NANO = Decimal("0.000000001")
_LONG_AGO, _FAR_AHEAD = "1970-01-01", "9999-01-01"


class TradingApi:
    """Answers the requests under /v2 that are about trading."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._book = venue.book
        self.routes: list[tuple[str, str, Route]] = [
            ("POST", r"/v2/orders", self._submit),
            ("GET", r"/v2/orders", self._orders),
            ("DELETE", r"/v2/orders", self._cancel_all),
            ("GET", r"/v2/orders:by_client_order_id", self._by_client_id),
            ("GET", r"/v2/orders/(?P<id>[^/]+)", self._order),
            ("PATCH", r"/v2/orders/(?P<id>[^/]+)", self._replace),
            ("DELETE", r"/v2/orders/(?P<id>[^/]+)", self._cancel),
            ("GET", r"/v2/positions", self._positions),
            ("DELETE", r"/v2/positions", self._close_all),
            ("GET", r"/v2/positions/(?P<id>.+)", self._position),
            ("DELETE", r"/v2/positions/(?P<id>.+)", self._close),
            ("GET", r"/v2/assets", self._assets),
            ("GET", r"/v2/assets/(?P<id>.+)", self._asset),
            ("GET", r"/v2/clock", self._clock),
            ("GET", r"/v2/calendar", self._calendar),
        ]

    def _submit(self, call: Call) -> Answer:
        return Answer(body=self._venue.desk.submit(call.request.json()))

    def _legs(self, order: Order, *, nested: bool = True) -> list[Order] | None:
        return self._book.legs(order) if nested and order.leg_ids else None

    def _order(self, call: Call) -> Answer:
        order = self._venue.desk.find(call.parts["id"])
        return Answer(body=order_json(order, self._legs(order)))

    def _by_client_id(self, call: Call) -> Answer:
        wanted = call.query.get("client_order_id", "")
        order_id = self._book.by_client_id.get(wanted)
        if order_id is None:
            raise not_found(f"order not found for {wanted}")
        order = self._book.orders[order_id]
        return Answer(body=order_json(order, self._legs(order)))

    def _orders(self, call: Call) -> Answer:
        query = call.query
        nested = call.says_yes("nested")
        status = query.get("status", "open")
        if status not in ("open", "closed", "all"):
            raise unprocessable(f"invalid status {status}")
        after = parse_instant(query.get("after", _LONG_AGO))
        until = parse_instant(query.get("until", _FAR_AHEAD))
        found = [
            order
            for order in self._book.orders.values()
            if after < order.submitted_at < until
            and (status == "all" or order.is_open == (status == "open"))
            and not (nested and order.parent_id is not None)
            and query.get("side") in (None, order.side)
            and _names(query.get("symbols"), order.symbol)
        ]
        found.sort(key=lambda o: (o.submitted_at, o.seq), reverse=query.get("direction") != "asc")
        limit = min(int(query.get("limit", "50")), _MAX_ORDERS)
        body = [order_json(o, self._legs(o, nested=nested)) for o in found[:limit]]
        return Answer(body=body)

    def _cancel(self, call: Call) -> Answer:
        outcome = call.outcome if call.outcome in ("pend", "fill") else "cancel"
        self._venue.desk.cancel(call.parts["id"], outcome)
        return Answer(status=204)

    def _cancel_all(self, _: Call) -> Answer:
        body = []
        for order in self._book.open_orders():
            if order.parent_id is not None and order.status == "held":
                continue
            status, detail = 200, None
            try:
                # An exit of a bracket may be gone with its sibling by the time of its turn.
                if order.is_open:
                    self._venue.desk.cancel(order.id)
            except Refused as refused:
                status, detail = refused.status, refused.body
            body.append({"id": order.id, "status": status, "body": detail})
        return Answer(status=207, body=body)

    def _replace(self, call: Call) -> Answer:
        outcome = call.outcome if call.outcome in ("pend", "fill") else "replace"
        return Answer(body=self._venue.desk.replace(call.parts["id"], call.request.json(), outcome))

    def _positions(self, _: Call) -> Answer:
        held = self._book.positions.values()
        return Answer(body=[self._position_json(position) for position in held])

    def _held(self, name: str) -> Position:
        asset = self._book.catalogue.find(name)
        position = None if asset is None else self._book.positions.get(asset.symbol)
        if position is None:
            raise not_found("position does not exist")
        return position

    def _position(self, call: Call) -> Answer:
        return Answer(body=self._position_json(self._held(call.parts["id"])))

    def _position_json(self, position: Position) -> dict[str, Any]:
        asset = self._book.asset(position.symbol)
        price = self._book.price(position.symbol)
        last = self._book.tape.lastday.get(position.symbol, position.avg_entry)
        value = self._book.market_value(position)
        cost = position.qty * position.avg_entry * asset.multiplier
        today = (price - last) * position.qty * asset.multiplier
        free = abs(position.qty) - self._book.held_for_orders(position.symbol)
        sign = 1 if position.qty > 0 else -1
        return {
            "asset_id": asset.id,
            "symbol": position.symbol.replace("/", ""),
            "exchange": asset.exchange,
            "asset_class": asset.asset_class,
            "asset_marginable": asset.marginable,
            "qty": plain(position.qty),
            "qty_available": plain(sign * max(free, Decimal(0))),
            "side": "long" if position.qty > 0 else "short",
            "avg_entry_price": plain(round(position.avg_entry, 9)),
            "market_value": plain(value),
            "cost_basis": plain(round(cost, 9)),
            "unrealized_pl": plain(round(value - cost, 9)),
            "unrealized_plpc": _ratio(value - cost, abs(cost)),
            "unrealized_intraday_pl": plain(round(today, 9)),
            "unrealized_intraday_plpc": _ratio(price - last, last),
            "current_price": plain(price),
            "lastday_price": plain(last),
            "change_today": _ratio(price - last, last),
        }

    def _close(self, call: Call) -> Answer:
        position = self._held(call.parts["id"])
        qty = abs(position.qty)
        if "percentage" in call.query:
            share = Decimal(call.query["percentage"]) / 100
            qty = (qty * share).quantize(_NANO, rounding=ROUND_DOWN)
        qty = Decimal(call.query.get("qty", str(qty)))
        return Answer(body=self._close_order(position, qty))

    def _close_order(self, position: Position, qty: Decimal) -> dict[str, Any]:
        asset = self._book.asset(position.symbol)
        return self._venue.desk.submit(
            {
                "symbol": position.symbol,
                "qty": plain(qty),
                "side": "sell" if position.qty > 0 else "buy",
                "type": "market",
                "time_in_force": "gtc" if asset.asset_class == "crypto" else "day",
            }
        )

    def _close_all(self, call: Call) -> Answer:
        if call.says_yes("cancel_orders"):
            self._cancel_all(call)
        body = []
        for position in list(self._book.positions.values()):
            status: int = 200
            try:
                made: dict[str, Any] = self._close_order(position, abs(position.qty))
            except Refused as refused:
                status, made = refused.status, refused.body
            symbol = position.symbol.replace("/", "")
            body.append({"symbol": symbol, "status": status, "body": made})
        return Answer(status=207, body=body)

    def _assets(self, call: Call) -> Answer:
        query = call.query
        listed = [a for a in self._book.catalogue.all() if a.asset_class != "us_option"]
        body = [
            asset.to_json()
            for asset in listed
            if query.get("asset_class", "us_equity") == asset.asset_class
            and query.get("exchange") in (None, asset.exchange)
            and query.get("status") in (None, "active", "all")
        ]
        return Answer(body=body)

    def _asset(self, call: Call) -> Answer:
        asset: Asset | None = self._book.catalogue.find(call.parts["id"])
        if asset is None:
            raise not_found(f"asset not found for {call.parts['id']}")
        return Answer(body=asset.to_json())

    def _clock(self, _: Call) -> Answer:
        now = self._venue.clock.now()
        session = session_at_or_after(now)
        body = {
            "timestamp": _nanoseconds(new_york(now)),
            "is_open": self._venue.core.may.always_open or is_regular(now),
            "next_open": new_york(next_open(now)).isoformat(),
            "next_close": new_york(session.close).isoformat(),
        }
        return Answer(body=body)

    def _calendar(self, call: Call) -> Answer:
        today = new_york(self._venue.clock.now()).date()
        start = _day(call.query.get("start"), today - timedelta(days=365))
        end = _day(call.query.get("end"), today + timedelta(days=365))
        if (end - start).days > 20_000:
            raise forbidden("calendar range is too long")
        body = []
        following = sessions_between(start, end + timedelta(days=10))
        for session, settled in pairwise(following):
            if session.day > end:
                break
            body.append(
                {
                    "date": session.day.isoformat(),
                    "open": new_york(session.open).strftime("%H:%M"),
                    "close": new_york(session.close).strftime("%H:%M"),
                    "session_open": new_york(session.pre_open).strftime("%H%M"),
                    "session_close": new_york(session.post_close).strftime("%H%M"),
                    "settlement_date": settled.day.isoformat(),
                }
            )
        return Answer(body=body)


def _names(symbols: str | None, symbol: str) -> bool:
    """Return whether a list of symbols, or no list at all, has this one."""
    return not symbols or symbol in symbols.split(",")


def _ratio(part: Decimal, whole: Decimal) -> str:
    return plain(round(part / whole, 9)) if whole else "0"


def _day(text: str | None, default: date) -> date:
    return date.fromisoformat(text[:10]) if text else default


def _nanoseconds(instant: datetime) -> str:
    text = instant.isoformat(timespec="microseconds")
    return f"{text[:26]}000{text[26:]}"
