"""A paper desk at its first decision, and the context agents get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from alphalens.agents import Context
from alphalens.data import DataView
from alphalens.testing.desk import PaperDesk, random_walk


class AtDecision:
    """A desk marked at one instant, with the view and the context of that instant."""

    def __init__(self, paper: PaperDesk, row: int) -> None:
        self.paper = paper
        self.at: datetime = paper.step_to(row)
        self.view = DataView(paper.history, self.at)
        self.context = Context(run_id="run", cycle_id="c1", at=self.at, session=paper.session)


@pytest.fixture
def at_decision(tmp_path: Path) -> Iterator[Callable[..., AtDecision]]:
    """Open one desk and step it to a row; it is closed after the test."""
    with ExitStack() as stack:

        def make(row: int = 30, **settings: object) -> AtDecision:
            paper = PaperDesk(tmp_path, **({"history": random_walk()} | settings))
            stack.callback(paper.close)
            return AtDecision(paper, row)

        yield make
