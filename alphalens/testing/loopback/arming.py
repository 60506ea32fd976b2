"""How an armed fault is counted, and which of several holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

F = TypeVar("F", bound="Armed")


@dataclass(slots=True, kw_only=True)
class Armed:
    """What waits for its turn.

    `nth` counts matches from now: 1 is the next. `count` is for how many in a row it holds, -1
    for ever.
    """

    kind: str
    nth: int = 1
    count: int = 1

    def fires(self) -> bool:
        """Count one match; return whether it holds for it."""
        self.nth -= 1
        if self.nth > 0 or self.count == 0:
            return False
        self.count -= self.count > 0
        return True


def first_firing(covering: list[F], armed: list[F]) -> F | None:
    """Return the first of `covering` that holds; those used up are taken out of `armed`."""
    # Every covering fault counts the match, so that "the second POST" means the second POST.
    firing = [fault for fault in covering if fault.fires()]
    armed[:] = [fault for fault in armed if fault.count != 0]
    return firing[0] if firing else None


def check_kind(kind: str, known: Collection[str]) -> None:
    """Check that a kind of fault is known.

    Raises
    ------
    ValueError
        If it is not.
    """
    if kind not in known:
        raise ValueError(f"no fault {kind!r}; known are {', '.join(sorted(known))}")
