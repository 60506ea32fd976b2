"""What was booked before: each id once, and never with other figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from alphalens.errors import InputError
from alphalens.trading.activities import Activity, CashFlow, PositionChange, Split
from alphalens.trading.codec import canonical_json, digest
from alphalens.trading.orders import Fill

__all__ = ["Seen"]

_SEALED = 10_000  # ids in one sealed text
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
    known : Mapping
        By id the event, or the mark of its figures once `seal` was called, or None for a fill
        that a correction took away. It is changed by `add` and `take_back` alone.
    """

    __slots__ = ("_new", "_sealed", "_taken_back", "known")

    def __init__(self) -> None:
        self.known: dict[str, Fill | Activity | str | None] = {}
        self._taken_back: dict[str, set[str]] = {}
        self._new: list[str] = []  # ids of which no sealed part has the last word
        self._sealed: list[str] = []

    def add(self, name: str, event: Fill | Activity) -> None:
        """Remember an event as booked."""
        self.known[name] = event
        self._new.append(name)

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
            self._new.append(fill.fill_id)

    def to_plain(self) -> dict[str, object]:
        """Return all of it as plain JSON, the mark of an event in its place."""
        return self._part(self.known)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Seen:  # Any: plain JSON
        """Return what `to_plain` wrote."""
        seen = cls()
        seen._take(plain)
        seen._new = list(seen.known)
        return seen

    def seal(self) -> tuple[str, ...]:
        """Return all of it as texts, of which those of the last call are the first.

        What is new since then makes the rest, so that a caller who kept the others has only
        these to keep. Marks are kept in the place of the events.
        """
        names = list(dict.fromkeys(self._new))
        for start in range(0, len(names), _SEALED):
            part = self._part(names[start : start + _SEALED])
            self.known.update(part["known"])
            self._sealed.append(canonical_json(part))
        self._new.clear()
        return tuple(self._sealed)

    @classmethod
    def from_sealed(cls, texts: Sequence[str]) -> Seen:
        """Return what `seal` wrote."""
        seen = cls()
        for text in texts:
            seen._take(json.loads(text))
        seen._sealed = list(texts)
        return seen

    def _part(self, names: Iterable[str]) -> dict[str, Any]:  # Any: plain JSON
        known, back = self.known, self._taken_back
        marks = ((name, known[name]) for name in names)
        return {
            "known": {name: None if one is None else _mark(one) for name, one in marks},
            "taken_back": {name: sorted(back[name]) for name in names if name in back},
        }

    def _take(self, plain: Mapping[str, Any]) -> None:  # Any: plain JSON
        self.known.update(plain["known"])
        self._taken_back |= {name: set(marks) for name, marks in plain["taken_back"].items()}


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
