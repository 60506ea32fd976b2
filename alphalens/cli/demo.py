"""``alphalens demo``: research a factor on real prices, trade it on paper, write the report."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from alphalens._optional import require
from alphalens.cli.output import ExitCode, Output, common_options
from alphalens.cli.progress import Advance, progress

if TYPE_CHECKING:
    from alphalens.data import PriceHistory
    from alphalens.reports import TradingReport
    from alphalens.reports.factor_report import FactorReport
    from alphalens.runtime import PaperRun, RunPlan

_FACTOR = "momentum_12_1"
_AGREED = Decimal("0.10")
_DESK = "approval policy of the demo desk"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    demo = commands.add_parser(
        "demo",
        help="research a factor, trade it on paper, write the report",
        description="Real daily closes of 20 companies, 1990-2022: judge the momentum factor, "
        "let the agents trade it on paper for the last months under the limits in force, and "
        "write report.html, both tear sheets and the journal. A second run gives the same "
        "orders and the same journal, and takes the place of the first when it has ended; one that "
        "fails leaves the first as it was, and what it wrote in FOLDER/unfinished.",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("demo"), metavar="FOLDER", help="[%(default)s]"
    )
    demo.add_argument("--seed", type=int, default=0, help="identity of the run [%(default)s]")
    demo.add_argument("--months", type=_months, default=12, help="length of the run [%(default)s]")
    demo.add_argument("--env-file", default=".env", help="settings [%(default)s]")
    common_options(demo)
    demo.set_defaults(run=run)


def _months(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 360:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of months from 1 to 360")
    return int(text)


def run(args: argparse.Namespace, out: Output) -> int:
    """Do the whole job and say where the report is."""
    require("rich", "sqlalchemy", "pydantic", "langgraph", "skfolio", extra="demo")
    from alphalens.config import load_settings
    from alphalens.data import SampleProvider
    from alphalens.reports.factor_report import judge_factor
    from alphalens.runtime import PaperRun

    settings = load_settings(env_file=args.env_file)
    history = SampleProvider().history()
    paper = PaperRun(args.out, settings, _plan(args, history), replace=True)
    with progress(out) as advance:
        advance("research", 0, 1)
        research = judge_factor(history, _FACTOR)
        advance("research", 1, 1)
        for step in paper.steps():
            advance("paper trading", step.number, step.total)
        report = _write(paper, research, advance)
    summary = {"run": paper.run_id, "out": str(args.out), **report.summary()}
    out.result(summary, _lines(args.out, research, report))
    return ExitCode.OK


def _write(paper: PaperRun, research: FactorReport, advance: Advance) -> TradingReport:
    """Write the pages; the last step puts the whole run in the place of an earlier one."""
    advance("reports", 0, 3)
    sheet = research.sheet()
    sheet.save(paper.workplace / "research.html")
    advance("reports", 1, 3)
    sheet.save(paper.workplace / "research.png")
    advance("reports", 2, 3)
    report = paper.write_reports(research)
    advance("reports", 3, 3)
    return report


def _lines(folder: Path, research: FactorReport, report: TradingReport) -> Iterator[str]:
    facts, counts = report.facts, Counter(report.orders["status"])
    yield from research.lines()
    yield (
        f"paper run {facts.started_at:%Y-%m-%d} to {facts.last_at:%Y-%m-%d}: "
        + ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    )
    for text in report.refusals["message"].head(3):
        yield f"  refused: {text}"
    approved = report.approvals
    yield f"  approvals: {len(approved)}, by {', '.join(sorted(set(approved['by']))) or 'nobody'}"
    yield (
        f"  return {report.strategy.total_return.text('+.2%')}, universe in equal weights "
        f"{report.universe.total_return.text('+.2%')}, "
        f"fees {report.costs.fees} {facts.currency}"
    )
    if report.pending:
        yield f"  {report.pending} decisions have no return over the longest horizon yet"
    yield f"journal: {facts.length} records, chain intact, head {facts.head}"
    yield f"written: {folder / 'report.html'}, research.html, research.png, traded.html"


def _plan(args: argparse.Namespace, history: PriceHistory) -> RunPlan:
    from alphalens.orchestrator import ApproveUpTo
    from alphalens.portfolio import RankWeights
    from alphalens.runtime import RunPlan, decision_dates

    return RunPlan(
        history=history,
        factor=_FACTOR,
        rule=RankWeights(gross=0.9),  # below the limit on gross, to leave room for the market
        decisions=decision_dates(history, months=args.months),
        fill="next_close",  # the set has closes only
        approver=ApproveUpTo(limit=_AGREED, by=_DESK),
        seed=args.seed,
    )
