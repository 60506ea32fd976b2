"""What companies announce and what is written about them: corporate actions, and news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from alphalens.testing.loopback.clock import VenueClock, parse_instant
from alphalens.testing.loopback.plain_http import Answer

from .data import page_of
from .refusals import unprocessable
from .routes import Call, Route
from .sessions import at_new_york, new_york

Row = dict[str, Any]
GROUPS = (
    "cash_dividends", "cash_mergers", "forward_splits", "name_changes", "redemptions",
    "reverse_splits", "rights_distributions", "spin_offs", "stock_and_cash_mergers",
    "stock_dividends", "stock_mergers", "unit_splits", "worthless_removals",
)  # fmt: skip
"""Under which names the corporate actions stand; the types of a query have no s at the end."""

_MAX_ACTIONS, _ACTIONS = 1000, 100
_MAX_NEWS, _NEWS = 50, 10


class Announcements(Protocol):
    """What there is to tell, as the data API has it."""

    @property
    def news(self) -> Sequence[Row]:
        """Articles."""

    @property
    def announced(self) -> Mapping[str, Sequence[Row]]:
        """Corporate actions by their group."""


class AnnouncedApi:
    """Answers the requests about corporate actions and news."""

    def __init__(self, tape: Announcements, clock: VenueClock) -> None:
        self._tape = tape
        self._clock = clock
        self.routes: list[tuple[str, str, Route]] = [
            ("GET", r"/v1/corporate-actions", self._actions),
            ("GET", r"/v1beta1/news", self._news),
        ]

    def _actions(self, call: Call) -> Answer:
        """Tell actions by the day on which they were processed, over all groups together."""
        query, groups = call.query, _groups(call.query)
        today = new_york(self._clock.now()).date()
        first, last = (_day(query.get(name), today) for name in ("start", "end"))
        ids = _listed(query, "ids")

        def is_wanted(row: Row) -> bool:
            if ids:
                return row.get("id") in ids
            return _is_within(row, first, last) and _names(row, query)

        found = [
            (group, row)
            for group in groups
            for row in self._tape.announced.get(group, [])
            if is_wanted(row)
        ]
        found.sort(key=lambda pair: _processed(pair[1]), reverse=query.get("sort") == "desc")
        page, token = page_of(found, query, _ACTIONS, _MAX_ACTIONS)
        body: dict[str, list[Row]] = {}
        for group, row in page:
            body.setdefault(group, []).append(row)
        return Answer(body={"corporate_actions": body, "next_page_token": token})

    def _news(self, call: Call) -> Answer:
        """Tell articles by when they were changed last, the newest first unless asked otherwise."""
        query, symbols = call.query, set(_listed(call.query, "symbols"))
        end = parse_instant(query["end"]) if "end" in query else self._clock.now()
        midnight = at_new_york(new_york(end).date(), datetime.min.time())
        start = parse_instant(query["start"]) if "start" in query else midnight
        found = [
            row
            for row in self._tape.news
            if (not symbols or symbols & set(row.get("symbols") or ()))
            and start <= parse_instant(row["updated_at"]) <= end
            and (row.get("content") or not _says_yes(query, "exclude_contentless"))
        ]
        found.sort(key=lambda row: row["updated_at"], reverse=query.get("sort", "desc") == "desc")
        page, token = page_of(found, query, _NEWS, _MAX_NEWS)
        hidden = {} if _says_yes(query, "include_content") else {"content": ""}
        return Answer(body={"news": [row | hidden for row in page], "next_page_token": token})


def _groups(query: dict[str, str]) -> Sequence[str]:
    groups = [f"{name}s" for name in _listed(query, "types")]
    unknown = [group for group in groups if group not in GROUPS]
    if unknown:
        raise unprocessable(f"invalid types: {unknown[0].removesuffix('s')}")
    return groups or GROUPS


def _listed(query: dict[str, str], name: str) -> list[str]:
    text = query.get(name)
    return text.split(",") if text else []


def _says_yes(query: dict[str, str], name: str) -> bool:
    return query.get(name, "").lower() == "true"


def _day(text: str | None, default: date) -> date:
    return date.fromisoformat(text) if text else default


def _processed(row: Row) -> str:
    return str(row.get("process_date") or "")


def _is_within(row: Row, first: date, last: date) -> bool:
    """Return whether an action was processed in a span; one without a day is in every one."""
    day = _processed(row)
    return not day or first.isoformat() <= day <= last.isoformat()


def _names(row: Row, query: dict[str, str]) -> bool:
    """Return whether an action is about one of the symbols or CUSIPs of a query, if it has any."""
    wanted = {*_listed(query, "symbols"), *_listed(query, "cusips")}
    told = {value for name, value in row.items() if name.endswith(("symbol", "cusip"))}
    return not wanted or bool(wanted & told)
