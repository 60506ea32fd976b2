"""Pages of Polygon's market data: names of tickers, what a page tells, and which comes next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.parse import quote as percent

from alphalens.assets import AssetClass
from alphalens.assets.symbols import Vendor, class_by_form, to_vendor
from alphalens.data._vendors.cells import plain_text
from alphalens.data._vendors.reading import Unfit
from alphalens.data.asks import Ask
from alphalens.data.reasons import Reason
from alphalens.net.exact_json import mapping, rows

__all__ = [
    "MOST_OPTIONS",
    "OPTIONS_PATH",
    "Named",
    "Row",
    "answer_of",
    "by_class",
    "check_bars",
    "in_path",
    "is_late",
    "named_in",
    "next_page",
    "results_of",
    "rows_of",
    "segments",
    "snapshot_asks",
    "ticker_of",
    "tickers_of",
]

Row = Mapping[str, Any]  # Any: the values of JSON
Named = Mapping[AssetClass, Mapping[str, str]]  # of each class: ticker -> symbol

OPTIONS_PATH = "/v3/snapshot"
_SNAPSHOT_PATHS: Mapping[AssetClass, str] = MappingProxyType(
    {
        AssetClass.EQUITY: "/v2/snapshot/locale/us/markets/stocks/tickers",
        AssetClass.CRYPTO: "/v2/snapshot/locale/global/markets/crypto/tickers",
    }
)
MOST_OPTIONS = 250  # rows of a page of snapshots of options
_SYMBOLS_PER_CALL = 500  # the address of a call stays below 8 KiB

_LATE = "DELAYED"
_GOOD = frozenset({"OK", _LATE})
_OWN = 5  # segments of a path that its next page has too


def answer_of(body: object) -> Row:
    """Return an answer that says that it is a good one."""
    answer = mapping(body, "the answer")
    status = answer.get("status")
    if status not in _GOOD:
        told = plain_text(answer.get("error") or answer.get("message"), longest=100)
        raise Unfit(Reason.SCHEMA_DRIFT, f"status is {status!r}, not OK or DELAYED: {told!r}")
    return answer


def is_late(answer: Row) -> bool:
    """Tell whether an answer says that it is of a delayed plan."""
    return bool(answer["status"] == _LATE)


def tickers_of(body: object) -> tuple[Sequence[Row], bool]:
    """Return the snapshots of a page, and whether it is of a delayed plan."""
    answer = answer_of(body)
    return rows(results_of(answer, is_counted=False, key="tickers"), "tickers"), is_late(answer)


def rows_of(body: object) -> Sequence[Row]:
    """Return the rows of a page of a listing."""
    return rows(results_of(answer_of(body), is_counted=False), "results")


def results_of(answer: Row, *, is_counted: bool, key: str = "results") -> list[Any]:
    """Return the rows of a page; where there are none, or fewer, the count has to say so."""
    count, told = answer.get("resultsCount", answer.get("count")), answer.get(key)
    if told is None and count == 0:
        return []
    if told is None or (is_counted and count is None):
        reason = Reason.SCHEMA_DRIFT if count is None else Reason.TRUNCATED
        had = f"there are {'no ' if told is None else ''}{key}"
        raise Unfit(reason, f"{had}, and the count of them is {count!r}")
    if not isinstance(told, list):
        raise Unfit(Reason.SCHEMA_DRIFT, f"{key} should be a list, got {told!r:.60}")
    if count is not None and count != len(told):
        raise Unfit(Reason.TRUNCATED, f"{len(told)} {key} came, and their count is {count!r}")
    return told


def check_bars(answer: Row, ticker: str, *, is_adjusted: bool) -> None:
    """Refuse bars of another ticker, or adjusted otherwise than was asked for."""
    if answer.get("ticker") != ticker:
        raise Unfit(
            Reason.WRONG_SYMBOL, f"bars of {answer.get('ticker')!r} came, {ticker} was asked for"
        )
    if answer.get("adjusted") is not is_adjusted:
        raise Unfit(
            Reason.MIXED_ADJUSTMENT,
            f"adjusted is {answer.get('adjusted')!r}, and {is_adjusted} was asked for",
        )


def next_page(ask: Ask, answer: Row) -> Ask | None:
    """Return the ask for the next page: path and query of its address, never its host."""
    url = answer.get("next_url")
    if url is None or url == "":
        return None
    if not isinstance(url, str) or not url.isprintable() or " " in url:
        raise Unfit(Reason.SCHEMA_DRIFT, f"next_url should be an address, got {url!r:.60}")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Unfit(Reason.SCHEMA_DRIFT, f"next_url is no address: {error}") from error
    if segments(parts.path)[:_OWN] != segments(ask.path)[:_OWN]:
        raise Unfit(Reason.SCHEMA_DRIFT, f"next_url leads away from {ask.path}: {parts.path!r}")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.pop("apiKey", None)  # the header has it, and an address is shown
    return Ask(path=parts.path, params=query)


def segments(path: str) -> list[str]:
    """Return the segments of a path, decoded."""
    return unquote(path).split("/")


def ticker_of(symbol: str) -> str:
    """Return how Polygon names a symbol.

    Raises
    ------
    InputError
        If it could not.
    """
    return to_vendor(symbol, Vendor.POLYGON, class_by_form(symbol))


def in_path(ticker: str) -> str:
    """Return a ticker as a segment of a path."""
    return percent(ticker, safe=":")


def by_class(symbols: Sequence[str]) -> Named:
    """Return the symbols of each class by their tickers."""
    named: dict[AssetClass, dict[str, str]] = {}
    for symbol in symbols:
        named.setdefault(class_by_form(symbol), {})[ticker_of(symbol)] = symbol
    return named


def snapshot_asks(named: Named) -> Iterator[Ask]:
    """Give the calls for snapshots, as many tickers at once as a call may name."""
    for kind, symbols in named.items():
        path = _SNAPSHOT_PATHS.get(kind, OPTIONS_PATH)
        is_plain, tickers = path != OPTIONS_PATH, list(symbols)
        most = _SYMBOLS_PER_CALL if is_plain else MOST_OPTIONS
        more = {} if is_plain else {"limit": str(most)}
        for first in range(0, len(tickers), most):
            some = ",".join(tickers[first : first + most])
            yield Ask(path=path, params={"tickers" if is_plain else "ticker.any_of": some, **more})


def named_in(shot: Row, named: Named) -> str:
    """Return the symbol that a snapshot is of, which has to be one that was asked for."""
    ticker = shot.get("ticker")
    for symbols in named.values():
        if isinstance(ticker, str) and ticker in symbols:
            return symbols[ticker]
    raise Unfit(Reason.WRONG_SYMBOL, f"snapshot of {ticker!r}, not asked for")
