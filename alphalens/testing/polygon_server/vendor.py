"""The vendor: who is asking, whether they may, and what the answer is."""

from __future__ import annotations

import re
import threading
from typing import Any

from alphalens.testing.loopback.clock import VenueClock
from alphalens.testing.loopback.limits import RateLimit
from alphalens.testing.loopback.plain_http import Answer, Request
from alphalens.testing.loopback.vendor import Refused, Router, rewritten

from .aggs import Aggs
from .listings import Listings
from .paging import Pages
from .snapshots import Snapshots
from .tape import Tape
from .times import NEW_YORK
from .words import refusal, request_id

_SYMBOLS = ("ticker", "T", "symbol", "sym")
_ROWS = ("results", "tickers")


class Polygon:
    """Data and rules of the vendor.

    Parameters
    ----------
    keys
        The API keys that it knows.
    rate_limit
        Requests a minute of each key; None never refuses.
    clock
        Its time.
    public_host
        The host of a ``next_url``.
    is_delayed
        Whether bars and snapshots say ``DELAYED``, as on a delayed plan.
    """

    def __init__(
        self,
        *,
        keys: tuple[str, ...],
        rate_limit: int | None,
        clock: VenueClock,
        public_host: str,
        is_delayed: bool,
    ) -> None:
        self.tape = Tape()
        self.lock = threading.RLock()
        self.rate_limit = rate_limit
        self.forbidden: dict[str, str] = {}
        self._keys, self._clock = keys, clock
        self._limits = {key: RateLimit(rate_limit) for key in keys}
        pages = Pages(public_host)
        status = "DELAYED" if is_delayed else "OK"
        self._router = Router(
            [
                *Aggs(self.tape, clock, pages, status).routes,
                *Snapshots(self.tape, pages, status).routes,
                *Listings(self.tape, clock, pages).routes,
                ("/v3/reference/tickers/(?P<ticker>[^/]+)", self._details),
                ("/v1/marketstatus/upcoming", self._holidays),
            ]
        )

    def knows(self, key: str) -> bool:
        """Return whether an API key is one of the vendor's."""
        return key in self._keys

    def set_rate_limit(self, per_minute: int | None) -> None:
        """Set how many requests a minute of each key are answered, from now on."""
        self._limits = {key: RateLimit(per_minute) for key in self._keys}

    def answer(self, request: Request) -> Answer:
        """Answer a request, also with a refusal."""
        key = _key_of(request)
        if not self.knows(key):
            return refusal(401, None if key else "API Key was not provided")
        if not self._limits[key].admit():
            return refusal(429)
        for path, text in self.forbidden.items():
            if re.match(path, request.path):
                return refusal(403, text or None)
        found = self._router.find(request)
        if found is None:
            return Answer(status=404, raw=b"404 page not found\n", content_type="text/plain")
        act, call = found
        try:
            with self.lock:
                return act(call)
        except Refused as refused:
            return refused.answer

    def _details(self, call: Any) -> Answer:
        found = [row for row in self.tape.tickers if row["ticker"] == call.parts["ticker"]]
        if not found:
            return refusal(404, "Ticker not found.")
        body = {"request_id": request_id(), "results": found[-1], "status": "OK"}
        return Answer(body=body)

    def _holidays(self, _: Any) -> Answer:
        """Return the holidays that are not past: a list, with nothing around it."""
        today = self._clock.now().astimezone(NEW_YORK).date().isoformat()
        return Answer(body=[row for row in self.tape.holidays if row["date"] >= today])

    def refusal(self, status: int) -> Answer:
        """Return how the vendor words a refusal of this status."""
        return refusal(status)

    def emptied(self, body: Any) -> Any:
        """Return an answer without rows: bars lose the key, lists keep an empty one."""
        if isinstance(body, list):
            return []
        kept = {name: value for name, value in body.items() if name != "next_url"}
        if "resultsCount" in kept:
            kept.pop("results", None)
            return kept | {"resultsCount": 0, "queryCount": 0, "count": 0}
        return kept | {name: [] for name in _ROWS if name in kept}

    def shortened(self, body: Any, rows: int) -> Any:
        """Return an answer without its last rows and its next page; the counts stay."""
        if isinstance(body, list):
            return body[:-rows]
        kept = {name: value for name, value in body.items() if name != "next_url"}
        return kept | {name: kept[name][:-rows] for name in _ROWS if name in kept}

    def about(self, body: Any, symbol: str) -> Any:
        """Return an answer that says it is about another symbol."""
        return rewritten(body, lambda name, value: (name, symbol if _names(name, value) else value))


def _names(name: str, value: object) -> bool:
    return name in _SYMBOLS and isinstance(value, str)


def _key_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and token:
        return token
    return request.query.get("apiKey", "")
