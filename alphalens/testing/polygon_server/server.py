"""The vendor on two loopback ports: one for REST, one for the websocket."""

from __future__ import annotations

from datetime import datetime

from alphalens.testing.loopback.clock import VenueClock, parse_instant
from alphalens.testing.loopback.faults import FaultBox
from alphalens.testing.loopback.server import LoopbackServer

from .control import PolygonControl
from .stream import Stream
from .vendor import Polygon


class PolygonServer(LoopbackServer):
    """A loopback Polygon (now Massive) for the length of a ``with`` block.

    Parameters
    ----------
    keys
        The API keys that it knows.
    rate_limit
        Requests a minute of each key; None never refuses, the free plan has 5.
    now
        An instant at which its clock stands; None follows the machine.
    public_host
        The host of a ``next_url``, which is not the loopback one, as the vendor's is not.
    is_delayed
        Whether bars and snapshots say ``DELAYED``.
    port, stream_port
        0 takes free ones.

    Examples
    --------
    >>> import json, urllib.request
    >>> from alphalens.testing.polygon_server.times import day_start_ms
    >>> bar = {"t": day_start_ms("2024-01-02"), "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 10}
    >>> with PolygonServer() as server:
    ...     server.control.add_aggs("AAPL", [bar])
    ...     path = "/v2/aggs/ticker/AAPL/range/1/day/2024-01-01/2024-01-31?apiKey=key"
    ...     with urllib.request.urlopen(server.url + path) as answer:
    ...         json.load(answer)["results"][0]["c"]
    1.5
    """

    control: PolygonControl

    def __init__(
        self,
        *,
        keys: tuple[str, ...] = ("key",),
        rate_limit: int | None = None,
        now: datetime | str | None = None,
        public_host: str = "https://api.massive.com",
        is_delayed: bool = False,
        port: int = 0,
        stream_port: int = 0,
    ) -> None:
        clock = VenueClock(None if now is None else parse_instant(now))
        faults = FaultBox()
        vendor = Polygon(
            keys=keys,
            rate_limit=rate_limit,
            clock=clock,
            public_host=public_host,
            is_delayed=is_delayed,
        )
        stream = Stream(vendor.knows)
        self.control = PolygonControl(vendor, stream, faults, clock)
        super().__init__(
            vendor, faults, self.control, stream=stream, port=port, stream_port=stream_port
        )
        self.control.attach_loop(self.on_loop)

    @property
    def feed(self) -> str:
        """Host and port of the websocket, as the vendor's client takes them."""
        return self.socket_url.removeprefix("ws://")

    @property
    def stream_url(self) -> str:
        """Address of the websocket of stocks."""
        return f"ws://{self.feed}/stocks"

    @property
    def addresses(self) -> dict[str, str]:
        """Every address, by name."""
        return {"url": self.url, "stream_url": self.stream_url, "feed": self.feed}
