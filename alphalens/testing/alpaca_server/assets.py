"""What the venue lists: stocks, coins, and option contracts named on demand."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

_OCC = re.compile(r"^(?P<root>[A-Z]{1,6})(?P<day>\d{6})(?P<kind>[CP])(?P<strike>\d{8})$")
_STOCKS = {
    "AAPL": "NASDAQ",
    "AMZN": "NASDAQ",
    "BRK.B": "NYSE",
    "GOOG": "NASDAQ",
    "KO": "NYSE",
    "META": "NASDAQ",
    "MSFT": "NASDAQ",
    "NVDA": "NASDAQ",
    "QQQ": "NASDAQ",
    "SPY": "ARCA",
    "TSLA": "NASDAQ",
}
_COINS = {"BTC/USD": "Bitcoin", "ETH/USD": "Ethereum", "SOL/USD": "Solana"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One listed thing, with the flags that decide which orders are accepted."""

    symbol: str
    asset_class: str
    exchange: str
    name: str
    tradable: bool = True
    marginable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    fractionable: bool = True
    multiplier: Decimal = Decimal(1)
    min_order_size: Decimal | None = None
    min_trade_increment: Decimal | None = None
    price_increment: Decimal | None = None
    id: str = field(default="")

    def to_json(self) -> dict[str, Any]:
        """Return the body of `/v2/assets/{symbol}`."""
        known = asdict(self)
        body = {
            key: known[key]
            for key in (
                "id", "exchange", "symbol", "name", "tradable", "marginable",
                "shortable", "easy_to_borrow", "fractionable",
            )
        }  # fmt: skip
        body |= {"class": self.asset_class, "status": "active", "attributes": []}
        body["maintenance_margin_requirement"] = 30 if self.marginable else 100
        for key in ("min_order_size", "min_trade_increment", "price_increment"):
            if known[key] is not None:
                body[key] = str(known[key])
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the symbol of an option says."""

    symbol: str
    root: str
    expiry: date
    is_call: bool
    strike: Decimal

    def intrinsic(self, spot: Decimal) -> Decimal:
        """Return what one share of the contract is worth at expiry, never negative."""
        worth = spot - self.strike if self.is_call else self.strike - spot
        return max(worth, Decimal(0))


def parse_contract(symbol: str) -> Contract | None:
    """Read an OCC symbol; None for anything else.

    >>> parse_contract("AAPL250117P00190000").strike
    Decimal('190')
    """
    match = _OCC.match(symbol)
    if match is None:
        return None
    day = match["day"]
    return Contract(
        symbol=symbol,
        root=match["root"],
        expiry=date(2000 + int(day[:2]), int(day[2:4]), int(day[4:])),
        is_call=match["kind"] == "C",
        strike=Decimal(match["strike"]).scaleb(-3).normalize() + 0,
    )


class Catalogue:
    """Every asset by symbol, by identifier, and coins also without their slash."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Asset] = {}
        for symbol, exchange in _STOCKS.items():
            self.add(stock(symbol, exchange))
        for symbol, name in _COINS.items():
            self.add(coin(symbol, name))

    def add(self, asset: Asset) -> Asset:
        """List `asset`, in place of one of the same symbol."""
        self._by_symbol[asset.symbol] = asset
        return asset

    def find(self, name: str) -> Asset | None:
        """Return what `name` means: a symbol, `BTCUSD` for `BTC/USD`, or an identifier."""
        found = self._by_symbol.get(name)
        if found is None and parse_contract(name) is not None:
            found = self.add(_option(name))
        if found is not None:
            return found
        return next(
            (a for a in self._by_symbol.values() if name in (a.id, a.symbol.replace("/", ""))),
            None,
        )

    def all(self) -> list[Asset]:
        """Return what is listed, by symbol; option contracts only once they were named."""
        return [self._by_symbol[symbol] for symbol in sorted(self._by_symbol)]


def stock(symbol: str, exchange: str = "NASDAQ", **flags: bool) -> Asset:
    """Describe a stock."""
    return Asset(
        symbol=symbol,
        asset_class="us_equity",
        exchange=exchange,
        name=f"{symbol} Common Stock",
        id=_identity(symbol),
        **flags,  # type: ignore[arg-type]  # the flags are all booleans, the other fields are set
    )


def coin(symbol: str, name: str) -> Asset:
    """Describe a pair of a coin and the dollar."""
    return Asset(
        symbol=symbol,
        asset_class="crypto",
        exchange="CRYPTO",
        name=f"{name} / US Dollar",
        marginable=False,
        shortable=False,
        easy_to_borrow=False,
        id=_identity(symbol),
        min_order_size=Decimal("0.0001"),
        min_trade_increment=Decimal("0.0001"),
        price_increment=Decimal("0.01"),
    )


def _option(symbol: str) -> Asset:
    return Asset(
        symbol=symbol,
        asset_class="us_option",
        exchange="",
        name=f"{symbol} option",
        marginable=False,
        fractionable=False,
        multiplier=Decimal(100),
        id=_identity(symbol),
    )


def _identity(symbol: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"loopback/{symbol}"))
