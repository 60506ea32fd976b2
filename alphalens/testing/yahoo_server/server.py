"""The vendor on a loopback port."""

from __future__ import annotations

from datetime import datetime

from alphalens.testing.loopback.clock import VenueClock, parse_instant
from alphalens.testing.loopback.faults import FaultBox
from alphalens.testing.loopback.server import LoopbackServer

from .control import YahooControl
from .vendor import Yahoo


class YahooServer(LoopbackServer):
    """A loopback Yahoo Finance for the length of a ``with`` block.

    Every host of the vendor is served on the one port.

    Parameters
    ----------
    rate_limit
        Requests a minute; None never refuses.
    now
        An instant at which its clock stands; None follows the machine.
    port
        0 takes a free one.

    Examples
    --------
    >>> import json, urllib.request
    >>> with YahooServer(now="2024-01-31T22:00:00Z") as server:
    ...     server.control.add_bars("AAPL", [{"day": "2024-01-30", "close": 188.04}])
    ...     path = "/v8/finance/chart/AAPL?range=1mo&interval=1d"
    ...     with urllib.request.urlopen(server.url + path) as answer:
    ...         json.load(answer)["chart"]["result"][0]["indicators"]["quote"][0]["close"]
    [188.04]
    """

    control: YahooControl

    def __init__(
        self,
        *,
        rate_limit: int | None = None,
        now: datetime | str | None = None,
        port: int = 0,
    ) -> None:
        clock = VenueClock(None if now is None else parse_instant(now))
        faults = FaultBox()
        vendor = Yahoo(clock, rate_limit)
        self.control = YahooControl(vendor, faults, clock)
        super().__init__(vendor, faults, self.control, port=port)
