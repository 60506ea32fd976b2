"""Desks over a random walk whose largest orders need a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest

from alphalens.agents import RiskPolicy
from alphalens.risk import RiskLimits
from alphalens.testing.desk import PaperDesk, random_walk

MEASURED = RiskPolicy(window=60, min_rows=20)
WIDE = RiskLimits(
    max_order=Decimal("0.30"),
    approval_above=Decimal("0.20"),
    max_position=Decimal("0.40"),
    max_gross=Decimal("1.50"),
    max_daily_loss=Decimal("0.50"),
    max_drawdown=Decimal("0.90"),
)


@pytest.fixture
def make_desk(tmp_path: Path) -> Iterator[Callable[..., PaperDesk]]:
    """Open desks over folders under `tmp_path`; all are closed after the test."""
    with ExitStack() as stack:

        def make(name: str = "desk", **settings: object) -> PaperDesk:
            folder = tmp_path / name
            folder.mkdir(exist_ok=True)
            defaults = {"history": random_walk(), "limits": WIDE, "risk": MEASURED}
            paper = PaperDesk(folder, **(defaults | settings))
            stack.callback(paper.close)
            return paper

        yield make
