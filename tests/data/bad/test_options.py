"""Kinds 3 and 43 to 46: quotes and states of options that contradict themselves."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from alphalens.data._checks.quotes import mids
from alphalens.data.option_intake import fetch_chain
from alphalens.data.port import OptionSnapshot
from alphalens.data.reasons import Reason, names_of
from alphalens.data.validation_states import StateContext, judge_options, judge_quotes
from alphalens.errors import DataError
from tests.data.bad_rows import NOW, action
from tests.data.scripted_vendor import Say

AT = datetime(2024, 12, 10, 20, 59, tzinfo=UTC)
GOOD = "A250117C00100000"
BAD = "A250117P00100000"


def state(symbol=GOOD, bid=2.0, ask=2.2, price=100.0, at=AT, **changes):
    """A row of Polygon's chain."""
    row = {
        "details": {"ticker": f"O:{symbol}"},
        "last_quote": {"bid": bid, "ask": ask, "last_updated": int(at.timestamp()) * 10**9},
        "last_trade": {"price": 2.1, "sip_timestamp": int(at.timestamp()) * 10**9},
        "greeks": {"delta": 0.5, "gamma": 0.1, "theta": -0.1, "vega": 0.1},
        "day": {"volume": 10},
        "implied_volatility": 0.3,
        "open_interest": 7,
        "underlying_asset": {"ticker": "A", "price": price},
    }
    return {**row, **changes}


def page(*rows):
    return {"status": "OK", "results": list(rows), "count": len(rows)}


def chained(desk, *rows, **more):
    """Fetch a chain of one good row and others; return what is stored, and the marks."""
    desk.chain(page(state(), *rows), **more)
    found = desk.options.read_marked("A", as_of=NOW)
    assert GOOD in {one.symbol for one, _ in found}
    return {one.symbol: (one, set(names_of(marks))) for one, marks in found}


def aside(desk, *symbols):
    """The reasons of refused options; their texts are there, and they are of no timeframe."""
    table = desk.store.quarantined(symbols or (BAD,))
    assert set(table["timeframe"]) <= {""}
    texts = [json.loads(raw)["symbol"] for raw in table["raw"]]
    assert texts == table["symbol"].tolist()
    return {row.symbol: set(names_of(int(row.marks))) for row in table.itertuples()}


def test_bad_data_03_bid_of_zero_is_legal_and_gives_no_mid(desk):
    found = chained(desk, state(BAD, bid=0, ask=0.05))
    one, marks = found[BAD]
    assert (one.bid, one.ask, marks) == (0.0, 0.05, {"zero_bid"})
    assert aside(desk) == {}
    bid, ask = np.array([0.0, 2.0]), np.array([0.05, 2.5])
    assert np.isnan(mids(bid, ask)).tolist() == [True, False]
    assert mids(bid, ask, takes_zero_bid=True).tolist() == [0.025, 2.25]


def test_bad_data_43_bid_above_ask_goes_aside(desk):
    found = chained(desk, state(BAD, bid=2.5, ask=2.4))
    assert set(found) == {GOOD}
    assert aside(desk) == {BAD: {"crossed_quote"}}
    raw = json.loads(desk.store.quarantined([BAD])["raw"].iloc[0])
    assert (raw["bid"], raw["ask"]) == (2.5, 2.4)


@pytest.mark.parametrize(
    ("bid", "ask", "marks"), [(2.4, 2.4, set()), (1.0, 2.0, {"crossed_quote"})]
)
def test_bad_data_43_locked_quote_is_kept_and_a_wide_one_flagged(desk, bid, ask, marks):
    assert chained(desk, state(BAD, bid=bid, ask=ask))[BAD][1] == marks
    assert aside(desk) == {}


