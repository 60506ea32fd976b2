"""The store of bars that a command is about, and how it is opened."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from alphalens.cli.journal import place, shown
from alphalens.cli.output import Output, common_options
from alphalens.errors import InputError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from alphalens.config import Settings
    from alphalens.data.port import BarRequest
    from alphalens.runtime.market_data import MarketData

__all__ = [
    "instant_text",
    "market_options",
    "market_to_read",
    "place_shown",
    "request_of",
    "settings_of",
    "tell_absent",
    "until_stopped",
]

_VENDORS_KEY = "ALPHALENS_MARKET_DATA_VENDORS"


def market_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of every command about bars."""
    parser.add_argument(
        "--database",
        type=place,
        metavar="FILE-or-URL",
        help="where bars are kept [the settings, or market.sqlite here]",
    )
    parser.add_argument("--env-file", default=".env", help="settings [%(default)s]")
    common_options(parser)


@contextmanager
def market_to_read(args: argparse.Namespace, settings: Settings) -> Iterator[sa.Engine]:
    """Give the engine of the store of bars, read-only.

    Raises
    ------
    InputError
        If there is none yet.
    """
    from alphalens.runtime.market_data import market_place
    from alphalens.storage import open_engine

    target = args.database or market_place(settings)
    if isinstance(target, Path) and not target.exists():
        raise InputError(f"no bars are kept in {target} yet: `alphalens data fetch` makes it")
    if isinstance(target, Path) and target.is_dir():
        raise InputError(f"{target} is a folder: give the file of bars in it")
    engine = open_engine(target, is_read_only=True)
    try:
        yield engine
    finally:
        engine.dispose()


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings, with what the options of the command change."""
    from alphalens.config import load_settings

    vendors = getattr(args, "vendors", None)
    return load_settings(
        env_file=args.env_file, overrides=None if vendors is None else {_VENDORS_KEY: vendors}
    )


def request_of(args: argparse.Namespace) -> BarRequest:
    """Return the request that symbols, span, timeframe and adjustment of a command make."""
    from alphalens.data.bars import Adjustment, Timeframe
    from alphalens.data.port import BarRequest
    from alphalens.trading.clock import SystemClock

    return BarRequest(
        symbols=tuple(dict.fromkeys(args.symbols)),
        start=args.start,
        end=args.end or SystemClock().now(),
        timeframe=Timeframe(args.timeframe),
        adjustment=Adjustment(args.adjustment),
    )


def tell_absent(market: MarketData, out: Output) -> None:
    """Say who cannot be asked, and why."""
    for name, why in market.vendors.absent.items():
        out.note(f"{name} is left out: {why}")


@contextmanager
def until_stopped(*signals: signal.Signals) -> Iterator[threading.Event]:
    """Give what is set at the first of these signals; the second one acts as it did before."""
    over = threading.Event()
    before = {number: signal.getsignal(number) for number in signals}

    def stop(number: int, _: FrameType | None) -> None:
        over.set()
        signal.signal(number, before[signal.Signals(number)])

    for number in signals:
        signal.signal(number, stop)
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def place_shown(args: argparse.Namespace, settings: Settings) -> str:
    """Return how the store is called in what is printed: never with a password."""
    from alphalens.runtime.market_data import market_place

    return shown(args.database or market_place(settings))


def instant_text(at: datetime | None) -> str:
    """Return an instant as tables show it."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
