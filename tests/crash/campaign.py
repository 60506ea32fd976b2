"""All the deaths of one day on one database, and what came of them."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.drive import Broken, live_through
from tests.crash.edges import OUT_OF_REACH, Edge, edges_of, wanted_edges
from tests.crash.outcome import Outcome, differences, outcome_of
from tests.crash.points import NO_ORDER, Point, point_from
from tests.servers import own_schema

__all__ = ["Campaign", "Result", "Verdict", "live"]

_GONE = {"lost", "broken"}  # of a day that did not end nobody can say that nothing was lost
_SEED, _TRIES = 20260302, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one day."""

    point: Point | None
    has_died: bool = False
    passed: tuple[Point, ...] = ()
    outcome: Outcome | None = None
    edges: frozenset[Edge] = frozenset()
    problem: str = ""
    harness: str = ""  # what kept the day itself from taking place: it says nothing


@contextmanager
def _database(server: str, folder: Path) -> Iterator[str]:
    if server == "sqlite":
        yield f"sqlite:///{folder / 'journal.sqlite'}"
        return
    with own_schema(server) as url:
        yield url


def live(server: str, folder: Path, traders: Path, point: Point | None) -> Result:
    """Live through one day in a folder of its own, killed at `point`, and read what is left."""
    folder.mkdir()
    log = folder / "points.json"
    try:
        with _database(server, folder) as database:
            has_died = live_through(
                folder, database, traders, kill_at=point, log=str(log) if point is None else ""
            )
            outcome = outcome_of(database, folder / "venue.sqlite")
            edges = edges_of(database)
        rows = json.loads(log.read_text(encoding="utf-8")) if point is None else []
        passed = tuple(map(point_from, rows))
        return Result(point=point, has_died=has_died, passed=passed, outcome=outcome, edges=edges)
    except OSError as error:
        return Result(point=point, harness=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - told, and the run fails by it
        kind = "" if isinstance(error, Broken) else f"{type(error).__name__}: "
        return Result(point=point, problem=f"{kind}{error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a campaign; good if every chosen place was reached and changed nothing."""

    name: str
    points: int = 0
    lost: int = 0
    doubled: int = 0
    is_good: bool = False

    def __str__(self) -> str:
        return f"{self.name}: points {self.points} lost {self.lost} doubled {self.doubled}"


class Campaign:
    """All deaths of one day on one database."""

    def __init__(self, name: str, server: str, folder: Path, traders: Path, workers: int) -> None:
        self._name, self._server, self._folder, self._traders = name, server, folder, traders
        self._workers, self._number = workers, 0
        self._edges: frozenset[Edge] = frozenset()  # of the days with a death

    def run(self, wanted: int | None, sample: int) -> Verdict:
        """Try the points, say what came of each that changed anything, and sum up.

        `wanted` is how many distinct places are tried, None all of them; `sample` is how many
        points more, -1 for all there are.
        """
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, mp_context=context) as pool:
            quiet = self._quiet(pool)
            undisturbed = quiet[0].outcome
            problems = [r.problem or r.harness for r in quiet if r.outcome is None]
            if undisturbed is None or problems:
                self._say(f"the undisturbed day failed: {problems}")
                return Verdict(name=self._name)
            same = [*differences(undisturbed, quiet[1].outcome or undisturbed)]
            if same or undisturbed.trouble:
                self._say(f"two undisturbed days: {same} {undisturbed.trouble}")
                return Verdict(name=self._name)
            first, second = (dict.fromkeys(r.passed) for r in quiet)
            places = self._places([*first, *second])
            chosen = self._chosen(places, [p for p in first if p in second], wanted, sample)
            verdict = self._judge(pool, chosen, places, undisturbed)
            self._tell_edges(quiet[0].edges)
            return verdict

    def _quiet(self, pool: ProcessPoolExecutor) -> list[Result]:
        """Live through two days that nobody disturbs."""
        quiet: list[Result] = []
        for _ in range(_TRIES):
            found = list(self._live(pool, [None] * (2 - len(quiet))))
            quiet += [result for result in found if not result.harness]
            for result in found:
                if result.harness:
                    self._say(f"harness: {result.harness}")
            if len(quiet) == 2:
                return quiet
        return [*quiet, *found]

    def _tell_edges(self, undisturbed: frozenset[Edge]) -> None:
        """Say which legal changes of an order's state the days have gone along."""
        every = wanted_edges() | OUT_OF_REACH.keys()
        self._say(f"edges of the table of states {len(undisturbed & every)} / {len(every)}")
        for edge in sorted(every - undisturbed, key=str):
            why = OUT_OF_REACH.get(edge, "missed")
            by_death = ", reached by a death" if edge in self._edges else ""
            self._say(f"no edge {edge[0] or 'new'} -> {edge[1]}: {why}{by_death}")

    def _say(self, what: str) -> None:
        sys.stdout.write(f"{self._name}: {what}\n")
        sys.stdout.flush()

    def _places(self, passed: Sequence[Point]) -> dict[tuple[str, str], list[Point]]:
        places: dict[tuple[str, str], list[Point]] = {}
        for point in passed:
            places.setdefault(point.place, []).append(point)
        return places

    def _chosen(
        self,
        places: dict[tuple[str, str], list[Point]],
        steady: Sequence[Point],
        wanted: int | None,
        sample: int,
    ) -> list[Point]:
        rng = random.Random(_SEED)
        is_steady = set(steady)
        firsts = [next((p for p in ps if p in is_steady), ps[0].anywhere) for ps in places.values()]
        firsts.sort(key=lambda point: point.state == NO_ORDER)  # the telling ones first
        if wanted is not None:  # a few: of those that every day passes
            firsts = [point for point in firsts if point in is_steady]
            firsts = rng.sample(firsts, min(wanted, len(firsts)))
        rest = sorted(is_steady - set(firsts))
        more = rest if sample < 0 else rng.sample(rest, min(sample, len(rest)))
        return [*firsts, *more]

    def _judge(
        self,
        pool: ProcessPoolExecutor,
        chosen: Sequence[Point],
        places: Mapping[tuple[str, str], Sequence[Point]],
        undisturbed: Outcome,
    ) -> Verdict:
        tried: dict[Point, list[tuple[str, str]]] = {}
        for attempt in range(_TRIES):
            left = [point for point in chosen if point not in tried]
            # Threads race: what a step did not pass this time, another step may.
            aims = {point.anywhere if attempt else point: point for point in left}
            for result in self._live(pool, list(aims)):
                self._edges |= result.edges
                if result.harness:
                    self._say(f"harness at {result.point}: {result.harness}")
                    continue
                if result.point is None or not (result.has_died or result.problem):
                    continue  # it went another way this time, and was not killed
                found = tried[aims[result.point]] = list(_found(undisturbed, result))
                for kind, what in found:
                    self._say(f"{kind} at {result.point}: {what}")
        for point in sorted(set(chosen) - set(tried)):
            self._say(f"not reached: {point}")
        count = Counter(kind for found in tried.values() for kind in {kind for kind, _ in found})
        covered = {point.place for point in tried}
        self._say(f"sites covered {len(covered)} / {len(places)}")
        if count["differs"] or count["broken"]:
            self._say(f"differs {count['differs']} broken {count['broken']}")
        return Verdict(
            name=self._name,
            points=len(tried),
            lost=sum(bool(_GONE & {kind for kind, _ in found}) for found in tried.values()),
            doubled=count["doubled"],
            is_good=not count and covered == {point.place for point in chosen},
        )

    def _live(self, pool: ProcessPoolExecutor, points: Sequence[Point | None]) -> Iterator[Result]:
        """Live through one day for each point, and give the results as they come."""
        waiting: list[Future[Result]] = []
        for point in points:
            self._number += 1
            folder = self._folder / f"{self._name}-{self._number}"
            waiting.append(pool.submit(live, self._server, folder, self._traders, point))
        for count, one in enumerate(as_completed(waiting), 1):
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{self._name}: {count} / {len(waiting)} ")
            yield one.result()


def _found(undisturbed: Outcome, result: Result) -> Iterator[tuple[str, str]]:
    if result.outcome is None:
        yield "broken", result.problem
    else:
        yield from differences(undisturbed, result.outcome)
