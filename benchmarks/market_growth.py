"""How the store of bars grows, from one million bars to twenty; a picture, a table, and on paper.

Usage: ``python -m benchmarks.market_growth [--millions 1,2,5,10,20] [--databases postgres,sqlite]
[--million 1000000]``. Takes minutes, and 5 GB of disk for a while. Writes
``docs/market-growth.png`` and its section of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from alphalens.data.bars import Bars
from alphalens.data.store import BarStore
from alphalens.storage import open_engine, reading
from benchmarks import report
from benchmarks.market_bars import NOW, make, plain, request_of
from benchmarks.market_data import NAMES, Work, databases, timed

DAYS = 2000
PICTURE = "market-growth.png"
SHOWN = ("the next million", "a million again", "a million read", "one symbol", "all closes")
HEAD = ("database", "bars", *SHOWN, "bytes a bar")

#: On paper: minute bars of a session, sessions of ten years.
MINUTES, SESSIONS = 390, 2520

#: Bytes of everything, and of keys that are kept apart from the rows.
_SIZES = {
    "postgresql": "SELECT sum(pg_total_relation_size(inhrelid)), sum(pg_indexes_size(inhrelid)) "
    "FROM pg_inherits WHERE inhparent = 'bars'::regclass",
    "sqlite": "SELECT page_count * page_size, 0 FROM pragma_page_count, pragma_page_size",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What was measured at one size: seconds by `SHOWN`; bytes a bar, and of its key apart."""

    bars: int
    seconds: dict[str, float]
    width: float
    index: float


