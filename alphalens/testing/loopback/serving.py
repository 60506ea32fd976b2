"""A vendor in the foreground: the options that every one has, and how it serves."""

from __future__ import annotations

import argparse
from pathlib import Path

from .clock import parse_instant
from .process import serve_until_asked

__all__ = ["parser", "serve_until_asked"]


def parser(module: str) -> argparse.ArgumentParser:
    """Return the options that every vendor has."""
    made = argparse.ArgumentParser(prog=f"python -m {module}")
    made.add_argument("--port-file", type=Path, help="where to write the addresses, as JSON")
    made.add_argument("--port", type=int, default=0, help="HTTP port; 0 takes a free one")
    made.add_argument("--now", type=parse_instant, help="its clock, RFC 3339; it stands")
    return made
