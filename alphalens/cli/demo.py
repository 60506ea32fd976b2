"""``alphalens demo``: research a factor on real prices, trade it on paper, write the report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from alphalens._optional import require
from alphalens.cli.output import ExitCode, Output, common_options

if TYPE_CHECKING:
    from alphalens.config import Settings
    from alphalens.runtime import PaperRun, RunPlan

_FACTOR = "momentum_12_1"
_MADE = ("journal.sqlite", "checkpoints.sqlite")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    demo = commands.add_parser(
        "demo",
        help="research a factor, trade it on paper, write the report",
        description="Real daily closes of 20 companies, 1990-2022: judge the momentum factor, "
        "let the agents trade it on paper for the last months under the limits in force, and "
        "write report.html, both tear sheets and the journal. A second run gives the same "
        "orders and the same journal; what an earlier run wrote into the folder is replaced.",
    )
    demo.add_argument("--out", type=Path, default=Path("demo"), help="folder [%(default)s]")
    demo.add_argument("--seed", type=int, default=0, help="identity of the run [%(default)s]")
    demo.add_argument("--months", type=int, default=12, help="length of the run [%(default)s]")
    demo.add_argument("--env-file", default=".env", help="settings [%(default)s]")
    common_options(demo)
    demo.set_defaults(run=run)


class _Advance(Protocol):
    def __call__(self, label: str, done: int, total: int) -> None: ...


def run(args: argparse.Namespace, out: Output) -> int:
    """Do the whole job and say where the report is."""
    require("rich", extra="cli")
    from alphalens.config import load_settings
    from alphalens.data import SampleProvider
    from alphalens.reports.story import write_story
    from alphalens.runtime import PaperRun

    settings = load_settings(env_file=args.env_file)
    history = SampleProvider().history()
    _clear(args.out)
    plan = _plan(args, history)
    paper = PaperRun(args.out, settings, plan)
    with _progress(out) as advance:
        _trade(paper, advance)
        story = write_story(args.out, paper, advance=advance)
    out.result(story.summary(), story.lines())
    return ExitCode.OK
