"""A million bars: written, read back, written again, and judged, beside the usual ways.

Usage: ``python -m benchmarks.market_data [--symbols 500] [--days 2000] [--rounds 5]
[--objects 100000] [--databases postgres,sqlite]``. The rows go to ``docs/benchmarks.md`` and to
standard output; the exit status is 1 when the two sides do not give the same table.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from alphalens.data.bars import COLUMNS, Bars
from alphalens.data.store import BarStore
from alphalens.data.validation import judge
from alphalens.storage import open_engine
from benchmarks import market_refresh, report
from benchmarks.market_bars import (
    NOW,
    Databases,
    Peer,
    batch_of,
    context_of,
    make,
    plain,
    request_of,
)
from tests.servers import own_schema, postgres_server

HEAD = ("measure", "peer's way", "peer", "ours", "ratio", "aim")
LATENCY_S = 0.02
NAMES = {"postgres": "PostgreSQL, socket", "sqlite": "SQLite file"}

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Line:
    """What a row of the table says besides its times, and what it aims at on PostgreSQL."""

    title: str
    way: str
    aim: str = ""


LINES: Mapping[str, Line] = {
    "write": Line("write", "`to_sql`", "8x"),
    "read": Line("read into a long frame", "`read_sql`", "10x"),
    "panel": Line("closes as a wide frame", "`read_sql`, `unstack`"),
    "again": Line("the same bars again", "`to_sql` beside, `ON CONFLICT DO NOTHING`", "2x"),
}


def timed(work: Work) -> float:
    """Return the seconds of a piece of work."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@contextmanager
def empty_file() -> Iterator[str]:
    """Give the URL of a SQLite file in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'bars.sqlite'}"


def databases(name: str, stack: ExitStack) -> Databases:
    """Return what makes empty databases; its server is stopped with the stack."""
    if name == "sqlite":
        return empty_file
    return partial(own_schema, stack.enter_context(postgres_server()))


class Sides:
    """Both sides on one database, the peer's tables beside ours."""

    def __init__(self, url: str, bars: Bars, frame: pd.DataFrame) -> None:
        self.bars, self.frame, self.request = bars, frame, request_of(bars)
        self.engine, self.peer = open_engine(url), Peer(sa.create_engine(url))
        self.store = BarStore(self.engine)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
        self.peer.engine.dispose()

    def write(self) -> None:
        """Write the bars into our store."""
        self.store.write(self.bars, at=NOW)

    def read(self) -> pd.DataFrame:
        """Read them back as a long frame."""
        return self.store.read(self.request).frame()

    def panel(self) -> pd.DataFrame:
        """Read their closes as a wide frame."""
        span = self.request.start, self.request.end
        return self.store.panel(self.bars.symbols, *span, "close")

    def times(self) -> dict[str, tuple[float, float]]:
        """Return the seconds of the peer's way and of ours, one after the other."""
        found = {"write": (timed(partial(self.peer.write, self.frame)), timed(self.write))}
        found["read"] = timed(self.peer.read), timed(self.read)
        found["panel"] = timed(self.peer.panel), timed(self.panel)
        self.peer.prepare()
        again = partial(self.peer.write_again, self.frame)
        found["again"] = timed(again), timed(self.write)
        return found

    def differences(self) -> list[str]:
        """Return what is not the same on both sides."""
        theirs, ours = self.peer.read(), self.read()
        names = [n for n in COLUMNS if not (np.asarray(theirs[n]) == np.asarray(ours[n])).all()]
        wide = self.panel()
        if not np.array_equal(self.peer.panel().to_numpy(), wide.to_numpy()):
            names.append("the wide frame")
        return names if list(theirs) == list(ours) else [*names, "the columns"]


