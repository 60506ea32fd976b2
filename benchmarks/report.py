"""Rows of benchmarks as Markdown, one section of `docs/benchmarks.md` a benchmark."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = (
    "# Benchmarks\n\nWritten by `make bench`; both sides of a row ran in one run on one machine.\n"
)


def machine(packages: tuple[str, ...]) -> str:
    """Return one line about the machine, the versions, and the day."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    parts = [
        f"{os.cpu_count()} cores",
        _processor(),
        f"Python {platform.python_version()}",
        *versions,
        datetime.datetime.now(datetime.UTC).date().isoformat(),
    ]
    return ", ".join(part for part in parts if part) + "."


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    names = (line for line in info.read_text().splitlines() if line.startswith("model name"))
    return next(names, ":").split(":", 1)[1].strip()


def seconds(value: float) -> str:
    """Return seconds with three significant digits in a unit that reads well."""
    if value < 1e-3:
        return f"{value * 1e6:.3g} µs"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.3g} s"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table, the first column left and the others right aligned."""
    rule = ("---", *("---:" for _ in head[1:]))
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows)) + "\n"


def put_section(name: str, text: str, path: Path = DOCS) -> None:
    """Replace the section of that name in the page, or append it."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = path.read_text() if path.exists() else HEAD
    section = f"{begin}\n{text.rstrip()}\n{end}\n"
    before, found, rest = page.partition(begin)
    after = rest.partition(end)[2].lstrip("\n") if found else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before.rstrip("\n") + "\n\n" + section + (f"\n{after}" if after else ""))
