"""A loopback Alpaca: REST and both websockets over a book of its own.

It imports nothing of the package it stands in front of but what the loopback vendors share, so
that a mistake of ours cannot be its mistake too. It keeps orders, executions, positions, cash,
activities and every request in one SQLite file, and serves on loopback only.

Start it inside a test with `AlpacaServer`, or as a process of its own with
``python -m alphalens.testing.alpaca_server --file venue.sqlite --port-file ports.json``.
"""

from .control import Control
from .remote import RemoteControl, VenueProcess
from .server import AlpacaServer

__all__ = ["AlpacaServer", "Control", "RemoteControl", "VenueProcess"]
