"""What the positions of a book come to, as fractions of equity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from alphalens.risk.book import BookView
from alphalens.risk.figures import is_sound
from alphalens.risk.limits import RiskLimits
from alphalens.risk.reasons import Reason, ReasonCode, over, refusal

__all__ = ["exposure_breaches", "gross_and_net", "no_price", "values_of", "worth", "worths"]

_ZERO = Decimal(0)
_C = ReasonCode


def worths(book: BookView) -> dict[str, Decimal | None]:
    """Return the value of one unit of all that is held or on order; None without a price."""
    return {symbol: worth(book, symbol) for symbol in book.projected()}


def worth(book: BookView, symbol: str) -> Decimal | None:
    """Return the value of one unit at the mark; None without a usable price."""
    price, asset = book.mark(symbol), book.assets.get(symbol)
    return price if price is None or asset is None else price * asset.multiplier


def values_of(
    quantities: Mapping[str, Decimal], unit_values: Mapping[str, Decimal | None]
) -> tuple[dict[str, Decimal], tuple[str, ...]]:
    """Return signed values of quantities that are not zero, and the symbols without a price."""
    values: dict[str, Decimal] = {}
    missing: list[str] = []
    for symbol, units in quantities.items():
        if not units:
            continue
        each = unit_values.get(symbol)
        if each is None:
            missing.append(symbol)
        else:
            values[symbol] = units * each
    return values, tuple(sorted(missing))


def gross_and_net(values: Mapping[str, Decimal]) -> tuple[Decimal, Decimal]:
    """Return the sum of absolute values, and the sum of signed ones.

    Both are sums in the order of the symbols: rounding must not depend on how a book was
    filled.
    """
    ordered = [values[symbol] for symbol in sorted(values)]
    return sum(map(abs, ordered), _ZERO), sum(ordered, _ZERO)


def exposure_breaches(
    book: BookView, limits: RiskLimits, unit_values: Mapping[str, Decimal | None]
) -> Iterator[Reason]:
    """Tell which limits the positions held violate, open orders apart."""
    values, missing = values_of(book.quantities, unit_values)
    if not values and not missing:
        return
    for symbol in missing:
        yield no_price("the book", symbol, book)
    if missing or not book.equity > 0:
        return
    gross, net = gross_and_net(values)
    for code, actual, limit in (
        (_C.MAX_GROSS, gross / book.equity, limits.max_gross),
        (_C.MAX_NET, abs(net) / book.equity, limits.max_net),
    ):
        if actual > limit:
            yield over(code, "the book", actual, limit, "reduce positions, or raise")


def no_price(what: str, symbol: str, book: BookView) -> Reason:
    """Return that a symbol cannot be valued."""
    price = book.prices.get(symbol)
    shown = "absurd" if price is not None and price.is_finite() and not is_sound(price) else price
    remedy = "fetch a positive one first"
    return refusal(_C.NO_PRICE, f"{what}: the price of {symbol} is", shown, "above 0", remedy)
