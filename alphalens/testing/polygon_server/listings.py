"""Lists with filters and pages: quotes, trades, reference data, news, the option chain."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.plain_http import Answer
from alphalens.testing.loopback.vendor import Call, Route

from .paging import Pages, limit_of
from .tape import Row, Tape
from .times import NEW_YORK, nanoseconds
from .words import refuse, request_id

Reader = Callable[[Row], Any]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "": operator.eq,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def _of(*path: str) -> Reader:
    def read(row: Row) -> Any:
        value: Any = row
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One list: its rows, what can be asked of them, and how they are ordered and cut.

    `fields` are what a query may filter by and sort by, with how a row tells it and how the text
    of a query is read.
    """

    rows: Callable[[Call, dict[str, str]], list[Row]]
    fields: dict[str, tuple[Reader, Callable[[str], Any]]]
    sort: str
    order: str = "asc"
    limit: int = 10
    highest: int = 1000


class Listings:
    """Answers the requests for lists."""

    def __init__(self, tape: Tape, clock: VenueClock, pages: Pages) -> None:
        self._tape = tape
        self._clock = clock
        self._pages = pages
        self.routes: list[tuple[str, Route]] = [
            (path, self._route(listing)) for path, listing in self._listings()
        ]

    def _listings(self) -> list[tuple[str, Listing]]:
        tape = self._tape
        ticks = {"timestamp": (_of("sip_timestamp"), nanoseconds)}
        tick: dict[str, Any] = {"sort": "timestamp", "order": "desc", "limit": 1000}
        tick |= {"fields": ticks, "highest": 50_000}
        return [
            (
                "/v3/quotes/(?P<ticker>[^/]+)",
                Listing(rows=lambda call, _: tape.quotes.get(call.parts["ticker"], []), **tick),
            ),
            (
                "/v3/trades/(?P<ticker>[^/]+)",
                Listing(rows=lambda call, _: tape.trades.get(call.parts["ticker"], []), **tick),
            ),
            (
                "/v3/reference/splits",
                Listing(
                    rows=lambda _, __: tape.splits,
                    fields=_texts("ticker", "execution_date"),
                    sort="execution_date",
                    order="desc",
                ),
            ),
            (
                "/v3/reference/dividends",
                Listing(
                    rows=lambda _, __: tape.dividends,
                    fields=_texts("ticker", "dividend_type", *_DIVIDEND_DAYS)
                    | {"cash_amount": (_of("cash_amount"), float)},
                    sort="ex_dividend_date",
                    order="desc",
                ),
            ),
            (
                "/v3/reference/options/contracts",
                Listing(rows=self._contracts, fields=_contract_fields(), sort="ticker"),
            ),
            (
                "/v3/snapshot/options/(?P<ticker>[^/]+)",
                Listing(
                    rows=lambda call, _: tape.chain.get(call.parts["ticker"], []),
                    fields=_contract_fields("details"),
                    sort="ticker",
                    highest=250,
                ),
            ),
            (
                "/v2/reference/news",
                Listing(
                    rows=self._news, fields=_texts("published_utc"), sort="published_utc",
                    order="desc",
                ),
            ),
            (
                "/v3/reference/tickers",
                Listing(
                    rows=lambda _, __: tape.tickers,
                    fields=_texts("ticker", "type", "market") | {"active": (_of("active"), _yes)},
                    sort="ticker",
                    limit=100,
                ),
            ),
        ]  # fmt: skip

    def _contracts(self, _: Call, query: dict[str, str]) -> list[Row]:
        """Return the contracts that had, or had not, expired on the day that is asked about."""
        today = query.get("as_of") or self._clock.now().astimezone(NEW_YORK).date().isoformat()
        expired = _yes(query.get("expired", "false"))
        return [r for r in self._tape.contracts if (r["expiration_date"] < today) == expired]

    def _news(self, _: Call, query: dict[str, str]) -> list[Row]:
        ticker = query.get("ticker")
        return [row for row in self._tape.news if ticker is None or ticker in row["tickers"]]

    def _route(self, listing: Listing) -> Route:
        def answer(call: Call) -> Answer:
            query, after = self._pages.query(call)
            rows = _ordered(_filtered(listing.rows(call, query), listing, query), listing, query)
            limit = limit_of(query, listing.limit, listing.highest)
            page, onward = self._pages.cut(call, query, rows, after, limit)
            body = {"results": page, "status": "OK", "request_id": request_id()}
            return Answer(body=body | onward)

        return answer


_DIVIDEND_DAYS = ("ex_dividend_date", "record_date", "declaration_date", "pay_date")


def _texts(*names: str) -> dict[str, tuple[Reader, Callable[[str], Any]]]:
    return {name: (_of(name), str) for name in names}


def _contract_fields(*above: str) -> dict[str, tuple[Reader, Callable[[str], Any]]]:
    names = ("ticker", "contract_type", "expiration_date", "underlying_ticker")
    fields: dict[str, tuple[Reader, Callable[[str], Any]]]
    fields = {name: (_of(*above, name), str) for name in names}
    return fields | {"strike_price": (_of(*above, "strike_price"), float)}


def _yes(text: str) -> bool:
    return text.lower() in ("true", "1")


def _filtered(rows: list[Row], listing: Listing, query: dict[str, str]) -> list[Row]:
    for key, text in query.items():
        name, _, test = key.partition(".")
        if name not in listing.fields:
            continue
        if test not in _COMPARE:
            raise refuse(400, f"unknown comparison {key!r}")
        read, parse = listing.fields[name]
        try:
            wanted = parse(text)
        except ValueError:
            raise refuse(400, f"could not parse {key}={text!r}") from None
        rows = [row for row in rows if _holds(_COMPARE[test], read(row), wanted)]
    return rows


def _holds(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    """Return whether a value passes; one of the wrong type does, to be found out."""
    if isinstance(wanted, float) and isinstance(value, int):
        return compare(value, wanted)
    return value is not None and (type(value) is not type(wanted) or compare(value, wanted))


def _ordered(rows: list[Row], listing: Listing, query: dict[str, str]) -> list[Row]:
    """Sort by the field that is asked for; what has no order stays as it was given."""
    name = query.get("sort", listing.sort)
    if name not in listing.fields:
        raise refuse(400, f"cannot sort by {name!r}")
    read = listing.fields[name][0]
    is_down = query.get("order", listing.order) == "desc"
    if len({type(read(row)) for row in rows}) > 1:
        return rows[::-1] if is_down else rows
    return sorted(rows, key=read, reverse=is_down)
