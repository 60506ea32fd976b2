"""A small sample of `make crash`, and proofs that its comparison sees what it is there to see."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from .drive import forking, live_through
from .edges import edges_of, wanted_edges
from .outcome import Outcome, differences, outcome_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def traders(tmp_path_factory) -> Iterator[Path]:
    with forking(tmp_path_factory.mktemp("t")) as address:
        yield address


@pytest.fixture(scope="module")
def quiet(tmp_path_factory, traders) -> Path:
    """The folder of an undisturbed day."""
    folder = tmp_path_factory.mktemp("quiet")
    assert not live_through(folder, f"sqlite:///{folder / 'journal.sqlite'}", traders)
    return folder


@pytest.fixture(scope="module")
def outcome(quiet) -> Outcome:
    return outcome_of(f"sqlite:///{quiet / 'journal.sqlite'}", quiet / "venue.sqlite")


def crash(*options: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "tests.crash", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.splitlines()[-1]


def test_undisturbed_day_goes_along_every_edge_of_the_table_of_states(quiet):
    assert not wanted_edges() - edges_of(f"sqlite:///{quiet / 'journal.sqlite'}")


def test_undisturbed_day_leaves_no_trouble_and_agrees_with_the_venue(outcome):
    assert outcome.trouble == ()
    assert outcome.positions == outcome.venue_positions
    assert outcome.money["cash"] == outcome.venue_money["cash"]
    assert outcome.executions == outcome.venue_executions
    assert not outcome.again
    ours = [name for name in outcome.orders if "/" not in name and "'" not in name]
    assert len(ours) >= 40


def test_comparison_sees_an_order_that_is_lost_and_one_that_is_doubled(outcome):
    without = {name: order for name, order in outcome.orders.items() if name != "MKT"}
    more = {**outcome.venue_orders, "MKT": ("filled", Decimal(20))}
    kinds = [kind for kind, _ in differences(outcome, replace(outcome, orders=without))]
    assert "lost" in kinds
    kinds = [kind for kind, _ in differences(outcome, replace(outcome, venue_orders=more))]
    assert "doubled" in kinds
    kinds = [kind for kind, _ in differences(outcome, replace(outcome, again={"MKT": 1}))]
    assert kinds == ["doubled"]
    assert not list(differences(outcome, outcome))


def test_deaths_at_a_few_places_lose_and_double_nothing():
    told = crash("--database", "sqlite", "--places", "3", "--sample", "1", "--workers", "4")
    assert told == "sqlite: points 4 lost 0 doubled 0"


@pytest.mark.nightly
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_deaths_at_many_places_lose_and_double_nothing(database):
    told = crash("--database", database, "--places", "60", "--sample", "20")
    assert told == f"{database}: points 80 lost 0 doubled 0"
