"""What happens to an account without an order: splits, dividends, expiry, assignment, fees."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .assets import parse_contract
from .records import plain
from .refusals import unprocessable
from .sessions import new_york
from .venue import Venue

_HUNDRED = Decimal(100)
_ZERO = Decimal(0)


class Actions:
    """Books non-trade activities; each moves cash and positions and leaves its row."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._book = venue.book

    def _record(self, kind: str, net: Decimal, **more: Any) -> dict[str, Any]:
        moment = self._venue.clock.stamp()
        row = {
            "activity_type": kind,
            "date": new_york(moment).date().isoformat(),
            "net_amount": plain(net),
            "description": "",
            "status": "executed",
        }
        self._book.cash += net
        return self._book.record(self._venue.core.new_id(), moment, row | more)

    def book(self, kind: str, **values: Any) -> list[dict[str, Any]]:
        """Do one of: split, dividend, expire, assign, cash.

        Raises
        ------
        Refused
            422 for any other kind.
        """
        known: dict[str, Callable[..., list[dict[str, Any]]]] = {
            "split": self.split,
            "dividend": self.dividend,
            "expire": self.expire,
            "assign": self.assign,
            "cash": self.cash,
        }
        if kind not in known:
            raise unprocessable(f"no action {kind!r}; known are {', '.join(known)}")
        return known[kind](**values)

    def split(self, symbol: str, ratio: Any) -> list[dict[str, Any]]:
        """Give `ratio` new shares for an old one: position, entry price, prices and gtc orders.

        Open orders of the symbol are replaced without a request of anybody.
        """
        factor = Decimal(str(ratio))
        held = self._book.held(symbol)
        rows = []
        if held != 0:
            entry = self._book.positions[symbol].avg_entry
            self._book.move(symbol, -held, entry)
            self._book.move(symbol, held * factor, entry / factor)
            rows = [
                self._record("SPLIT", _ZERO, symbol=symbol, qty=plain(qty), price=plain(price))
                for qty, price in ((-held, entry), (held * factor, round(entry / factor, 9)))
            ]
        self._book.tape.marks.pop(symbol, None)
        for order in self._book.open_orders(symbol):
            if order.is_working and order.time_in_force == "gtc":
                changes: dict[str, Any] = {
                    "qty": plain((order.leaves * factor).to_integral_value())
                }
                for name in ("limit_price", "stop_price"):
                    price = getattr(order, name)
                    if price is not None:
                        changes[name] = plain(round(price / factor, 2))
                self._venue.desk.replace(order.id, changes)
        return rows

    def dividend(self, symbol: str, per_share: Any) -> list[dict[str, Any]]:
        """Pay a cash dividend on what is held; a short position pays it."""
        rate = Decimal(str(per_share))
        held = self._book.held(symbol)
        if held == 0:
            return []
        return [
            self._record(
                "DIV", held * rate, symbol=symbol, qty=plain(held), per_share_amount=plain(rate)
            )
        ]

    def expire(self, symbol: str, spot: Any) -> list[dict[str, Any]]:
        """Expire an option with the underlying at `spot`: worthless, exercised or assigned."""
        contract = parse_contract(symbol)
        if contract is None:
            raise unprocessable(f"{symbol} is not an option contract")
        held = self._book.held(symbol)
        if held == 0:
            return []
        if contract.intrinsic(Decimal(str(spot))) > 0:
            return self._deliver(symbol, held, "OPEXC" if held > 0 else "OPASN")
        self._book.move(symbol, -held, _ZERO)
        return [self._record("OPEXP", _ZERO, symbol=symbol, qty=plain(-held), price="0")]

    def exercise(self, symbol: str) -> list[dict[str, Any]]:
        """Turn every long contract into shares at the strike."""
        return self._deliver(symbol, self._book.held(symbol), "OPEXC")

    def assign(self, symbol: str, qty: Any) -> list[dict[str, Any]]:
        """Assign `qty` contracts of a short option before its expiry."""
        wanted = Decimal(str(qty))
        if wanted <= 0 or wanted > -self._book.held(symbol):
            raise unprocessable(
                f"cannot assign {wanted} of {symbol}: held is {self._book.held(symbol)}"
            )
        return self._deliver(symbol, -wanted, "OPASN")

    def _deliver(self, symbol: str, contracts: Decimal, kind: str) -> list[dict[str, Any]]:
        """Turn signed contracts into shares at the strike."""
        contract = parse_contract(symbol)
        assert contract is not None  # noqa: S101 - both callers hold the contract
        shares = contracts * _HUNDRED * (1 if contract.is_call else -1)
        self._book.move(symbol, -contracts, _ZERO)
        self._book.move(contract.root, shares, contract.strike)
        return [
            self._record(kind, _ZERO, symbol=symbol, qty=plain(-contracts), price="0"),
            self._record(
                "OPTRD", -shares * contract.strike, symbol=contract.root, qty=plain(shares),
                price=plain(contract.strike),
            ),
        ]  # fmt: skip

    def cash(self, activity: str, amount: Any, description: str = "") -> list[dict[str, Any]]:
        """Book an amount of cash: FEE, INT, CSD, CSW and the like; negative takes it away."""
        return [self._record(activity, Decimal(str(amount)), description=description)]
