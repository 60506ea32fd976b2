"""How often the loop of a desk looks, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass

from alphalens.errors import ConfigError

__all__ = ["LoopPace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPace:
    """How often the loop looks, and how patient it is; all in seconds.

    Attributes
    ----------
    turn_s : float
        Between two turns: stream, halt file and commands are looked at in each.
    ask_s : float
        Between two questions to a venue whose stream is down, or that has yet to say what
        became of an order: such questions count for its rate limit.
    mark_s : float
        Between two marks of the book, each a record of the journal.
    pause_s, longest_pause_s : float
        To wait after a failure, doubled by each further one in a row, and at most.
    lost_s, mute_s : float
        How long the stream of quotes may be down, and how long it may be up without a quote
        while the market is open, before somebody is told.
    settle_s : float
        After the signal to stop: how long orders on their way are waited for.
    stop_within_s : float
        From the signal to the end of the process, whatever it waits for; longer than
        `settle_s` and the timeout of an order together.

    Raises
    ------
    ConfigError
        If a number is not positive, or two contradict each other.
    """

    turn_s: float = 0.25
    ask_s: float = 2.0
    mark_s: float = 60.0
    pause_s: float = 1.0
    longest_pause_s: float = 30.0
    lost_s: float = 5.0
    mute_s: float = 60.0
    settle_s: float = 5.0
    stop_within_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"loop: {name} is {getattr(self, name)}, it must be above 0")
        for less, more in (("pause_s", "longest_pause_s"), ("settle_s", "stop_within_s")):
            low, high = getattr(self, less), getattr(self, more)
            if low > high:
                raise ConfigError(f"loop: {less} is {low}, it must be at most {more}, {high}")
