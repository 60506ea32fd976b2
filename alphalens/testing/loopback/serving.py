"""A vendor in the foreground, until it is asked to end."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from .server import LoopbackServer


def parser(module: str) -> argparse.ArgumentParser:
    """Return the options that every vendor has."""
    made = argparse.ArgumentParser(prog=f"python -m {module}")
    made.add_argument("--port-file", type=Path, help="where to write the addresses, as JSON")
    made.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
    made.add_argument("--now", help="the vendor's clock, RFC 3339; it stands")
    return made


def serve_until_asked(server: LoopbackServer, port_file: Path | None) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with server:
        if port_file is not None:
            # Whoever waits for the file must not read half of it.
            draft = port_file.with_suffix(".draft")
            draft.write_text(json.dumps(server.addresses), encoding="utf-8")
            draft.replace(port_file)
        stopped.wait()
