"""Folders of runs, as the page finds them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..reports.small_run import SmallRun  # noqa: TID252 - the tests are no package to import


@pytest.fixture(scope="session")
def finished_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of thirty days that ended."""
    folder = tmp_path_factory.mktemp("finished")
    SmallRun(folder / "journal.sqlite").trade().close()
    return folder


@pytest.fixture(scope="session")
def waiting_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that stands at a question to a person."""
    folder = tmp_path_factory.mktemp("waiting")
    SmallRun(folder / "journal.sqlite", n_days=12).trade(stop_waiting=True).close()
    return folder
