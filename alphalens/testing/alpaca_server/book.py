"""The venue's own account: orders, positions, cash and activities, exact, without I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from .assets import Asset, Catalogue, parse_contract
from .records import Execution, Order, Position, plain, rfc3339
from .sessions import new_york
from .tape import Tape

_ZERO = Decimal(0)
_MARKET_BUFFER = Decimal("1.025")
_SHORT_BUFFER = Decimal("1.03")
_MARGIN = Decimal("0.5")
_MAINTENANCE = Decimal("0.3")
_BECOMES_PARTIAL = frozenset(
    {"new", "accepted", "pending_new", "held", "done_for_day", "suspended", "stopped"}
)
"""Statuses that a fill of a part changes; a cancel that is under way or done stays."""


@dataclass(slots=True)
class Changes:
    """What was touched since the last time the file was written."""

    orders: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)
    executions: list[Execution] = field(default_factory=list)
    activities: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Book:
    """Everything the account owns and has asked for.

    `multiplier` is 1 for a cash account, 2 or 4 on margin. Cash moves on executions and on
    booked activities only. `coin_fee_bps` is taken from what a trade of a coin brings in, the coin
    or the dollars.
    """

    catalogue: Catalogue
    tape: Tape
    cash: Decimal
    multiplier: Decimal
    last_equity: Decimal
    coin_fee_bps: Decimal = _ZERO
    orders: dict[str, Order] = field(default_factory=dict)
    live: dict[str, Order] = field(default_factory=dict)
    by_client_id: dict[str, str] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)

    def add(self, order: Order) -> Order:
        """Keep a new order; its client identifier stays taken for ever."""
        self.orders[order.id] = order
        self.by_client_id[order.client_order_id] = order.id
        return self.touch(order)

    def touch(self, order: Order) -> Order:
        """Mark an order as changed; every change of a status goes through here."""
        self.changes.orders.add(order.id)
        if order.is_open:
            self.live[order.id] = order
        else:
            self.live.pop(order.id, None)
        return order

    def take_changes(self) -> Changes:
        """Return what was touched, and start anew."""
        taken, self.changes = self.changes, Changes()
        return taken

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that may still execute, oldest first."""
        return sorted(
            (order for order in self.live.values() if symbol in (None, order.symbol)),
            key=lambda order: order.seq,
        )

    def legs(self, order: Order) -> list[Order]:
        """Return the children of an order."""
        return [self.orders[leg] for leg in order.leg_ids]

    def held(self, symbol: str) -> Decimal:
        """Return the signed quantity held."""
        position = self.positions.get(symbol)
        return _ZERO if position is None else position.qty

    def asset(self, symbol: str) -> Asset:
        """Return the asset of a symbol that the book knows."""
        asset = self.catalogue.find(symbol)
        if asset is None:
            raise KeyError(symbol)
        return asset

    def execute(
        self, order: Order, qty: Decimal, price: Decimal, *, execution_id: str, time: datetime
    ) -> Execution:
        """Fill part of an order: the order, the position, the cash and the activity move."""
        order.filled_qty += qty
        order.filled_value += qty * price
        order.updated_at = time
        done = order.qty is None or order.filled_qty >= order.qty
        if done:
            order.status = "filled"
        elif order.status in _BECOMES_PARTIAL:
            order.status = "partially_filled"
        order.filled_at = time if done else order.filled_at
        self.move(order.symbol, order.sign * qty, price)
        self.cash -= order.sign * qty * price * self.asset(order.symbol).multiplier
        execution = Execution(
            id=execution_id,
            seq=len(self.executions) + 1,
            order_id=order.id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            qty=qty,
            price=price,
            cum_qty=order.filled_qty,
            leaves_qty=order.leaves,
            position_qty=self.held(order.symbol),
            time=time,
        )
        self.executions.append(execution)
        self.changes.executions.append(execution)
        self.touch(order)
        self._record_fill(execution, order)
        if order.asset_class == "crypto" and self.coin_fee_bps:
            self._charge_fee(execution)
        return execution

    def _charge_fee(self, execution: Execution) -> None:
        rate = self.coin_fee_bps / 10_000
        row = {
            "activity_type": "CFEE",
            "date": new_york(execution.time).date().isoformat(),
            "status": "executed",
            "symbol": execution.symbol.replace("/", ""),
            "price": plain(execution.price),
            "description": "Coin pair transaction fee",
        }
        if execution.side == "buy":
            fee = execution.qty * rate
            self.move(execution.symbol, -fee, execution.price)
            row |= {"qty": plain(-fee), "net_amount": "0"}
        else:
            fee = execution.qty * execution.price * rate
            self.cash -= fee
            row |= {"qty": "0", "net_amount": plain(-fee)}
        self.record(f"{execution.id}-fee", execution.time, row)

    def _record_fill(self, execution: Execution, order: Order) -> None:
        self.record(
            execution.id,
            execution.time,
            {
                "activity_type": "FILL",
                "transaction_time": rfc3339(execution.time),
                "type": "fill" if order.status == "filled" else "partial_fill",
                "price": plain(execution.price),
                "qty": plain(execution.qty),
                "side": execution.side,
                "symbol": execution.symbol,
                "leaves_qty": plain(execution.leaves_qty),
                "cum_qty": plain(execution.cum_qty),
                "order_id": execution.order_id,
                "order_status": order.status,
            },
        )

    def record(self, identity: str, time: datetime, row: dict[str, Any]) -> dict[str, Any]:
        """Keep an activity; its identifier starts with the time in New York."""
        prefix = new_york(time).strftime("%Y%m%d%H%M%S%f")[:17]
        kept = {"id": f"{prefix}::{identity}", **row}
        self.activities.append(kept)
        self.changes.activities.append(kept)
        return kept

    def move(self, symbol: str, signed: Decimal, price: Decimal) -> None:
        """Change a position by `signed` units at `price`; a flat one disappears."""
        self.changes.symbols.add(symbol)
        position = self.positions.get(symbol)
        before = _ZERO if position is None else position.qty
        after = before + signed
        if after == 0:
            self.positions.pop(symbol, None)
            return
        average = price if position is None else position.avg_entry
        if position is not None and before * signed > 0:
            average = (before * position.avg_entry + signed * price) / after
        elif before * after < 0:
            average = price
        self.positions[symbol] = Position(symbol=symbol, qty=after, avg_entry=average)

    def price(self, symbol: str) -> Decimal:
        """Return the last price; the average entry where the tape is silent."""
        known = self.tape.price(symbol)
        if known is not None:
            return known
        position = self.positions.get(symbol)
        return _ZERO if position is None else position.avg_entry

    def market_value(self, position: Position) -> Decimal:
        """Return the signed value of a position in dollars."""
        multiplier = self.asset(position.symbol).multiplier
        return position.qty * self.price(position.symbol) * multiplier

    def values(self) -> list[Decimal]:
        """Return the signed values of all positions."""
        return [self.market_value(position) for position in self.positions.values()]

    def equity(self) -> Decimal:
        """Return cash and positions together."""
        return self.cash + sum(self.values(), _ZERO)

    def initial_margin(self) -> Decimal:
        """Return what the open positions bind: half of a margin position, all of the others."""
        return self._margin(_MARGIN)

    def maintenance_margin(self) -> Decimal:
        """Return what the positions need to stay open."""
        return self._margin(_MAINTENANCE)

    def _margin(self, rate: Decimal) -> Decimal:
        total = _ZERO
        for position in self.positions.values():
            share = rate if self.asset(position.symbol).marginable else Decimal(1)
            total += abs(self.market_value(position)) * share
        return total

    def reserved(self) -> Decimal:
        """Return what the open opening orders hold back."""
        parents = (order for order in self.open_orders() if self._reserves(order))
        return sum((self.cost_basis(order) for order in parents), _ZERO)

    def _reserves(self, order: Order) -> bool:
        if order.parent_id is not None:
            return False
        return order.is_multi_leg or self.held(order.symbol) * order.sign >= 0

    def buying_power(self) -> Decimal:
        """Return what may be spent on new orders."""
        if self.multiplier == 1:
            return max(self.cash - self.reserved(), _ZERO)
        free = max(self.equity() - self.initial_margin(), _ZERO) * self.multiplier
        return max(free - self.reserved(), _ZERO)

    def spendable(self, asset: Asset) -> Decimal:
        """Return what may be spent on this kind of asset: coins and options take no margin."""
        power = self.buying_power()
        return power if asset.marginable else min(power, max(self.cash - self.reserved(), _ZERO))

    def cost_basis(self, order: Order) -> Decimal:
        """Return what an opening order reserves, in dollars."""
        if order.is_multi_leg:
            return max(order.limit_price or self.net_price(order), _ZERO) * order.leaves * 100
        if order.notional is not None:
            return order.notional
        multiplier = self.asset(order.symbol).multiplier
        return self._reserve_price(order) * order.leaves * multiplier

    def _reserve_price(self, order: Order) -> Decimal:
        mark = self.tape.marks.get(order.symbol)
        ask = mark.ask if mark is not None else self.price(order.symbol)
        contract = parse_contract(order.symbol)
        if contract is not None and order.side == "sell":
            # What is written is covered: a call by its shares, a put by the cash to take them.
            return _ZERO if contract.is_call else contract.strike
        if order.side == "sell":
            return max(order.limit_price or _ZERO, ask * _SHORT_BUFFER)
        if order.limit_price is not None:
            return order.limit_price
        return max(order.stop_price or _ZERO, ask) * _MARKET_BUFFER

    def net_price(self, order: Order) -> Decimal:
        """Return what one unit of a multi-leg order costs now; a credit is negative."""
        total = _ZERO
        for leg in self.legs(order):
            mark = self.tape.marks.get(leg.symbol)
            if mark is not None:
                price = mark.ask if leg.side == "buy" else mark.bid
                total += leg.sign * price * (leg.ratio_qty or Decimal(1))
        return total

    def written_shares(self, root: str) -> Decimal:
        """Return how many shares of `root` the short calls and the open orders for them bind."""
        contracts = [
            (position.symbol, -position.qty)
            for position in self.positions.values()
            if position.qty < 0
        ]
        contracts += [
            (order.symbol, order.leaves)
            for order in self.open_orders()
            if order.side == "sell" and self.held(order.symbol) <= 0
        ]
        known = ((parse_contract(symbol), qty) for symbol, qty in contracts)
        bound = (
            qty * 100 for found, qty in known if found and found.is_call and found.root == root
        )
        return sum(bound, _ZERO)

    def held_for_orders(self, symbol: str) -> Decimal:
        """Return what open closing orders hold of a position; exits of one bracket count once."""
        closing = [
            order
            for order in self.open_orders(symbol)
            if order.sign * self.held(symbol) < 0 and order.status != "held"
        ]
        return sum(_largest_per_group(closing).values(), _ZERO)


def _largest_per_group(orders: Iterable[Order]) -> dict[str, Decimal]:
    groups: dict[str, Decimal] = {}
    for order in orders:
        key = order.parent_id or order.id
        groups[key] = max(groups.get(key, _ZERO), order.leaves)
    return groups
