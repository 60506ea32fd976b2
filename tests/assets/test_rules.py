from decimal import Decimal

import pytest

from alphalens.assets import AssetClass, Equity, ViolationCode, capability

D = Decimal
C = ViolationCode
SHARE = Equity(symbol="SPY", lot=D("0.001"))
ALPACA = capability("alpaca", AssetClass.EQUITY)


@pytest.mark.parametrize(
    ("quantity", "order_type", "time_in_force", "violated"),
    [
        ("1", "limit", "opg", []),
        ("1", "stop", "opg", [C.TIME_IN_FORCE]),
        ("1", "trailing_stop", "ioc", [C.TIME_IN_FORCE]),
        ("1.5", "limit", "day", []),
        ("1.5", "limit", "gtc", [C.TIME_IN_FORCE]),
        ("1.5", "trailing_stop", "day", [C.ORDER_TYPE]),
        ("1", "pegged", "gtd", [C.ORDER_TYPE, C.TIME_IN_FORCE]),
        ("1", None, "gtd", [C.TIME_IN_FORCE]),
        ("1", None, None, []),
    ],
)
def test_pairs_of_type_and_time_are_judged_by_the_venue(
    quantity, order_type, time_in_force, violated
):
    found = SHARE.validate(
        quantity=D(quantity),
        order_type=order_type,
        time_in_force=time_in_force,
        capability=ALPACA,
    )
    assert [violation.code for violation in found] == violated


def test_refused_word_is_told_with_the_words_allowed():
    (found,) = SHARE.validate(
        quantity=D("1.5"), order_type="limit", time_in_force="gtc", capability=ALPACA
    )
    assert found.message == (
        "time_in_force: SPY: time in force at alpaca for a part of a unit of a limit order is "
        "gtc, must be one of day; choose one of them"
    )


def test_without_a_venue_only_unknown_words_are_violations():
    order = {"quantity": D("1.5"), "time_in_force": "cls"}
    assert SHARE.validate(**order, order_type="trailing_stop") == ()
    (found,) = SHARE.validate(**order, order_type="pegged")
    assert found.code is C.ORDER_TYPE


def test_part_of_a_share_cannot_be_sold_short_at_alpaca():
    order = {"capability": ALPACA, "is_short_sale": True}
    (found,) = SHARE.validate(quantity=D("1.5"), **order)
    assert (found.code, found.limit) == (C.NOT_SHORTABLE, "whole units")
    assert SHARE.validate(quantity=D(2), **order) == ()
    assert SHARE.validate(quantity=D("1.5"), is_short_sale=True) == ()
