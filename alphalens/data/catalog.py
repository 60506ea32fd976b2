"""What is known of the instruments besides their bars: classes, calendars, steps of prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from alphalens.assets import Asset, AssetClass
from alphalens.assets.symbols import class_by_form
from alphalens.data._checks.context import Life

__all__ = ["Catalog"]


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Instruments by canonical symbol; a symbol that is not in it has what its form tells.

    Attributes
    ----------
    classes, calendars, currencies, ticks
        As in `alphalens.data.validation.Context`.
    may_be_negative : frozenset of str
        Futures that may settle below 0.
    lives : Mapping of str to Life
        First and last day of a symbol.
    accepted : frozenset of (str, date)
        Symbol and day of steps that somebody looked at and took for true.

    Examples
    --------
    >>> from alphalens.assets import Equity
    >>> catalog = Catalog.of([Equity(symbol="SPY")])
    >>> catalog.class_of("SPY").value, catalog.class_of("BTC/USD").value, catalog.ticks
    ('equity', 'crypto', {'SPY': 0.01})
    """

    classes: Mapping[str, AssetClass] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    ticks: Mapping[str, float] = field(default_factory=dict)
    may_be_negative: frozenset[str] = frozenset()
    lives: Mapping[str, Life] = field(default_factory=dict)
    accepted: frozenset[tuple[str, date]] = frozenset()

    @classmethod
    def of(
        cls,
        assets: Iterable[Asset],
        *,
        lives: Mapping[str, Life] | None = None,
        accepted: frozenset[tuple[str, date]] = frozenset(),
    ) -> Catalog:
        """Return the catalogue of some instruments."""
        known = {asset.symbol: asset for asset in assets}
        return cls(
            classes={symbol: asset.asset_class for symbol, asset in known.items()},
            calendars={symbol: asset.calendar for symbol, asset in known.items()},
            currencies={symbol: asset.currency for symbol, asset in known.items()},
            ticks={symbol: float(asset.tick) for symbol, asset in known.items()},
            may_be_negative=frozenset(s for s, asset in known.items() if asset.has_negative_prices),
            lives=dict(lives or {}),
            accepted=accepted,
        )

    def class_of(self, symbol: str) -> AssetClass:
        """Return what a symbol stands for; a future that is not in the catalogue looks a share."""
        return self.classes.get(symbol) or class_by_form(symbol)
