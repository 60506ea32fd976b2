"""One canonical symbol for each asset, and the forms that vendors write it in.

========== ========================= ====================================================
class      canonical                 also read
========== ========================= ====================================================
equity     ``BRK.B``                 ``BRK-B``, ``BRK/B``, ``brk.b``
option     ``AAPL250117P00190000``   padded with blanks to 21 characters
crypto     ``BTC/USD``               ``BTCUSD``, ``BTC-USD``, ``btc/usd``
perpetual  ``BTC/USDT-PERP``         ``BTCUSDT-PERP``, ``BTC-USDT-PERP``
future     ``ESZ26``                 ``ESZ2026``; ``ESZ6`` with a date near it
========== ========================= ====================================================

The letters alone do not tell the class (a share could be called ``BTCUSD``), so the caller
does. Suffixes of shares are those of the consolidated tape in the United States: a class
(``BRK.B``), ``PR`` and a letter for preferred shares, ``WS`` warrants, ``U`` units, ``RT``
rights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from alphalens.assets.contracts import FutureSymbol, OccSymbol
from alphalens.assets.kinds import AssetClass
from alphalens.errors import InputError

__all__ = [
    "MAX_LENGTH",
    "QUOTES",
    "Vendor",
    "canonical",
    "class_by_form",
    "from_vendor",
    "split_pair",
    "to_vendor",
]

MAX_LENGTH = 32
QUOTES = ("USD", "USDT", "USDC", "BTC", "ETH", "EUR")

_PERP = "-PERP"
_EQUITY = re.compile(r"([A-Z0-9]{1,10})(?:[.\-/]([A-Z0-9]{1,4}))?")
_PAIR = re.compile(r"([A-Z0-9]{1,12})[/\-]([A-Z]{2,5})")
_COIN = re.compile(r"[A-Z0-9]{1,12}")
_OPTION = re.compile(r"[A-Z][A-Z0-9]{0,5}[0-9]{6}[CP][0-9]{8}")


class Vendor(StrEnum):
    """Who writes symbols in a way of its own."""

    ALPACA = "alpaca"
    ALPACA_POSITIONS = "alpaca_positions"
    POLYGON = "polygon"
    YAHOO = "yahoo"


def canonical(text: str, asset_class: AssetClass, *, near: date | None = None) -> str:
    """Return the one form of a symbol that the rest of the house uses.

    Parameters
    ----------
    text : str
        A symbol in any form of the table above, all capitals or all small letters.
    asset_class : AssetClass
        What it stands for.
    near : date or None
        For futures: resolves a year of one digit.

    Raises
    ------
    InputError
        If `text` is empty, has blanks, control or foreign characters, mixes capitals and
        small letters, is longer than `MAX_LENGTH`, or is no symbol of the class.

    Examples
    --------
    >>> canonical("brk-b", AssetClass.EQUITY), canonical("BTCUSD", AssetClass.CRYPTO)
    ('BRK.B', 'BTC/USD')
    """
    text = _clean(text, blanks_allowed=asset_class is AssetClass.OPTION)
    if asset_class is AssetClass.FUTURE:
        return FutureSymbol.parse(text, near=near).code
    return _READERS[asset_class](text)


def class_by_form(symbol: str) -> AssetClass:
    """Return the class that a canonical symbol looks like; a future looks like a share.

    Where an instrument is at hand, its own class counts: this is for vendors that tell none.

    Examples
    --------
    >>> [class_by_form(text).name for text in ("BRK.B", "AAPL250117P00190000", "BTC/USD")]
    ['EQUITY', 'OPTION', 'CRYPTO']
    """
    if _OPTION.fullmatch(symbol):
        return AssetClass.OPTION
    if symbol.endswith(_PERP):
        return AssetClass.PERPETUAL
    return AssetClass.CRYPTO if "/" in symbol else AssetClass.EQUITY


def split_pair(symbol: str) -> tuple[str, str]:
    """Return the base and the quote of a pair or of a perpetual.

    Raises
    ------
    InputError
        If `symbol` is no pair of a coin against one of `QUOTES`.

    Examples
    --------
    >>> split_pair("ETH/BTC"), split_pair("BTC/USDT-PERP")
    (('ETH', 'BTC'), ('BTC', 'USDT'))
    """
    pair = symbol.removesuffix(_PERP)
    match = _PAIR.fullmatch(pair)
    base, quote = match.groups() if match else _unjoin(pair)
    if quote not in QUOTES or base == quote or not _COIN.fullmatch(base):
        raise InputError(
            f"{symbol!r} is no pair: a coin and another quote currency are needed, like BTC/USD; "
            f"quotes known are {', '.join(QUOTES)}"
        )
    return base, quote


def to_vendor(symbol: str, vendor: Vendor, asset_class: AssetClass) -> str:
    """Return a canonical symbol as a vendor writes it.

    Raises
    ------
    InputError
        If `symbol` is not canonical, or the vendor has no form for it that can be read back.

    Examples
    --------
    >>> to_vendor("BTC/USD", Vendor.POLYGON, AssetClass.CRYPTO)
    'X:BTCUSD'
    >>> to_vendor("BRK.B", Vendor.YAHOO, AssetClass.EQUITY)
    'BRK-B'
    """
    form = canonical(symbol, asset_class)
    if form != symbol:
        raise InputError(f"{asset_class} symbol {symbol!r} is not canonical: {form}")
    written = _writer(vendor, asset_class)(symbol)
    if from_vendor(written, vendor, asset_class) != symbol:
        raise InputError(
            f"{vendor} would write {symbol} as {written}, which stands for another asset there"
        )
    return written


def from_vendor(text: str, vendor: Vendor, asset_class: AssetClass) -> str:
    """Return the canonical form of what a vendor wrote.

    Raises
    ------
    InputError
        If `text` is no symbol of the class, or the vendor has no form for the class.

    Examples
    --------
    >>> from_vendor("O:AAPL250117P00190000", Vendor.POLYGON, AssetClass.OPTION)
    'AAPL250117P00190000'
    >>> from_vendor("BACpK", Vendor.POLYGON, AssetClass.EQUITY)
    'BAC.PRK'
    """
    _writer(vendor, asset_class)
    text = _clean(text, blanks_allowed=False, is_mixed_allowed=True)
    if vendor is Vendor.POLYGON:
        prefix = _PREFIXES.get(asset_class, "")
        if not text.startswith(prefix):
            raise InputError(f"{vendor} symbol of {asset_class} {text!r} must begin with {prefix}")
        text = text.removeprefix(prefix)
    if asset_class is AssetClass.EQUITY:
        for pattern, form in _READ.get(vendor, ()):
            text = re.sub(pattern, form, text)
    return canonical(text, asset_class)


def _clean(text: object, *, blanks_allowed: bool, is_mixed_allowed: bool = False) -> str:
    """Return `text` in capitals after a look at every character, for no trick survives it."""
    if not isinstance(text, str) or not text:
        raise InputError(f"a symbol is needed as text, got {text!r}")
    if len(text) > MAX_LENGTH:
        raise InputError(
            f"a symbol has at most {MAX_LENGTH} characters, got {len(text)}: {text[:MAX_LENGTH]!r}"
        )
    strange = {c for c in text if not "!" <= c <= "~" and not (blanks_allowed and c == " ")}
    if strange:
        shown = ", ".join(sorted(ascii(c) for c in strange))
        raise InputError(
            f"symbol {text!a} has characters that no symbol has: {shown}; "
            f"plain letters, digits and one of . - / are needed"
        )
    if is_mixed_allowed:
        return text
    if text != text.upper() and text != text.lower():
        raise InputError(
            f"symbol {text!r} mixes capitals and small letters, which vendors give a meaning to; "
            f"write {text.upper()!r} if that is meant"
        )
    return text.upper()


def _read_equity(text: str) -> str:
    match = _EQUITY.fullmatch(text)
    if match is None:
        raise InputError(
            f"{text!r} is no symbol of a share: letters and digits, and after one of . - / the "
            f"class, like BRK.B"
        )
    root, suffix = match.groups()
    return f"{root}.{suffix}" if suffix else str(root)


def _read_option(text: str) -> str:
    return OccSymbol.parse(text).compact


def _read_pair(text: str) -> str:
    if text.endswith(_PERP):
        raise InputError(f"{text!r} is a perpetual, not a pair; leave {_PERP} out, or say so")
    return "/".join(split_pair(text))


def _read_perpetual(text: str) -> str:
    if not text.endswith(_PERP):
        raise InputError(f"{text!r} is no perpetual: it must end with {_PERP}, like BTC/USD{_PERP}")
    return "/".join(split_pair(text)) + _PERP


def _unjoin(pair: str) -> tuple[str, str]:
    """Return base and quote of a pair without a sign between them.

    No quote ends with another one, so at most one of them fits.
    """
    for quote in QUOTES:
        if pair.endswith(quote):
            return pair.removesuffix(quote), quote
    return pair, ""


def _as_is(symbol: str) -> str:
    return symbol


def _joined(symbol: str) -> str:
    return symbol.replace("/", "")


def _dashed(symbol: str) -> str:
    return symbol.replace("/", "-")


def _polygon_equity(symbol: str) -> str:
    return re.sub(r"\.PR([A-Z])$", r"p\1", symbol)


def _yahoo_equity(symbol: str) -> str:
    for pattern, form in ((r"\.PR([A-Z])$", r"-P\1"), (r"\.WS$", "-WT"), (r"\.U$", "-UN")):
        symbol = re.sub(pattern, form, symbol)
    return symbol.replace(".", "-")


def _writer(vendor: Vendor, asset_class: AssetClass) -> Callable[[str], str]:
    writer = _WRITERS[vendor].get(asset_class)
    if writer is None:
        known = ", ".join(_WRITERS[vendor])
        raise InputError(f"{vendor} has no form for {asset_class}; it has one for {known}")
    return writer


_E, _O, _K = AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO

_READERS: Mapping[AssetClass, Callable[[str], str]] = MappingProxyType(
    {
        _E: _read_equity,
        _O: _read_option,
        _K: _read_pair,
        AssetClass.PERPETUAL: _read_perpetual,
    }
)
_PREFIXES = MappingProxyType({_O: "O:", _K: "X:"})
_WRITERS: Mapping[Vendor, Mapping[AssetClass, Callable[[str], str]]] = MappingProxyType(
    {
        Vendor.ALPACA: {_E: _as_is, _O: _as_is, _K: _as_is},
        Vendor.ALPACA_POSITIONS: {_E: _as_is, _O: _as_is, _K: _joined},
        Vendor.POLYGON: {
            _E: _polygon_equity,
            _O: lambda symbol: _PREFIXES[_O] + symbol,
            _K: lambda symbol: _PREFIXES[_K] + _joined(symbol),
        },
        Vendor.YAHOO: {_E: _yahoo_equity, _O: _as_is, _K: _dashed},
    }
)
# How what a vendor writes of its own becomes the canonical form, in this order.
_READ: Mapping[Vendor, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        Vendor.POLYGON: ((r"^([A-Z0-9]+)p([A-Z])$", r"\1.PR\2"),),
        Vendor.YAHOO: (
            (r"-P([A-Z])$", r".PR\1"),
            (r"-WT$", ".WS"),
            (r"-UN$", ".U"),
        ),
    }
)
