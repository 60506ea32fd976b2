"""A started paper desk, marked once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalens.testing.desk import PaperDesk, random_walk


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[PaperDesk]:
    """Open a desk and step it to row 30; it is closed after the test."""
    desk = PaperDesk(tmp_path, random_walk())
    desk.step_to(30)
    yield desk
    desk.close()
