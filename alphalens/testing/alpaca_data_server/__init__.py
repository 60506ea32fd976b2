"""A loopback of Alpaca's market data host, which in the world is another host than its venue.

The routes are those of `alphalens.testing.alpaca_server`, whose venue answers them too. Here they
stand over rows that a test gives as the wire has them, also bad ones, and without a venue's book:
with the faults, the delays and the process of `alphalens.testing.loopback`.

Start it inside a test with `AlpacaDataServer`, or as a process with `alpaca_data_process`.
"""

from pathlib import Path

from alphalens.testing.loopback.remote import VendorProcess

from .control import AlpacaDataControl
from .server import AlpacaDataServer

__all__ = ["AlpacaDataControl", "AlpacaDataServer", "alpaca_data_process"]


def alpaca_data_process(port_file: Path, *options: str) -> VendorProcess:
    """Return the host as a process, to be started; `options` as its ``--help`` tells."""
    return VendorProcess(__name__, AlpacaDataControl, port_file, *options)