def test_bad_data_43_quotes_of_shares_are_judged_alike(desk):
    body = {
        "quotes": {
            name: {"t": "2024-12-10T20:59:00Z", "bp": bid, "ap": ask}
            for name, (bid, ask) in {
                "GOOD": (99.9, 100.1),
                "LOCKED": (100, 100),
                "CROSSED": (100.2, 100.1),
                "WIDE": (50, 150),
                "NOBODY": (0, 100.1),
            }.items()
        }
    }
    symbols = list(body["quotes"])
    with desk.alpaca(body) as provider:
        judged = judge_quotes(list(provider.quotes(symbols).values()), StateContext(now=NOW))
    desk.options.refuse(judged.refused, source="alpaca", received_at=NOW, at=NOW)
    marks = [set(names_of(int(mark))) for mark in judged.marks]
    assert dict(zip((q.symbol for q in judged.kept), marks, strict=True)) == {
        "GOOD": set(),
        "LOCKED": set(),
        "WIDE": {"crossed_quote"},
    }
    assert aside(desk, *symbols) == {
        "CROSSED": {"crossed_quote"},
        "NOBODY": {"price_not_positive"},
    }


def test_bad_data_44_option_that_had_expired_goes_aside(desk):
    dead = "A241206P00100000"
    assert set(chained(desk, state(dead))) == {GOOD}
    assert aside(desk, dead) == {dead: {"impossible_option"}}
    last_day = "A241210P00100000"
    assert last_day in chained(desk, state(last_day))


@pytest.mark.parametrize("symbol", ["A250117P00000000", "A251317P00100000", "A250117X00100000"])
def test_bad_data_44_name_that_no_option_can_have_refuses_the_chain(desk, symbol):
    # A strike of 0 and a month 13 cannot be read: the vendor's client refuses the answer.
    chained(desk)
    later = page(state(ask=2.3), state(symbol))
    with desk.polygon(later) as provider, pytest.raises(DataError, match="wrong_symbol"):
        provider.chain("A")
    assert symbol in provider.refused[-1].raw[0]
    assert [one.ask for one in desk.options.read("A", as_of=NOW)] == [2.2]


def test_bad_data_44_strike_of_zero_from_elsewhere_goes_aside():
    nothing = {
        name: math.nan
        for name in OptionSnapshot.__dataclass_fields__
        if name not in ("symbol", "underlying", "at")
    }
    odd = OptionSnapshot(symbol="A250117P00000000", underlying="A", at=AT, **nothing)
    good = OptionSnapshot(symbol=GOOD, underlying="A", at=AT, **nothing)
    judged = judge_options([odd, good], StateContext(now=NOW))
    assert [one.symbol for one in judged.kept] == [GOOD]
    (refused,) = judged.refused
    assert refused.because == Reason.IMPOSSIBLE_OPTION.bit


@pytest.mark.parametrize("told", [0, -1])
def test_bad_data_44_volatility_that_nobody_solved_for_is_not_known(desk, told):
    one, marks = chained(desk, state(BAD, implied_volatility=told))[BAD]
    assert math.isnan(one.implied_volatility)
    assert marks == {"impossible_option"}
    assert aside(desk) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"implied_volatility": 5.1},
        {"greeks": {"delta": 1.01}},
        {"greeks": {"delta": -1.01}},
        {"bid": 1.0, "ask": 1.2, "price": 97.0},  # a put worth 3 if exercised
    ],
    ids=["volatility", "delta", "minus delta", "below its worth"],
)
def test_bad_data_44_figures_that_cannot_be_are_flagged(desk, changes):
    one, marks = chained(desk, state(BAD, **changes))[BAD]
    assert "impossible_option" in marks
    assert one.implied_volatility == changes.get("implied_volatility", 0.3)
    assert aside(desk) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"implied_volatility": 5.0},
        {"greeks": {"delta": 1.0}},
        {"bid": 2.0, "ask": 2.05, "price": 97.0},  # prices of two instants
    ],
)
def test_bad_data_44_figures_at_the_edge_are_nothing_odd(desk, changes):
    assert chained(desk, state(BAD, **changes))[BAD][1] == set()


def test_bad_data_44_price_of_the_share_comes_from_elsewhere_where_the_vendor_tells_none(desk):
    quote = {"t": "2024-12-10T20:59:00Z", "bp": 1.0, "ap": 1.2}
    body = {"snapshots": {BAD: {"latestQuote": quote}}, "next_page_token": None}
    desk.chain(body, vendor="alpaca")
    ((_, marks),) = desk.options.read_marked("A", as_of=NOW)
    assert marks == 0
    later = {**body, "snapshots": {BAD: {"latestQuote": {**quote, "bp": 1.1}}}}
    desk.clock.advance_to(NOW + timedelta(minutes=1))
    desk.chain(later, vendor="alpaca", prices={"A": 90.0})
    ((one, marks),) = desk.options.read_marked("A", as_of=NOW + timedelta(minutes=1))
    assert (one.bid, names_of(marks)) == (1.1, ("impossible_option",))


