from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.brokers.matching import Terms, is_within, touch
from alphalens.trading import Side
from alphalens.trading.orders import OrderType

D = Decimal
B, S = Side.BUY, Side.SELL
STOP, STOP_LIMIT, LIMIT = OrderType.STOP, OrderType.STOP_LIMIT, OrderType.LIMIT


def met(side: Side, kind: OrderType, path: str, **prices: str):
    terms = Terms(side=side, order_type=kind, **{n: D(p) for n, p in prices.items()})
    return touch(terms, [D(price) for price in path.split()])


@pytest.mark.parametrize(
    ("side", "path", "limit", "price", "index"),
    [
        (B, "98 99 97", "99", "98", 0),  # better than the limit at once: the open itself
        (B, "100 103 97 101", "99", "99", 2),
        (B, "100 103 99 101", "99", "99", 2),
        (B, "100 103 99.01 101", "99", None, 4),
        (S, "102 99", "101", "102", 0),
        (S, "100 97 103", "101", "101", 2),
        (S, "100 97", "101", None, 2),
    ],
)
def test_limit_is_executed_at_itself_or_where_a_jump_went_beyond(side, path, limit, price, index):
    found = met(side, LIMIT, path, limit_price=limit)
    assert (found.price, found.index) == (None if price is None else D(price), index)


@pytest.mark.parametrize(
    ("side", "path", "stop", "price"),
    [
        (S, "100 94 103", "95", "95"),
        (S, "90 94", "95", "90"),  # through the gap: at the open, not at the stop
        (S, "100 95.01", "95", None),
        (B, "100 106", "105", "105"),
        (B, "110 120", "105", "110"),
        (B, "100 104.99 90", "105", None),
    ],
)
def test_stop_is_executed_at_itself_and_in_a_gap_at_the_open(side, path, stop, price):
    found = met(side, STOP, path, stop_price=stop)
    assert found.price == (None if price is None else D(price))
    assert found.terms.is_triggered is (price is not None)


@pytest.mark.parametrize(
    ("path", "price", "is_triggered"),
    [
        ("100 94 99", "95", True),  # passes the stop, and is within the limit there
        ("90 91 99", "94", True),  # jumps over both: waits at the limit until the price is back
        ("90 93", None, True),
        ("100 96", None, False),
    ],
)
def test_stop_limit_becomes_a_limit_order_once_woken(path, price, is_triggered):
    found = met(S, STOP_LIMIT, path, stop_price="95", limit_price="94")
    assert found.price == (None if price is None else D(price))
    assert found.terms.is_triggered is is_triggered


def test_order_that_was_woken_before_waits_for_nothing():
    terms = Terms(side=S, order_type=STOP, stop_price=D(95), is_triggered=True)
    assert touch(terms, [D(120)]).price == 120


@pytest.mark.parametrize(
    ("path", "price", "best"),
    [
        ("100 104 102 103", None, "104"),
        ("100 104 100", "101", "104"),
        ("100 97", "97", "100"),
        ("95", "95", "99"),
    ],
)
def test_trailing_stop_follows_the_best_price_and_never_goes_back(path, price, best):
    kind = OrderType.TRAILING_STOP
    found = met(S, kind, path, trail_amount="3", best="99")
    assert found.price == (None if price is None else D(price))
    assert found.terms.best == D(best)


def test_trailing_stop_by_a_fraction_of_a_purchase_hangs_above():
    found = met(B, OrderType.TRAILING_STOP, "100 90 100", trail_fraction="0.1")
    assert (found.price, found.terms.best) == (D(99), D(90))


prices = st.decimals("1", "200", places=2)


@given(st.sampled_from(Side), prices, st.lists(prices, min_size=1, max_size=6))
def test_no_execution_is_beyond_its_limit_or_off_the_path(side, limit, path):
    found = touch(Terms(side=side, order_type=LIMIT, limit_price=limit), path)
    if found.price is None:
        assert not any(is_within(side, limit, price) for price in path)
    else:
        assert is_within(side, limit, found.price)
        assert min(path) <= found.price <= max(path)


@given(st.sampled_from(Side), prices, st.lists(prices, min_size=1, max_size=6))
def test_stop_never_does_better_than_its_level(side, level, path):
    found = touch(Terms(side=side, order_type=STOP, stop_price=level), path)
    if found.price is None:
        assert all(side.sign * (level - price) > 0 for price in path)
    else:
        assert side.sign * (found.price - level) >= 0


@given(st.sampled_from(Side), prices, prices, st.lists(prices, min_size=2, max_size=8), st.data())
def test_path_in_two_parts_does_the_same_as_in_one(side, level, limit, path, data):
    terms = Terms(side=side, order_type=STOP_LIMIT, stop_price=level, limit_price=limit)
    cut = data.draw(st.integers(1, len(path) - 1))
    whole, first = touch(terms, path), touch(terms, path[:cut])
    if first.price is None:
        # The second part begins where the first has ended: there is no jump between them.
        first = touch(first.terms, [path[cut - 1], *path[cut:]])
    assert (whole.price, whole.terms) == (first.price, first.terms)
