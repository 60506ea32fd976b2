"""A desk with an empty store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alphalens.storage import open_engine
from tests.data.bad.harness import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = open_engine(f"sqlite:///{tmp_path / 'bars.db'}")
    yield Desk(engine)
    engine.dispose()
