from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import Crypto, Equity
from alphalens.errors import InputError
from alphalens.execution import plan_orders
from alphalens.trading import Fill, Ledger, Side, Target
from alphalens.trading.orders import TimeInForce

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
PRICES = {s: Decimal(100) for s in ("A", "B", "C")}
ASSETS = {s: Equity(symbol=s) for s in PRICES}


def book_of(cash="10000", **held: int) -> Ledger:
    """A ledger worth `cash` that holds units bought at 100."""
    ledger = Ledger(Decimal(cash))
    for symbol, units in held.items():
        fill = Fill(
            fill_id=symbol,
            client_order_id="o",
            symbol=symbol,
            side=Side.BUY if units > 0 else Side.SELL,
            quantity=Decimal(abs(units)),
            price=Decimal(100),
            at=T0,
        )
        ledger.apply(fill)
    return ledger


def plan(book=None, prices=PRICES, min_trade="0", **weights: float):
    return plan_orders(
        Target(name="t", asof=T0, weights=weights),
        book=book_of() if book is None else book,
        prices=prices,
        assets=ASSETS,
        account="P1",
        cycle_id="c1",
        at=T0,
        min_trade=Decimal(min_trade),
    )


def legs(intents):
    return [(i.symbol, int(i.signed_quantity)) for i in intents]


def test_weights_become_units_of_equity_rounded_towards_zero():
    assert legs(plan(A=0.5, B=-0.333)) == [("A", 50), ("B", -33)]


def test_closing_orders_come_before_opening_ones():
    intents = plan(book_of(C=20, B=-10), A=0.3, B=-0.05)
    assert legs(intents) == [("B", 5), ("C", -20), ("A", 30)]


def test_position_that_is_not_wanted_is_closed_whatever_it_is_worth():
    assert legs(plan(book_of(A=1), min_trade="0.5")) == [("A", -1)]


def test_flip_is_two_orders_with_two_ids():
    first, second = plan(book_of(A=10), A=-0.2)
    assert legs([first, second]) == [("A", -10), ("A", -20)]
    assert first.client_order_id != second.client_order_id


def test_change_below_the_band_is_left_alone():
    assert plan(book_of(A=50), A=0.504, min_trade="0.005") == ()
    assert legs(plan(book_of(A=50), A=0.51, min_trade="0.005")) == [("A", 1)]


def test_book_at_its_target_needs_no_order():
    assert plan(book_of(A=50, B=-20), A=0.5, B=-0.2) == ()


def test_planning_again_gives_the_same_ids_whatever_the_quantity():
    (one,), (other,) = plan(A=0.5), plan(A=0.4)
    assert one.client_order_id == other.client_order_id
    assert one.quantity != other.quantity


def test_order_says_why_and_at_which_price():
    (intent,) = plan(A=0.5)
    assert intent.reason == "t: open towards weight 0.5000"
    assert intent.reference_price == 100


@pytest.mark.parametrize("price", [None, "0", "-1", "NaN"])
def test_missing_or_impossible_price_is_refused_by_symbol(price):
    prices = {"B": Decimal(1)} | ({} if price is None else {"A": Decimal(price)})
    with pytest.raises(InputError, match="the price of A is"):
        plan(prices=prices, A=0.1)


def test_asset_the_desk_does_not_know_is_refused_by_symbol():
    with pytest.raises(InputError, match="GME is not among the 3 assets"):
        plan(GME=0.1)


def test_book_without_equity_cannot_be_planned():
    with pytest.raises(InputError, match="equity is -1000"):
        plan(book_of("-1000"), A=0.1)


@pytest.mark.parametrize("band", ["-0.1", "NaN"])
def test_impossible_band_is_refused(band):
    with pytest.raises(InputError, match="min_trade"):
        plan(min_trade=band, A=0.1)


weights = st.fixed_dictionaries({s: st.floats(-1, 1) for s in PRICES})
holdings = st.fixed_dictionaries({s: st.integers(-80, 80) for s in PRICES})


@given(weights, holdings)
def test_plan_leads_to_the_wanted_units_and_never_beyond_the_weight(wanted, held):
    book = book_of(**{s: n for s, n in held.items() if n})
    after = dict(held)
    for intent in plan(book, **wanted):
        after[intent.symbol] += int(intent.signed_quantity)
    for symbol, units in after.items():
        exact = Decimal(str(wanted[symbol])) * 100  # 10,000 of equity at a price of 100
        assert abs(units) <= abs(exact) < abs(units) + 1
        assert units * exact >= 0


@given(weights, holdings)
def test_every_closing_order_only_reduces_and_comes_first(wanted, held):
    book = book_of(**{s: n for s, n in held.items() if n})
    names = [intent.reason.split()[1] for intent in plan(book, **wanted)]
    assert names == sorted(names)
    for intent in plan(book, **wanted):
        if " close " in intent.reason:
            assert intent.signed_quantity * held[intent.symbol] < 0
            assert intent.quantity <= abs(held[intent.symbol])


def test_order_of_a_market_that_never_closes_has_no_day():
    coin = Crypto(symbol="BTC/USD")
    (bought, share) = plan_orders(
        Target(name="t", asof=T0, weights={"A": 0.5, "BTC/USD": 0.5}),
        book=book_of(),
        prices={**PRICES, "BTC/USD": Decimal(100)},
        assets={**ASSETS, "BTC/USD": coin},
        account="P1",
        cycle_id="c1",
        at=T0,
    )[::-1]
    assert (share.symbol, share.time_in_force) == ("A", TimeInForce.DAY)
    assert (bought.symbol, bought.time_in_force) == ("BTC/USD", TimeInForce.GTC)
