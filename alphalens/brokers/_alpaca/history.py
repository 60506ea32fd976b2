"""What was executed, and what else moved the book, after a cursor of ours.

The venue pages by ids of its own that begin with New York's wall clock, so that they repeat an
hour each autumn; and it books a dividend or a fee days later under an id of the day it belongs
to. A cursor made of such an id would pass over what is booked late. So the list is asked for
again from some time before the cursor on, and what this process has not told yet comes with the
answer, before what is new. What comes twice is booked once, because its id is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, TypeVar

from alphalens.brokers._alpaca.activities import activity_from, is_pending, with_split_terms
from alphalens.brokers._alpaca.known import Bounded
from alphalens.brokers._alpaca.orders import Orders
from alphalens.brokers._alpaca.rest import Rest
from alphalens.brokers._alpaca.wire import fill_from
from alphalens.errors import BrokerError
from alphalens.net.exact_json import rows
from alphalens.net.failures import Unreadable
from alphalens.trading.activities import Activity
from alphalens.trading.codec import instant as instant_text
from alphalens.trading.orders import Fill

__all__ = ["History"]

_T = TypeVar("_T", Fill, Activity)
_ACTIVITIES = "/v2/account/activities"
_FILLS = f"{_ACTIVITIES}/FILL"
_FILL = "FILL"
_FILL_OVERLAP = timedelta(minutes=1)
_ACTIVITY_OVERLAP = timedelta(days=7)
_DAY_LENGTH = len("20260105")


class History:
    """Executions and activities; see `alphalens.brokers.base.Broker` for the contract.

    Parameters
    ----------
    rest : Rest
        Where to ask.
    orders : Orders
        Says whose execution it is.
    page_size : int
        Rows asked for at once.
    """

    def __init__(self, rest: Rest, orders: Orders, *, page_size: int) -> None:
        self._rest, self._orders, self._page_size = rest, orders, page_size
        self._told: Bounded[str, datetime] = Bounded()

    def fills(self, after: str) -> tuple[Fill, ...]:
        """Return executions after the one of that id.

        After a restart the cursor's order says from when on to ask; should the venue not list
        the cursor itself, everything since that order was submitted is the answer.
        """
        since = self._fill_anchor(after) if after else None
        listed = [self._fill(row) for row in self._rows(_FILLS, since)]
        was_told = after in self._told
        return self._fresh(listed, after, lambda fill: fill.fill_id, is_late_wanted=was_told)

    def activities(self, after: str) -> tuple[Activity, ...]:
        """Return activities after the one of that id.

        The list ends before the first one that is announced and not booked: it comes, under the
        same id, once it is. After a restart those of the last week may come again.
        """
        since = self._activity_anchor(after) if after else None
        rows = [r for r in self._rows(_ACTIVITIES, since) if r.get("activity_type") != _FILL]
        booked = list(takewhile(lambda row: not is_pending(row), rows))
        listed = [_read(activity_from, row) for row in _read(with_split_terms, booked)]
        if after and after not in {one.activity_id for one in listed}:
            raise BrokerError(f"activity {after!r}: the venue does not list it; give one it told")
        return self._fresh(
            listed, after, lambda activity: activity.activity_id, is_late_wanted=bool(after)
        )

    def _fresh(
        self, listed: Sequence[_T], after: str, key: Callable[[_T], str], *, is_late_wanted: bool
    ) -> tuple[_T, ...]:
        """Return what comes after the cursor, and before it what was never told."""
        keys = [key(one) for one in listed]
        place = keys.index(after) if after in keys else -1
        fresh = [
            one
            for number, (one, name) in enumerate(zip(listed, keys, strict=True))
            if number > place or (is_late_wanted and name != after and name not in self._told)
        ]
        for one, name in zip(listed, keys, strict=True):
            self._told.set(name, one.at)
        return tuple(fresh)

    def _fill(self, row: Mapping[str, Any]) -> Fill:
        venue_id = row.get("order_id")
        if not isinstance(venue_id, str) or not venue_id:
            raise BrokerError(f"execution {row.get('id')}: it does not say of which order")
        order = self._orders.by_venue_id(venue_id)
        return _read(lambda one: fill_from(one, order), row)

    def _fill_anchor(self, fill_id: str) -> str | None:
        """Return the instant to list from, for the cursor to be in the list."""
        at = self._told.get(fill_id)
        if at is None:
            venue_id, slash, _ = fill_id.partition("/")
            if not slash or not venue_id:
                raise BrokerError(
                    f"execution {fill_id!r}: no id of this venue's; give one that it told"
                )
            at = self._orders.by_venue_id(venue_id).submitted_at
        return None if at is None else instant_text(at - _FILL_OVERLAP)

    def _activity_anchor(self, activity_id: str) -> str | None:
        at = self._told.get(activity_id)
        if at is None:
            try:
                at = datetime.fromisoformat(f"{activity_id[:_DAY_LENGTH]}T000000+00:00")
            except ValueError:
                return None
        return instant_text(at - _ACTIVITY_OVERLAP)

    def _rows(self, path: str, since: str | None) -> Iterator[Mapping[str, Any]]:
        params = {"direction": "asc", "page_size": str(self._page_size)}
        if since is not None:
            params["after"] = since
        while True:
            page = _page(self._rest.get(path, params, what="activities"))
            yield from page
            if len(page) < self._page_size:
                return
            last = str(page[-1].get("id"))
            if params.get("page_token") == last:
                raise BrokerError(f"activities: the page after {last} ends with it again")
            params["page_token"] = last


def _page(listed: object) -> Sequence[Mapping[str, Any]]:
    return _read(lambda body: rows(body, "activities"), listed)


_In = TypeVar("_In")
_Out = TypeVar("_Out")


def _read(read: Callable[[_In], _Out], body: _In) -> _Out:
    try:
        return read(body)
    except Unreadable as error:
        raise BrokerError(
            f"the venue's answer cannot be read, and nothing is guessed: {error}"
        ) from error
