"""Every reader of facts obeys the one rule of when, and a rule that is too early is found out.

Each reader below is asked a question at an instant at which the answer could not be known. With
the rule shifted by one session it gives the answer, so that the same look fails: what these tests
assert is that the look tells the two rules apart.
"""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import alphalens
from alphalens.data import point_in_time
from alphalens.data.adjusted_reading import read_adjusted
from alphalens.data.adjusting import adjusted
from alphalens.data.bars import Adjustment, Bars, Timeframe
from alphalens.data.base import DataView, PriceHistory
from alphalens.data.continuous import chained
from alphalens.data.fact_store import FactStore
from alphalens.data.futures_chain import RollBefore, RollOnActivity
from alphalens.data.known_facts import KnownFacts
from alphalens.data.point_in_time import Membership, Reports
from alphalens.data.port import BarRequest, CorporateAction
from alphalens.data.store import BarStore
from alphalens.errors import DataError
from alphalens.storage import open_engine
from alphalens.strategies import FigureStrategy, MembersOnly
from alphalens.trading.targets import Signal

from .futures_rows import oil, oil_closes

DAY = timedelta(days=1)
#: The close of the Monday on which everything below was first seen, and the evening of Friday.
MONDAY = datetime(2016, 2, 1, 21, tzinfo=UTC)
FRIDAY = datetime(2016, 1, 29, 22, tzinfo=UTC)
FILED = pd.DataFrame(
    {
        "seen": pd.DatetimeIndex(["2016-02-01"]),
        "symbol": ["A"],
        "period": pd.DatetimeIndex(["2015-12-31"]),
        "eps": [1.0],
    }
)
LISTED = pd.DataFrame(
    {
        "symbol": ["CLM20"],
        "last_trade": pd.DatetimeIndex(["2020-05-19"]),
        "first_notice": pd.DatetimeIndex(["2020-05-21"]),
        "seen": pd.DatetimeIndex(["2016-02-01"]),
    }
)
JOINED = pd.DataFrame({"symbol": ["A"], "start": ["2016-02-02"], "end": [None]})
#: Seen on Tuesday, of a split that had taken effect on Friday.
SPLIT = CorporateAction(
    symbol="A",
    kind="split",
    ex_date=date(2016, 1, 29),
    ratio=Decimal(2),
    seen_at=MONDAY + DAY,
    source="desk",
)


@pytest.fixture
def engine(engine):
    facts = FactStore(engine)
    facts.keep_facts(FILED, source="desk")
    facts.keep_members("INDEX", JOINED, source="desk")
    facts.keep_actions([SPLIT])
    facts.keep_contracts(LISTED, source="desk")
    BarStore(engine).write(bars(), at=MONDAY)
    return engine


def bars() -> Bars:
    days = pd.DatetimeIndex(["2016-01-28", "2016-01-29"], tz="America/New_York").as_unit("us")
    return Bars.of_symbol(
        "A",
        days.asi8,
        {"close": np.array([20.0, 10.0])},
        source="desk",
        received_at=FRIDAY,
        timeframe=Timeframe.DAY,
        adjustment=Adjustment.RAW,
    )


def history() -> PriceHistory:
    index = pd.DatetimeIndex([FRIDAY, MONDAY + DAY])
    return PriceHistory(
        closes=pd.DataFrame({"A": [20.0, 10.0]}, index=index), source="x", adjustment="raw"
    )


def latest_report(_engine):
    found = Reports(FILED, seen="seen", period="period")
    return found.latest("eps", pd.DatetimeIndex([MONDAY]), ["A"]).notna().all(axis=None)


def report_table(_engine):
    return len(Reports(FILED, seen="seen", period="period").as_of(MONDAY)) > 0


def member(_engine):
    return "A" in Membership(JOINED).members(MONDAY)


def stored_figure(engine):
    return FactStore(engine).as_of(MONDAY).latest("eps", ["A"]).notna().all()


def stored_reports(engine):
    return len(FactStore(engine).as_of(MONDAY).reports(["eps"], ["A"])) > 0


def stored_members(engine):
    return "A" in FactStore(engine).as_of(MONDAY).members("INDEX")


def stored_mask(engine):
    known = FactStore(engine).as_of(MONDAY)
    return known.was_member("INDEX", pd.DatetimeIndex([MONDAY]), ["A"]).all(axis=None)


def stored_actions(engine):
    return bool(FactStore(engine).as_of(MONDAY).actions(["A"]))


def all_stored_actions(engine):
    return bool(FactStore(engine).as_of(MONDAY).every_action(["A"]))


def adjusted_price(_engine):
    return adjusted(bars(), [SPLIT], Adjustment.SPLIT, as_of=MONDAY).close[0] == 10.0


def stored_price(engine):
    request = BarRequest(symbols=("A",), start=FRIDAY - 9 * DAY, end=MONDAY)
    stores = BarStore(engine), FactStore(engine)
    return read_adjusted(*stores, request, Adjustment.SPLIT, as_of=MONDAY).close[0] == 10.0


def view_of_prices(_engine):
    return DataView(history(), MONDAY).last_prices()["A"] == 10.0


def view_of_facts(engine):
    view = DataView(history(), MONDAY, FactStore(engine))
    return view.facts.latest("eps", ["A"]).notna().all()


def view(engine) -> DataView:
    """What a strategy of the paper run gets."""
    return DataView(history(), MONDAY, FactStore(engine))


def is_told(ask) -> bool:
    """Return whether there is an answer: to say that nothing is known is none."""
    try:
        return bool(ask())
    except DataError:
        return False


