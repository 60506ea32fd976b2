"""The factor library against alphalens-reloaded 0.5.1, case by case in alternation.

Usage: ``python -m benchmarks.core [SIZE ...] [--large] [--rounds 5]``; SIZE is ASSETSxDAYS, with
gGROUPS for data in groups and a trailing + for ours alone, where 0.5.1 would take an hour.
The rows go to ``docs/benchmarks.md`` and to standard output; the exit status is 1 when the two
sides do not return the same numbers.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import peer, report

WORKER = Path(__file__).with_name("worker.py")
CASES = (
    "clean",
    "rank IC",
    "factor returns",
    "quantile means",
    "quantile means by date",
    "15 turnovers",
    "rank autocorrelation",
    "event windows",
    "full tear sheet",
)
GROUP_CASES = {
    "clean": None,
    "rank IC by group": "rank IC",
    "group-neutral returns": "factor returns",
    "quantile means by date and group": "quantile means by date",
    "event windows by group": "event windows",
    "full tear sheet by group": "full tear sheet",
}
"""Cases on data with groups, each with the one that looks away from them."""

HEAD = ("case", "0.5.1", "ours", "ratio", "ours, warm", "MiB 0.5.1", "MiB ours", "runs")
GROUP_HEAD = (*HEAD, "of ungrouped")
PATIENCE_S = 30.0
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


class Runner:
    """A worker process that answers one request at a time."""

    def __init__(self, python: str, size: str) -> None:
        self._process = subprocess.Popen(
            [python, str(WORKER), size],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tempfile.gettempdir(),
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"MPLBACKEND": "Agg"},
        )
        self.package = self._answer("at its start")["package"]

    def ask(self, case: str, nudge: int, *, is_warm: bool) -> dict[str, Any]:
        """Run one case and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(
            json.dumps({"case": case, "nudge": nudge, "warm": is_warm}) + "\n"
        )
        self._process.stdin.flush()
        return self._answer(f"in case {case!r}")

    def _answer(self, where: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker died {where}, exit {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """Let the worker end."""
        self._process.communicate()


def same(one: Any, other: Any) -> bool:
    """Return whether two digests agree to eight digits."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-8, abs_tol=1e-8)
    return bool(one == other)


def compare(size: str, python: Path, rounds: int) -> tuple[list[tuple[str, ...]], list[str]]:
    """Return the rows of one size and the cases whose digests differ."""
    is_alone, size = size.endswith("+"), size.rstrip("+")
    sides = {"ours": Runner(sys.executable, size)}
    if not is_alone:
        sides["peer"] = Runner(str(python), size)
        if sides["peer"].package == sides["ours"].package:
            raise RuntimeError(f"both sides run {sides['ours'].package}: the peer's is not found")
    rows, wrong = [], []
    cases = GROUP_CASES if "g" in size else dict.fromkeys(CASES)
    for case, plain in cases.items():
        runs: dict[str, list[dict[str, Any]]] = {"peer": [], "ours": [], "plain": []}
        for nudge in range(1, rounds + 1):
            spent = sum(answer["seconds"] for answer in runs["peer"])
            if "peer" in sides and spent <= PATIENCE_S:
                runs["peer"].append(sides["peer"].ask(case, nudge, is_warm=False))
            runs["ours"].append(sides["ours"].ask(case, nudge, is_warm=True))
            if plain is not None:
                runs["plain"].append(sides["ours"].ask(plain, rounds + nudge, is_warm=False))
        for theirs, ours in zip(runs["peer"], runs["ours"], strict=False):
            if not same(theirs["digest"], ours["digest"]):
                wrong.append(f"{size} {case}: {theirs['digest']} {ours['digest']}")
        rows.append(row(case, runs) + (of_ungrouped(runs) if "g" in size else ()))
        print("|", " | ".join(rows[-1]), "|", flush=True)
    for side in sides.values():
        side.close()
    return rows, wrong


def middle(answers: list[dict[str, Any]], key: str = "seconds") -> float:
    """Return the median of what one side answered, NaN if it was not asked."""
    return statistics.median(answer[key] for answer in answers) if answers else math.nan


def row(case: str, runs: dict[str, list[dict[str, Any]]]) -> tuple[str, ...]:
    """Return one line of the table from the answers of both sides."""
    theirs, ours = middle(runs["peer"]), middle(runs["ours"])
    return (
        case,
        report.seconds(theirs) if runs["peer"] else "",
        report.seconds(ours),
        f"{theirs / ours:.1f}x" if runs["peer"] else "",
        report.seconds(middle(runs["ours"], "warm")),
        f"{middle(runs['peer'], 'mebibytes'):.0f}" if runs["peer"] else "",
        f"{middle(runs['ours'], 'mebibytes'):.0f}",
        f"{len(runs['peer'])} / {len(runs['ours'])}",
    )


def of_ungrouped(runs: dict[str, list[dict[str, Any]]]) -> tuple[str]:
    """Return how long ours takes beside its ungrouped twin."""
    if not runs["plain"]:
        return ("",)
    return (f"{middle(runs['ours']) / middle(runs['plain']):.1f}x",)


def import_rows(python: Path, rounds: int) -> list[tuple[str, ...]]:
    """Time the imports in fresh processes, one of each in turn."""
    runs = {
        "import pandas": (sys.executable, "pandas"),
        "0.5.1: import alphalens": (str(python), "alphalens"),
        "ours: import alphalens": (sys.executable, "alphalens"),
        "ours: and its first metric": (sys.executable, "alphalens.performance"),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):  # the first round warms the disk cache
        for name, (interpreter, module) in runs.items():
            command = [interpreter, "-c", IMPORT.format(module)]
            out = subprocess.run(
                command, check=True, capture_output=True, text=True, cwd=tempfile.gettempdir()
            )
            times[name].append(float(out.stdout))
    medians = {name: statistics.median(seen[1:]) for name, seen in times.items()}
    pandas = medians["import pandas"]
    return [(name, report.seconds(t), f"{t / pandas:.2f}x") for name, t in medians.items()]


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "sizes", nargs="*", default=[], help="ASSETSxDAYS[gGROUPS][+], default 500x1250 500x1250g11"
    )
    parser.add_argument("--large", action="store_true", help="also 3000x1250")
    parser.add_argument("--rounds", type=int, default=5, help="runs a side and case, at most")
    options = parser.parse_args(arguments)
    sizes = options.sizes or ["500x1250", "500x1250g11"]
    sizes += ["3000x1250"] if options.large else []
    python = peer.peer_python()

    text = ["## Factor library against alphalens-reloaded 0.5.1\n", _about()]
    text.append(report.table(("import", "median", "of pandas"), import_rows(python, 5)))
    wrong: list[str] = []
    for size in sizes:
        rows, differ = compare(size, python, options.rounds)
        wrong += differ
        shape, _, groups = size.rstrip("+").partition("g")
        text += [f"### {shape.replace('x', ' assets x ')} days{groups and f', {groups} groups'}\n"]
        text.append(report.table(GROUP_HEAD if groups else HEAD, rows))
    text += [f"Results differ: {line}\n" for line in wrong]
    report.put_section("core", "\n".join(text))
    print("\n".join(text))
    return 1 if wrong else 0


def _about() -> str:
    load = f"Load at the start {os.getloadavg()[0]:.1f}; " if hasattr(os, "getloadavg") else ""
    words = (
        "Medians; the sides take turns until 0.5.1 has taken "
        f"{PATIENCE_S:.0f} s, each call on a fresh copy of its input with one value "
        "moved, so that no cached number answers (a copy shares the memory of its index, and what "
        "is known of that); warm is the same call again. MiB is by how much resident memory grew "
        "inside the call. Both sides run on the same pandas and numpy. Shape, "
        "count of NaN and sums of all results agree, unless a line says no (the sheet returns "
        f"nothing to compare). {load}"
    )
    return words + report.machine(("numpy", "pandas")) + "\n"


if __name__ == "__main__":
    sys.exit(main())
