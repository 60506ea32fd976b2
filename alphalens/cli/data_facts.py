"""``alphalens data load`` and ``actions``: what is known of companies besides their bars."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphalens.cli.market import market_options, place_shown, settings_of, tell_absent
from alphalens.cli.output import ExitCode, Output
from alphalens.cli.progress import progress
from alphalens.errors import InputError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from alphalens.runtime.fact_loading import FetchedActions, FileOfFacts, Loaded

__all__ = ["add_actions", "add_load", "facts_lines"]

_KINDS = ("actions", "members", "fundamentals", "futures")
_MARKETS = ("CME", "CBOT", "NYMEX", "COMEX")
_ANNOUNCED = timedelta(days=90)  # an action is told so long before its day
_NOUNS = {"actions": "actions", "members": "intervals", "fundamentals": "figures"}


def add_load(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Declare ``alphalens data load``."""
    text = "keep facts of a file: corporate actions, members of an index, fundamentals, futures"
    load = actions.add_parser(
        "load",
        help=text,
        description=f"{text}. The same file again changes nothing; a file that says something "
        "else of the same day is refused. Nothing is known before the day on which it was first "
        "seen, which a column says, or --seen.",
    )
    load.add_argument("kind", choices=_KINDS)
    load.add_argument("file", type=Path, metavar="FILE", help="CSV or Parquet")
    load.add_argument("--source", help="who told it [the name of the file]")
    load.add_argument(
        "--columns",
        type=_names,
        default={},
        metavar="OURS=THEIRS,...",
        help="how the file calls a column that is not found by its name",
    )
    load.add_argument(
        "--seen", type=_day, help="the day on which all of it was first seen, if no column says it"
    )
    load.add_argument("--index", help="members: the name of the index")
    load.add_argument("--figures", type=_words, default=(), help="fundamentals: only these columns")
    load.add_argument(
        "--expiries", type=Path, metavar="FILE", help="futures: the calendar of contracts [FILE]"
    )
    load.add_argument("--roots", type=_words, default=(), help="futures: only these products")
    load.add_argument(
        "--below-zero",
        type=_words,
        default=(),
        metavar="ROOTS",
        help="futures: products whose settles may be below zero",
    )
    load.add_argument(
        "--calendar", choices=_MARKETS, default="CME", help="futures: their market [%(default)s]"
    )
    market_options(load)
    load.set_defaults(run=_load)


def add_actions(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    symbol: Callable[[str], str],
) -> None:
    """Declare ``alphalens data actions``."""
    text = "ask a vendor for splits, dividends and other corporate actions, and keep them"
    fetched = actions.add_parser(
        "actions",
        help=text,
        description=f"{text}. One vendor is asked, the first that has them: two lists of the same "
        "dividends are not one list. What is told now is known from now on.",
    )
    fetched.add_argument("symbols", nargs="+", type=symbol, metavar="SYMBOL")
    fetched.add_argument("--start", type=_day, required=True, help="ex-dates from this day on")
    fetched.add_argument(
        "--end", type=_day, help=f"and up to this one [{_ANNOUNCED.days} days from now]"
    )
    fetched.add_argument("--vendors", help="whom to ask [the settings]")
    market_options(fetched)
    fetched.set_defaults(run=_fetch_actions)