def compare(
    make_database: Databases, bars: Bars, rounds: int
) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Return the medians of both sides over rounds on fresh databases, and what differs."""
    frame, seen, differ = plain(bars), list[dict[str, tuple[float, float]]](), list[str]()
    for number in range(rounds):
        with make_database() as url:
            sides = Sides(url, bars, frame)
            seen.append(sides.times())
            if not number:
                differ = sides.differences()
            sides.close()
    pairs = {name: [times[name] for times in seen] for name in LINES}
    medians = {
        name: (statistics.median(p for p, _ in each), statistics.median(o for _, o in each))
        for name, each in pairs.items()
    }
    return medians, differ


def objects(make_database: Databases, frame: pd.DataFrame, rounds: int) -> float:
    """Return the median seconds in which the ORM writes a frame."""
    spent = []
    for _ in range(rounds):
        with make_database() as url:
            peer = Peer(sa.create_engine(url))
            spent.append(timed(partial(peer.write_objects, frame)))
            peer.engine.dispose()
    return statistics.median(spent)


def judged(bars: Bars, rounds: int) -> float:
    """Return the median seconds of a judgement that keeps every bar.

    Raises
    ------
    RuntimeError
        If it does not: the figure is then of something else.
    """
    batch, context, spent = batch_of(bars), context_of(bars), []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        found = judge(batch, context)
        spent.append(time.perf_counter() - begin)
        if len(found.bars) != len(bars):
            raise RuntimeError(f"{len(bars) - len(found.bars)} bars were refused")
    return statistics.median(spent[1:])


def row(line: Line, peer: float, ours: float, *, is_aimed: bool) -> tuple[str, ...]:
    """Return a row of the table."""
    times = report.seconds(peer), report.seconds(ours), f"{peer / ours:.1f}x"
    return line.title, line.way, *times, line.aim if is_aimed else ""


def section(name: str, make_database: Databases, options: argparse.Namespace) -> tuple[str, bool]:
    """Return the table of one database, and whether both sides agreed."""
    bars = make(options.symbols, options.days)
    medians, differ = compare(make_database, bars, options.rounds)
    is_aimed = name == "postgres"
    rows = [row(LINES[key], *medians[key], is_aimed=is_aimed) for key in LINES]
    few = plain(bars).head(options.objects)
    scaled = objects(make_database, few, min(3, options.rounds)) * len(bars) / len(few)
    orm = Line("write", f"ORM, of {len(few):,} rows", "30x")
    rows.insert(1, row(orm, scaled, medians["write"][1], is_aimed=is_aimed))
    text = f"### {NAMES[name]}\n\n{report.table(HEAD, rows)}"
    told = f"\nNot the same on both sides: {', '.join(differ)}.\n" if differ else ""
    return text + told, not differ


def main(arguments: list[str] | None = None) -> int:
    """Measure both databases and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--days", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5, help="fresh databases, sides in turn")
    parser.add_argument("--objects", type=int, default=100_000, help="rows that the ORM writes")
    parser.add_argument("--databases", default="postgres,sqlite")
    parser.add_argument("--refresh", type=int, default=500, help="symbols; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=report.DOCS, help="the page")
    options = parser.parse_args(arguments)
    load, count = os.getloadavg()[0], options.symbols * options.days
    text = [
        f"## Market data: {count:,} bars\n",
        f"{options.symbols:,} symbols x {options.days:,} days, all {len(COLUMNS)} columns. "
        f"Medians of {options.rounds} rounds, each on an empty database, the sides in turn; both "
        "give the same table, in the same order, unless a line says no. The peer's table has no "
        "key where it is written, which is cheaper for it; where the same bars come again it has "
        "one, of symbol and time. The ORM writes fewer rows, and its time is scaled. "
        f"Load at the start {load:.1f}; {report.machine(('pandas', 'SQLAlchemy', 'psycopg'))}\n",
    ]
    agreed = []
    with ExitStack() as stack:
        for name in options.databases.split(","):
            told, is_same = section(name, databases(name, stack), options)
            text.append(told)
            agreed.append(is_same)
    spent = judged(make(options.symbols, options.days), options.rounds)
    text.append(f"A judgement on these bars takes {report.seconds(spent)}; the aim is 150 ms.\n")
    if options.refresh:
        title = "### Latest bars of {:,} symbols, a loopback vendor that waits {:.0f} ms\n"
        text.append(title.format(options.refresh, LATENCY_S * 1e3))
        rows = market_refresh.measure(options.refresh, LATENCY_S)
        text += [report.table(market_refresh.HEAD, rows), "The aim is less than 1 s."]
    report.put_section("market", "\n".join(text), options.out)
    print("\n".join(text))
    return int(not all(agreed))


if __name__ == "__main__":
    sys.exit(main())
