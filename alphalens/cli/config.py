"""``alphalens config show``: every setting, its value without secrets, and its source."""

from __future__ import annotations

import argparse

from alphalens.cli.output import ExitCode, Output, columns, common_options


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    config = commands.add_parser("config", help="show the settings in force")
    actions = config.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="each setting, its value and where it comes from")
    show.add_argument("--env-file", default=".env", help="file of KEY=value lines [%(default)s]")
    common_options(show)
    show.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the settings."""
    from alphalens.config import load_settings

    rows = list(load_settings(env_file=args.env_file).rows())
    document = {row.key: {"value": row.value, "source": row.source} for row in rows}
    out.result(document, columns([(row.key, row.value or "-", row.source) for row in rows]))
    return ExitCode.OK