def facts_lines(counts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Give a line for each kind of facts that are in the store, and who told them."""
    for kind in ("actions", "figures", "contracts"):
        for row in counts[kind]:
            yield f"{kind}: {row['rows']} of {row['symbols']} symbols, from {row['source']}"
    for row in counts["members"]:
        yield (
            f"members of {row['name']}: {row['symbols']} symbols in {row['rows']} intervals, "
            f"{row['current']} of them now"
        )


def _load(args: argparse.Namespace, out: Output) -> int:
    from alphalens.runtime.fact_loading import FileOfFacts
    from alphalens.runtime.market_data import open_store

    _check(args)
    source = args.source or args.file.name
    file = FileOfFacts(path=args.file, source=source, seen=args.seen, names=args.columns)
    settings = settings_of(args)
    with open_store(settings, database=args.database) as engine:
        loaded = _loaded(args, out, engine, file)
    document = {"kind": args.kind, "file": str(args.file), "source": source, **asdict(loaded)}
    place = place_shown(args, settings)
    out.result({**document, "database": place}, _loaded_lines(args.kind, loaded, place))
    return ExitCode.OK


def _check(args: argparse.Namespace) -> None:
    """Refuse options of another kind of file: they would be without effect."""
    if args.kind == "members" and not args.index:
        raise InputError("whose members are they: name the index with --index")
    own = {
        "index": "members",
        "figures": "fundamentals",
        "expiries": "futures",
        "roots": "futures",
        "below_zero": "futures",
    }
    for option, kind in own.items():
        if getattr(args, option) and args.kind != kind:
            name = option.replace("_", "-")
            raise InputError(f"--{name} is for {kind}, and {args.kind} are loaded: leave it out")
    if args.kind == "members" and args.seen:
        raise InputError("--seen has no effect on members: a change is known from its own day on")


def _loaded(args: argparse.Namespace, out: Output, engine: sa.Engine, file: FileOfFacts) -> Loaded:
    from alphalens.runtime import fact_loading as loading
    from alphalens.trading.clock import SystemClock

    with progress(out) as advance:

        def tell(done: int, parts: int) -> None:
            advance(f"load {args.kind}", done, parts)

        if args.kind == "actions":
            return loading.load_actions(engine, file)
        if args.kind == "members":
            return loading.load_members(engine, file, args.index)
        clock = SystemClock()
        if args.kind == "fundamentals":
            return loading.load_reports(engine, file, args.figures, clock=clock, advance=tell)
        return loading.load_futures(
            engine,
            file,
            args.expiries or args.file,
            roots=args.roots,
            calendar=args.calendar,
            below_zero=args.below_zero,
            clock=clock,
            advance=tell,
        )


def _loaded_lines(kind: str, loaded: Loaded, place: str) -> Iterator[str]:
    aside = f", {loaded.refused} rows in quarantine" if loaded.refused else ""
    yield f"{loaded.rows} rows: {loaded.new} new {_NOUNS.get(kind, 'settles')}{aside}, in {place}"
    if loaded.left_out:
        yield f"not read, for they hold no figures: {', '.join(loaded.left_out)}"


def _fetch_actions(args: argparse.Namespace, out: Output) -> int:
    from alphalens.runtime.fact_loading import fetch_actions
    from alphalens.runtime.market_data import open_market_data

    symbols = tuple(dict.fromkeys(args.symbols))
    last = args.end or datetime.now(UTC).date() + _ANNOUNCED
    settings = settings_of(args)
    with open_market_data(settings, database=args.database) as market, progress(out) as advance:
        tell_absent(market, out)
        found = fetch_actions(
            market.vendors.providers,
            market.facts,
            symbols,
            args.start,
            last,
            advance=lambda done, parts: advance("actions", done, parts),
        )
    span = {"start": args.start.isoformat(), "end": last.isoformat()}
    document = {"symbols": symbols, **span, **asdict(found)}
    out.result(document, [_fetched_line(found, len(symbols))])
    for _, why in found.failed:
        out.error("DataError", why)
    return ExitCode.OPERATOR if found.failed else ExitCode.OK


def _fetched_line(found: FetchedActions, symbols: int) -> str:
    lost = sum(len(some) for some, _ in found.failed)
    failed = f"; nothing of {lost} symbols, ask again" if lost else ""
    return f"{found.vendor} told {found.told} actions of {symbols} symbols, {found.new} new{failed}"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text!r}: a day such as 2024-01-31"
        raise argparse.ArgumentTypeError(message) from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _names(text: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in _words(text)]
    if not all(ours and theirs for ours, _, theirs in pairs):
        message = f"{text!r}: pairs such as symbol=ticker,seen=filed"
        raise argparse.ArgumentTypeError(message)
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