class Store:
    """A store that grows by some symbols at a time."""

    def __init__(self, url: str, million: int) -> None:
        self.engine = open_engine(url)
        self.store = BarStore(self.engine)
        self.symbols, self.count = max(1, million // DAYS), 0
        self.first = make(self.symbols, DAYS)

    def grow(self) -> float:
        """Write the next bars; return the seconds."""
        bars = make(self.symbols, DAYS, first=self.count * self.symbols)
        self.count += 1
        return timed(partial(self.store.write, bars, at=NOW))

    def measure(self, written: float) -> Size:
        """Return what the work costs at the present size."""
        few = request_of(self.first, self.first.symbols[:1])
        every = tuple(f"S{number:05}" for number in range(self.count * self.symbols))
        span = few.start, few.end
        work: dict[str, Work] = {
            "a million again": partial(self.store.write, self.first, at=NOW),
            "a million read": partial(self.store.read, request_of(self.first)),
            "one symbol": partial(self.store.read, few),
            "all closes": partial(self.store.panel, every, *span, "close"),
        }
        spent = {
            name: statistics.median(timed(each) for _ in range(3)) for name, each in work.items()
        }
        count = self.count * len(self.first)
        with reading(self.engine) as connection:
            sizes = connection.execute(sa.text(_SIZES[self.engine.dialect.name])).one()
        width, index = (float(size) / count for size in sizes)
        seconds = {"the next million": written, **spent}
        return Size(bars=count, seconds=seconds, width=width, index=index)


def grown(url: str, steps: list[int], million: int) -> list[Size]:
    """Return what was measured at each size; each is so many millions."""
    store, found, seconds = Store(url, million), list[Size](), list[float]()
    for step in range(1, max(steps) + 1):
        seconds.append(store.grow())
        if step in steps:
            found.append(store.measure(statistics.median(seconds[-3:])))
            print(store.engine.dialect.name, found[-1], flush=True)
    store.engine.dispose()
    return found


def as_files(bars: Bars) -> tuple[float, float, float]:
    """Return bytes a bar, and the seconds to write and to read, of a file of Parquet."""
    frame = plain(bars)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.parquet"
        written = timed(partial(frame.to_parquet, path, engine="pyarrow", index=False))
        read = timed(partial(pd.read_parquet, path, engine="pyarrow"))
        return path.stat().st_size / len(bars), written, read


def rows_of(name: str, sizes: list[Size]) -> list[tuple[str, ...]]:
    """Return the rows of one database."""
    return [
        (
            NAMES[name],
            f"{size.bars:,}",
            *(report.seconds(size.seconds[case]) for case in SHOWN),
            f"{size.width:.0f}",
        )
        for size in sizes
    ]


def on_paper(size: Size, files: tuple[float, float, float], million: int) -> str:
    """Return where one PostgreSQL ends, by what was measured at its largest size."""
    few, market = (symbols * MINUTES * SESSIONS for symbols in (500, 8_000))
    speeds = million / size.seconds["the next million"], million / size.seconds["a million read"]
    cases = {
        "500 symbols, 30 years of days": 500 * 252 * 30,
        "8,000 symbols, 30 years of days": 8_000 * 252 * 30,
        "500 symbols, 10 years of minutes": few,
        "8,000 symbols, 10 years of minutes": market,
    }
    rows = [_paper(title, bars, size.width, *speeds) for title, bars in cases.items()]
    index = size.index / 10 / 1e9  # of a year, GB
    width, *spent = files
    per_second = [f"{million / each:,.0f}" for each in spent]
    told = (
        "### Where one PostgreSQL ends\n",
        f"On paper, from the largest PostgreSQL above: it writes {speeds[0]:,.0f} bars a second, "
        f"reads {speeds[1]:,.0f} into columns, and its key takes {size.index:.0f} of the "
        f"{size.width:.0f} bytes of a bar.\n",
        report.table(("what", "bars", "disk", "first load", "one read of all"), rows),
        "**Days of the whole market** fit one server.\n",
        f"**Minutes of 500 symbols** fit one server too: {few / 1e6:,.0f}M bars, "
        f"{few * size.width / 1e9:,.0f} GB. What counts is that the key of the year that is "
        f"written stays in memory, here {few * index:,.1f} GB. A read is of some series and some "
        "years, so that its time follows the bars that it brings, not those that are there.\n",
        "**Minutes of the whole market** are where one server ends: "
        f"{market * size.width / 1e12:,.1f} TB, and {market * index:,.0f} GB of key for each year. "
        "Then the parts have to be smaller: by month, and each month by a hash of the series, so "
        "that a write touches few keys, and so that several servers can take some hashes each. "
        "The place for it is the one that makes the parts, `make_room`; rows and queries stay. "
        "TimescaleDB does the same by itself and packs old parts by columns; it has to be "
        "installed on the server, so it is not asked for here. Neither was measured.\n",
        "**Research over all of it** should not ask the database again and again. The same bars "
        f"in Parquet take {width:.0f} bytes each, are written at {per_second[0]} and read at "
        f"{per_second[1]} bars a second by one process: a file for each month and hash of symbols, "
        "written once the month is over, and read by Dask side by side. The database stays the "
        "record of what was known when; the files are a copy of one instant.\n",
    )
    return "\n".join(told)


def _paper(title: str, bars: int, width: float, write: float, read: float) -> tuple[str, ...]:
    disk = f"{bars * width / 1e9:,.0f} GB"
    return title, f"{bars / 1e6:,.0f}M", disk, _span(bars / write), _span(bars / read)


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def draw(found: dict[str, list[Size]], path: Path) -> None:
    """Draw the times of both databases against the number of bars."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1,
        len(found),
        figsize=(5.5 * len(found), 4.6),
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for ax, (name, sizes) in zip(panels[0], found.items(), strict=True):
        counts = [size.bars for size in sizes]
        for case in SHOWN:
            ax.plot(counts, [size.seconds[case] for size in sizes], marker="o", label=case)
        start = sizes[0].seconds["all closes"]
        ax.plot(counts, [start * n / counts[0] for n in counts], "k:", label="linear")
        ax.set(xscale="log", yscale="log", xlabel="bars in the store", title=NAMES[name])
        ax.set_xticks(counts, [f"{n / 1e6:g}M" for n in counts])
        ax.minorticks_off()
        ax.grid(visible=True, alpha=0.3)
    panels[0][0].set_ylabel("seconds")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": ""})


def main(arguments: list[str] | None = None) -> int:
    """Grow both stores, draw, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", default="1,2,5,10,20", help="sizes at which to measure")
    parser.add_argument("--million", type=int, default=1_000_000, help="less for a quick look")
    parser.add_argument("--databases", default="postgres,sqlite")
    parser.add_argument("--out", type=Path, default=report.DOCS, help="the page")
    options = parser.parse_args(arguments)
    load, steps = os.getloadavg()[0], [int(step) for step in options.millions.split(",")]
    found = {}
    with ExitStack() as stack:
        for name in options.databases.split(","):
            with databases(name, stack)() as url:
                found[name] = grown(url, steps, options.million)
    draw(found, options.out.with_name(PICTURE))
    rows = [row for name, sizes in found.items() for row in rows_of(name, sizes)]
    text = [
        "## Market data: growth\n",
        f"Daily bars of {DAYS:,} days, more symbols each time. The next million: written when so "
        "many are there, the median of the last three writes. A million again: the first ones, "
        "nothing changes. One symbol: all its bars. All closes: a wide frame of every symbol. "
        "The reads are medians of three. Bytes with all indexes. "
        f"Load at the start {load:.1f}; {report.machine(('pandas', 'SQLAlchemy', 'psycopg'))}\n",
        report.table(HEAD, rows),
        f"![Time of each kind of work against the number of bars]({PICTURE})\n",
    ]
    if "postgres" in found:
        files = as_files(make(options.million // DAYS, DAYS))
        text.append(on_paper(found["postgres"][-1], files, options.million))
    report.put_section("market-growth", "\n".join(text), options.out)
    print("\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
