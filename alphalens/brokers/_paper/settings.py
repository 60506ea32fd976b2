"""What the paper venue is set to, checked before it opens."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from alphalens.errors import ConfigError

__all__ = ["Latency", "check_settings"]

_NONE = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """The time that a message takes to the venue, drawn evenly between two figures.

    Raises
    ------
    ConfigError
        If a time is negative, or the least exceeds the most.
    """

    least: timedelta = _NONE
    most: timedelta = _NONE
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a time that runs back."""
        if not _NONE <= self.least <= self.most:
            raise ConfigError(
                f"latency must be a least and a most time, not negative, got {self.least} and "
                f"{self.most}"
            )

    def delay(self, message: str) -> timedelta:
        """Return the time of one message: drawn by its name, so that a restart changes none."""
        if self.most == _NONE:
            return _NONE
        draw = random.Random(f"{self.seed} {message}").random()  # noqa: S311 - a simulation
        return self.least + (self.most - self.least) * draw


def check_settings(
    cash: Decimal, leverage: Decimal, max_volume_share: Decimal | None, quote_life: timedelta
) -> None:
    """Refuse an account that could not trade.

    Raises
    ------
    ConfigError
        If a figure is out of its range.
    """
    for name, value in (("cash", cash), ("leverage", leverage)):
        if not (value.is_finite() and value > 0):
            raise ConfigError(f"{name} must be positive and finite, got {value}")
    if max_volume_share is not None and not 0 < max_volume_share <= 1:
        raise ConfigError(f"max_volume_share must be above 0 and at most 1, got {max_volume_share}")
    if quote_life < _NONE:
        raise ConfigError(f"quote_life must not be negative, got {quote_life}")
