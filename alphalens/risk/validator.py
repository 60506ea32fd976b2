"""The one pre-trade gate: a pure function from an order and a book to coded reasons.

Every order passes here, whoever wants it, and all its violations are told at once. There is
no way around it and no flag that turns it off.

The rules, in the order in which they are told:

- **state**: nothing passes a halt; while reducing, only what can only reduce exposure. The
  stricter of the recorded state and the one that the book's own figures ask for counts.
- **identity**: an id goes out once; a symbol with an order of unknown outcome waits.
- **grid**: the asset is known, quantity and limit price lie on its lot and tick.
- **price**: there is one, it is positive and fresh, and the order was not decided, or
  limited, far from it.
- **size**: order, position, gross, net. An order that can only reduce a position is never
  refused for its size: a limit must not lock a risk in.
- **rate**: orders per cycle.
- **approval**: above a size, a person has to agree to exactly this order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from alphalens.assets.base import Asset, on_grid
from alphalens.risk.book import Approval, BookView, Reason, ReasonCode, Verdict
from alphalens.risk.kill_switch import TradingState, stricter
from alphalens.risk.limits import RiskLimits
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["Approval", "BookView", "Reason", "ReasonCode", "Verdict", "book_breaches", "validate"]

_ZERO, _ONE = Decimal(0), Decimal(1)
_STEP = Decimal("0.000001")
_LONGEST = 18  # digits before the point beyond which a figure is a mistake
_LOSSES = frozenset({ReasonCode.MAX_DAILY_LOSS, ReasonCode.MAX_DRAWDOWN})
_C = ReasonCode


@dataclass(frozen=True, slots=True)
class _Case:
    """One order before the gate, with the figures that several rules need."""

    intent: OrderIntent
    book: BookView
    limits: RiskLimits

    @property
    def what(self) -> str:
        return f"{self.intent.side} {_text(self.intent.quantity)} {self.intent.symbol}"

    @property
    def asset(self) -> Asset | None:
        return self.book.assets.get(self.intent.symbol)

    @property
    def price(self) -> Decimal:
        """The book's price, or where there is none to use, the order's own."""
        price = self.book.prices.get(self.intent.symbol)
        return price if price is not None and _is_price(price) else self.intent.reference_price

    def fraction(self, units: Decimal) -> Decimal:
        """Value of units of the order's asset, as a fraction of equity."""
        return abs(units) * self.price * _multiplier(self.asset) / self.book.equity

    def over(self, code: ReasonCode, actual: Decimal, limit: Decimal, remedy: str) -> Reason:
        return _over(code, self.what, actual, limit, remedy)


def validate(
    intent: OrderIntent,
    *,
    book: BookView,
    limits: RiskLimits,
    state: TradingState,
    approval: Approval | None = None,
) -> Verdict:
    """Return every rule that an order violates; none means that it may be sent now.

    Parameters
    ----------
    intent : OrderIntent
        The order.
    book : BookView
        The account now, with the open orders of this and earlier cycles reserved.
    limits : RiskLimits
        The desk's limits.
    state : TradingState
        The recorded state; a book in breach makes it stricter here and now.
    approval : Approval or None
        A person's agreement. It lifts `ReasonCode.NEEDS_APPROVAL` and no other reason, and
        only if it is bound to exactly this order and has not expired.

    Returns
    -------
    Verdict
        All reasons at once.

    Notes
    -----
    Position: what is held plus every open order of the same side plus this order, as if no
    order of the other side were executed. Gross and net: as if every open order were
    executed, so that closings sent earlier make room for openings; should those closings fail
    at the venue, the next mark finds the book in breach and trading goes to reducing.
    Time O(n) in the positions.
    """
    if _is_absurd(intent):
        return Verdict((_absurd(intent),))
    case = _Case(intent, book, limits)
    reasons = [
        *_state(case, state),
        *_identity(case),
        *_grid(case),
        *_price(case),
        *_size(case),
        *_rate(case),
    ]
    if not (approval is not None and approval.covers(intent, book.now)):
        reasons.extend(_approval(case, approval))
    return Verdict(tuple(reasons))


