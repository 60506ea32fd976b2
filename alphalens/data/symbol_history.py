"""Who had a symbol when: symbols are given up, taken by others, and used again.

The table is made of the renames, mergers and delistings that are known. A symbol that ended is
another's from then on, and one that was taken by a rename is the newcomer's from that day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from alphalens.data._checks.context import Life
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError

__all__ = ["SymbolHistory"]

_DAY = timedelta(days=1)
_ENDS = frozenset({"rename", "merger", "delisting"})


class SymbolHistory:
    """The spans of days in which each symbol stood for one instrument.

    Parameters
    ----------
    actions : iterable of CorporateAction
        Those that are known (`alphalens.data.known_facts.KnownFacts.actions`), of the symbols
        that are asked for and of those that they came from. Of a rename and a merger `ex_date`
        is the first day under the new symbol, of a delisting the first without trade.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> told = {"seen_at": datetime(2022, 6, 1, tzinfo=UTC), "source": "desk"}
    >>> history = SymbolHistory([
    ...     CorporateAction(symbol="FB", kind="delisting", ex_date=date(2005, 6, 24), **told),
    ...     CorporateAction(symbol="FB", kind="rename", ex_date=date(2022, 6, 9),
    ...                     new_symbol="META", **told),
    ... ])
    >>> history.life("FB", date(2015, 1, 2)).last
    datetime.date(2022, 6, 8)
    >>> history.names("META", date(2023, 1, 3))
    (('FB', Life(first=datetime.date(2005, 6, 24), last=datetime.date(2022, 6, 8))), \
('META', Life(first=datetime.date(2022, 6, 9), last=None)))
    """

    def __init__(self, actions: Iterable[CorporateAction]) -> None:
        cuts: dict[str, set[date]] = {}
        self._came: dict[tuple[str, date], str] = {}  # new symbol and its first day -> the old one
        self._went: dict[tuple[str, date], str] = {}
        for action in sorted(actions, key=lambda one: (one.ex_date, one.symbol)):
            if action.kind not in _ENDS:
                continue
            cuts.setdefault(action.symbol, set()).add(action.ex_date)
            if action.kind == "rename":
                cuts.setdefault(action.new_symbol, set()).add(action.ex_date)
                self._rename(action)
        self._cuts: Mapping[str, Sequence[date]] = {s: sorted(days) for s, days in cuts.items()}

    def life(self, symbol: str, day: date) -> Life:
        """Return the days on which a symbol stood for what it stood for on a day."""
        cuts = self._cuts.get(symbol, ())
        place = bisect_right(cuts, day)
        first = cuts[place - 1] if place else None
        return Life(first=first, last=cuts[place] - _DAY if place < len(cuts) else None)

    def lives(self, symbols: Iterable[str], day: date) -> Mapping[str, Life]:
        """Return the lives of symbols around a day, for `alphalens.data.validation.Context`."""
        found = {symbol: self.life(symbol, day) for symbol in symbols}
        return {symbol: life for symbol, life in found.items() if life != Life()}

    def names(self, symbol: str, day: date) -> tuple[tuple[str, Life], ...]:
        """Return all symbols of what a symbol stood for on a day, the oldest first."""
        own = symbol, self.life(symbol, day)
        found = [own]
        while (first := found[0][1].first) and (found[0][0], first) in self._came:
            old = self._came[found[0][0], first]
            found.insert(0, (old, self.life(old, first - _DAY)))
        while (last := found[-1][1].last) and (found[-1][0], last + _DAY) in self._went:
            new = self._went[found[-1][0], last + _DAY]
            found.append((new, self.life(new, last + _DAY)))
        return tuple(found)

    def _rename(self, action: CorporateAction) -> None:
        before = self._came.setdefault((action.new_symbol, action.ex_date), action.symbol)
        after = self._went.setdefault((action.symbol, action.ex_date), action.new_symbol)
        if (before, after) != (action.symbol, action.new_symbol) or before == after:
            raise DataError(
                f"{action.symbol} became {action.new_symbol} on {action.ex_date}, and {before} "
                f"became {after} on that day too: one of them is wrong"
            )
