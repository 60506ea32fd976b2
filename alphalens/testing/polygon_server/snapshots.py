"""What is known now: snapshots by market and of every class, and the last quote and trade."""

from __future__ import annotations

from typing import Any

from alphalens.testing.loopback.plain_http import Answer
from alphalens.testing.loopback.vendor import Call, Route

from .paging import Pages, limit_of
from .tape import MINUTE, Row, Tape
from .words import refuse, request_id

_MARKETS = "/v2/snapshot/locale/(?:us/markets/(?P<stocks>stocks)|global/markets/(?P<crypto>crypto))"
_CLASSES = {"O:": "options", "X:": "crypto"}
_MOST = 250
_QUOTE = {"P": "ask_price", "S": "ask_size", "p": "bid_price", "s": "bid_size"}
_QUOTE |= {"t": "sip_timestamp"}
_TRADE = {"c": "conditions", "i": "id", "p": "price", "s": "size", "t": "sip_timestamp"}
_TRADE |= {"x": "exchange"}
_LAST = {"f": "trf_timestamp", "q": "sequence_number", "y": "participant_timestamp", "z": "tape"}
_LAST_QUOTE = _QUOTE | _LAST | {"X": "ask_exchange", "x": "bid_exchange", "i": "indicators"}
_LAST_TRADE = _TRADE | _LAST
_BAR = ("o", "h", "l", "c", "v", "vw")
_LONG = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vw": "vwap"}
_QUOTE_NOW = {"ask_price": "ask", "ask_size": "ask_size", "bid_price": "bid"}
_QUOTE_NOW |= {"bid_size": "bid_size", "sip_timestamp": "last_updated"}
_TRADE_NOW = ("conditions", "exchange", "id", "price", "sip_timestamp", "size")
_OPTION = (
    "break_even_price", "details", "greeks", "implied_volatility", "last_quote", "last_trade",
    "open_interest", "underlying_asset",
)  # fmt: skip


class Snapshots:
    """Answers the requests about the present.

    `status` is what a good answer says: ``OK``, or ``DELAYED`` as on a delayed plan.
    """

    def __init__(self, tape: Tape, pages: Pages, status: str) -> None:
        self._tape = tape
        self._pages = pages
        self._status = status
        self.routes: list[tuple[str, Route]] = [
            (f"{_MARKETS}/tickers", self._all),
            (f"{_MARKETS}/tickers/(?P<ticker>[^/]+)", self._one),
            (f"{_MARKETS}/(?P<side>gainers|losers)", self._movers),
            ("/v3/snapshot", self._universal),
            ("/v2/last/nbbo/(?P<ticker>[^/]+)", self._last_quote),
            ("/v2/last/trade/(?P<ticker>[^/]+)", self._last_trade),
        ]

    def _known(self, market: str) -> list[str]:
        names = {ticker for ticker, _, _ in self._tape.aggs}
        names |= self._tape.quotes.keys() | self._tape.trades.keys()
        return sorted(name for name in names if _market_of(name) == market)

    def _all(self, call: Call) -> Answer:
        asked, known = call.query.get("tickers", ""), self._known(_market(call))
        wanted, has = asked.split(",") if asked else known, set(known)
        return self._told([self._snapshot(ticker) for ticker in wanted if ticker in has])

    def _one(self, call: Call) -> Answer:
        ticker = call.parts["ticker"]
        if ticker not in self._known(_market(call)):
            raise refuse(404, "Ticker not found.")
        body = {"status": self._status, "request_id": request_id()}
        return Answer(body=body | {"ticker": self._snapshot(ticker)})

    def _movers(self, call: Call) -> Answer:
        is_up = call.parts["side"] == "gainers"
        shots = [self._snapshot(ticker) for ticker in self._known(_market(call))]
        moved = [s for s in shots if (s["todaysChangePerc"] > 0) == is_up and s["todaysChange"]]
        moved.sort(key=lambda shot: shot["todaysChangePerc"], reverse=is_up)
        return self._told(moved[:20])

    def _told(self, shots: list[Row]) -> Answer:
        body = {"count": len(shots), "tickers": shots, "status": self._status}
        return Answer(body=body | {"request_id": request_id()})

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
        is_quoted = quote and _market_of(ticker) == "stocks"  # those of coins have no quote
        shot |= {"lastQuote": _short(quote, _QUOTE)} if is_quoted else {}
        return shot | ({"lastTrade": _short(trade, _TRADE)} if trade else {})

    def _universal(self, call: Call) -> Answer:
        """Tell tickers of any class; one that nobody knows comes back with an error."""
        query, after = self._pages.query(call)
        options = {r["details"]["ticker"]: r for rows in self._tape.chain.values() for r in rows}
        others = {name for market in ("stocks", "crypto") for name in self._known(market)}
        asked = query.get("ticker.any_of", "")
        wanted = asked.split(",") if asked else sorted(others | options.keys())
        if asked and len(wanted) > _MOST:
            raise refuse(400, f"ticker.any_of takes {_MOST} tickers, got {len(wanted)}")
        page, onward = self._pages.cut(call, query, wanted, after, limit_of(query, 10, _MOST))
        told = []
        for ticker in page:
            if ticker in options:
                told.append(_option_now(ticker, options[ticker]))
            else:
                told.append(self._now(ticker) if ticker in others else _unknown(ticker))
        body = {"results": told, "status": self._status, "request_id": request_id()}
        return Answer(body=body | onward)

    def _now(self, ticker: str) -> Row:
        """Return a share or a coin in the words of the universal snapshot."""
        shot = self._snapshot(ticker)
        quote, trade = _last(self._tape.quotes, ticker), _last(self._tape.trades, ticker)
        session = _renamed(shot["day"], _LONG) | {"previous_close": shot["prevDay"]["c"]}
        minute = _renamed(shot["min"], _LONG) | {"last_updated": shot["min"]["t"] * 1_000_000}
        now: Row = {"ticker": ticker, "type": _market_of(ticker), "session": session}
        now |= {"last_minute": minute, "market_status": "open"}
        now |= {"last_quote": _renamed(quote, _QUOTE_NOW)} if "lastQuote" in shot else {}
        last = {name: trade[name] for name in _TRADE_NOW if name in trade}
        return now | ({"last_trade": last} if trade else {})

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


def _market(call: Call) -> str:
    return call.parts["stocks"] or call.parts["crypto"]


def _market_of(ticker: str) -> str:
    return _CLASSES.get(ticker[:2], "stocks" if ":" not in ticker else "")


def _unknown(ticker: str) -> Row:
    return {"ticker": ticker, "error": "NOT_FOUND", "message": "Ticker not found."}


def _option_now(ticker: str, row: Row) -> Row:
    """Return an option of a chain in the words of the universal snapshot."""
    session = {name: value for name, value in row.get("day", {}).items() if name != "last_updated"}
    told = {name: row[name] for name in _OPTION if name in row}
    return {"ticker": ticker, "type": "options", "session": session} | told


def _last(points: dict[str, list[Row]], ticker: str) -> Row:
    found = points.get(ticker) or [{}]
    return found[-1]


def _bar(row: Row) -> Row:
    """Return the bar of a day, which has no time here; zeros where there is none."""
    return {name: row.get(name, 0) for name in _BAR}


def _short(row: Row, names: dict[str, str]) -> Row:
    return {short: row[name] for short, name in names.items() if name in row}


def _renamed(row: Row, names: dict[str, str]) -> Row:
    return {long: row[name] for name, long in names.items() if name in row}