def book_breaches(book: BookView, limits: RiskLimits) -> tuple[Reason, ...]:
    """Return the limits that the book itself violates, orders apart.

    Gross and net are those of the positions held. A single position above its limit is not
    among them: the gate lets that asset be reduced only, and the rest of the book trades on.

    Returns
    -------
    tuple of Reason
        ``max_daily_loss`` and ``max_drawdown`` ask for a halt, ``max_gross`` and ``max_net``
        for reducing.
    """
    return (*_losses(book, limits), *_exposures(book, limits))


def is_loss(reason: Reason) -> bool:
    """Return whether a breach of the book asks for a halt and not only for reducing."""
    return reason.code in _LOSSES


def _is_absurd(intent: OrderIntent) -> bool:
    figures = (intent.quantity, intent.reference_price, intent.limit_price or _ONE)
    return any(abs(figure.adjusted()) > _LONGEST for figure in figures)


def _absurd(intent: OrderIntent) -> Reason:
    """Refuse figures that no later rule could compute with."""
    value = f"{intent.quantity} at {intent.limit_price or intent.reference_price}"
    return Reason(
        code=_C.MAX_ORDER,
        limit=f"{_LONGEST} digits",
        actual=value,
        message=f"max_order: {intent.side} {value} of {intent.symbol} has more than {_LONGEST} "
        f"digits on one side of the point; that is a mistake, order less",
    )


def _state(case: _Case, state: TradingState) -> Iterator[Reason]:
    losses = tuple(_losses(case.book, case.limits))
    exposed = tuple(_exposures(case.book, case.limits))
    effective = stricter(state, TradingState.HALTED if losses else TradingState.ACTIVE)
    effective = stricter(effective, TradingState.REDUCING if exposed else TradingState.ACTIVE)
    yield from losses
    if effective is TradingState.HALTED:
        yield Reason(
            code=_C.HALTED,
            limit=TradingState.ACTIVE,
            actual=effective,
            message=f"halted: {case.what} is not sent while trading is halted; find out why, "
            f"then resume",
        )
    elif effective is TradingState.REDUCING and not case.book.is_reducing(case.intent):
        held = _text(case.book.held(case.intent.symbol))
        reserved = _text(case.book.reserved(case.intent.symbol, case.intent.side))
        yield Reason(
            code=_C.REDUCING_ONLY,
            limit=TradingState.ACTIVE,
            actual=effective,
            message=f"reducing_only: {case.what} would add exposure or turn the position, held "
            f"{held}, on its way already {reserved}; order no more than what closes it, or resume",
        )


def _identity(case: _Case) -> Iterator[Reason]:
    if case.intent.client_order_id in case.book.sent:
        yield Reason(
            code=_C.DUPLICATE,
            limit="1",
            actual="2",
            message=f"duplicate: {case.what} was sent before under {case.intent.client_order_id}; "
            f"an id goes out once, look the order up",
        )
    if case.intent.symbol in case.book.unresolved:
        yield Reason(
            code=_C.UNRESOLVED,
            limit="0",
            actual="1",
            message=f"unresolved: {case.what} must wait, an earlier order of "
            f"{case.intent.symbol} has no known outcome; let it be looked up first",
        )


def _grid(case: _Case) -> Iterator[Reason]:
    intent, asset = case.intent, case.asset
    if asset is None:
        yield Reason(
            code=_C.UNKNOWN_ASSET,
            limit=f"{len(case.book.assets)} known",
            actual=intent.symbol,
            message=f"unknown_asset: {case.what}: {intent.symbol} is not among the assets of "
            f"this desk; correct the symbol, or add the asset",
        )
        return
    closes_all = intent.signed_quantity == -case.book.held(intent.symbol)
    if not closes_all and not on_grid(intent.quantity, asset.lot):
        yield _off_grid(case, _C.LOT, "quantity", intent.quantity, asset.lot)
    if intent.limit_price is not None and not on_grid(intent.limit_price, asset.tick):
        yield _off_grid(case, _C.TICK, "limit price", intent.limit_price, asset.tick)


