"""How the time of the factor library grows with assets and with days; a picture and a table.

Usage: ``python -m benchmarks.growth``. Writes ``docs/growth.png`` and its section of
``docs/benchmarks.md``. A slope of 1 on the log plot is linear growth.
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks import report
from benchmarks.worker import CASES, Side

ASSETS = (250, 500, 1000, 2000, 4000)
DAYS = (250, 500, 1000, 2000, 4000)
FIXED_DAYS, FIXED_ASSETS = 500, 500
SHOWN = (
    "clean",
    "rank IC",
    "quantile means by date",
    "15 turnovers",
    "rank autocorrelation",
    "event windows",
)
PICTURE = report.DOCS.with_name("growth.png")


def timed(assets: int, days: int, rounds: int = 5) -> dict[str, float]:
    """Return the best of some cold calls of every case at one size, in seconds."""
    side = Side(assets, days, 0)
    return {
        case: min(side.run(case, k + 1, is_warm=False)["seconds"] for k in range(rounds))
        for case in SHOWN
    }


def slope(sizes: tuple[int, ...], times: list[float]) -> float:
    """Return the exponent of the growth between the largest sizes, where overheads are small."""
    return float(np.polyfit(np.log(sizes[-3:]), np.log(times[-3:]), 1)[0])


def main() -> int:
    """Time, draw, and write the section."""
    assert set(SHOWN) <= set(CASES)
    by_assets = [timed(n, FIXED_DAYS) for n in ASSETS]
    by_days = [timed(FIXED_ASSETS, n) for n in DAYS]
    rows = []
    for case in SHOWN:
        over_assets, over_days = ([t[case] for t in times] for times in (by_assets, by_days))
        rows.append(
            (
                case,
                *(report.seconds(t) for t in (over_assets[0], over_assets[-1])),
                f"{slope(ASSETS, over_assets):.2f}",
                *(report.seconds(t) for t in (over_days[0], over_days[-1])),
                f"{slope(DAYS, over_days):.2f}",
            )
        )
    draw(by_assets, by_days)
    head = (
        "case",
        f"{ASSETS[0]} assets",
        f"{ASSETS[-1]} assets",
        "exponent",
        f"{DAYS[0]} days",
        f"{DAYS[-1]} days",
        "exponent",
    )
    text = [
        "## Growth with assets and with days\n",
        f"Best of five cold calls, at {FIXED_DAYS} days and at {FIXED_ASSETS} assets; the exponent "
        f"is that of the three largest sizes, 1 is linear. {report.machine(('numpy', 'pandas'))}\n",
        report.table(head, rows),
        "![Time against assets and against days on a log plot](growth.png)",
    ]
    report.put_section("growth", "\n".join(text))
    print("\n".join(text))
    return 0


def draw(by_assets: list[dict[str, float]], by_days: list[dict[str, float]]) -> None:
    """Draw both growths beside lines of slope 1."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True, layout="constrained")
    sides = ((ASSETS, by_assets, "assets"), (DAYS, by_days, "days"))
    for ax, (sizes, times, name) in zip(panels, sides, strict=True):
        for case in SHOWN:
            ax.plot(sizes, [t[case] * 1e3 for t in times], marker="o", label=case)
        start = min(times[0].values()) * 1e3
        ax.plot(sizes, [start * n / sizes[0] for n in sizes], "k:", label="linear")
        ax.set(xscale="log", yscale="log", xlabel=name, title=f"Time against {name}")
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes])
        ax.minorticks_off()
        ax.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("milliseconds")
    panels[1].legend(fontsize=8)
    figure.savefig(PICTURE, dpi=100, metadata={"Software": ""})


if __name__ == "__main__":
    sys.exit(main())
