"""``alphalens health``: answer ``/healthz`` and ``/metrics`` beside the process that trades."""

from __future__ import annotations

import argparse
import signal

from alphalens.cli.journal import place
from alphalens.cli.market import market_options, settings_of, until_stopped
from alphalens.cli.output import ExitCode, Output

__all__ = ["add", "run"]

_PORT = 9464


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    health = commands.add_parser(
        "health",
        help="answer /healthz and /metrics over HTTP until stopped",
        description="Looks at the journal, the database of bars, the cache and the orders, "
        "read-only, each time that somebody asks (every 5 seconds at most). /healthz is 200 while "
        "nothing is critical or unknown, and 503 otherwise; /metrics is for Prometheus.",
    )
    health.add_argument(
        "--journal", type=place, metavar="FILE-or-URL", help="the journal of a desk [DATABASE_URL]"
    )
    health.add_argument(
        "--host", default="127.0.0.1", help="who can reach it, can read it [%(default)s]"
    )
    health.add_argument("--port", type=int, default=_PORT, help="0 takes a free one [%(default)s]")
    market_options(health)
    health.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Answer until SIGTERM or Ctrl-C comes."""
    from alphalens.runtime.health import open_health
    from alphalens.runtime.market_data import market_place

    settings = settings_of(args)
    with (
        until_stopped(signal.SIGTERM) as over,
        open_health(
            settings,
            store=args.database or market_place(settings),
            journal=args.journal or settings.database_url.get_secret_value() or None,
            host=args.host,
            port=args.port,
        ) as server,
    ):
        out.result({"url": server.url}, [f"{server.url}/healthz and {server.url}/metrics"])
        over.wait()
    return ExitCode.OK
