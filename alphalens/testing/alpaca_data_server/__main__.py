"""The host as a process: ``python -m alphalens.testing.alpaca_data_server``."""

from __future__ import annotations

from alphalens.testing.loopback.serving import parser, serve_until_asked

from .server import AlpacaDataServer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = parser("alphalens.testing.alpaca_data_server")
    options.add_argument("--key", default="PKTEST")
    options.add_argument("--secret", default="secret")
    options.add_argument("--rate-limit", type=int, default=0, help="a minute; 0 for none")
    given = options.parse_args()
    server = AlpacaDataServer(
        keys=(given.key, given.secret),
        rate_limit=given.rate_limit or None,
        now=given.now,
        port=given.port,
    )
    serve_until_asked(server, given.port_file)


if __name__ == "__main__":
    main()
