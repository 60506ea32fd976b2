"""``alphalens data stream``: keep what a vendor streams until somebody ends it."""

from __future__ import annotations

import argparse
import signal

from alphalens.cli.market import settings_of, tell_absent, until_stopped
from alphalens.cli.output import ExitCode, Output

__all__ = ["stream"]

_LOOK_S = 0.2


def stream(args: argparse.Namespace, out: Output) -> int:
    """Stream until SIGTERM or Ctrl-C, or until the vendor refuses; then tell what was kept."""
    from alphalens.runtime.market_data import open_market_data
    from alphalens.runtime.market_stream import open_stream

    settings, symbols = settings_of(args), tuple(dict.fromkeys(args.symbols))
    with (
        until_stopped(signal.SIGTERM, signal.SIGINT) as over,
        open_market_data(settings, database=args.database) as market,
    ):
        tell_absent(market, out)
        with open_stream(
            settings, market, symbols, vendor=args.vendor, since=args.since
        ) as running:
            out.note(f"streaming {len(symbols)} symbols; Ctrl-C ends it")
            while not over.wait(_LOOK_S) and not running.is_over:
                pass
            problem = running.problem
    told = running.counts
    text = f"{told.get('bars', 0)} bars came, {told['open_gaps']} gaps are open"
    out.result({"counts": dict(told)}, [text])
    if over.is_set():
        return ExitCode.OK
    out.error("DataError", problem)
    return ExitCode.OPERATOR
