"""The host on a loopback port."""

from __future__ import annotations

from datetime import datetime

from alphalens.testing.loopback.clock import VenueClock, parse_instant
from alphalens.testing.loopback.faults import FaultBox
from alphalens.testing.loopback.server import LoopbackServer

from .control import AlpacaDataControl
from .vendor import AlpacaData


class AlpacaDataServer(LoopbackServer):
    """A loopback ``data.alpaca.markets`` for the length of a ``with`` block.

    Parameters
    ----------
    keys
        The credentials that it accepts, key and secret; coins need none.
    rate_limit
        Requests a minute; None never refuses, the free plan has 200.
    now
        An instant at which its clock stands; None follows the machine.
    port
        0 takes a free one.

    Examples
    --------
    >>> import json, urllib.request
    >>> bar = {"t": "2026-03-02T15:00:00Z", "o": 1, "h": 2, "l": 1, "c": 2, "v": 10}
    >>> with AlpacaDataServer() as server:
    ...     server.control.add_bars("BTC/USD", [bar], "1Min")
    ...     path = "/v1beta3/crypto/us/latest/bars?symbols=BTC/USD"
    ...     with urllib.request.urlopen(server.url + path) as answer:
    ...         json.load(answer)["bars"]["BTC/USD"]["c"]
    2
    """

    control: AlpacaDataControl

    def __init__(
        self,
        *,
        keys: tuple[str, str] = ("PKTEST", "secret"),
        rate_limit: int | None = None,
        now: datetime | str | None = None,
        port: int = 0,
    ) -> None:
        clock = VenueClock(None if now is None else parse_instant(now))
        faults = FaultBox()
        vendor = AlpacaData(keys, rate_limit, clock)
        self.control = AlpacaDataControl(vendor, faults, clock)
        super().__init__(vendor, faults, self.control, port=port)
