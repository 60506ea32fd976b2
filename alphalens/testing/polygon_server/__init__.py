"""A loopback Polygon (now Massive): REST and the websocket of stocks over data of its own.

It imports nothing of the package it stands in front of but the other loopback vendors, so that a
mistake of ours cannot be its mistake too.

Start it inside a test with `PolygonServer`, or as a process of its own with `polygon_process`.
"""

from pathlib import Path

from alphalens.testing.loopback.remote import VendorProcess

from .control import PolygonControl
from .server import PolygonServer

__all__ = ["PolygonControl", "PolygonServer", "polygon_process"]


def polygon_process(port_file: Path, *options: str) -> VendorProcess:
    """Return the vendor as a process, to be started; `options` as its ``--help`` tells."""
    return VendorProcess(__name__, PolygonControl, port_file, *options)
