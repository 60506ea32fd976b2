from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import localcontext

import pytest

from alphalens.assets import AssetClass
from alphalens.errors import InputError
from alphalens.risk import enabled_classes
from alphalens.risk.facts import wish_of
from alphalens.trading import Side

from .builders import CALL_100, CALL_110, D, intent, legs, limit, sent, session

CLOSE = datetime(2024, 1, 2, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "crypto", "more"),
    [
        (False, False, set()),
        (True, False, {AssetClass.OPTION}),
        (False, True, {AssetClass.CRYPTO, AssetClass.PERPETUAL}),
    ],
)
def test_a_flag_enables_its_classes_and_no_other(options, crypto, more):
    always = {AssetClass.EQUITY, AssetClass.FUTURE}
    assert enabled_classes(options=options, crypto=crypto) == always | more


def test_open_order_tells_what_it_may_still_trade():
    assert sent(intent("10"), remaining="4").units == {"SPY": D(4)}
    spread = legs(("buy", CALL_100), ("sell", CALL_110), quantity="3")
    assert sent(spread, remaining="2").units == {CALL_100: D(2), CALL_110: D(-2)}
    assert not sent(intent("10"), remaining="0").is_open


def test_absurd_figures_of_an_order_are_told_by_name_and_nothing_is_computed_with_them():
    assert sent(intent("10"), remaining="4").flaws == ()
    for name in ("remaining", "executed", "price"):
        for bad in (D("NaN"), D("sNaN"), D("Infinity"), D("1e30")):
            order = replace(sent(intent("10")), **{name: bad})
            (flaw,) = order.flaws
            assert flaw[0] == name
            assert flaw[1] is bad
            assert order.units == {}
    assert [name for name, _ in sent(intent("1e30")).flaws] == ["remaining", "a figure"]
    assert not replace(sent(intent("10")), remaining=D("NaN")).is_open


def test_figures_of_an_order_do_not_depend_on_the_callers_context():
    with localcontext(prec=3):
        order = sent(intent("1234.5678"), remaining="1234.5677")
    assert order.units == {"SPY": D("1234.5677")}


def test_orders_that_ask_for_the_same_have_one_wish():
    one = limit("90", "3", client_order_id="o1", reason="a", cycle_id="c1")
    same = limit("90.00", "3", client_order_id="o2", reason="b", cycle_id="c2")
    others = [limit("91", "3"), limit("90", "4"), limit("90", "3", Side.SELL), intent("3")]
    assert wish_of(one) == wish_of(same) == sent(same).wish
    assert all(wish_of(other) != wish_of(one) for other in others)


def test_an_open_session_ends_at_its_close_though_nobody_said_so():
    hours = session(is_open=True)["XNYS"]
    assert hours.is_open_at(CLOSE - timedelta(seconds=1))
    assert not hours.is_open_at(CLOSE)
    assert not session(is_open=False)["XNYS"].is_open_at(CLOSE - timedelta(seconds=1))


@pytest.mark.parametrize("name", ["next_open", "next_close", "last_close"])
def test_hours_without_a_time_zone_are_refused(name):
    with pytest.raises(InputError, match=f"{name} .* has no time zone"):
        session(is_open=True, **{name: CLOSE.replace(tzinfo=None)})