# QuantConnect/Lean at 2486390, option/usa/daily/aapl_2014_*_american.zip, on the day of the 7:1
# split: contracts with the old strikes have open interest and no price, those with a seventh of
# them have prices. AAPL closed at 93.70. Symbol, bid, ask, open interest.
APPLE = [
    ("AAPL140613C00092140", 1.79, 1.88, None),
    ("AAPL140613C00092860", 1.33, 1.34, None),
    ("AAPL140613P00092860", 0.52, 0.54, None),
    ("AAPL140621C00092140", 2.19, 2.26, None),
    ("AAPL140613C00645000", None, None, 4030),
    ("AAPL140613C00650000", None, None, 6542),
    ("AAPL140613P00650000", None, None, 2832),
]
# The same on the trading day before, when AAPL closed at 645.57: put there as if they came late.
APPLE_LATE = [
    ("AAPL140621C00490000", 154.75, 156.95, 33),  # more than the share costs now
    ("AAPL140621C00645000", 12.2, 12.45, 5004),  # more than the one of the lower strike
    ("AAPL140621P00700000", 54.9, 56.15, 304),  # less than it is worth
]
SPLIT_DAY = datetime(2014, 6, 9, 20, tzinfo=UTC)
APPLE_SPLIT = action(
    "AAPL", "split", date(2014, 6, 9), ratio=Decimal(7), seen_at=datetime(2014, 4, 23, tzinfo=UTC)
)


def apple(rows):
    made = []
    for symbol, bid, ask, held in rows:
        row = state(symbol, bid, ask, 93.7, SPLIT_DAY, open_interest=held)
        del row["last_trade"], row["implied_volatility"], row["greeks"]
        row["underlying_asset"] = {"ticker": "AAPL", "price": 93.7}
        made.append(row)
    return page(*made)


@pytest.mark.parametrize("is_known", [True, False])
def test_bad_data_45_strikes_from_before_a_split_go_aside(desk, is_known):
    with desk.polygon(apple([*APPLE, *APPLE_LATE])) as provider:
        actions = (APPLE_SPLIT,) if is_known else ()
        told = provider.chain("AAPL")
        judged = judge_options(told, StateContext(now=NOW, actions=actions))
    desk.options.refuse(judged.refused, source="polygon", received_at=NOW, at=NOW)
    old = [symbol for symbol, *_ in (*APPLE[4:], *APPLE_LATE)] if is_known else []
    refused = aside(desk, *(one.symbol for one in told))
    assert sorted(refused) == sorted(old)
    assert all("pre_split_strike" in reasons for reasons in refused.values())
    assert len(judged.kept) == len(told) - len(old)


def test_bad_data_45_neighbours_of_old_strikes_are_stored(desk):
    with desk.polygon(apple(APPLE)) as provider:
        fetch_chain(provider, "AAPL", desk.options, clock=desk.clock, actions=(APPLE_SPLIT,))
    stored = [one.symbol for one in desk.options.read("AAPL", as_of=NOW)]
    assert stored == [symbol for symbol, *_ in APPLE[:4]]


def test_bad_data_46_open_interest_that_is_missing_is_not_known(desk):
    row = state(BAD)
    del row["open_interest"]
    one, marks = chained(desk, row)[BAD]
    assert math.isnan(one.open_interest)
    assert (marks, aside(desk)) == (set(), {})


def test_bad_data_46_open_interest_below_zero_goes_aside(desk):
    assert set(chained(desk, state(BAD, open_interest=-1))) == {GOOD}
    assert aside(desk) == {BAD: {"open_interest"}}


def test_bad_data_46_open_interest_that_is_no_number_refuses_the_chain(desk):
    chained(desk)
    odd = Say(page(state(), state(BAD, open_interest="many")))
    with desk.polygon(odd) as provider, pytest.raises(DataError, match="open_interest"):
        provider.chain("A")
    assert "many" in provider.refused[-1].raw[0]
    assert len(desk.options.read("A", as_of=NOW)) == 1
