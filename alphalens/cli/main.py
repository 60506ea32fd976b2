"""Parse, dispatch, and turn every error into one line and one exit code."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from alphalens._version import __version__
from alphalens.cli.output import ExitCode, Output, exit_code
from alphalens.errors import AlphaLensError

__all__ = ["main"]

#: The commands, each in its own module: ``add(subparsers)`` declares, ``run(args, out)`` acts.
_COMMANDS = (
    "demo",
    "factor",
    "data",
    "trading",
    "approvals",
    "audit",
    "config",
    "doctor",
    "health",
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str or None
        Words after ``alphalens``; None means the process's own.

    Returns
    -------
    int
        See ``alphalens --help`` for the table.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    out = Output(is_json=args.json, is_quiet=args.quiet)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    run: Callable[[argparse.Namespace, Output], int] = args.run
    try:
        code = run(args, out)
        sys.stdout.flush()  # or it would fail at the very end, where nobody can answer
        return code
    except KeyboardInterrupt:
        out.error("interrupted", "stopped by the user; what was written stays")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _unread()
    except OSError as error:
        out.error("OSError", f"{error}; give a path that can be written")
        return ExitCode.OPERATOR
    except AlphaLensError as error:
        out.error(type(error).__name__, str(error))
        return exit_code(error)


def _unread() -> ExitCode:
    """End without a word: who read the output, such as ``head``, has had enough of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered goes there
    return ExitCode.UNREAD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphalens",
        description="Research a factor, trade it on paper under limits, read what happened.",
        epilog=ExitCode.table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"alphalens {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        import_module(f"alphalens.cli.{name}").add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
