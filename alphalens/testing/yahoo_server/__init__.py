"""A loopback Yahoo Finance: cookies, crumbs, charts and options over data of its own.

It imports nothing of the package it stands in front of but the other loopback vendors, so that a
mistake of ours cannot be its mistake too. `yahoo_server.client` points yfinance at it.

Start it inside a test with `YahooServer`, or as a process of its own with `yahoo_process`.
"""

from pathlib import Path

from alphalens.testing.loopback.remote import VendorProcess

from .control import YahooControl
from .server import YahooServer

__all__ = ["YahooControl", "YahooServer", "yahoo_process"]


def yahoo_process(port_file: Path, *options: str) -> VendorProcess:
    """Return the vendor as a process, to be started; `options` as its ``--help`` tells."""
    return VendorProcess(__name__, YahooControl, port_file, *options)
