"""The venue on two loopback ports: one for HTTP, one for websockets."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from alphalens.testing.loopback.limits import RateLimit
from alphalens.testing.loopback.ports import Ports
from alphalens.testing.loopback.process import answer_control

from .account import AccountApi
from .announced import AnnouncedApi
from .contracts import ContractsApi
from .control import Control
from .data import DataApi
from .data_stream import DataStream
from .faults import FaultBox
from .gateway import Gateway
from .parts import Parts
from .rest import TradingApi
from .routes import Route
from .stream import TradeStream
from .venue import Terms, Venue

_STREAM = "/stream"
_LOOK_S = 0.25


class AlpacaServer(Ports):
    """A loopback Alpaca for the length of a ``with`` block.

    Parameters
    ----------
    path
        The venue's own SQLite file; one that exists is carried on with.
    keys
        The credentials that it accepts, key and secret; None accepts any.
    rate_limit
        Requests a minute; None never refuses.
    port, stream_port
        0 takes free ones.
    **terms
        Fields of `venue.Terms`: `cash multiplier seed now ticking always_open coin_fee_bps
        account_number`.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> folder = tempfile.TemporaryDirectory()
    >>> opening = datetime(2026, 3, 2, 15, tzinfo=UTC)
    >>> with AlpacaServer(folder.name + "/venue.sqlite", now=opening) as server:
    ...     _ = server.control.set_quote("AAPL", "100", "100.02")
    ...     order = {"symbol": "AAPL", "qty": "3", "side": "buy",
    ...              "type": "market", "time_in_force": "day"}
    ...     _ = server.control.place_external(order)
    ...     server.control.state()["positions"]
    {'AAPL': '3'}
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | Path,
        *,
        keys: tuple[str, str] | None = ("PKTEST", "secret"),
        rate_limit: int | None = 200,
        port: int = 0,
        stream_port: int = 0,
        **terms: Any,  # the fields of Terms, checked by it
    ) -> None:
        super().__init__(port, stream_port)
        self.venue = Venue(Path(path), Terms(**terms))
        self.keys = keys
        self._faults = FaultBox()
        self._limit = RateLimit(rate_limit)
        self._trades = TradeStream(self._faults, self._knows)
        self._data = DataStream(self._knows)
        self.control = Control(
            Parts(
                venue=self.venue,
                faults=self._faults,
                trades=self._trades,
                data=self._data,
                limit=self._limit,
                publish=self.publish,
                tell=self._tell,
                on_loop=self.on_loop,
            )
        )
        self._wire = Gateway(
            self.venue,
            _routes(self.venue),
            self._faults,
            self._limit,
            keys,
            self._publish_here,
            lambda request: answer_control(self.control, request),
        )
        self._watch: asyncio.TimerHandle | None = None

    @property
    def rest_url(self) -> str:
        """Base of the trading API, without a version and without a trailing slash."""
        return self.url

    @property
    def data_url(self) -> str:
        """Base of the market data API."""
        return self.url

    @property
    def stream_url(self) -> str:
        """Address of the trade updates."""
        return f"{self.socket_url}{_STREAM}"

    @property
    def data_stream_url(self) -> str:
        """Address of the stock data stream of IEX."""
        return f"{self.socket_url}/v2/iex"

    @property
    def addresses(self) -> dict[str, str]:
        """Every address, by name."""
        names = ("rest_url", "stream_url", "data_url", "data_stream_url")
        return {name: getattr(self, name) for name in names}

    def stop(self) -> None:
        """Close the ports, the connections and the file."""
        super().stop()
        self.venue.close()

    async def _open(self) -> None:
        await super()._open()
        if self.venue.clock.runs:
            self._look_at_the_clock()

    def _look_at_the_clock(self) -> None:
        """Let orders open and expire also while nobody asks for anything."""
        self.venue.time.sweep()
        self._publish_here()
        self._watch = self._loop.call_later(_LOOK_S, self._look_at_the_clock)

    async def _close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await super()._close()

    def _cut(self) -> None:
        self._trades.drop()
        self._data.drop()

    def _knows(self, key: str, secret: str) -> bool:
        return self.keys is None or (key, secret) == self.keys

    def _admit(self, connection: ServerConnection, handshake: Handshake) -> Response | None:
        if handshake.path == _STREAM and self._trades.is_full():
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "too many connections\n")
        return None

    async def _hear(self, connection: ServerConnection) -> None:
        handshake = connection.request
        if handshake is not None and handshake.path == _STREAM:
            await self._trades.serve(connection)
        else:
            await self._data.serve(connection)

    def publish(self) -> None:
        """Send what is in the outbox; from any thread."""
        self.soon(self._publish_here)

    def _tell(self, kind: str, symbol: str, body: dict[str, Any]) -> None:
        self.soon(lambda: self._data.publish(kind, symbol, body))

    def _publish_here(self) -> None:
        outbox = self.venue.core.outbox
        while outbox:
            self._trades.publish(outbox.popleft())


def _routes(venue: Venue) -> list[tuple[str, str, Route]]:
    tape, clock = venue.book.tape, venue.clock
    apis = (
        TradingApi(venue),
        AccountApi(venue),
        DataApi(tape, clock),
        AnnouncedApi(tape, clock),
        ContractsApi(venue),
    )
    return [route for api in apis for route in api.routes]
