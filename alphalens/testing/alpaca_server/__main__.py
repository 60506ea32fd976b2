"""The venue as a process: ``python -m alphalens.testing.alpaca_server --file venue.sqlite``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from alphalens.testing.loopback.serving import parser, serve_until_asked

from .server import AlpacaServer


def _parser() -> argparse.ArgumentParser:
    options = parser("alphalens.testing.alpaca_server")
    options.add_argument("--file", required=True, type=Path, help="the venue's SQLite file")
    options.add_argument("--stream-port", type=int, default=0, help="websocket port")
    options.add_argument("--seed", type=int, help="makes identifiers repeatable")
    options.add_argument("--ticking", action="store_true", help="let the clock of --now run")
    options.add_argument("--always-open", action="store_true", help="stocks trade at any hour")
    options.add_argument("--cash", type=Decimal, default=Decimal(100_000))
    options.add_argument("--rate-limit", type=int, default=200, help="a minute; 0 for none")
    options.add_argument("--key", default="PKTEST")
    options.add_argument("--secret", default="secret")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    given = _parser().parse_args(arguments)
    server = AlpacaServer(
        given.file,
        keys=(given.key, given.secret),
        rate_limit=given.rate_limit or None,
        port=given.port,
        stream_port=given.stream_port,
        cash=given.cash,
        seed=given.seed,
        now=given.now,
        ticking=given.ticking,
        always_open=given.always_open,
    )
    serve_until_asked(server, given.port_file)


if __name__ == "__main__":
    main()