def view_of_contracts(engine):
    terms = {"tick": Decimal("0.01"), "multiplier": Decimal(1000), "calendar": "NYMEX"}
    return is_told(lambda: view(engine).facts.chain("CL", **terms).contracts)


def view_of_adjusted_closes(engine):
    index = pd.DatetimeIndex([FRIDAY - DAY, FRIDAY])
    raw = pd.DataFrame({"A": [20.0, 10.0]}, index=index)
    told = PriceHistory(closes=raw, source="x", adjustment="raw")
    view = DataView(told, MONDAY, FactStore(engine))
    return view.adjusted(to=Adjustment.SPLIT)["A"].iloc[0] == 10.0


def strategy_of_figures(engine):
    return is_told(lambda: FigureStrategy("eps").signal(view(engine)).scores)


def strategy_of_members(engine):
    return is_told(lambda: MembersOnly(Prices(), "INDEX").signal(view(engine)).scores)


class Prices:
    """Scores are the last closes."""

    name, lookback = "prices", 1

    def signal(self, view: DataView) -> Signal:
        return Signal(name=self.name, asof=view.asof, scores=view.last_prices().to_dict())


def future_price(_engine):
    sunday = datetime(2020, 4, 19, 22, tzinfo=UTC)  # the close of Monday is below zero
    return chained(oil(), oil_closes(), RollBefore(sessions=0), as_of=sunday).prices.iloc[-1] < 0


def future_volume(_engine):
    closes = oil_closes()
    index = pd.DatetimeIndex(closes.index)
    volume = pd.DataFrame(1.0, index=index, columns=closes.columns)
    volume.loc[index[2], "CLM20"] = 9.0  # it decides at the price after, and not at its own
    rule = RollOnActivity(activity=volume, latest=RollBefore(sessions=0))
    return oil().wanted(index[2:3], rule)[0] == 1


READERS = [
    latest_report,
    report_table,
    member,
    stored_figure,
    stored_reports,
    stored_members,
    stored_mask,
    stored_actions,
    all_stored_actions,
    adjusted_price,
    stored_price,
    view_of_prices,
    view_of_facts,
    view_of_contracts,
    view_of_adjusted_closes,
    strategy_of_figures,
    strategy_of_members,
    future_price,
    future_volume,
]


def shift(monkeypatch) -> None:
    """Make the rule wait for one session less, in the one place where it is."""
    true = point_in_time.available_at

    def too_early(seen, *, calendar="XNYS"):
        return true(seen - DAY, calendar=calendar)

    monkeypatch.setattr(point_in_time, "available_at", too_early)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_reader_does_not_see_the_future_and_would_with_a_rule_that_is_too_early(
    reader, engine, monkeypatch
):
    assert not reader(engine)
    shift(monkeypatch)
    assert reader(engine)


def seen_too_early(store, told) -> int:
    """How many reports can be used at the close of the day on which they were first seen."""
    count = 0
    for day, rows in told.groupby("seen"):
        known = store.as_of(day.to_pydatetime().replace(hour=21, tzinfo=UTC))
        found = known.reports(["eps_diluted"], rows["symbol"].tolist())
        both = found.merge(rows, on=["symbol", "period", "seen"])
        count += len(both)
    return count


@pytest.mark.realdata
def test_no_real_report_is_seen_on_its_own_day_and_all_would_be_with_the_wrong_rule(
    real_data, database_url, monkeypatch
):
    rows = pd.read_parquet(real_data / "us_fundamentals_pit_2015_2017.parquet")
    told = rows.rename(columns={"collected": "seen", "end_date": "period"})
    told = told[["seen", "symbol", "period", "eps_diluted"]].astype({"symbol": str})
    days = pd.DatetimeIndex(["2016-02-01", "2016-02-26", "2016-04-29", "2017-03-01"])
    told = told[told["seen"].isin(days)].drop_duplicates(["symbol", "period", "seen"])
    engine = open_engine(database_url)
    store = FactStore(engine)
    store.keep_facts(told, source="filings")
    assert seen_too_early(store, told) == 0
    shift(monkeypatch)
    assert seen_too_early(store, told) == len(told) > 300
    engine.dispose()


SCHEMA = "alphalens.storage.schema"
TABLES = {"actions", "facts", "members"}


def test_tables_of_facts_are_touched_in_two_modules_only():
    folder = Path(alphalens.__file__).parent
    found = set()
    for path in folder.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "schema" in text else ():
            if isinstance(node, ast.ImportFrom) and node.module == SCHEMA:
                if TABLES & {one.name for one in node.names}:
                    found.add(path.relative_to(folder).as_posix())
            elif isinstance(node, ast.ImportFrom) and node.module == "alphalens.storage":
                assert "schema" not in {one.name for one in node.names}, path
    assert found == {"data/_store/facts.py", "data/known_facts.py"}


def test_store_gives_no_fact_without_an_instant():
    public = {name for name in vars(FactStore) if not name.startswith("_")}
    keeping = {"keep_actions", "keep_contracts", "keep_facts", "keep_members", "take_back"}
    how_many = {"counts", "fingerprint"}
    assert public == {"as_of"} | keeping | how_many
    instant = inspect.signature(FactStore.as_of).parameters["instant"]
    assert instant.default is inspect.Parameter.empty
    asking = ast.parse(inspect.getsource(KnownFacts)).body[0].body
    at_the_database = {
        method.name
        for method in asking
        if isinstance(method, ast.FunctionDef)
        for node in ast.walk(method)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reading"
    }
    assert at_the_database == {"_seen", "_membership"}
