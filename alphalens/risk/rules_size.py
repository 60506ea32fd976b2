"""How much: the order, its positions, the book, the day, the money for it.

No rule here is asked of an order that can only reduce: a limit must not lock a risk in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from alphalens.risk.book import BookView
from alphalens.risk.cases import Case, side_of
from alphalens.risk.exposure import gross_and_net, no_price, values_of
from alphalens.risk.figures import text
from alphalens.risk.limits import RiskLimits
from alphalens.risk.reasons import Approval, Reason, ReasonCode
from alphalens.risk.stake import opening_costs, order_value, spent

__all__ = ["agreement", "size"]

_ZERO, _ONE, _HALF = Decimal(0), Decimal(1), Decimal("0.5")
_C = ReasonCode


def size(case: Case) -> Iterator[Reason]:
    """Tell which sizes the order, or the book with it, is beyond."""
    if case.is_reducing:
        return
    book, limits = case.book, case.limits
    value = order_value(case)
    if limits.max_order_value is not None and value > limits.max_order_value:
        says, remedy = ": its value is", "order less, or raise max_order_value in the risk limits"
        yield case.refuse(_C.FAT_FINGER, says, text(value), text(limits.max_order_value), remedy)
    yield from _money(case)
    if not book.equity > 0:
        remedy = "nothing can be opened on it, reduce or bring money"
        yield case.refuse(_C.NO_EQUITY, ": equity is", text(book.equity), "above 0", remedy)
        return
    order = value / book.equity
    if order > limits.max_order:
        yield case.over(_C.MAX_ORDER, order, limits.max_order, "order less, or raise")
    yield from _positions(case)
    yield from _turnover(case)
    yield from _book(case)


def agreement(case: Case, approval: Approval | None) -> Iterator[Reason]:
    """Tell whether a person has to agree to the order, and has not."""
    above, book = case.limits.approval_above, case.book
    if above is None or case.is_reducing or not book.equity > 0:
        return
    if approval is not None and approval.covers(case.intent, book.now):
        return
    order = order_value(case) / book.equity
    if order <= above:
        return
    remedy = "a person must approve it"
    if approval is not None and approval.fingerprint != case.intent.fingerprint:
        remedy = "the approval given is for another order; ask again"
    elif approval is not None:
        remedy = f"the approval expired at {approval.expires_at.isoformat()}; ask again"
    yield Reason(
        code=_C.NEEDS_APPROVAL,
        limit=text(above),
        actual=text(order),
        message=f"needs_approval: {case.what} is {text(order)} of equity, above "
        f"approval_above {text(above)}: {remedy}",
    )


def _positions(case: Case) -> Iterator[Reason]:
    """Tell which position could become too large, were no order of the other side executed."""
    book, limit = case.book, case.limits.max_position
    for symbol, units in case.units.items():
        side = side_of(units)
        worst = book.held(symbol) + side.sign * book.reserved(symbol, side) + units
        position = case.value(symbol, worst) / book.equity
        if position > limit and not case.is_closing(symbol, units):
            yield case.over(_C.MAX_POSITION, position, limit, "order less, or raise")


def _turnover(case: Case) -> Iterator[Reason]:
    limit = case.limits.max_turnover
    if limit is None:
        return
    values = (case.value(symbol, units) for symbol, units in case.units.items())
    turnover = (case.book.traded_today + sum(values, _ZERO)) / case.book.equity
    if turnover > limit:
        yield case.over(_C.MAX_TURNOVER, turnover, limit, "wait for tomorrow, or raise")


def _money(case: Case) -> Iterator[Reason]:
    """Tell whether opening costs more than what may still be bought."""
    book, leverage = case.book, case.limits.max_leverage
    if book.buying_power is None and leverage is None:
        return
    remedy = "order less, close something first, or bring money"
    unknown, total = opening_costs(case)
    if book.buying_power is not None:
        unknown += spent(case)
        if unknown > book.buying_power:
            yield _short(case, "the venue's figure", unknown, book.buying_power, remedy)
    if leverage is None:
        return
    values, _ = values_of(book.quantities, case.unit_values)
    power = book.equity * leverage - gross_and_net(values)[0]
    if total > power:
        yield _short(case, "by max_leverage", total, power, f"{remedy}, or raise max_leverage")


def _short(case: Case, rule: str, cost: Decimal, power: Decimal, remedy: str) -> Reason:
    says = f" with the open orders before it costs ({rule})"
    return case.refuse(_C.INSUFFICIENT_BUYING_POWER, says, text(cost), text(power), remedy)


def _book(case: Case) -> Iterator[Reason]:
    """Tell whether the whole book would be beyond a limit, every open order executed."""
    book, limits = case.book, case.limits
    own = {symbol: case.value(symbol, _ONE) for symbol in case.units}
    after = book.with_order(case.intent).projected()
    values, missing = values_of(after, {**case.unit_values, **own})
    for symbol in missing:
        yield no_price(case.what, symbol, book)
    if missing:
        return
    gross, net = gross_and_net(values)
    remedy = "close something first, or raise"
    if gross / book.equity > limits.max_gross:
        yield case.over(_C.MAX_GROSS, gross / book.equity, limits.max_gross, remedy)
    if abs(net) / book.equity > limits.max_net:
        yield case.over(_C.MAX_NET, abs(net) / book.equity, limits.max_net, remedy)
    yield from _sectors(case, values)
    yield from _concentration(case, values, gross)


def _sectors(case: Case, values: Mapping[str, Decimal]) -> Iterator[Reason]:
    book, limit = case.book, case.limits.max_sector
    if limit is None:
        return
    for sector in sorted({_sector(book, symbol) for symbol in case.units}):
        inside = {s: value for s, value in values.items() if _sector(book, s) == sector}
        share = gross_and_net(inside)[0] / book.equity
        if share > limit:
            remedy = f"sector {sector or 'of those without one'}: order less, or raise"
            yield case.over(_C.MAX_SECTOR, share, limit, remedy)


def _concentration(case: Case, values: Mapping[str, Decimal], gross: Decimal) -> Iterator[Reason]:
    limit = case.limits.max_concentration
    if limit is None:
        return
    whole = max(gross, _least_gross(case.book, case.limits))
    for symbol in case.units:
        share = abs(values.get(symbol, _ZERO)) / whole
        if share > limit:
            remedy = "order less, or raise"
            yield case.over(_C.MAX_CONCENTRATION, share, limit, remedy)


def _least_gross(book: BookView, limits: RiskLimits) -> Decimal:
    """Return what a book counts as at least: a first order would be all of an empty one."""
    return book.equity * limits.max_gross * _HALF


def _sector(book: BookView, symbol: str) -> str:
    return book.sectors.get(symbol, "")
