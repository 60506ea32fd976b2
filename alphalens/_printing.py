"""Where printed words leave the library."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Print a line: the one seam for what Alphalens has always printed."""
    sys.stdout.write(f"{text}\n")
