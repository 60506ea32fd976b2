"""Which contract is in front, by rules that see no later price."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from alphalens.data.futures_chain import FuturesChain, RollBefore, RollEvent, RollOnActivity
from alphalens.errors import DataError, InputError

from .futures_rows import OIL, future, oil, oil_closes

CLOSES = oil_closes()
DAYS = pd.DatetimeIndex(CLOSES.index)


def fronts(rule, instants=DAYS) -> list[str]:
    chain = oil()
    return [chain.symbols[place] for place in chain.wanted(instants, rule)]


def test_contracts_stand_in_order_of_their_end():
    chain = FuturesChain([future(symbol, *OIL[symbol]) for symbol in ("CLN20", "CLK20", "CLM20")])
    assert chain.symbols == ("CLK20", "CLM20", "CLN20")
    assert (chain.root, chain.calendar) == ("CL", "NYMEX")


def test_contract_is_listed_until_its_last_session_closes():
    close = oil().contracts[0].last_trading_instant()
    assert oil().listed(close - timedelta(seconds=1))[0].symbol == "CLK20"
    assert oil().listed(close)[0].symbol == "CLM20"


@pytest.mark.parametrize(
    ("sessions", "day"),
    [(0, "2020-04-21"), (1, "2020-04-20"), (2, "2020-04-17"), (4, "2020-04-15")],
)
def test_contract_is_left_sessions_before_its_last_day(sessions, day):
    place = [str(one) for one in oil().days(DAYS)].index(day)
    found = fronts(RollBefore(sessions=sessions))
    assert found == ["CLK20"] * place + ["CLM20"] * (len(DAYS) - place)


def test_first_notice_counts_where_it_comes_first_and_cash_settled_ones_have_none():
    early = future("CLK20", date(2020, 4, 21), date(2020, 4, 16))
    rule = RollBefore(sessions=1, event=RollEvent.FIRST_NOTICE)
    assert rule.day(early) == date(2020, 4, 15)
    assert rule.day(future("CLK20", *OIL["CLK20"])) == date(2020, 4, 20)
    assert rule.day(future("CLK20", date(2020, 4, 21))) == date(2020, 4, 20)


def test_front_at_an_instant_is_that_of_the_day_of_the_market():
    evening = datetime(2020, 4, 20, 3, 59, tzinfo=UTC)  # still Sunday in New York
    chain, rule = oil(), RollBefore(sessions=1)
    assert chain.front(evening, rule).symbol == "CLK20"
    assert chain.front(evening + timedelta(minutes=1), rule).symbol == "CLM20"


def activity(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(OIL), index=DAYS[: len(rows)], dtype=float)


def test_contract_that_is_overtaken_is_left_at_the_price_after_that_and_for_good():
    told = activity((9, 5, 1), (7, 8, 1), (9, 1, 1), (1, 9, 1), (1, 9, np.nan), (0, 9, 1))
    rule = RollOnActivity(activity=told, latest=RollBefore(sessions=0))
    assert fronts(rule) == ["CLK20"] * 2 + ["CLM20"] * 6


def test_contract_that_nobody_overtakes_is_left_in_time():
    rule = RollOnActivity(activity=activity((9, 5, 1)), latest=RollBefore(sessions=1))
    assert fronts(rule) == fronts(RollBefore(sessions=1))
    nothing = RollOnActivity(activity=activity(), latest=RollBefore(sessions=1))
    assert fronts(nothing) == fronts(RollBefore(sessions=1))


def test_volume_of_a_session_does_not_decide_at_its_own_close():
    told = activity(*[(9, 5, 1)] * 3, *[(1, 9, 1)] * 5)
    rule = RollOnActivity(activity=told, latest=RollBefore(sessions=0))
    for row in range(len(DAYS)):
        seen = RollOnActivity(activity=told.iloc[:row], latest=RollBefore(sessions=0))
        assert fronts(rule)[row] == fronts(seen)[row]
    assert fronts(rule)[3:5] == ["CLK20", "CLM20"]


def test_end_of_the_chain_is_told():
    late = pd.DatetimeIndex(["2020-06-22 18:30"], tz="UTC")
    with pytest.raises(DataError, match=r"CL: the chain ends with CLN20, .* at 2020-06-22"):
        oil().wanted(late, RollBefore(sessions=0))


def test_chains_that_are_none_are_refused():
    may = future("CLK20", *OIL["CLK20"])
    with pytest.raises(InputError, match="CLJ20 and CLK20 both end on 2020-04-21"):
        FuturesChain([may, future("CLJ20", date(2020, 4, 21))])
    with pytest.raises(InputError, match="one product and calendar, got CL/NYMEX, RB/NYMEX"):
        FuturesChain([may, future("RBK20", date(2020, 4, 30))])
    with pytest.raises(InputError, match="got none"):
        FuturesChain([])
    with pytest.raises(InputError, match="sessions is -1, it must be 0 to 40"):
        RollBefore(sessions=-1)
    with pytest.raises(InputError, match="timezone-aware"):
        oil().wanted(pd.DatetimeIndex(["2020-04-20"]), RollBefore())
    with pytest.raises(InputError, match="no time zone"):
        oil().front(datetime(2020, 4, 20), RollBefore())
    mixed = RollOnActivity(activity=activity((1, 2, 3), (1, 2, 3))[::-1], latest=RollBefore())
    with pytest.raises(InputError, match="must ascend"):
        oil().wanted(DAYS, mixed)
