"""Strategies of facts: the newest figures that were known, and the members of the time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from alphalens.data import Adjustment, DataView, FactStore, PriceHistory, closing_instants
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError, InputError
from alphalens.factors import named_factor
from alphalens.storage import open_engine
from alphalens.strategies import FactorStrategy, FigureStrategy, MembersOnly

DAYS = closing_instants(pd.bdate_range("2020-01-01", periods=60))
APRIL = datetime(2020, 3, 20, tzinfo=UTC)


def history(adjustment: str = "raw") -> PriceHistory:
    closes = pd.DataFrame({"A": 100.0, "B": 50.0, "C": 10.0}, index=DAYS)
    closes["A"] += [0.1 * n for n in range(60)]
    return PriceHistory(closes=closes, source="test", adjustment=adjustment)


@pytest.fixture
def facts():
    engine = open_engine("sqlite://")
    store = FactStore(engine)
    rows = [
        ("A", "2019-12-31", "2020-02-10", 10.0, 100.0),
        ("A", "2020-03-31", "2020-05-10", 99.0, 100.0),
        ("B", "2019-12-31", "2020-02-10", 5.0, 100.0),
        ("B", "2019-12-31", "2020-03-02", 8.0, 100.0),
        ("C", "2019-12-31", "2020-02-10", 5.0, -1.0),
    ]
    table = pd.DataFrame(rows, columns=["symbol", "period", "seen", "income", "assets"])
    days = {name: pd.to_datetime(table[name]) for name in ("period", "seen")}
    store.keep_facts(table.assign(**days), source="desk")
    members = pd.DataFrame(
        {"symbol": ["A", "B"], "start": "2019-01-01", "end": [None, "2020-03-02"]}
    )
    store.keep_members("BIG", members, source="desk")
    told = {"source": "desk", "symbol": "A"}
    early, late = (datetime(2020, 1, 20, tzinfo=UTC), datetime(2020, 4, 1, tzinfo=UTC))
    store.keep_actions(
        [
            CorporateAction(
                kind="split", ex_date=date(2020, 2, 3), ratio=Decimal(2), seen_at=early, **told
            ),
            CorporateAction(
                kind="dividend", ex_date=date(2020, 2, 10), cash=Decimal(1), seen_at=late, **told
            ),
        ]
    )
    yield store
    engine.dispose()


def scores(strategy, at: datetime, facts) -> dict[str, float]:
    return dict(strategy.signal(DataView(history(), at, facts)).scores)


def test_figure_is_that_of_the_newest_period_in_its_last_version(facts):
    figure = FigureStrategy("income")
    assert scores(figure, APRIL, facts) == {"A": 10.0, "B": 8.0, "C": 5.0}
    assert scores(figure, datetime(2020, 2, 28, tzinfo=UTC), facts)["B"] == 5.0
    assert (figure.name, figure.lookback) == ("income", 1)


def test_ratio_is_of_one_period_and_needs_a_divisor_above_zero(facts):
    ratio = FigureStrategy("income", per="assets")
    assert scores(ratio, APRIL, facts) == {"A": 0.1, "B": 0.08}
    assert ratio.name == "income/assets"
    believed = FigureStrategy("income", per="assets", sources=["desk", "other"])
    assert believed.name == "income/assets of desk, other"  # a run by it is another run


def test_nothing_known_is_an_error_that_says_what_to_do(facts):
    with pytest.raises(DataError, match=r"none of 3 companies .* `alphalens data load fund"):
        scores(FigureStrategy("income"), datetime(2020, 1, 15, tzinfo=UTC), facts)
    with pytest.raises(InputError, match="no facts were given"):
        FigureStrategy("income").signal(DataView(history(), APRIL))


def test_members_are_those_of_the_time(facts):
    reversal = FactorStrategy(named_factor("reversal_1"))
    inside = MembersOnly(reversal, "BIG")
    assert inside.name == "reversal_1 in BIG"
    assert inside.lookback == reversal.lookback
    assert sorted(scores(inside, datetime(2020, 2, 28, tzinfo=UTC), facts)) == ["A", "B"]
    assert sorted(scores(inside, APRIL, facts)) == ["A"]


def test_no_member_with_a_score_is_an_error(facts):
    only = pd.DataFrame({"symbol": ["Z"], "start": ["2019-01-01"], "end": [None]})
    facts.keep_members("OTHER", only, source="desk")
    with pytest.raises(DataError, match="none of the 3 assets with a score"):
        scores(MembersOnly(FigureStrategy("income"), "OTHER"), APRIL, facts)


def test_closes_are_adjusted_by_what_was_known_at_the_time(facts):
    raw = history().closes["A"]
    before = DAYS.searchsorted(pd.Timestamp("2020-02-03", tz="UTC"))
    known = DataView(history(), APRIL, facts).adjusted()["A"]
    assert known.iloc[:before].tolist() == (raw.iloc[:before] / 2).tolist()
    assert known.iloc[before:].tolist() == raw.loc[: known.index[-1]].iloc[before:].tolist()
    later = DataView(history(), DAYS[-1].to_pydatetime(), FactStore(facts._engine))
    assert (later.adjusted(to=Adjustment.SPLIT)["A"].iloc[:40] == known.iloc[:40]).all()
    assert later.adjusted().shape == (60, 3)
    assert (later.adjusted(5)["A"] == raw.tail(5)).all()


def test_closes_that_are_adjusted_already_cannot_be_told_as_they_were(facts):
    with pytest.raises(InputError, match=r"adjusted \(all\), by what became known after"):
        DataView(history("all"), APRIL, facts).adjusted()
