"""What the checks of bars know besides the bars."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from alphalens.data._checks import context as module
from tests.data.bad_rows import NOW, action, context_of


def test_actions_are_given_by_symbol_and_day_and_only_those_that_were_known():
    late, early = (action("A", "split", date(2024, 5, day), ratio=Decimal(2)) for day in (9, 2))
    other = action("B", "delisting", date(2024, 5, 3))
    unknown = action("A", "split", date(2024, 5, 1), seen_at=NOW + timedelta(seconds=1))
    context = context_of("A", "B", actions=(late, other, unknown, early))
    assert context.known_of("A") == (early, late)
    assert (context.known_of("B"), context.known_of("C")) == ((other,), ())


def test_actions_are_looked_through_once_for_all_symbols(monkeypatch: pytest.MonkeyPatch):
    looks = []
    real = module.seen_actions
    monkeypatch.setattr(module, "seen_actions", lambda *told: looks.append(1) or real(*told))
    context = context_of("A", actions=(action("S7", "delisting", date(2024, 5, 3)),))
    assert [len(context.known_of(f"S{n}")) for n in range(9)] == [0] * 7 + [1, 0]
    assert looks == [1]
