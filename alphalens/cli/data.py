"""``alphalens data``: fetch bars from the vendors, see what is there, judge it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from alphalens.cli.data_check import check
from alphalens.cli.data_facts import add_actions, add_load, facts_lines
from alphalens.cli.data_stream import stream
from alphalens.cli.data_vendors import compare, refetch
from alphalens.cli.market import (
    instant_text,
    market_options,
    market_to_read,
    place_shown,
    request_of,
    settings_of,
    tell_absent,
)
from alphalens.cli.output import ExitCode, Output, columns
from alphalens.cli.progress import progress
from alphalens.errors import InputError

if TYPE_CHECKING:
    from alphalens.config import Settings
    from alphalens.data.filling import Filled, Progress
    from alphalens.data.port import BarRequest
    from alphalens.runtime.market_status import MarketStatus, SeriesStatus

__all__ = ["add"]

_WORKERS = 4
_TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "1d")
_CLASSES = ("equity", "crypto", "option", "perpetual", "future")
_ADJUSTMENTS = ("raw", "split", "all")
_YEARS = (1900, 2199)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    data = commands.add_parser(
        "data",
        help="fetch bars and facts, see what is there, judge it",
        description="Bars are asked of the vendors in the order of the settings, judged row by "
        "row, and kept in the database; what is refused goes to quarantine as it came.",
    )
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_fetch(actions)
    add_load(actions)
    add_actions(actions, _symbol)
    _add_status(actions)
    _add_check(actions)
    _add_refetch(actions)
    _add_compare(actions)
    _add_stream(actions)


def _add_fetch(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "fetch what nobody was asked for yet"
    fetch = actions.add_parser(
        "fetch",
        help=text,
        description=f"{text}. Ended at any point and called again, it goes on where it was; each "
        "write is whole or not there.",
    )
    fetch.add_argument("symbols", nargs="+", type=_symbol, metavar="SYMBOL")
    _span_options(fetch)
    _series_options(fetch)
    fetch.add_argument("--vendors", help="whom to ask, in order, commas between [the settings]")
    fetch.add_argument(
        "--workers", type=_count, default=_WORKERS, help="parts fetched at once [%(default)s]"
    )
    market_options(fetch)
    fetch.set_defaults(run=_fetch)


def _add_status(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "coverage, gaps, quarantine, refused answers, facts; read-only"
    status = actions.add_parser("status", help=text, description=text)
    status.add_argument("symbols", nargs="*", type=_symbol, metavar="SYMBOL", help="[all]")
    market_options(status)
    status.set_defaults(run=_status)


def _add_check(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "judge a file of bars, or stored symbols, and print what is wrong with them"
    checked = actions.add_parser(
        "check",
        help=text,
        description=f"{text}; nothing is written. Exit code {ExitCode.OPERATOR.value} if a row is "
        "rejected.",
    )
    checked.add_argument("targets", nargs="+", metavar="FILE|SYMBOL")
    _series_options(checked)
    checked.add_argument("--detail", action="store_true", help="count by symbol and day too")
    checked.add_argument(
        "--rows", type=_count, default=20, help="rejected rows to show [%(default)s]"
    )
    files = checked.add_argument_group("files", "how the file of bars is to be read")
    files.add_argument("--asset-class", choices=_CLASSES, default="equity", help="[%(default)s]")
    files.add_argument(
        "--zone", type=_zone, default="", help="of days and instants that name none [by class]"
    )
    files.add_argument("--date-format", help="of dates that are not ISO 8601, such as %%d/%%m/%%Y")
    market_options(checked)
    checked.set_defaults(run=check)


def _add_refetch(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "ask once more for bars that are missing, or were held back and are explained by now"
    again = actions.add_parser(
        "refetch",
        help=text,
        description=f"{text}. A gap is asked for again when it is an hour old, once; one that "
        "looks like a split also when such an action has become known.",
    )
    again.add_argument("--vendors", help="whom to ask, in order, commas between [the settings]")
    market_options(again)
    again.set_defaults(run=refetch)


def _add_compare(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "compare the daily closes of two vendors"
    compared = actions.add_parser(
        "compare",
        help=text,
        description=f"{text}: the first two that have them; nothing is kept. Exit code "
        f"{ExitCode.OPERATOR.value} if they differ.",
    )
    compared.add_argument("symbols", nargs="+", type=_symbol, metavar="SYMBOL")
    _span_options(compared)
    _adjustment_option(compared)
    compared.add_argument("--vendors", help="the two, commas between [the settings]")
    market_options(compared)
    compared.set_defaults(run=compare, timeframe="1d")


def _add_stream(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "keep the minute bars that a vendor streams, until Ctrl-C or SIGTERM"
    streamed = actions.add_parser(
        "stream",
        help=text,
        description=f"{text}. What was missed while there was no connection is asked for over "
        "REST. Outages and stale data are told on standard error.",
    )
    streamed.add_argument("symbols", nargs="+", type=_symbol, metavar="SYMBOL")
    streamed.add_argument(
        "--vendor", choices=("alpaca", "polygon"), default="", help="[the first with a key]"
    )
    streamed.add_argument(
        "--since", type=_instant, help="bars from this instant on, asked for over REST [now]"
    )
    market_options(streamed)
    streamed.set_defaults(run=stream)


def _series_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeframe", choices=_TIMEFRAMES, default="1d", help="[%(default)s]")
    _adjustment_option(parser)


def _span_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--start", type=_instant, required=True, help="bars that begin from this day or instant on"
    )
    parser.add_argument("--end", type=_instant, help="and before this one [now]")


def _adjustment_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--adjustment", choices=_ADJUSTMENTS, default="raw", help="[%(default)s]")


def _fetch(args: argparse.Namespace, out: Output) -> int:
    from alphalens.runtime.market_data import open_market_data

    settings = settings_of(args)
    request = request_of(args)
    with open_market_data(settings, database=args.database) as market, progress(out) as advance:
        tell_absent(market, out)

        def tell(step: Progress) -> None:
            note = f"{step.rows} bars"
            note += f", {step.rejected} in quarantine" if step.rejected else ""
            note += f", {step.failed} parts failed" if step.failed else ""
            if step.parts:
                advance("fetch", step.done, step.parts, note=note)

        filled = market.pipeline.fill(request, workers=args.workers, on_progress=tell)
    out.result(_filled_document(request, filled), _filled_lines(request, filled))
    for failure in filled.failed:
        out.error("DataError", failure.problem)
    return ExitCode.OPERATOR if filled.failed else ExitCode.OK


def _filled_document(request: BarRequest, filled: Filled) -> dict[str, object]:
    failed = [
        {
            "symbols": f.request.symbols,
            "start": f.request.start.isoformat(),
            "end": f.request.end.isoformat(),
            "problem": f.problem,
        }
        for f in filled.failed
    ]
    return {
        "symbols": request.symbols,
        "start": request.start.isoformat(),
        "end": request.end.isoformat(),
        "timeframe": request.timeframe,
        "adjustment": request.adjustment,
        **{name: value for name, value in asdict(filled).items() if name != "failed"},
        "failed": failed,
    }


def _filled_lines(request: BarRequest, filled: Filled) -> Iterator[str]:
    if not filled.parts:
        yield "nothing to fetch: all of it was asked for before, or has no session that has begun"
        return
    yield (
        f"{filled.rows} bars of {len(request.symbols)} symbols kept, {filled.rejected} in "
        f"quarantine, {filled.repaired} repaired, {filled.gaps} gaps"
    )
    if filled.empty:
        yield f"no bars of {', '.join(filled.empty)}"
    if filled.failed:
        yield (
            f"{len(filled.failed)} of {filled.parts} parts failed: what they lack is asked for "
            "again by the same call"
        )


def _status(args: argparse.Namespace, out: Output) -> int:
    from alphalens.runtime.market_status import market_status

    settings = settings_of(args)
    with market_to_read(args, settings) as engine:
        status = market_status(engine, tuple(dict.fromkeys(args.symbols)))
    cache = _cache_document(settings)
    document = {"database": place_shown(args, settings), **_status_document(status)}
    out.result({**document, "cache": cache}, _status_lines(status, cache))
    return ExitCode.OK


def _status_document(status: MarketStatus) -> dict[str, object]:
    refused = [
        {"vendor": vendor, "reason": reason.name.lower(), "answers": count}
        for (vendor, reason), count in status.refused.items()
    ]
    return {
        "series": [_series_document(one) for one in status.series],
        "unknown": status.unknown,
        "refused": refused,
        "not_bars": dict(status.others),
        "facts": status.facts,
    }


def _series_document(one: SeriesStatus) -> dict[str, object]:
    gaps = [
        {
            "after": kept.gap.after.isoformat(),
            "before": kept.gap.before.isoformat(),
            "missing": kept.gap.count,
            "reason": kept.gap.reason.name.lower(),
        }
        for kept in one.gaps
    ]
    return {
        "symbol": one.symbol,
        "timeframe": one.timeframe,
        "adjustment": one.adjustment,
        "first": None if one.first is None else one.first.isoformat(),
        "last": None if one.last is None else one.last.isoformat(),
        "bars": one.bars,
        "gaps": gaps,
        "quarantined": one.quarantined,
    }


def _status_lines(status: MarketStatus, cache: dict[str, object]) -> Iterator[str]:
    head = ("symbol", "bars of", "adjusted", "first", "last", "bars", "gaps", "quarantined")
    rows = [
        (
            one.symbol,
            str(one.timeframe),
            str(one.adjustment),
            instant_text(one.first),
            instant_text(one.last),
            str(one.bars),
            str(len(one.gaps)),
            str(one.quarantined),
        )
        for one in status.series
    ]
    yield from columns([head, *rows])
    for one in status.series:
        for kept in one.gaps:
            gap = kept.gap
            yield (
                f"gap: {gap.symbol} {one.timeframe} {one.adjustment} lacks {gap.count} between "
                f"{instant_text(gap.after)} and {instant_text(gap.before)}"
            )
    for (vendor, reason), count in status.refused.items():
        yield f"refused: {count} answers of {vendor}, {reason.name.lower()}"
    for source, count in status.others.items():
        yield f"quarantine: {count} rows of {source} that are no bars"
    yield from facts_lines(status.facts)
    for symbol in status.unknown:
        yield f"nothing of {symbol}"
    yield f"cache: {cache['told']}"


def _cache_document(settings: Settings) -> dict[str, object]:
    """Return what can be known of the cache from outside the processes that use it."""
    from alphalens.runtime.market_status import redis_counts

    url = settings.redis_url.get_secret_value()
    if not url:
        return {"hit_rate": None, "told": "in each process; only that process knows its hit rate"}
    counts = redis_counts(url)
    if counts is None:
        return {"hit_rate": None, "told": "Redis does not answer"}
    asked = sum(counts)
    rate = counts[0] / asked if asked else None
    share = "nothing asked yet" if rate is None else f"hit rate {rate:.1%} of {asked}"
    return {"hit_rate": rate, "told": f"Redis, {share}, whoever asked"}


def _symbol(text: str) -> str:
    from alphalens.assets.symbols import canonical, class_by_form

    try:
        return canonical(text, class_by_form(text.upper()))
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is not None and not _YEARS[0] <= at.year <= _YEARS[1]:
        raise argparse.ArgumentTypeError(
            f"{text!r}: a year from {_YEARS[0]} to {_YEARS[1]}, there are no bars of others"
        )
    if at is None or (at.tzinfo is None and (at.hour or at.minute or at.second)):
        raise argparse.ArgumentTypeError(
            f"{text!r}: a day such as 2024-01-31, or an instant with its zone, "
            "2024-01-31T15:30:00+00:00"
        )
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _zone(text: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        if text:
            ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # of a folder, of a path, of no name
        message = f"{text!r}: a time zone such as America/New_York or UTC"
        raise argparse.ArgumentTypeError(message) from None
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1 on")
    return int(text)
