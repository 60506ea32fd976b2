"""Strategies that read what was known of companies and indices besides their prices."""

from __future__ import annotations

from collections.abc import Sequence

from alphalens.data.base import DataView
from alphalens.errors import DataError
from alphalens.strategies.base import Strategy
from alphalens.trading.targets import Signal

__all__ = ["FigureStrategy", "MembersOnly"]


class FigureStrategy:
    """Scores are the last known figure of each company, or the ratio of two of one period.

    A ratio of figures that a company reports as sums, such as income and assets, needs no price,
    and no split disturbs it.

    Parameters
    ----------
    item : str
        Name of the figure.
    per : str
        Name of the figure that it is divided by, if any; a company where that is not above 0
        has no score.
    sources : sequence of str
        Who is believed; see `alphalens.data.known_facts.KnownFacts.reports`.
    """

    def __init__(self, item: str, *, per: str = "", sources: Sequence[str] = ()) -> None:
        self._item, self._per, self._sources = item, per, tuple(sources)

    @property
    def name(self) -> str:
        """Return the figure, or the ratio, and who is believed: all that makes the scores."""
        name = f"{self._item}/{self._per}" if self._per else self._item
        return f"{name} of {', '.join(self._sources)}" if self._sources else name

    @property
    def lookback(self) -> int:
        """Return 1: no earlier close counts."""
        return 1

    def signal(self, view: DataView) -> Signal:
        """Return the figures of the newest period of each company that was known.

        Raises
        ------
        DataError
            If no company has one.
        InputError
            If the view has no facts.
        """
        items = [self._item, *([self._per] if self._per else [])]
        told = view.facts.reports(items, view.symbols, sources=self._sources).dropna(subset=items)
        last = told.groupby("symbol").tail(1).set_index("symbol")
        found = last[self._item]
        if self._per:
            positive = last[self._per] > 0
            found = found[positive] / last.loc[positive, self._per]
        if found.empty:
            raise DataError(
                f"{self.name} is known of none of {len(view.symbols)} companies as of "
                f"{view.asof}: load reports of them, `alphalens data load fundamentals`"
            )
        scores = {str(symbol): float(value) for symbol, value in found.items()}
        return Signal(name=self.name, asof=view.asof, scores=scores)


class MembersOnly:
    """Another strategy's scores, of those that belong to an index at the time.

    Parameters
    ----------
    strategy : Strategy
        What scores.
    index : str
        Name of the index.
    """

    def __init__(self, strategy: Strategy, index: str) -> None:
        self._strategy, self._index = strategy, index

    @property
    def name(self) -> str:
        """Return the strategy's name, and the index."""
        return f"{self._strategy.name} in {self._index}"

    @property
    def lookback(self) -> int:
        """Return the rows that the strategy depends on."""
        return self._strategy.lookback

    def signal(self, view: DataView) -> Signal:
        """Return the scores of members.

        Raises
        ------
        DataError
            As the strategy; if none of those that it scores is a member, or nothing is known of
            the index.
        InputError
            If the view has no facts.
        """
        found, members = self._strategy.signal(view), view.facts.members(self._index)
        scores = {symbol: score for symbol, score in found.scores.items() if symbol in members}
        if not scores:
            raise DataError(
                f"{self.name}: none of the {len(found.scores)} assets with a score belonged to it "
                f"as of {view.asof}"
            )
        return Signal(name=self.name, asof=view.asof, scores=scores)
