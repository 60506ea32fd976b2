"""States of options at the edges of what can be."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.data._checks.options import OptionLimits
from alphalens.data.port import OptionSnapshot
from alphalens.data.reasons import Reason, names_of
from alphalens.data.validation_states import StateContext, judge_options, judge_quotes
from alphalens.errors import InputError
from alphalens.storage.schema import OPTION_FIGURES
from alphalens.trading.market import Quote
from tests.data.bad_rows import NOW, action

AT = datetime(2024, 12, 10, 20, 59, tzinfo=UTC)


def option(symbol="A250117C00100000", **figures):
    return OptionSnapshot(
        symbol=symbol,
        underlying=figures.pop("underlying", "A"),
        at=figures.pop("at", AT),
        **{**dict.fromkeys(OPTION_FIGURES, math.nan), **figures},
    )


def judged(*told, **known):
    """The marks of each row by symbol, and which were refused."""
    found = judge_options(told, StateContext(**{"now": NOW, **known}))
    marks = {one.symbol: names_of(int(m)) for one, m in zip(found.kept, found.marks, strict=True)}
    return marks, {row.symbol: names_of(row.because) for row in found.refused}


def split(ratio, **more):
    return action("A", "split", date(2024, 12, 10), ratio=Decimal(ratio), **more)


def test_nothing_is_judged_to_nothing():
    found = judge_options([], StateContext(now=NOW))
    assert (found.kept, len(found.marks), found.refused) == ((), 0, ())
    assert judge_quotes([], StateContext(now=NOW)).kept == ()


@pytest.mark.parametrize(
    ("ask", "is_odd"), [(7.87, False), (7.85, True), (math.nan, False), (0.0, False)]
)
def test_offer_below_what_exercise_gives_is_odd_beyond_the_slack(ask, is_odd):
    told = option(ask=ask, underlying_price=109.0)  # worth 9, less 0.05 and 1 % of 109
    assert ("impossible_option" in judged(told)[0][told.symbol]) is is_odd


def test_last_trade_stands_in_for_an_offer_that_nobody_makes():
    assert judged(option(last=1.0, underlying_price=109.0))[0] == {
        "A250117C00100000": ("impossible_option",)
    }


def test_contract_of_another_root_is_not_measured_by_the_share():
    told = option("A1250117C00100000", ask=1.0, underlying_price=150.0)
    assert judged(told)[0] == {told.symbol: ()}


def test_expiry_counts_by_the_day_of_new_york():
    late = datetime(2024, 12, 11, 3, tzinfo=UTC)  # the evening before, there
    on_its_day, dead = option("A241210C00100000", at=late), option("A241209C00100000", at=late)
    kept, refused = judged(on_its_day, dead)
    assert (list(kept), refused) == ([on_its_day.symbol], {dead.symbol: ("impossible_option",)})


def test_state_from_the_future_is_refused():
    told = option(at=NOW + timedelta(seconds=6))
    assert judged(told)[1] == {told.symbol: ("in_the_future",)}
    assert judged(option(at=NOW + timedelta(seconds=4)))[1] == {}
    quote = Quote(symbol="A", at=NOW + timedelta(seconds=6), bid=Decimal(1), ask=Decimal(2))
    (refused,) = judge_quotes([quote], StateContext(now=NOW)).refused
    assert refused.because == Reason.IN_THE_FUTURE.bit


def test_of_two_rows_of_one_contract_the_later_one_stands():
    found = judge_options([option(bid=1.0), option(bid=2.0)], StateContext(now=NOW))
    assert [one.bid for one in found.kept] == [2.0]
    assert [names_of(row.because) for row in found.refused] == [("duplicate",)]
    two = judge_options([option(), option(at=AT - timedelta(days=1))], StateContext(now=NOW))
    assert len(two.kept) == 2


def test_infinite_or_negative_price_is_refused():
    bad = option("A250117P00100000", bid=-1.0), option("A250117P00110000", ask=math.inf)
    assert judged(option(bid=1.0), *bad)[1] == {
        bad[0].symbol: ("price_not_positive",),
        bad[1].symbol: ("infinite",),
    }


OLD, NEW = "A250117C00200000", "A250117C00100000"  # two for one


@pytest.mark.parametrize(
    ("figures", "is_old"),
    [
        ({"open_interest": 5.0}, True),  # nobody tells a price, and the new one is there
        ({"bid": 9.0, "ask": 9.5}, True),  # costs more than the one of the lower strike
        ({"bid": 0.5, "ask": 0.6}, False),  # a call far above the price
        ({"bid": 101.0, "ask": 102.0}, True),  # costs more than the share
    ],
)
def test_old_strike_is_told_by_its_price(figures, is_old):
    beside = option(NEW, bid=4.0, ask=4.2, underlying_price=100.0)
    kept, refused = judged(
        option(OLD, underlying_price=100.0, **figures), beside, actions=(split(2),)
    )
    assert refused == ({OLD: ("pre_split_strike",)} if is_old else {})
    assert NEW in kept


@pytest.mark.parametrize(
    "actions",
    [
        (),
        (split(2, seen_at=NOW + timedelta(days=1)),),  # nobody knew it yet
        (replace(split(2), ex_date=date(2024, 12, 11)),),  # not before tomorrow
        (replace(split(2), symbol="B"),),
        (replace(split(2), kind="dividend"),),
        (split("0.1"),),  # a merger of shares leaves strikes as they are
    ],
)
def test_without_a_split_no_strike_is_old(actions):
    rows = option(OLD, underlying_price=100.0), option(NEW, bid=4.0, underlying_price=100.0)
    assert judged(*rows, actions=actions)[1] == {}


def test_unpriced_contract_without_one_in_its_place_is_kept():
    assert judged(option(OLD, underlying_price=100.0), actions=(split(2),))[1] == {}


def test_price_of_the_share_that_is_not_known_judges_nothing():
    rows = option(OLD, bid=0.5, ask=0.6), option(NEW, bid=4.0, ask=4.2)
    assert judged(*rows, actions=(split(2),)) == ({OLD: (), NEW: ()}, {})
    told = {"actions": (split(2),), "prices": {"A": 100.0}}
    assert judged(option(OLD), option(NEW, bid=4.0, ask=4.2), **told)[1] == {
        OLD: ("pre_split_strike",)
    }


def test_limits_and_clock_are_checked():
    with pytest.raises(InputError, match="widest is 0"):
        OptionLimits(widest=0)
    with pytest.raises(InputError, match="time zone"):
        StateContext(now=datetime(2025, 1, 1))
