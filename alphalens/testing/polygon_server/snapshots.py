"""What is known now: snapshots of stocks, and the last quote and trade."""

from __future__ import annotations

from typing import Any

from alphalens.testing.alpaca_server.plain_http import Answer
from alphalens.testing.loopback.vendor import Call, Route

from .tape import MINUTE, Row, Tape
from .words import refuse, request_id

_STOCKS = "/v2/snapshot/locale/us/markets/stocks"
_QUOTE = {"P": "ask_price", "S": "ask_size", "p": "bid_price", "s": "bid_size"}
_QUOTE |= {"t": "sip_timestamp"}
_TRADE = {"c": "conditions", "i": "id", "p": "price", "s": "size", "t": "sip_timestamp"}
_TRADE |= {"x": "exchange"}
_LAST = {"f": "trf_timestamp", "q": "sequence_number", "y": "participant_timestamp", "z": "tape"}
_LAST_QUOTE = _QUOTE | _LAST | {"X": "ask_exchange", "x": "bid_exchange", "i": "indicators"}
_LAST_TRADE = _TRADE | _LAST
_BAR = ("o", "h", "l", "c", "v", "vw")


class Snapshots:
    """Answers the requests about the present."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.routes: list[tuple[str, Route]] = [
            (f"{_STOCKS}/tickers", self._all),
            (f"{_STOCKS}/tickers/(?P<ticker>[^/]+)", self._one),
            (f"{_STOCKS}/(?P<side>gainers|losers)", self._movers),
            ("/v2/last/nbbo/(?P<ticker>[^/]+)", self._last_quote),
            ("/v2/last/trade/(?P<ticker>[^/]+)", self._last_trade),
        ]

    def _known(self) -> list[str]:
        names = {ticker for ticker, _, _ in self._tape.aggs}
        names |= self._tape.quotes.keys() | self._tape.trades.keys()
        return sorted(name for name in names if ":" not in name)

    def _all(self, call: Call) -> Answer:
        asked = call.query.get("tickers", "")
        wanted = asked.split(",") if asked else self._known()
        known = set(self._known())
        return _told([self._snapshot(ticker) for ticker in wanted if ticker in known])

    def _one(self, call: Call) -> Answer:
        ticker = call.parts["ticker"]
        if ticker not in self._known():
            raise refuse(404, "Ticker not found.")
        body = {"status": "OK", "request_id": request_id(), "ticker": self._snapshot(ticker)}
        return Answer(body=body)

    def _movers(self, call: Call) -> Answer:
        is_up = call.parts["side"] == "gainers"
        shots = [self._snapshot(ticker) for ticker in self._known()]
        moved = [s for s in shots if (s["todaysChangePerc"] > 0) == is_up and s["todaysChange"]]
        moved.sort(key=lambda shot: shot["todaysChangePerc"], reverse=is_up)
        return _told(moved[:20])

    def _snapshot(self, ticker: str) -> Row:
        days, minutes = self._tape.days(ticker), self._tape.aggs.get((ticker, *MINUTE), [])
        quote, trade = _last(self._tape.quotes, ticker), _last(self._tape.trades, ticker)
        day = days[-1] if days else {}
        before = days[-2] if len(days) > 1 else {}
        now = trade.get("price") or day.get("c") or 0
        then = before.get("c") or 0
        shot: dict[str, Any] = {
            "ticker": ticker,
            "todaysChange": now - then if then else 0,
            "todaysChangePerc": (now - then) / then * 100 if then else 0,
            "updated": trade.get("sip_timestamp") or quote.get("sip_timestamp") or 0,
            "day": _bar(day),
            "prevDay": _bar(before),
            "min": minutes[-1] if minutes else _bar({}) | {"t": 0, "n": 0},
        }
        shot |= {"lastQuote": _short(quote, _QUOTE)} if quote else {}
        return shot | ({"lastTrade": _short(trade, _TRADE)} if trade else {})

    def _last_quote(self, call: Call) -> Answer:
        return self._latest(call.parts["ticker"], self._tape.quotes, _LAST_QUOTE)

    def _last_trade(self, call: Call) -> Answer:
        return self._latest(call.parts["ticker"], self._tape.trades, _LAST_TRADE)

    def _latest(self, ticker: str, points: dict[str, list[Row]], names: dict[str, str]) -> Answer:
        point = _last(points, ticker)
        if not point:
            raise refuse(404, "Data not found.")
        results = {"T": ticker} | _short(point, names)
        return Answer(body={"request_id": request_id(), "results": results, "status": "OK"})


def _told(shots: list[Row]) -> Answer:
    body = {"count": len(shots), "tickers": shots, "status": "OK", "request_id": request_id()}
    return Answer(body=body)


def _last(points: dict[str, list[Row]], ticker: str) -> Row:
    found = points.get(ticker) or [{}]
    return found[-1]


def _bar(row: Row) -> Row:
    """Return the bar of a day, which has no time here; zeros where there is none."""
    return {name: row.get(name, 0) for name in _BAR}


def _short(row: Row, names: dict[str, str]) -> Row:
    return {short: row[name] for short, name in names.items() if name in row}
