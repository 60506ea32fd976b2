"""What the doubt box says beside its figures."""

from __future__ import annotations

__all__ = ["Notes"]


class Notes:
    """What the box says beside its figures, in the order of reading."""

    def __init__(self) -> None:
        self._periods: dict[tuple[str, str], list[str]] = {}

    def say(self, what: str, why: str, period: object = None) -> None:
        """Say why something is missing; nothing without a reason. Periods alike share a line."""
        if why:
            periods = self._periods.setdefault((what, why), [])
            periods.extend([] if period is None else [str(period)])

    def lines(self) -> tuple[str, ...]:
        """Return one line for each reason."""
        return tuple(
            f"{what} ({', '.join(periods)}): {why}" if periods else f"{what}: {why}"
            for (what, why), periods in self._periods.items()
        )
