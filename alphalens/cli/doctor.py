"""``alphalens doctor``: what is wrong here, and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alphalens.cli.journal import place
from alphalens.cli.output import ExitCode, Output, columns, common_options

if TYPE_CHECKING:
    from alphalens.monitoring.health_check import HealthReport

__all__ = ["add", "run"]

_USERS = frozenset({"python", "packages", "extra trading", "settings"})
_SETTINGS = frozenset({"refused", "no key"})  # what is found where a setting is to be corrected


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    doctor = commands.add_parser(
        "doctor",
        help="check Python, packages, settings, database, cache, vendors, venue, clock, disk",
        description="Each line says what was found and what to do. Nothing is written or upgraded. "
        "What was not asked is unknown, never ok. The exit code is not 0 when something is broken.",
    )
    doctor.add_argument("--online", action="store_true", help="ask each vendor and the venue too")
    doctor.add_argument(
        "--journal", type=place, metavar="FILE-or-URL", help="the journal of a desk [DATABASE_URL]"
    )
    doctor.add_argument(
        "--folder", type=Path, default=Path(), help="where files are kept [this folder]"
    )
    doctor.add_argument("--env-file", default=".env", help="settings [%(default)s]")
    common_options(doctor)
    doctor.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the checks; say by the exit code who has to act."""
    from alphalens.monitoring.health_server import document
    from alphalens.runtime.doctor import diagnose
    from alphalens.trading.clock import SystemClock

    report = diagnose(
        clock=SystemClock(),
        env_file=args.env_file,
        journal=args.journal,
        folder=args.folder,
        is_online=args.online,
    )
    out.result(document(report), _lines(report))
    return _exit_code(report)


def _lines(report: HealthReport) -> Iterator[str]:
    rows = [(c.status.upper(), c.name, c.value or "-", c.message) for c in report.checks]
    yield from columns(rows)
    for status, words in (("critical", "broken"), ("unknown", "not known")):
        names = [check.name for check in report.checks if check.status == status]
        if names or status == "critical":
            yield f"{words}: {', '.join(names) or 'nothing'}"


def _exit_code(report: HealthReport) -> ExitCode:
    broken = [check for check in report.checks if check.status == "critical"]
    if not broken:
        return ExitCode.OK
    is_users = any(check.name in _USERS or check.value in _SETTINGS for check in broken)
    return ExitCode.USER if is_users else ExitCode.OPERATOR
