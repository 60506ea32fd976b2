"""Who is asked for what: each symbol goes to the vendors that have its kind of bars, in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alphalens.assets import AssetClass
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.errors import InputError

__all__ = ["Route", "routes"]

_SHOWN = 6


@dataclass(frozen=True, kw_only=True)
class Route:
    """Symbols that go together, and the vendors that have them.

    Attributes
    ----------
    request : BarRequest
        What was asked, of these symbols only.
    vendors : tuple of MarketDataProvider
        In the order in which they are asked; at least one.
    """

    request: BarRequest
    vendors: tuple[MarketDataProvider, ...]


def routes(
    providers: Sequence[MarketDataProvider],
    request: BarRequest,
    class_of: Callable[[str], AssetClass],
) -> tuple[Route, ...]:
    """Return who is asked for which symbols of a request.

    Parameters
    ----------
    providers : sequence of MarketDataProvider
        In the order in which they are asked.
    request : BarRequest
        Symbols of any classes.
    class_of : callable
        What a symbol stands for.

    Raises
    ------
    InputError
        If no vendor has the bars of some symbols: nothing is asked then, and all are named.
    """
    together: dict[tuple[int, ...], list[str]] = {}
    for symbol in request.symbols:
        kind = class_of(symbol)
        able = tuple(n for n, one in enumerate(providers) if _has(one, request, kind))
        together.setdefault(able, []).append(symbol)
    if nobody := together.get(()):
        raise InputError(_none_has(providers, request, nobody, class_of))
    return tuple(
        Route(
            request=replace(request, symbols=tuple(symbols)),
            vendors=tuple(providers[n] for n in able),
        )
        for able, symbols in together.items()
    )


def _has(provider: MarketDataProvider, request: BarRequest, kind: AssetClass) -> bool:
    able = provider.capabilities
    return (
        request.timeframe in able.timeframes
        and request.adjustment in able.adjustments
        and kind in able.asset_classes
    )


def _none_has(
    providers: Sequence[MarketDataProvider],
    request: BarRequest,
    symbols: Sequence[str],
    class_of: Callable[[str], AssetClass],
) -> str:
    names = ", ".join(one.name for one in providers)
    kinds = ", ".join(sorted({str(class_of(symbol)) for symbol in symbols}))
    more = f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else ""
    return (
        f"none of {names} has bars of {request.timeframe}, adjusted for {request.adjustment}, of "
        f"{', '.join(symbols[:_SHOWN])}{more} ({kinds}): ask for others, or add a vendor"
    )