def _off_grid(case: _Case, code: ReasonCode, name: str, value: Decimal, step: Decimal) -> Reason:
    return Reason(
        code=code,
        limit=_text(step),
        actual=_text(value),
        message=f"{code}: {case.what}: {name} {_text(value)} is no multiple of {_text(step)}; "
        f"round it as the asset does",
    )


def _price(case: _Case) -> Iterator[Reason]:
    symbol, book, limits = case.intent.symbol, case.book, case.limits
    price, made = book.prices.get(symbol), book.price_times.get(symbol)
    if price is None or made is None or not _is_price(price):
        yield _no_price(case.what, symbol, price)
        return
    age = (book.now - made).total_seconds()
    if not 0 <= age <= limits.max_price_age_s:
        yield Reason(
            code=_C.STALE_PRICE,
            limit=str(limits.max_price_age_s),
            actual=f"{age:.0f}",
            message=f"stale_price: {case.what}: the price of {symbol} is {age:.0f} s old, limit "
            f"is 0 to {limits.max_price_age_s} s; fetch a fresh one, or raise max_price_age_s",
        )
    for name, asked in (
        ("reference price", case.intent.reference_price),
        ("limit price", _bad_side(case, price)),
    ):
        distance = abs(asked / price - _ONE)
        if distance > limits.price_collar:
            remedy = f"{name} {_text(asked)} against {_text(price)}; decide again, or raise"
            yield case.over(_C.PRICE_COLLAR, distance, limits.price_collar, remedy)


def _bad_side(case: _Case, price: Decimal) -> Decimal:
    """Return the limit price where it is worse than the market's for the trader, else `price`."""
    limit = case.intent.limit_price
    if limit is None:
        return price
    return max(limit, price) if case.intent.side is Side.BUY else min(limit, price)


def _no_price(what: str, symbol: str, price: Decimal | None) -> Reason:
    return Reason(
        code=_C.NO_PRICE,
        limit="above 0",
        actual=str(price),
        message=f"no_price: {what}: the price of {symbol} is {price}; fetch a positive one first",
    )


def _size(case: _Case) -> Iterator[Reason]:
    book, limits, intent = case.book, case.limits, case.intent
    if book.is_reducing(intent):
        return
    if not book.equity > 0:
        yield Reason(
            code=_C.NO_EQUITY,
            limit="above 0",
            actual=_text(book.equity),
            message=f"no_equity: {case.what}: equity is {_text(book.equity)}; nothing can be "
            f"opened on it, reduce or bring money",
        )
        return
    order = case.fraction(intent.quantity)
    if order > limits.max_order:
        yield case.over(_C.MAX_ORDER, order, limits.max_order, "order less, or raise")
    side = intent.side
    worst = book.held(intent.symbol) + side.sign * book.reserved(intent.symbol, side)
    position = case.fraction(worst + intent.signed_quantity)
    if position > limits.max_position:
        yield case.over(_C.MAX_POSITION, position, limits.max_position, "order less, or raise")
    yield from _book_size(case)


def _book_size(case: _Case) -> Iterator[Reason]:
    """Tell whether the whole book would be over gross or net with the order."""
    book, limits = case.book, case.limits
    after = book.with_order(case.intent).projected()
    prices = {**book.prices, case.intent.symbol: case.price}
    for symbol in after:
        price = prices.get(symbol)
        if price is None or not _is_price(price):
            yield _no_price(case.what, symbol, price)
            return
    gross, net = _exposure(after, prices, book)
    remedy = "close something first, or raise"
    if gross > limits.max_gross:
        yield case.over(_C.MAX_GROSS, gross, limits.max_gross, remedy)
    if abs(net) > limits.max_net:
        yield case.over(_C.MAX_NET, abs(net), limits.max_net, remedy)


