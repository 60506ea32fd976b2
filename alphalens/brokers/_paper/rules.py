"""What the paper venue refuses, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from alphalens.assets import BaseAsset
from alphalens.brokers._paper.orders import AT_ONCE, AUCTIONS, PaperOrder
from alphalens.brokers._paper.state import PaperState
from alphalens.brokers.base import Capabilities
from alphalens.brokers.fills import FillModel
from alphalens.brokers.margin import Claim, take
from alphalens.brokers.matching import Terms, terms_of
from alphalens.errors import OrderRejected
from alphalens.trading.orders import (
    OrderClass,
    OrderIntent,
    OrderType,
    TimeInForce,
)

__all__ = ["Rules", "capabilities_of"]

_ZERO = Decimal(0)
_PLAIN = frozenset({OrderType.MARKET, OrderType.LIMIT})
_LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})


def capabilities_of(fill_model: FillModel, *, can_short: bool) -> Capabilities:
    """Return what the venue takes: an opening auction only where bars have opens."""
    missing = set() if fill_model.has_open else {TimeInForce.OPG}
    return Capabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset(set(TimeInForce) - missing),
        order_classes=frozenset(OrderClass),
        can_replace=True,
        can_short=can_short,
        has_stream=True,
    )


@dataclass(slots=True)
class _Reserve:
    """What open orders claim, kept from order to order: a book is not counted anew for each."""

    version: int = -1
    seen: int = 0
    left: dict[str, Decimal] = field(default_factory=dict)
    total: Decimal = _ZERO
    equity: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of one account.

    Attributes
    ----------
    capabilities : Capabilities
        What the venue takes at all.
    assets : Mapping of str to BaseAsset
        Grids and minima; if there are any, no other asset is traded.
    leverage : Decimal
        Buying power as a multiple of equity.
    """

    capabilities: Capabilities
    assets: Mapping[str, BaseAsset]
    leverage: Decimal
    _kept: _Reserve = field(default_factory=_Reserve)

    def check(self, state: PaperState, intent: OrderIntent, *, without: str = "") -> None:
        """Refuse an order that the venue does not take.

        Parameters
        ----------
        state : PaperState
            The book.
        intent : OrderIntent
            The order.
        without : str
            Client order id of an order that this one would take the place of.

        Raises
        ------
        OrderRejected
            With a code for each reason.
        """
        self._check_words(state, intent)
        for symbol in intent.traded:
            self._check_symbol(state, symbol)
        self._check_assets(state, intent, without)
        self._check_power(state, intent, without)

    def buying_power(self, state: PaperState) -> Decimal:
        """Return what may still be bought, in currency, never negative."""
        reserve = self._reserve(state, "")
        return max(_ZERO, self.leverage * reserve.equity - reserve.total)

    def _check_words(self, state: PaperState, intent: OrderIntent) -> None:
        if intent.account != state.opening.account_id:
            raise OrderRejected(
                f"order {intent.client_order_id} is for account {intent.account}, this is paper "
                f"account {state.opening.account_id}",
                code="wrong_account",
            )
        if intent.time_in_force not in self.capabilities.times_in_force:
            raise OrderRejected(
                f"{intent.time_in_force} orders need a fill model with opens: use next_open",
                code="time_in_force",
            )
        is_short_lived = intent.time_in_force in AT_ONCE | AUCTIONS
        if is_short_lived and intent.order_type not in _PLAIN:
            raise OrderRejected(
                f"a {intent.order_type} order cannot be {intent.time_in_force}: make it day or gtc",
                code="time_in_force",
            )
        is_simple = intent.order_class is OrderClass.SIMPLE
        if not is_simple and intent.time_in_force not in _LASTING:
            raise OrderRejected(
                f"a {intent.order_class} order cannot be {intent.time_in_force}: make it day or "
                f"gtc",
                code="time_in_force",
            )
        if intent.legs and intent.order_type not in _PLAIN:
            raise OrderRejected(
                f"a multi-leg order cannot be a {intent.order_type} order: use market or limit",
                code="order_type",
            )

    def _check_symbol(self, state: PaperState, symbol: str) -> None:
        if self.assets and symbol not in self.assets:
            raise OrderRejected(
                f"unknown symbol {symbol}: the paper venue does not trade it; it has "
                f"{len(self.assets)} assets",
                code="unknown_symbol",
            )
        if symbol not in state.marks:
            raise OrderRejected(
                f"unknown symbol {symbol}: the paper venue has had no bar of it; show it one "
                f"before orders are sent",
                code="unknown_symbol",
            )

    def _check_assets(self, state: PaperState, intent: OrderIntent, without: str) -> None:
        for symbol, units in intent.traded.items():
            asset = self.assets.get(symbol)
            if asset is None and self.capabilities.can_short:
                continue
            short = self._sold_short(state, symbol, units, without)
            if short and not self.capabilities.can_short:
                raise OrderRejected(
                    f"not shortable: {short} {symbol} more would be sold than are held and not "
                    f"yet offered; this account cannot sell short: sell less",
                    code="not_shortable",
                )
            if asset is not None:
                self._check_asset(state, intent, asset, abs(units), is_short=bool(short))

    def _check_asset(
        self,
        state: PaperState,
        intent: OrderIntent,
        asset: BaseAsset,
        units: Decimal,
        *,
        is_short: bool,
    ) -> None:
        if asset.currency != state.opening.currency:
            raise OrderRejected(
                f"{asset.symbol} is traded in {asset.currency}, the paper account is kept in "
                f"{state.opening.currency}: open one in {asset.currency}",
                code="currency",
            )
        is_leg = bool(intent.legs)
        found = asset.validate(
            quantity=units,
            limit_price=None if is_leg else intent.limit_price,
            stop_price=None if is_leg else intent.stop_price,
            reference_price=state.marks[asset.symbol].price,
            is_short_sale=is_short,
        )
        if found:
            raise OrderRejected(
                "; ".join(one.message for one in found),
                code=found[0].code.value,
                details={one.code.value: one.value for one in found},
            )

    def _sold_short(self, state: PaperState, symbol: str, units: Decimal, without: str) -> Decimal:
        """Return the units that would be sold beyond what is held and not offered yet."""
        if units >= 0:
            return _ZERO
        free = max(_ZERO, state.book.quantity(symbol))
        for claim in self._claims(state, without):
            free += min(_ZERO, claim.units.get(symbol, _ZERO))
        return max(_ZERO, -units - max(_ZERO, free))

    def _check_power(self, state: PaperState, intent: OrderIntent, without: str) -> None:
        reserve = self._reserve(state, without)
        claim = self._claim(state, terms_of(intent), intent.traded)
        added = take({s: reserve.left.get(s, _ZERO) for s in claim.units}, claim)
        total, power = reserve.total + added, self.leverage * reserve.equity
        if added > 0 and total > power:
            what = f"{intent.side} {intent.quantity} {intent.symbol}"
            raise OrderRejected(
                f"insufficient buying power: with {what} positions and open orders come to "
                f"{total:.2f} {state.opening.currency}, limit is {power:.2f} ({self.leverage} "
                f"times equity); order less",
                code="insufficient_buying_power",
                details={"needed": f"{total:f}", "limit": f"{power:f}"},
            )

    def _reserve(self, state: PaperState, without: str) -> _Reserve:
        """Return positions and open orders as they are claimed, without one order if named."""
        kept = _Reserve() if without else self._kept
        if kept.version != state.version:
            kept.version, kept.seen = state.version, len(state.fresh)
            kept.left, kept.equity = state.held(), state.equity()
            claims = self._claims(state, without)
            kept.total = state.exposure() + sum((take(kept.left, c) for c in claims), _ZERO)
        for order in state.fresh[kept.seen :]:
            if not order.parent:
                claim = self._claim(state, order.terms, _left(state, order))
                kept.total += take(kept.left, claim)
        kept.seen = len(state.fresh)
        return kept

    def _claims(self, state: PaperState, without: str) -> list[Claim]:
        """Return what open orders may still add; exits close what their entry opens."""
        return [
            self._claim(state, order.terms, _left(state, order))
            for order in state.open_orders()
            if not order.parent and order.id != without
        ]

    def _claim(self, state: PaperState, terms: Terms, units: Mapping[str, Decimal]) -> Claim:
        """Value an order at the last price, or at its own where that is higher."""
        prices = [p for p in (terms.limit_price, terms.stop_price) if p is not None]
        if len(units) > 1:
            prices = []  # a net price is none of any leg
        values = {}
        for symbol in units:
            own = [abs(price) * state.multiplier(symbol) for price in prices]
            values[symbol] = max([state.value(symbol), *own])
        return Claim(units=units, values=values)


def _left(state: PaperState, order: PaperOrder) -> dict[str, Decimal]:
    if order.intent.order_class is not OrderClass.MULTILEG:
        return {order.intent.symbol: order.intent.side.sign * order.remaining}
    units: dict[str, Decimal] = {}
    for name in order.children:
        leg = state.orders[name]
        traded = leg.intent.side.sign * leg.remaining
        units[leg.intent.symbol] = units.get(leg.intent.symbol, _ZERO) + traded
    return units
