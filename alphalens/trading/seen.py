"""What was booked before: each id once, and never with other figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from alphalens.errors import InputError
from alphalens.trading.activities import Activity, CashFlow, PositionChange, Split
from alphalens.trading.codec import digest
from alphalens.trading.orders import Fill

__all__ = ["Seen"]

_MARK_DIGITS = 16  # 64 bits: a mark tells the figures of one id apart, not ids
#: What moves the book. Instants, notes and the ids of others may differ, since a venue tells
#: one execution twice in different words.
_FIGURES: Mapping[type, tuple[str, ...]] = {
    Fill: ("symbol", "side", "quantity", "price", "fee", "multiplier", "currency", "is_margined"),
    CashFlow: ("symbol", "kind", "amount", "currency"),
    Split: ("symbol", "new", "old"),
    PositionChange: ("symbol", "kind", "quantity", "price", "multiplier", "currency"),
}
_READ: Mapping[type, Callable[[Any], tuple[object, ...]]] = {  # Any: an event of that type
    kind: attrgetter(*names) for kind, names in _FIGURES.items()
}


class Seen:
    """The ids of fills, or of activities, that were booked or taken back.

    Attributes
    ----------
    known : dict
        By id the event, or the mark of its figures once `to_plain` was called, or None for
        a fill that a correction took away.
    """

    __slots__ = ("_taken_back", "known")

    def __init__(self) -> None:
        self.known: dict[str, Fill | Activity | str | None] = {}
        self._taken_back: dict[str, set[str]] = {}

    def check(self, name: str, event: Fill | Activity) -> None:
        """Refuse an event whose id `name` was booked with other figures.

        Raises
        ------
        InputError
            With the figures of both.
        """
        known = self.known[name]
        if known == event:
            return
        mark = _mark(event)
        if mark in (_mark(known), *self._taken_back.get(name, ())):
            return
        kind = "fill" if isinstance(event, Fill) else "activity"
        raise InputError(
            f"{kind} {name} was booked as {_words(known)} and now says {_words(event)}: one of "
            f"the two is wrong, ask the venue for it"
        )

    def was_taken_back(self, name: str) -> bool:
        """Return whether a fill of this id was ever taken away by a correction."""
        return name in self._taken_back

    def take_back(self, fills: Iterable[Fill]) -> None:
        """Remember fills as taken away: should they come again, they are not booked."""
        for fill in fills:
            self._taken_back.setdefault(fill.fill_id, set()).add(_mark(fill))
            self.known[fill.fill_id] = None

    def to_plain(self) -> dict[str, object]:
        """Return all of it as plain JSON, and keep marks in the place of the events."""
        for name, known in self.known.items():
            if known is not None:
                self.known[name] = _mark(known)
        return {
            "known": dict(self.known),
            "taken_back": {name: sorted(marks) for name, marks in self._taken_back.items()},
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Seen:  # Any: plain JSON
        """Return what `to_plain` wrote."""
        seen = cls()
        seen.known = dict(plain["known"])
        seen._taken_back = {name: set(marks) for name, marks in plain["taken_back"].items()}
        return seen


def _mark(event: Fill | Activity | str | None) -> str:
    if event is None or isinstance(event, str):
        return event or ""
    return digest([type(event).__name__, *_READ[type(event)](event)])[:_MARK_DIGITS]


def _words(event: Fill | Activity | str | None) -> str:
    if event is None:
        return "inferred, and taken back"
    if isinstance(event, str):
        return f"other figures (mark {event})"
    if isinstance(event, Fill):
        return (
            f"{event.side} {event.quantity} {event.symbol} at {event.price} {event.currency} "
            f"(fee {event.fee}, multiplier {event.multiplier}, margined {event.is_margined})"
        )
    figures = zip(_FIGURES[type(event)], _READ[type(event)](event), strict=True)
    return f"{type(event).__name__} of {', '.join(f'{name} {value}' for name, value in figures)}"