def _rate(case: _Case) -> Iterator[Reason]:
    count, limit = len(case.book.sent) + 1, case.limits.max_orders_per_cycle
    if count > limit:
        yield case.over(
            _C.MAX_ORDERS_PER_CYCLE, Decimal(count), Decimal(limit), "wait for the next, or raise"
        )


def _approval(case: _Case, approval: Approval | None) -> Iterator[Reason]:
    above, book = case.limits.approval_above, case.book
    if above is None or book.is_reducing(case.intent) or not book.equity > 0:
        return
    order = case.fraction(case.intent.quantity)
    if order <= above:
        return
    remedy = "a person must approve it"
    if approval is not None and approval.fingerprint != case.intent.fingerprint:
        remedy = "the approval given is for another order; ask again"
    elif approval is not None:
        remedy = f"the approval expired at {approval.expires_at.isoformat()}; ask again"
    yield Reason(
        code=_C.NEEDS_APPROVAL,
        limit=_text(above),
        actual=_text(order),
        message=f"needs_approval: {case.what} is {_text(order)} of equity, above "
        f"approval_above {_text(above)}: {remedy}",
    )


def _losses(book: BookView, limits: RiskLimits) -> Iterator[Reason]:
    for code, since, limit in (
        (_C.MAX_DAILY_LOSS, book.day_open_equity, limits.max_daily_loss),
        (_C.MAX_DRAWDOWN, book.peak_equity, limits.max_drawdown),
    ):
        loss = (since - book.equity) / since if since > 0 else _ONE
        if loss >= limit:
            remedy = "find out why; to go on, resume after raising"
            yield _over(
                code, f"equity {_text(book.equity)} after {_text(since)}", loss, limit, remedy
            )


def _exposures(book: BookView, limits: RiskLimits) -> Iterator[Reason]:
    if not any(book.quantities.values()):
        return
    missing = [s for s, q in book.quantities.items() if q and not _is_price(book.prices.get(s))]
    for symbol in missing:
        yield _no_price("the book", symbol, book.prices.get(symbol))
    if missing or not book.equity > 0:
        return
    gross, net = _exposure(book.quantities, book.prices, book)
    for code, actual, limit in (
        (_C.MAX_GROSS, gross, limits.max_gross),
        (_C.MAX_NET, abs(net), limits.max_net),
    ):
        if actual > limit:
            yield _over(code, "the book", actual, limit, "reduce positions, or raise")


def _exposure(
    quantities: Mapping[str, Decimal], prices: Mapping[str, Decimal], book: BookView
) -> tuple[Decimal, Decimal]:
    """Gross and net value as fractions of equity."""
    values = [q * prices[s] * _multiplier(book.assets.get(s)) for s, q in quantities.items() if q]
    gross = sum((abs(value) for value in values), _ZERO)
    return gross / book.equity, sum(values, _ZERO) / book.equity


def _over(code: ReasonCode, what: str, actual: Decimal, limit: Decimal, remedy: str) -> Reason:
    return Reason(
        code=code,
        limit=_text(limit),
        actual=_text(actual),
        message=f"{code}: {what} reaches {_text(actual)}, limit is {_text(limit)}: {remedy} "
        f"{code} in the risk limits",
    )


def _multiplier(asset: Asset | None) -> Decimal:
    return _ONE if asset is None else asset.multiplier


def _is_price(price: Decimal | None) -> bool:
    return price is not None and price.is_finite() and price > 0


def _text(value: Decimal) -> str:
    if value.adjusted() > _LONGEST:
        return str(value)
    rounded = value.quantize(_STEP) if value.is_finite() else value
    return format(rounded.normalize(), "f") if rounded else "0"
