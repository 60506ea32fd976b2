"""Terms of contracts as they were known, and how many facts there are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from alphalens.data.fact_store import FactStore
from alphalens.data.port import CorporateAction
from alphalens.errors import DataError, InputError
from alphalens.storage import open_engine

TERMS = {"tick": Decimal("0.01"), "multiplier": Decimal(1000), "calendar": "NYMEX"}


def terms(*rows: tuple[str, str, str | None, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["symbol", "last_trade", "first_notice", "seen"])
    days = {name: pd.to_datetime(table[name]) for name in table.columns[1:]}
    return table.assign(**days)


OIL = terms(
    ("CLK20", "2020-04-21", "2020-04-23", "2019-01-02"),
    ("CLM20", "2020-05-19", None, "2019-01-02"),
    ("CLK20", "2020-04-20", "2020-04-23", "2020-02-03"),  # the exchange moved the day
    ("CN20", "2020-07-14", None, "2019-01-02"),
)


@pytest.fixture
def store(engine):
    facts = FactStore(engine)
    assert facts.keep_contracts(OIL, source="desk") == 5  # the notice was told before
    return facts


def test_chain_has_the_terms_that_were_known(store):
    for at, day in (((2019, 6, 3), 21), ((2020, 2, 3), 21), ((2020, 2, 5), 20)):
        chain = store.as_of(datetime(*at, 12, tzinfo=UTC)).chain("CL", **TERMS)
        assert [one.symbol for one in chain.contracts] == ["CLK20", "CLM20"]
        first, second = chain.contracts
        assert (first.last_trade, first.first_notice) == (date(2020, 4, day), date(2020, 4, 23))
        assert (second.first_notice, second.calendar) == (None, "NYMEX")
    assert store.as_of(datetime(2020, 1, 2, tzinfo=UTC)).chain("C", **TERMS).symbols == ("CN20",)


def test_nothing_known_of_a_product_is_told_with_what_to_do(store):
    for root, year in (("CL", 2018), ("NG", 2020)):
        with pytest.raises(DataError, match=rf"no contract of '{root}' .* load futures"):
            store.as_of(datetime(year, 6, 1, tzinfo=UTC)).chain(root, **TERMS)


def test_two_who_tell_of_one_contract_are_not_one_list(store):
    store.keep_contracts(OIL.iloc[[0]], source="other")
    known = store.as_of(datetime(2021, 1, 4, tzinfo=UTC))
    with pytest.raises(DataError, match=r"terms of CLK20 are told by desk and other"):
        known.chain("CL", **TERMS)
    days = [
        known.chain("CL", **TERMS, sources=[who, "desk"]).contracts[0].last_trade.day
        for who in ("other", "desk")
    ]
    assert days == [21, 20]


def test_terms_that_lack_a_day_or_a_name_are_refused(store):
    with pytest.raises(InputError, match="needs its last_trade and the day"):
        store.keep_contracts(terms(("CLN20", "2020-06-22", None, None)), source="desk")
    with pytest.raises(InputError, match="'OIL' is no futures symbol"):
        store.keep_contracts(terms(("OIL", "2020-06-22", None, "2019-01-02")), source="desk")


def split(symbol: str, ratio: str = "2") -> CorporateAction:
    told = {"kind": "split", "ex_date": date(2020, 1, 6), "source": "desk"}
    seen = datetime(2020, 1, 2, tzinfo=UTC)
    return CorporateAction(symbol=symbol, ratio=Decimal(ratio), seen_at=seen, **told)


def fill(store: FactStore, ratio: str = "2") -> FactStore:
    store.keep_contracts(OIL, source="desk")
    store.keep_actions([split("A"), split("B", ratio)])
    members = pd.DataFrame(
        {"symbol": ["A", "B"], "start": "2019-01-02", "end": ["2020-01-02", None]}
    )
    store.keep_members("BIG", members, source="desk")
    return store


def test_facts_are_counted_by_kind_and_source(store):
    assert fill(store).counts() == {
        "actions": [{"source": "desk", "rows": 2, "symbols": 2}],
        "figures": [],
        "contracts": [{"source": "desk", "rows": 5, "symbols": 3}],
        "members": [{"name": "BIG", "rows": 2, "symbols": 2, "current": 1}],
    }


def test_fingerprint_is_the_same_in_every_database_and_of_these_facts_only(store):
    other = open_engine("sqlite://")
    third = open_engine("sqlite://")
    told = fill(store).fingerprint()
    assert fill(FactStore(other)).fingerprint() == told
    assert fill(FactStore(third), "3").fingerprint() != told
    assert len(told) == 16
    for engine in (other, third):
        engine.dispose()
