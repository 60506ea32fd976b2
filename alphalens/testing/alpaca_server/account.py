"""The account: its figures, configuration, activities and history."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from alphalens.testing.loopback.clock import parse_instant
from alphalens.testing.loopback.plain_http import Answer

from .records import plain, rfc3339
from .refusals import Refused, unprocessable
from .routes import Call, Route
from .sessions import sessions_between
from .venue import Venue

_MAX_PAGE = 100
_PERIODS = {"D": 1, "W": 7, "M": 30, "A": 365}


class AccountApi:
    """Answers the requests under /v2/account."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._book = venue.book
        self._settings: dict[str, Any] = {
            "dtbp_check": None,
            "max_margin_multiplier": plain(venue.book.multiplier),
            "pdt_check": None,
            "trade_confirm_email": "all",
            "ptp_no_exception_entry": False,
        }
        self.routes: list[tuple[str, str, Route]] = [
            ("GET", r"/v2/account", self._account),
            ("GET", r"/v2/account/configurations", self._configurations),
            ("PATCH", r"/v2/account/configurations", self._configure),
            ("GET", r"/v2/account/activities(?:/(?P<type>\w+))?", self._activities),
            ("GET", r"/v2/account/portfolio/history", self._history),
        ]

    def _account(self, _: Call) -> Answer:
        book, may = self._book, self._venue.core.may
        values = book.values()
        power = book.buying_power()
        free_cash = max(book.cash - book.reserved(), Decimal(0))
        money = {
            "cash": book.cash,
            "equity": book.equity(),
            "last_equity": book.last_equity,
            "portfolio_value": book.equity(),
            "buying_power": power,
            "regt_buying_power": power,
            "non_marginable_buying_power": free_cash,
            "options_buying_power": free_cash,
            "long_market_value": sum((v for v in values if v > 0), Decimal(0)),
            "short_market_value": sum((v for v in values if v < 0), Decimal(0)),
            "position_market_value": sum((abs(v) for v in values), Decimal(0)),
            "initial_margin": book.initial_margin(),
            "maintenance_margin": book.maintenance_margin(),
            "last_maintenance_margin": Decimal(0),
            "sma": Decimal(0),
            "multiplier": book.multiplier,
            "accrued_fees": Decimal(0),
        }
        body: dict[str, Any] = {name: plain(round(value, 6)) for name, value in money.items()}
        body |= {
            "id": self._venue.account_id,
            "account_number": self._venue.account_number,
            "status": "ACTIVE",
            "crypto_status": "ACTIVE",
            "currency": "USD",
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "trade_suspended_by_user": may.suspended,
            "shorting_enabled": may.shorting and book.multiplier > 1,
            "created_at": rfc3339(self._venue.created_at),
            "options_approved_level": may.options_level,
            "options_trading_level": may.options_level,
        }
        return Answer(body=body)

    def _configurations(self, _: Call) -> Answer:
        may = self._venue.core.may
        told = {
            "suspend_trade": may.suspended,
            "no_shorting": not may.shorting,
            "fractional_trading": may.fractional,
            "max_options_trading_level": may.options_level,
        }
        return Answer(body=self._settings | told)

    def _configure(self, call: Call) -> Answer:
        may, given = self._venue.core.may, call.request.json()
        wanted = {key: value for key, value in given.items() if value is not None}
        may.suspended = bool(wanted.get("suspend_trade", may.suspended))
        may.shorting = not wanted.get("no_shorting", not may.shorting)
        may.fractional = bool(wanted.get("fractional_trading", may.fractional))
        may.options_level = int(wanted.get("max_options_trading_level", may.options_level))
        multiplier = Decimal(str(wanted.get("max_margin_multiplier", self._book.multiplier)))
        if multiplier not in (1, 2, 4):
            raise unprocessable(f"invalid max_margin_multiplier {multiplier}")
        with self._venue.core.transaction():
            self._book.multiplier = multiplier
        self._settings |= {key: wanted[key] for key in self._settings if key in wanted}
        return self._configurations(call)

    def _activities(self, call: Call) -> Answer:
        query = call.query
        kinds = (call.parts["type"] or query.get("activity_types") or "").split(",")
        rows = [
            row for row in self._book.activities if kinds == [""] or row["activity_type"] in kinds
        ]
        rows = _within(rows, query)
        if query.get("direction", "desc") != "asc":
            rows.reverse()
        token = query.get("page_token")
        if token:
            places = [n for n, row in enumerate(rows) if row["id"] == token]
            if not places:
                raise unprocessable(f"invalid page_token {token}")
            rows = rows[places[0] + 1 :]
        size = int(query.get("page_size", str(_MAX_PAGE)))
        if not 1 <= size <= _MAX_PAGE:
            raise unprocessable(f"page_size must be between 1 and {_MAX_PAGE}")
        return Answer(body=rows[:size])

    def _history(self, call: Call) -> Answer:
        query = call.query
        now = self._venue.clock.now()
        if all(key in query for key in ("start", "end", "period")):
            raise Refused(422, "at most two of start, end and period may be given", 42210000)
        end = parse_instant(query["end"]) if "end" in query else now
        start = parse_instant(query["start"]) if "start" in query else end - _period(query)
        days = sessions_between(start.date(), end.date())
        closes = [session.close for session in days if session.close <= now]
        equity = [float(self._equity_at(moment)) for moment in closes]
        base = equity[0] if equity else float(self._book.last_equity)
        gains = [value - base for value in equity]
        return Answer(
            body={
                "timestamp": [int(moment.timestamp()) for moment in closes],
                "equity": equity,
                "profit_loss": gains,
                "profit_loss_pct": [gain / base if base else None for gain in gains],
                "base_value": base,
                "base_value_asof": days[0].day.isoformat() if days else None,
                "timeframe": query.get("timeframe", "1D"),
                "cashflow": {},
            }
        )

    def _flows(self, *, after: datetime) -> Decimal:
        """Cash that executions and activities brought in after an instant."""
        fills = sum(
            (
                (1 if e.side == "sell" else -1)
                * e.qty
                * e.price
                * self._book.asset(e.symbol).multiplier
                for e in self._book.executions
                if e.time > after
            ),
            Decimal(0),
        )
        booked = sum(
            (
                Decimal(row.get("net_amount", "0"))
                for row in self._book.activities
                if row["activity_type"] != "FILL" and _time_of(row) > after
            ),
            Decimal(0),
        )
        return fills + booked

    def _equity_at(self, moment: datetime) -> Decimal:
        """Cash at an instant, with the positions of that instant at today's prices."""
        cash = self._book.cash - self._flows(after=moment)
        held: dict[str, Decimal] = {}
        for execution in self._book.executions:
            if execution.time <= moment:
                held[execution.symbol] = execution.position_qty
        values = (
            qty * self._book.price(symbol) * self._book.asset(symbol).multiplier
            for symbol, qty in held.items()
        )
        return cash + sum(values, Decimal(0))


def _time_of(row: dict[str, Any]) -> datetime:
    return parse_instant(row.get("transaction_time") or row["date"])


def _within(rows: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows between `after` and `until`, both excluded, and of the day `date`."""
    after = parse_instant(query.get("after", "1970-01-01"))
    until = parse_instant(query.get("until", "9999-01-01"))
    day = query.get("date", "")[:10]
    return [
        row
        for row in rows
        if after < _time_of(row) < until and (not day or _time_of(row).date().isoformat() == day)
    ]


def _period(query: dict[str, str]) -> timedelta:
    text = query.get("period", "1M")
    if text[-1:] not in _PERIODS or not text[:-1].isdigit():
        raise unprocessable(f"invalid period {text}")
    return timedelta(days=int(text[:-1]) * _PERIODS[text[-1]])
