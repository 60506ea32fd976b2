"""The command line: thin, over the library and the stored state."""

from alphalens.cli.main import main

__all__ = ["main"]
