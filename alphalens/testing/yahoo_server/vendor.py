"""The vendor: cookies and crumbs at its door, charts and options behind it."""

from __future__ import annotations

import secrets
import threading
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.limits import RateLimit
from alphalens.testing.loopback.plain_http import Answer, Request
from alphalens.testing.loopback.vendor import Call, Refused, Route, Router, rewritten

from .chart import Chart
from .listing import Listing
from .words import refusal, refuse

_COOKIE_AGE_S = 31_557_600
_CONSENT = (
    '<html><body><form method="post"><input type="hidden" name="csrfToken" value="token">'
    '<input type="hidden" name="sessionId" value="session"></form></body></html>'
)
_HOME = "<html><body>Yahoo</body></html>"


class Yahoo:
    """Data and rules of the vendor.

    Parameters
    ----------
    clock
        Its time.
    rate_limit
        Requests a minute; None never refuses.
    """

    def __init__(self, clock: VenueClock, rate_limit: int | None) -> None:
        self.listings: dict[str, Listing] = {}
        self.lock = threading.RLock()
        self._limit = RateLimit(rate_limit)
        self._cookies: set[str] = set()
        self._crumbs: dict[str, str] = {}
        routes: list[tuple[str, Route]] = [
            ("/", self._home),
            ("/consent", lambda _: _page(_CONSENT)),
            ("/v2/collectConsent", lambda _: _page(_HOME)),
            ("/copyConsent", self._home),
            ("/v1/test/getcrumb", self._crumb),
            ("/v8/finance/chart/(?P<symbol>[^/]+)", Chart(self.find, clock).answer),
            ("/v7/finance/options/(?P<symbol>[^/]+)", self._options),
            ("/v10/finance/quoteSummary/(?P<symbol>[^/]+)", self._summary),
            ("/v7/finance/quote", self._quotes),
        ]
        self._router = Router(routes)

    def find(self, symbol: str) -> Listing | None:
        """Return what is known of a symbol."""
        return self.listings.get(symbol.upper())

    def set_rate_limit(self, per_minute: int | None) -> None:
        """Set how many requests a minute are answered, from now on."""
        self._limit = RateLimit(per_minute)

    def forget_visitors(self) -> None:
        """Let every cookie and crumb that was given out be invalid from now on."""
        self._cookies.clear()  # a crumb is good for its cookie only

    def answer(self, request: Request) -> Answer:
        """Answer a request, also with a refusal."""
        if not self._limit.admit():
            return refusal(429)
        found = self._router.find(request)
        if found is None:
            return _page("<html><body>Not found</body></html>", status=404)
        act, call = found
        try:
            with self.lock:
                return act(call)
        except Refused as refused:
            return refused.answer

    def _home(self, _: Call) -> Answer:
        """Give out a cookie; the page itself is of no use."""
        cookie = secrets.token_hex(16)
        self._cookies.add(cookie)
        answer = _page(_HOME, status=404)
        terms = f"Max-Age={_COOKIE_AGE_S}; Domain=.yahoo.com; Path=/; Secure; HttpOnly"
        answer.headers["Set-Cookie"] = f"A3={cookie}; {terms}"
        return answer

    def _visitor(self, call: Call) -> str:
        """Return the cookie of a call.

        Raises
        ------
        Refused
            401 where it is none of those that were given out.
        """
        pairs = call.request.headers.get("cookie", "").split("; ")
        cookies = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
        if cookies.get("A3") not in self._cookies:
            raise refuse(401, "Invalid Cookie", "finance")
        return cookies["A3"]

    def _crumb(self, call: Call) -> Answer:
        crumb = self._crumbs.setdefault(self._visitor(call), secrets.token_urlsafe(8))
        return Answer(raw=crumb.encode(), content_type="text/plain;charset=utf-8")

    def _check_crumb(self, call: Call) -> None:
        crumb = self._crumbs.get(self._visitor(call))
        if crumb is None or call.query.get("crumb") != crumb:
            raise refuse(401, "Invalid Crumb", "finance")

    def _summary(self, call: Call) -> Answer:
        """Answer what yfinance asks for where a chart did not tell the time zone."""
        self._check_crumb(call)
        symbol = call.parts["symbol"]
        listing = self.find(symbol)
        if listing is None:
            raise refuse(404, f"Quote not found for symbol: {symbol}", "quoteSummary")
        kind = {"symbol": listing.symbol, "quoteType": listing.instrument}
        kind |= {"timeZoneFullName": listing.zone}
        return Answer(body={"quoteSummary": {"result": [{"quoteType": kind}], "error": None}})

    def _quotes(self, call: Call) -> Answer:
        self._check_crumb(call)
        asked = [self.find(symbol) for symbol in call.query.get("symbols", "").split(",")]
        result = [_quote(listing) for listing in asked if listing is not None]
        return Answer(body={"quoteResponse": {"result": result, "error": None}})

    def _options(self, call: Call) -> Answer:
        self._check_crumb(call)
        listing = self.find(call.parts["symbol"])
        result = [] if listing is None else [_chain(listing, call.query.get("date"))]
        return Answer(body={"optionChain": {"result": result, "error": None}})

    def refusal(self, status: int) -> Answer:
        """Return how the vendor words a refusal of this status."""
        return refusal(status)

    def emptied(self, body: Any) -> Any:
        """Return a chart without its rows, or an option chain without a result."""
        if "optionChain" in body:
            return {"optionChain": {"result": [], "error": None}}
        results = [{"meta": result["meta"]} for result in body["chart"]["result"] or []]
        bare: dict[str, Any] = {"indicators": {"quote": [{}], "adjclose": [{}]}}
        return {"chart": {"result": [result | bare for result in results], "error": None}}

    def shortened(self, body: Any, rows: int) -> Any:
        """Return an answer with its last rows lost, in every column."""
        return rewritten(body, lambda name, value: (name, _cut(name, value, rows)))

    def about(self, body: Any, symbol: str) -> Any:
        """Return an answer that says it is about another symbol."""
        names = ("symbol", "underlyingSymbol")
        return rewritten(body, lambda name, value: (name, symbol if name in names else value))


_LISTS = ("timestamp", "open", "high", "low", "close", "volume", "adjclose", "calls", "puts")


def _cut(name: str, value: Any, rows: int) -> Any:
    # The key adjclose is a list of one object, and inside of it a list of numbers.
    is_column = isinstance(value, list) and not (value and isinstance(value[0], dict))
    is_rows = name in ("calls", "puts") or is_column
    return value[:-rows] if name in _LISTS and is_rows else value


def _page(text: str, status: int = 200) -> Answer:
    return Answer(status=status, raw=text.encode(), content_type="text/html; charset=utf-8")


def _chain(listing: Listing, asked: str | None) -> dict[str, Any]:
    expirations = sorted(listing.options)
    chosen = int(asked) if asked is not None else next(iter(expirations), None)
    sides = listing.options.get(chosen, {}) if chosen is not None else {}
    strikes = sorted({row["strike"] for side in sides.values() for row in side})
    page: dict[str, Any] = {
        "expirationDate": chosen,
        "hasMiniOptions": False,
        "calls": [],
        "puts": [],
    }
    return {
        "underlyingSymbol": listing.symbol,
        "expirationDates": expirations,
        "strikes": strikes,
        "hasMiniOptions": False,
        "quote": _quote(listing),
        "options": [page | sides] if sides else [],
    }


def _quote(listing: Listing) -> dict[str, Any]:
    told = {"symbol": listing.symbol, "quoteType": listing.instrument}
    return told | {"currency": listing.currency} | listing.quote
