"""The parts of a trading session, put together: what one does the others need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from alphalens.assets import Asset, AssetClass
from alphalens.brokers.base import Broker
from alphalens.errors import BrokerError, ConfigError, CredentialsRefused, InputError
from alphalens.execution.books import Books
from alphalens.execution.control import Control
from alphalens.execution.entries import closing_payload
from alphalens.execution.exits import ExitGuard
from alphalens.execution.gate_view import Memory, gate_view
from alphalens.execution.intake import Intake
from alphalens.execution.journal import Journal
from alphalens.execution.market import Market, Permission
from alphalens.execution.opening import open_books
from alphalens.execution.planner import closings_first, plan_orders
from alphalens.execution.records import OrderRecord, Origin
from alphalens.execution.resolver import Resolver
from alphalens.execution.router import Router
from alphalens.execution.structures import plan_structures
from alphalens.execution.watch import Watch
from alphalens.risk import BookView, RiskLimits
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus
from alphalens.trading.targets import Structure, Target

__all__ = ["Trader"]

_MOMENT_S = 0.05  # what takes longer is followed by another look at what people ask for


class Trader:
    """What a `TradingSession` trades with; it takes no turns, the session does.

    Parameters are those of the session.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        broker: Broker,
        limits: RiskLimits,
        clock: Clock,
        assets: Mapping[str, Asset],
        permission: Permission,
        approval_valid_for: timedelta,
        grace: timedelta,
        heartbeat: timedelta,
        halt_file: Path | None,
        is_flattening: bool,
    ) -> None:
        for symbol, asset in assets.items():
            if asset.symbol != symbol:
                raise ConfigError(
                    f"assets: {asset.symbol} stands under {symbol!r}; give each under its own "
                    f"symbol, or another asset's rules are applied to it"
                )
        self._broker, self._clock, self._limits = broker, clock, limits
        self._assets, self._permission = assets, permission
        books = self.books = Books(journal)
        self._memory = Memory()
        self.market = Market(broker=broker, clock=clock, permission=permission)
        self.intake = Intake(books=books, broker=broker, clock=clock)
        self.control = Control(
            books=books,
            journal=journal,
            clock=clock,
            valid_for=approval_valid_for,
            halt_file=halt_file,
            cancel=self.cancel,
        )
        self._resolver = Resolver(
            books=books,
            broker=broker,
            intake=self.intake,
            clock=clock,
            grace=grace,
            lock_out=self.control.lock_out,
        )
        self.watch = Watch(
            books=books,
            broker=broker,
            clock=clock,
            intake=self.intake,
            market=self.market,
            heartbeat=heartbeat,
            change=self.control.change_by,
        )
        self.router = Router(
            books=books,
            broker=broker,
            limits=limits,
            clock=clock,
            view=self._view_for,
            before_send=self._before_send,
            change=self.control.change_by,
        )
        self._exits = ExitGuard(
            books=books,
            clock=clock,
            submit=self.router.submit,
            cancel=self.router.cancel,
            is_flattening=is_flattening,
        )

    def open(self) -> tuple[bool, tuple[OrderRecord, ...]]:
        """Begin a run: return whether it goes on with an earlier one, and what was resolved."""
        is_resumed = open_books(
            books=self.books,
            broker=self._broker,
            market=self.market,
            intake=self.intake,
            permission=self._permission,
            limits=self._limits,
            assets=self._assets,
        )
        resolved = self._resolver.resolve()
        self.watch.begin()
        self._exits.check(self.intake.fresh())
        self._exits.check_all()
        return is_resumed, resolved

    def view(self, cycle_id: str = "", *, without: str = "") -> BookView:
        """Return the account as the gate sees it now."""
        view = gate_view(
            self.books,
            now=self._clock.now(),
            assets=self._assets,
            cycle_id=cycle_id,
            without=without,
            asked_at=self.market.asked_at,
            memory=self._memory,
        )
        return self.market.complete(view)

    def submit(self, intents: Sequence[OrderIntent]) -> tuple[OrderRecord, ...]:
        """Check ids, look up what is not known, then take the orders through the gate."""
        for intent in intents:
            self.books.check_payload(intent)
        with self._knows_keys():
            self._resolver.resolve()
            return tuple(self.router.submit(intent) for intent in intents)

    def plan(
        self,
        target: Target,
        cycle_id: str,
        min_trade: Decimal,
        structures: Sequence[Structure] | None,
    ) -> tuple[OrderIntent, ...]:
        """Return the orders of a cycle: closings first, of shares and of options."""
        options = frozenset[str]()
        if structures is not None:
            kinds = self._assets.items()
            options = frozenset(s for s, a in kinds if a.asset_class is AssetClass.OPTION)
        books, at = self.books, self._clock.now()
        orders = plan_orders(
            target,
            book=books.ledger,
            prices=books.prices,
            assets=self._assets,
            account=books.account_id,
            cycle_id=cycle_id,
            at=at,
            min_trade=min_trade,
            leave_alone=books.external | options,
        )
        if structures is None:
            return orders
        contracts = plan_structures(
            structures,
            book=books.ledger,
            prices=books.prices,
            assets=self._assets,
            account=books.account_id,
            cycle_id=cycle_id,
            at=at,
            leave_alone=books.external,
        )
        return closings_first((*orders, *contracts), books.ledger)

    def replace(self, client_order_id: str, intent: OrderIntent) -> OrderRecord:
        """Ask the venue to put `intent` in the place of a working order."""
        with self._knows_keys():
            self._resolver.resolve()
            old = self.order(client_order_id, "replace")
            new = self.router.replace(old, replace(intent, replaces=client_order_id))
            if new.status is OrderStatus.REJECTED:
                self._resolver.resolve()
            return new

    def cancel(self, client_order_id: str, reason: str) -> OrderRecord:
        """Ask the venue to cancel an order; one that was not sent expires."""
        order = self.order(client_order_id, "cancel")
        if order.is_open:
            with self._knows_keys():
                self.router.cancel(order, reason)
            self.collect()
        elif not order.status.is_final:
            self.expire([order], f"{reason}, before it was sent")
        return self.books.orders[client_order_id]

    def cancel_all(self) -> tuple[OrderRecord, ...]:
        """Ask for the cancel of every order of ours, then look once; raises at the end."""
        ours = [o for o in self.books.orders.live if o.origin is not Origin.EXTERNAL]
        failed: list[str] = []
        for order in ours:
            try:
                if order.is_open:
                    self.router.cancel(order, "all orders are canceled")
                else:
                    self.expire([order], "all orders are canceled, before it was sent")
            except BrokerError as error:
                failed.append(f"{order.client_order_id} of {order.intent.symbol}: {error}")
        try:
            self.collect()
        except BrokerError as error:
            failed.append(f"the look afterwards: {error}")
        if failed:
            raise BrokerError(
                f"{len(failed)} of {len(ours)} cancels failed, the others were asked for: "
                f"{'; '.join(failed)}; ask again"
            )
        return tuple(self.books.orders[order.client_order_id] for order in ours)

    def collect(self) -> tuple[Fill, ...]:
        """Look up what is not known, take in what is new, and return the new executions."""
        with self._knows_keys():
            self._resolver.resolve()
            new = self.watch.look()
            self._exits.check(self.intake.fresh())
            return new

    def order(self, client_order_id: str, verb: str) -> OrderRecord:
        """Return the order of that id.

        Raises
        ------
        InputError
            If there is none, saying what was to be done with it.
        """
        order = self.books.orders.get(client_order_id)
        if order is None:
            raise InputError(f"cannot {verb} {client_order_id}: there is no such order")
        return order

    def expire(self, orders: Sequence[OrderRecord], note: str) -> None:
        """Close orders that the venue never had."""
        entries = [
            (
                EventKind.ORDER_CLOSED,
                closing_payload(order.intent, OrderStatus.EXPIRED, note),
                order.intent.cycle_id,
            )
            for order in orders
        ]
        if entries:
            self.books.write_all(entries)

    @contextmanager
    def _knows_keys(self) -> Iterator[None]:
        """Halt when the venue refuses our keys, whatever was asked of it."""
        try:
            yield
        except CredentialsRefused as error:
            self.control.lock_out(error)
            raise

    def _view_for(self, intent: OrderIntent) -> BookView:
        return self.view(intent.cycle_id, without=intent.replaces or intent.client_order_id)

    def _before_send(self) -> None:
        self.control.obey()  # a halt counts also if the venue does not answer now
        asked, began = self.watch.asked, self._clock.monotonic()
        self.watch.before_send()
        self._exits.check(self.intake.fresh())
        if self.watch.asked != asked or self._clock.monotonic() - began > _MOMENT_S:
            self.control.obey(is_again=True)
