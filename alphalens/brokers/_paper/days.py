"""When the paper venue is open, and how long an order lives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alphalens.assets import calendars
from alphalens.brokers._paper.orders import PaperOrder
from alphalens.brokers.base import VenueSession
from alphalens.trading.orders import TimeInForce

__all__ = ["Days"]

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """The venue's sessions, if it has a calendar.

    Attributes
    ----------
    calendar : str
        Name in `alphalens.assets.calendars.CALENDARS`; empty for none: then each instant of
        bars is a session of its own, and quotes are traded in days of UTC.
    """

    calendar: str = ""

    def session(self, at: datetime) -> VenueSession | None:
        """Return the hours around an instant, or None without a calendar."""
        if not self.calendar:
            return None
        return VenueSession(
            at=at,
            is_open=calendars.is_open(self.calendar, at),
            next_open=calendars.next_open(self.calendar, at),
            next_close=calendars.next_close(self.calendar, at),
            calendar=self.calendar,
        )

    def is_open(self, at: datetime) -> bool:
        """Return whether the regular session is open; always without a calendar."""
        return not self.calendar or calendars.is_open(self.calendar, at)

    def opens_at(self, time_in_force: TimeInForce, sent: datetime) -> datetime | None:
        """Return the opening auction an order waits for."""
        if not self.calendar or time_in_force is not TimeInForce.OPG:
            return None
        return calendars.next_open(self.calendar, sent)

    def expires_at(self, time_in_force: TimeInForce, sent: datetime) -> datetime | None:
        """Return the close that ends an order for a day, or that a closing order waits for."""
        if not self.calendar or time_in_force not in (TimeInForce.DAY, TimeInForce.CLS):
            return None
        return calendars.day_order_expiry(self.calendar, sent)

    def is_over(self, order: PaperOrder, at: datetime) -> bool:
        """Return whether quotes at `at` come after the day of a day order."""
        if order.intent.time_in_force is not TimeInForce.DAY:
            return False
        if order.expires_at is not None:
            return at >= order.expires_at
        midnight = order.sent.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return at >= midnight + _DAY
