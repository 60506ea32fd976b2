"""Executions that were inferred, and the true ones that take their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from alphalens.errors import InputError
from alphalens.trading.activities import PositionChange, Split
from alphalens.trading.codec import from_jsonable, to_jsonable
from alphalens.trading.orders import Fill
from alphalens.trading.positions import Holding, Trade

__all__ = ["Correction", "History"]

_ZERO = Decimal(0)
_KINDS: Mapping[str, type[Fill] | type[Split] | type[PositionChange]] = {
    kind.__name__: kind for kind in (Fill, Split, PositionChange)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Inferred fills, and the true ones that are booked in their place.

    Attributes
    ----------
    removed : tuple of str
        Ids of inferred fills, of one asset or of several.
    fills : tuple of Fill
        What was executed in truth; a fill may have the id of one that is removed. Those of
        an asset stand where its first removed fill stood.

    Raises
    ------
    InputError
        If nothing is removed, or an id is there twice.

    Examples
    --------
    >>> from alphalens.trading.codec import from_jsonable
    >>> from_jsonable(Correction, {"removed": ["o1:8"], "fills": []})
    Correction(removed=('o1:8',), fills=())
    """

    removed: tuple[str, ...]
    fills: tuple[Fill, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a correction of nothing, and one that says something twice."""
        if not self.removed:
            raise InputError("a correction has to name the inferred fills it removes")
        for names in (self.removed, tuple(fill.fill_id for fill in self.fills)):
            if len(set(names)) < len(names):
                raise InputError(f"a correction names a fill twice: {', '.join(names)}")


@dataclass(slots=True)
class History:
    """What was booked in one asset from its first inferred fill on, and how it stood before.

    Attributes
    ----------
    before : Holding
        The figures before the first event.
    events : list of Fill, Split and PositionChange
        In the order they were booked.
    """

    before: Holding
    events: list[Trade] = field(default_factory=list)

    @property
    def inferred(self) -> dict[str, Fill]:
        """Return the inferred fills by id."""
        return {e.fill_id: e for e in self.events if isinstance(e, Fill) and e.is_synthetic}

    def without(
        self, removed: AbstractSet[str], fills: Sequence[Fill]
    ) -> tuple[Holding, History | None]:
        """Return how it stands with `fills` in the place of `removed`, and what is left open.

        The second is None once nothing inferred is left.
        """
        places = [i for i, e in enumerate(self.events) if _is_among(e, removed)]
        head, tail = self.events[: places[0]], self.events[places[0] :]
        kept = [event for event in tail if not _is_among(event, removed)]
        return _replayed(self.before, [*head, *fills, *kept])

    def to_plain(self) -> dict[str, object]:
        """Return it as plain JSON."""
        events = [{type(event).__name__: to_jsonable(event)} for event in self.events]
        return {"before": to_jsonable(self.before), "events": events}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> History:  # Any: plain JSON
        """Return what `to_plain` wrote."""
        events = [
            from_jsonable(_KINDS[kind], event)
            for entry in plain["events"]
            for kind, event in entry.items()
        ]
        return cls(from_jsonable(Holding, plain["before"]), events)


def _is_among(event: Trade, names: AbstractSet[str]) -> bool:
    return isinstance(event, Fill) and event.fill_id in names


def _replayed(before: Holding, events: Iterable[Trade]) -> tuple[Holding, History | None]:
    holding, history = before.copy(), None
    for event in events:
        if history is None and isinstance(event, Fill) and event.is_synthetic:
            history = History(holding.copy())
        holding.feed(event, _ZERO)
        if history is not None:
            history.events.append(event)
    return holding, history
