"""When and at what price a bar executes an order: the models that simulation shares.

A decision at the close of a bar may be executed at the next open. Anything else has to be
asked for by name, because it assumes something: ``next_close`` that the whole next bar passes
first, ``same_close`` that the close was known before it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from alphalens.errors import ConfigError, DataError
from alphalens.trading.market import Bar
from alphalens.trading.orders import OrderIntent, Side

__all__ = ["FillModel", "NextClose", "NextOpen", "SameClose", "fill_model"]


class FillModel(Protocol):
    """Decide which bar executes an order, and at what price before costs."""

    @property
    def name(self) -> str:
        """Return the name it is asked for by."""
        ...

    @property
    def is_immediate(self) -> bool:
        """Return True when the bar that is known as the order comes may execute it."""
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

    def price(self, intent: OrderIntent, bar: Bar) -> Decimal | None:
        """Return the price of the execution before costs, or None if the limit forbids it.

        Raises
        ------
        DataError
            If the bar lacks the price that the model needs.
        """
        ...


@dataclass(frozen=True, slots=True)
class NextOpen:
    """Execute at the open of the first bar that begins after the order.

    Where the open is beyond a limit and the bar has a low (or high) that reaches it, the
    order is executed at its limit.

    Attributes
    ----------
    bar_length : timedelta or None
        Length of a bar, if known: a bar that ends at t begins at t less this. Without it a
        bar is only known to begin at or after the end of the one before, so an order that
        comes later than that waits for one bar more, rather than being executed in its past.
    """

    bar_length: timedelta | None = None
    name: str = "next_open"
    is_immediate: bool = False

    def is_due(self, sent: datetime, *, previous: datetime, at: datetime) -> bool:
        """Return whether the bar is known to begin at or after the order."""
        begin = previous if self.bar_length is None else max(previous, at - self.bar_length)
        return sent <= begin < at

    def price(self, intent: OrderIntent, bar: Bar) -> Decimal | None:
        """Return the open, or the limit where only the path of the bar reaches it."""
        if bar.open is None:
            raise DataError(
                f"{self.name}: the bar of {bar.symbol} at {bar.at} has no open; use bars with "
                f"opens, or ask for the fill model next_close by name"
            )
        if (allowed := _within_limit(intent, bar.open)) is not None:
            return allowed
        worst = bar.low if intent.side is Side.BUY else bar.high
        if worst is None or _within_limit(intent, worst) is None:
            return None
        return intent.limit_price


@dataclass(frozen=True, slots=True)
class NextClose:
    """Execute at the close of the first bar that ends after the order."""

    name: str = "next_close"
    is_immediate: bool = False

    def is_due(
        self,
        sent: datetime,
        *,
        previous: datetime,  # noqa: ARG002 - the port's signature
        at: datetime,
    ) -> bool:
        """Return whether the bar ends after the order."""
        return sent < at

    def price(self, intent: OrderIntent, bar: Bar) -> Decimal | None:
        """Return the close if it is within the limit."""
        return _within_limit(intent, bar.close)


@dataclass(frozen=True, slots=True)
class SameClose:
    """Execute at the close the order was decided on: nobody can, it is for comparison.

    An order that comes later than the end of the last bar is executed at the next close.
    """

    name: str = "same_close"
    is_immediate: bool = True

    def is_due(
        self,
        sent: datetime,
        *,
        previous: datetime,  # noqa: ARG002 - the port's signature
        at: datetime,
    ) -> bool:
        """Return whether the bar ends at or after the order."""
        return sent <= at

    def price(self, intent: OrderIntent, bar: Bar) -> Decimal | None:
        """Return the close if it is within the limit."""
        return _within_limit(intent, bar.close)


def fill_model(name: str) -> FillModel:
    """Return the fill model of that name.

    Raises
    ------
    ConfigError
        If there is none; the message lists those there are.

    Examples
    --------
    >>> fill_model("next_close")
    NextClose(name='next_close', is_immediate=False)
    """
    models: tuple[FillModel, ...] = (NextOpen(), NextClose(), SameClose())
    for model in models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models)
    raise ConfigError(f"there is no fill model {name!r}; choose one of {known}")


def _within_limit(intent: OrderIntent, price: Decimal) -> Decimal | None:
    limit = intent.limit_price
    if limit is None or intent.side.sign * (limit - price) >= 0:
        return price
    return None
