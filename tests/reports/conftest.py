"""A small real run, written once and read by every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalens.execution import JournalReader
from alphalens.reports.facts import RunFacts, read_run

from .small_run import SmallRun


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRun]:
    """A run of thirty days that ended."""
    run = SmallRun(tmp_path_factory.mktemp("finished") / "journal.sqlite").trade()
    yield run
    run.close()


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRun]:
    """A run that stands at a question to a person."""
    path = tmp_path_factory.mktemp("waiting") / "journal.sqlite"
    run = SmallRun(path, n_days=12).trade(stop_waiting=True)
    yield run
    run.close()


@pytest.fixture(scope="session")
def facts(finished: SmallRun) -> RunFacts:
    """What the journal of the finished run says."""
    return read_run(JournalReader(finished.engine))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[SmallRun]:
    """A short run of a test's own, to damage."""
    run = SmallRun(tmp_path / "journal.sqlite", n_days=7).trade()
    yield run
    run.close()
