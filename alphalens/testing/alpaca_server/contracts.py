"""Option contracts that the venue knows, and their exercise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from alphalens.testing.loopback.plain_http import Answer

from .actions import Actions
from .assets import Asset, Contract, parse_contract
from .records import plain
from .refusals import forbidden, not_found, unprocessable
from .routes import Call, Route
from .sessions import new_york
from .venue import Venue

_PAGE = 100
_MAX_PAGE = 10_000


class ContractsApi:
    """Answers the requests about option contracts; a contract is known once it was named."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._actions = Actions(venue)
        self.routes: list[tuple[str, str, Route]] = [
            ("GET", r"/v2/options/contracts", self._list),
            ("GET", r"/v2/options/contracts/(?P<id>[^/]+)", self._one),
            ("POST", r"/v2/positions/(?P<id>[^/]+)/exercise", self._exercise),
        ]

    def _list(self, call: Call) -> Answer:
        query = call.query
        today = new_york(self._venue.clock.now()).date()
        known = [
            (asset, contract)
            for asset in self._venue.book.catalogue.all()
            if (contract := parse_contract(asset.symbol)) is not None
            and is_wanted(contract, query, today)
        ]
        first = int(query.get("page_token") or 0)
        after = first + min(int(query.get("limit") or _PAGE), _MAX_PAGE)
        rows = [self._json(asset, contract) for asset, contract in known[first:after]]
        token = str(after) if after < len(known) else None
        return Answer(body={"option_contracts": rows, "next_page_token": token})

    def _one(self, call: Call) -> Answer:
        asset = self._venue.book.catalogue.find(call.parts["id"])
        contract = None if asset is None else parse_contract(asset.symbol)
        if asset is None or contract is None:
            raise not_found(f"option contract not found for {call.parts['id']}")
        return Answer(body=self._json(asset, contract))

    def _json(self, asset: Asset, contract: Contract) -> dict[str, Any]:
        underlying = self._venue.book.catalogue.find(contract.root)
        kind = "call" if contract.is_call else "put"
        price = self._venue.book.tape.price(asset.symbol)
        today = new_york(self._venue.clock.now()).date()
        return {
            "id": asset.id,
            "symbol": asset.symbol,
            "name": f"{contract.root} {contract.expiry} {plain(contract.strike)} {kind.title()}",
            "status": "active" if contract.expiry >= today else "inactive",
            "tradable": asset.tradable,
            "expiration_date": contract.expiry.isoformat(),
            "root_symbol": contract.root,
            "underlying_symbol": contract.root,
            "underlying_asset_id": asset.id if underlying is None else underlying.id,
            "type": kind,
            "style": "american",
            "strike_price": plain(contract.strike),
            "multiplier": "100",
            "size": "100",
            "close_price": None if price is None else plain(price),
        }

    def _exercise(self, call: Call) -> Answer:
        asset = self._venue.book.catalogue.find(call.parts["id"])
        held = Decimal(0) if asset is None else self._venue.book.held(asset.symbol)
        if asset is None or parse_contract(asset.symbol) is None:
            raise unprocessable(f"{call.parts['id']} is not an option contract")
        if held <= 0:
            raise forbidden("no long position to exercise", symbol=asset.symbol)
        if not self._venue.core.may.trades("us_option", self._venue.clock.now()):
            raise unprocessable("exercise requests are only allowed during market hours")
        with self._venue.core.transaction():
            self._actions.exercise(asset.symbol)
        return Answer(body=None)


def is_wanted(contract: Contract, query: dict[str, str], today: date) -> bool:
    """Return whether a contract passes every filter of the query that is given."""
    roots = query.get("underlying_symbols") or query.get("root_symbol")
    kind = "call" if contract.is_call else "put"
    status = "active" if contract.expiry >= today else "inactive"
    tests: dict[str, Callable[[str], bool]] = {
        "expiration_date": lambda text: contract.expiry == date.fromisoformat(text),
        "expiration_date_gte": lambda text: contract.expiry >= date.fromisoformat(text),
        "expiration_date_lte": lambda text: contract.expiry <= date.fromisoformat(text),
        "strike_price_gte": lambda text: contract.strike >= Decimal(text),
        "strike_price_lte": lambda text: contract.strike <= Decimal(text),
        "type": lambda text: text == kind,
        "status": lambda text: text == status,
    }
    named = not roots or contract.root in roots.split(",")
    return named and all(test(query[key]) for key, test in tests.items() if query.get(key))
