"""How Alpaca names what is traded."""

from __future__ import annotations

import re

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, class_by_form, from_vendor, to_vendor
from alphalens.errors import InputError
from alphalens.net.failures import Unreadable

__all__ = ["class_of", "symbol_from", "symbol_to"]

_CLASSES = {
    "us_equity": AssetClass.EQUITY,
    "us_option": AssetClass.OPTION,
    "crypto": AssetClass.CRYPTO,
    "crypto_perp": AssetClass.PERPETUAL,
}
_JOINED_PAIR = re.compile(r"(?=.{6,})[A-Z0-9]{2,}(USD|USDT|USDC|BTC)")


def class_of(symbol: str, named: object = None) -> AssetClass:
    """Return the class of an asset, by the venue's word for it or else by its symbol.

    Examples
    --------
    >>> class_of("BTCUSD").value, class_of("BTCUSD", "us_equity").value
    ('crypto', 'equity')
    """
    if isinstance(named, str) and named in _CLASSES:
        return _CLASSES[named]
    if _JOINED_PAIR.fullmatch(symbol):
        return AssetClass.CRYPTO
    return class_by_form(symbol)


def symbol_from(text: object, named: object = None) -> str:
    """Return the canonical symbol; one that has no canonical form stays as the venue has it.

    Raises
    ------
    Unreadable
        If there is none.
    """
    if not isinstance(text, str) or not text:
        raise Unreadable(f"symbol should be a text, got {text!r}")
    kind = class_of(text, named)
    is_joined = kind is AssetClass.CRYPTO and "/" not in text
    vendor = Vendor.ALPACA_POSITIONS if is_joined else Vendor.ALPACA
    try:
        return from_vendor(text, vendor, kind)
    except InputError:
        return text


def symbol_to(symbol: str) -> str:
    """Return the symbol as orders and subscriptions have it.

    Raises
    ------
    InputError
        If the venue could not name the asset.
    """
    return to_vendor(symbol, Vendor.ALPACA, class_of(symbol))
