"""The vendor as a process: ``python -m alphalens.testing.polygon_server``."""

from __future__ import annotations

from alphalens.testing.loopback.serving import parser, serve_until_asked

from .server import PolygonServer


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = parser("alphalens.testing.polygon_server")
    options.add_argument("--stream-port", type=int, default=0, help="websocket port")
    options.add_argument("--key", action="append", help="an API key; may be told more than once")
    options.add_argument("--rate-limit", type=int, default=0, help="a minute; 0 for none")
    given = options.parse_args()
    server = PolygonServer(
        keys=tuple(given.key or ("key",)),
        rate_limit=given.rate_limit or None,
        now=given.now,
        port=given.port,
        stream_port=given.stream_port,
    )
    serve_until_asked(server, given.port_file)


if __name__ == "__main__":
    main()
