"""When and at what price a bar executes an order: the models that simulation shares.

A decision at the close of a bar may be executed at the next open. Anything else has to be
asked for by name, because it assumes something: ``next_close`` that the whole next bar passes
first, ``same_close`` that the close was known before it was made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from alphalens.errors import ConfigError, DataError
from alphalens.trading.market import Bar
from alphalens.trading.orders import Side

__all__ = ["FillModel", "NextClose", "NextOpen", "SameClose", "fill_model"]


class FillModel(Protocol):
    """Decide which bar executes an order, and along which prices, before costs."""

    @property
    def name(self) -> str:
        """Return the name it is asked for by."""
        ...

    @property
    def is_immediate(self) -> bool:
        """Return True when the bar that is known as the order comes may execute it."""
        ...

    @property
    def has_open(self) -> bool:
        """Return True when a path begins at the open: only then is there an opening auction."""
        ...

    def is_due(self, sent: datetime, *, previous: datetime, at: datetime) -> bool:
        """Return whether the bars that end at `at` may execute an order sent at `sent`.

        Parameters
        ----------
        sent : datetime
            When the venue received the order.
        previous : datetime
            End of the bars before these.
        at : datetime
            End of these bars.
        """
        ...

    def path(self, side: Side, bar: Bar) -> tuple[Decimal, ...]:
        """Return the prices that an order meets in a bar, in their order; see `matching`.

        Parameters
        ----------
        side : Side
            Whose order: where the order of high and low is not known, what is worse for it
            comes first.
        bar : Bar
            The bar that has ended.

        Raises
        ------
        DataError
            If the bar lacks the price that the model needs.
        """
        ...


@dataclass(frozen=True, slots=True)
class NextOpen:
    """Execute from the open of the first bar that begins after the order.

    The path of a bar is its open, then its worse end for the trader (the low for a sale, the
    high for a purchase), then the other end, then its close; an end that the bar does not
    have is left out. Where the true path matters, show finer bars, or give `path_of`.

    Attributes
    ----------
    bar_length : timedelta or None
        Length of a bar, if known: a bar that ends at t begins at t less this. Without it a
        bar is only known to begin at or after the end of the one before, so an order that
        comes later than that waits for one bar more, rather than being executed in its past.
    path_of : callable or None
        Gives the prices inside a bar, open first, close last, where they are known.
    """

    bar_length: timedelta | None = None
    path_of: Callable[[Bar], tuple[Decimal, ...]] | None = None
    name: str = "next_open"
    is_immediate: bool = False
    has_open: bool = True

    def is_due(self, sent: datetime, *, previous: datetime, at: datetime) -> bool:
        """Return whether the bar is known to begin at or after the order."""
        begin = previous if self.bar_length is None else max(previous, at - self.bar_length)
        return sent <= begin < at

    def path(self, side: Side, bar: Bar) -> tuple[Decimal, ...]:
        """Return open, worse end, better end and close, or the path that is known."""
        if bar.open is None:
            raise DataError(
                f"{self.name}: the bar of {bar.symbol} at {bar.at} has no open; use bars with "
                f"opens, or ask for the fill model next_close by name"
            )
        if self.path_of is not None:
            return self.path_of(bar)
        ends = (bar.high, bar.low) if side is Side.BUY else (bar.low, bar.high)
        return (bar.open, *(end for end in ends if end is not None), bar.close)


@dataclass(frozen=True, slots=True)
class NextClose:
    """Execute at the close of the first bar that ends after the order."""

    name: str = "next_close"
    is_immediate: bool = False
    has_open: bool = False

    def is_due(
        self,
        sent: datetime,
        *,
        previous: datetime,  # noqa: ARG002 - the port's signature
        at: datetime,
    ) -> bool:
        """Return whether the bar ends after the order."""
        return sent < at

    def path(
        self,
        side: Side,  # noqa: ARG002 - the port's signature
        bar: Bar,
    ) -> tuple[Decimal, ...]:
        """Return the close alone: what came before it in the bar is not looked at."""
        return (bar.close,)


@dataclass(frozen=True, slots=True)
class SameClose:
    """Execute at the close the order was decided on: nobody can, it is for comparison.

    An order that comes later than the end of the last bar is executed at the next close.
    """

    name: str = "same_close"
    is_immediate: bool = True
    has_open: bool = False

    def is_due(
        self,
        sent: datetime,
        *,
        previous: datetime,  # noqa: ARG002 - the port's signature
        at: datetime,
    ) -> bool:
        """Return whether the bar ends at or after the order."""
        return sent <= at

    def path(
        self,
        side: Side,  # noqa: ARG002 - the port's signature
        bar: Bar,
    ) -> tuple[Decimal, ...]:
        """Return the close alone: what came before it in the bar is not looked at."""
        return (bar.close,)


def fill_model(name: str) -> FillModel:
    """Return the fill model of that name.

    Raises
    ------
    ConfigError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> fill_model("next_close")
    NextClose(name='next_close', is_immediate=False, has_open=False)
    """
    models: tuple[FillModel, ...] = (NextOpen(), NextClose(), SameClose())
    for model in models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models)
    raise ConfigError(f"there is no fill model {name!r}; choose one of {known}")
