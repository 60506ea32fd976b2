from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.risk import (
    Approval,
    ReasonCode,
    RiskLimits,
    TradingState,
    book_breaches,
    validate,
)
from alphalens.trading import Side
from alphalens.trading.orders import OrderType

from .builders import NOW, WIDE, D, book, codes, intent

C, T = ReasonCode, TradingState


def approval_of(order, **changes) -> Approval:
    fields = {
        "client_order_id": order.client_order_id,
        "fingerprint": order.fingerprint,
        "by": "ann",
        "reason": "seen",
        "at": NOW,
        "expires_at": NOW + timedelta(hours=1),
    }
    return Approval(**fields | changes)


def test_order_within_all_limits_passes():
    verdict = validate(intent(), book=book(), limits=WIDE, state=T.ACTIVE)
    assert verdict.is_approved
    assert not verdict.is_refused
    assert not verdict.needs_approval


def test_every_violated_limit_is_told_at_once():
    limits = RiskLimits(
        max_order=D("0.1"), max_position=D("0.1"), max_gross=D("0.1"), max_net=D("0.1")
    )
    late = book(price_times={"SPY": NOW - timedelta(days=1)})
    assert codes(intent("20.5"), late, limits) == [
        C.NOT_FRACTIONABLE,
        C.STALE_PRICE,
        C.MAX_ORDER,
        C.MAX_POSITION,
        C.MAX_GROSS,
        C.MAX_NET,
        C.NEEDS_APPROVAL,
    ]


def test_reason_names_rule_value_limit_and_remedy():
    limits = replace(WIDE, max_order=D("0.1"))
    verdict = validate(intent("20"), book=book(), limits=limits, state=T.ACTIVE)
    (reason,) = verdict.reasons
    assert (reason.limit, reason.actual) == ("0.1", "0.2")
    assert reason.message == (
        "max_order: buy 20 SPY reaches 0.2, limit is 0.1: order less, or raise max_order in the "
        "risk limits"
    )


@pytest.mark.parametrize("quantity", ["10", "15"])
def test_nothing_passes_a_halt_not_even_a_closing_order(quantity):
    view = book(quantities={"SPY": D(10)})
    assert C.HALTED in codes(intent(quantity, Side.SELL), view, state=T.HALTED)


@pytest.mark.parametrize(
    ("held", "side", "quantity", "passes"),
    [
        ("10", Side.SELL, "10", True),
        ("10", Side.SELL, "4", True),
        ("10", Side.SELL, "15", False),
        ("10", Side.BUY, "1", False),
        ("-10", Side.BUY, "10", True),
        ("-10", Side.BUY, "11", False),
        ("0", Side.SELL, "1", False),
    ],
)
def test_reducing_lets_only_orders_pass_that_bring_the_position_nearer_to_zero(
    held, side, quantity, passes
):
    view = book(quantities={"SPY": D(held)})
    reasons = codes(intent(quantity, side), view, state=T.REDUCING)
    assert reasons == ([] if passes else [C.REDUCING_ONLY])


def test_two_closing_orders_of_one_position_do_not_both_reduce_it():
    view = book(quantities={"SPY": D(10)}).with_order(intent("6", Side.SELL, client_order_id="o0"))
    assert codes(intent("5", Side.SELL), view, state=T.REDUCING) == [C.REDUCING_ONLY]
    assert codes(intent("4", Side.SELL), view, state=T.REDUCING) == []


def test_id_sent_before_is_a_duplicate():
    assert codes(intent(), book(sent=frozenset({"o1"}))) == [C.DUPLICATE]


def test_symbol_with_an_order_of_unknown_outcome_waits_and_others_do_not():
    view = book(unresolved=frozenset({"SPY"}))
    assert codes(intent(), view) == [C.UNRESOLVED]
    assert codes(intent(symbol="QQQ"), view) == []


def test_asset_the_desk_does_not_know_is_refused():
    assert codes(intent(symbol="GME"), book()) == [C.UNKNOWN_ASSET, C.NO_PRICE]


def test_fractional_lot_is_refused_unless_it_closes_the_whole_position():
    view = book(quantities={"SPY": D("2.5")})
    assert codes(intent("1.5", Side.SELL), view) == [C.NOT_FRACTIONABLE]
    assert codes(intent("2.5", Side.SELL), view) == []


def test_limit_price_off_the_tick_is_refused():
    order = intent(order_type=OrderType.LIMIT, limit_price=D("99.999"))
    assert codes(order) == [C.TICK]


@pytest.mark.parametrize("price", [None, D(0), D(-1), D("NaN"), D("Infinity")])
def test_order_without_a_usable_price_is_refused(price):
    prices = {} if price is None else {"SPY": price}
    assert C.NO_PRICE in codes(intent(), book(prices=prices))


@pytest.mark.parametrize(("age_s", "passes"), [(0, True), (900, True), (901, False), (-1, False)])
def test_price_must_be_fresh_and_not_from_the_future(age_s, passes):
    view = book(price_times={"SPY": NOW - timedelta(seconds=age_s)})
    assert codes(intent(), view) == ([] if passes else [C.STALE_PRICE])


@pytest.mark.parametrize(("reference", "passes"), [("104", True), ("96", True), ("106", False)])
def test_order_decided_far_from_the_price_is_refused(reference, passes):
    reasons = codes(intent(reference_price=D(reference)))
    assert reasons == ([] if passes else [C.PRICE_COLLAR])


@pytest.mark.parametrize(
    ("side", "limit", "passes"),
    [
        (Side.BUY, "120", False),
        (Side.BUY, "80", True),
        (Side.SELL, "80", False),
        (Side.SELL, "120", True),
    ],
)
def test_limit_price_is_refused_on_its_bad_side_only(side, limit, passes):
    order = intent(side=side, order_type=OrderType.LIMIT, limit_price=D(limit))
    assert codes(order) == ([] if passes else [C.PRICE_COLLAR])


@pytest.mark.parametrize(
    ("limit", "quantity", "passes"),
    [
        ("max_order", "10", True),
        ("max_order", "11", False),
        ("max_position", "10", True),
        ("max_position", "11", False),
        ("max_gross", "11", False),
        ("max_net", "11", False),
    ],
)
def test_size_limit_is_inclusive(limit, quantity, passes):
    limits = WIDE
    for name in ("max_net", "max_position", "max_gross"):
        if name == limit or (limit == "max_gross" and name in ("max_net", "max_position")):
            limits = replace(limits, **{name: D("0.1")})
    if limit == "max_order":
        limits = replace(limits, max_order=D("0.1"))
    assert (C(limit) in codes(intent(quantity), book(), limits)) is not passes


def test_orders_sent_earlier_in_the_cycle_count_for_position_and_gross():
    limits = replace(WIDE, max_position=D("0.1"), max_gross=D("0.15"), max_net=D("0.15"))
    first = intent("8", client_order_id="o0")
    view = book().with_order(first)
    assert codes(intent("3"), view, limits) == [C.MAX_POSITION]
    assert codes(intent("8", symbol="QQQ"), view, limits) == [C.MAX_GROSS, C.MAX_NET]
    assert codes(intent("7", symbol="QQQ"), view, limits) == []


def test_closing_order_sent_earlier_makes_room_for_an_opening_one():
    limits = replace(WIDE, max_position=D("0.5"), max_gross=D("0.5"), max_net=D("0.5"))
    view = book(quantities={"QQQ": D(50)}, equity=D(10_000))
    assert codes(intent("10"), view, limits) == [C.MAX_GROSS, C.MAX_NET]
    closing = intent("10", Side.SELL, symbol="QQQ", client_order_id="o0")
    assert codes(intent("10"), view.with_order(closing), limits) == []


def test_order_that_balances_the_book_lowers_its_net():
    limits = replace(WIDE, max_net=D("0.1"))
    view = book(quantities={"QQQ": D(10)})
    assert codes(intent("5", Side.SELL), view, limits) == []
    assert codes(intent("21", Side.SELL), view, limits) == [C.MAX_NET]


def test_order_that_only_reduces_is_never_refused_for_its_size():
    limits = RiskLimits(
        max_order=D("0.01"), approval_above=D("0.01"), max_position=D("0.5"), max_net=D("0.9")
    )
    view = book(quantities={"SPY": D(90)})
    assert codes(intent("90", Side.SELL), view, limits) == []


def test_open_order_in_an_asset_without_price_makes_the_exposure_unknown():
    other = intent(symbol="QQQ", client_order_id="o0")
    view = book(prices={"SPY": D(100)}).with_order(other)
    assert codes(intent(), view) == [C.NO_PRICE]


@pytest.mark.parametrize("equity", ["0", "-5"])
def test_nothing_is_opened_on_an_equity_that_is_gone(equity):
    reasons = codes(intent(), book(equity=D(equity)))
    assert C.NO_EQUITY in reasons
    assert C.MAX_DRAWDOWN in reasons


def test_order_beyond_the_count_of_a_cycle_is_refused():
    limits = replace(WIDE, max_orders_per_cycle=2)
    assert codes(intent(), book(sent=frozenset({"a"})), limits) == []
    assert codes(intent(), book(sent=frozenset({"a", "b"})), limits) == [C.MAX_ORDERS_PER_CYCLE]


@pytest.mark.parametrize("quantity", ["1e30", "9e999999", "1e-999999"])
def test_absurd_size_is_refused_with_reasons_and_not_by_a_crash(quantity):
    verdict = validate(intent(quantity), book=book(), limits=RiskLimits(), state=T.ACTIVE)
    assert verdict.is_refused


def test_absurd_limit_price_is_refused_too():
    order = intent(order_type=OrderType.LIMIT, limit_price=D("9e999999"))
    assert codes(order) == [C.MAX_ORDER]


ASKING = replace(WIDE, approval_above=D("0.05"))


def test_large_order_needs_an_approval_and_nothing_else():
    verdict = validate(intent("6"), book=book(), limits=ASKING, state=T.ACTIVE)
    assert verdict.needs_approval
    assert not verdict.is_refused
    assert "above approval_above 0.05: a person must approve" in verdict.reasons[0].message


def test_approval_bound_to_the_order_lets_it_pass():
    order = intent("6")
    assert codes(order, limits=ASKING, approval=approval_of(order)) == []


def test_approval_of_another_order_lifts_nothing():
    order, other = intent("6"), intent("7")
    verdict = validate(
        other, book=book(), limits=ASKING, state=T.ACTIVE, approval=approval_of(order)
    )
    assert verdict.needs_approval
    assert "for another order" in verdict.reasons[0].message


def test_expired_approval_lifts_nothing():
    order = intent("6")
    given = approval_of(order, at=NOW - timedelta(hours=2), expires_at=NOW)
    verdict = validate(order, book=book(), limits=ASKING, state=T.ACTIVE, approval=given)
    assert verdict.needs_approval
    assert "expired at 2024-01-02T20:00:00+00:00" in verdict.reasons[0].message


def test_approval_lifts_no_other_rule():
    order = intent("6")
    limits = replace(ASKING, max_order=D("0.05"))
    assert codes(order, limits=limits, approval=approval_of(order)) == [C.MAX_ORDER]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"by": " "}, "say who approves"),
        ({"expires_at": NOW}, "expires at"),
        ({"at": NOW.replace(tzinfo=None)}, "time zone"),
    ],
)
def test_approval_that_binds_nobody_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        approval_of(intent(), **changes)


def test_book_within_its_limits_has_no_breach():
    assert book_breaches(book(quantities={"SPY": D(50)}), RiskLimits()) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"quantities": {"SPY": D(60), "QQQ": D(-60)}}, [C.MAX_GROSS]),
        ({"quantities": {"SPY": D(110)}}, [C.MAX_GROSS, C.MAX_NET]),
        ({"day_open_equity": D(10_310)}, [C.MAX_DAILY_LOSS]),
        ({"peak_equity": D(12_500)}, [C.MAX_DRAWDOWN]),
        ({"quantities": {"SPY": D(1)}, "prices": {}}, [C.NO_PRICE]),
    ],
)
def test_breach_of_the_book_names_its_limit(changes, expected):
    assert [reason.code for reason in book_breaches(book(**changes), RiskLimits())] == expected


def test_book_in_breach_is_judged_as_reducing_though_the_record_still_says_active():
    view = book(quantities={"QQQ": D(110)})
    limits = RiskLimits(approval_above=None)
    assert C.REDUCING_ONLY in codes(intent(), view, limits)
    assert codes(intent("10", Side.SELL, symbol="QQQ"), view, limits) == []


def test_loss_of_the_book_is_judged_as_halted_though_the_record_still_says_active():
    view = book(day_open_equity=D(20_000), quantities={"SPY": D(10)})
    assert codes(intent("1", Side.SELL), view) == [C.MAX_DAILY_LOSS, C.HALTED]


@given(
    held=st.integers(-50, 50),
    quantity=st.integers(1, 120),
    side=st.sampled_from(list(Side)),
    state=st.sampled_from(list(T)),
)
def test_order_that_passes_outside_active_never_adds_exposure(held, quantity, side, state):
    view = book(quantities={"SPY": D(held)})
    order = intent(str(quantity), side)
    verdict = validate(order, book=view, limits=WIDE, state=state)
    after = held + order.signed_quantity
    if verdict.is_approved and state is not T.ACTIVE:
        assert state is T.REDUCING
        assert 0 <= after * (1 if held > 0 else -1) < abs(held)


@given(st.lists(st.tuples(st.sampled_from(["SPY", "QQQ"]), st.integers(-30, 30)), max_size=12))
def test_orders_let_through_one_after_another_never_exceed_gross_and_net(wanted):
    limits = replace(WIDE, max_position=D("0.3"), max_gross=D("0.4"), max_net=D("0.2"))
    view = book()
    for number, (symbol, units) in enumerate(wanted):
        if units == 0:
            continue
        side = Side.BUY if units > 0 else Side.SELL
        order = intent(str(abs(units)), side, symbol=symbol, client_order_id=f"o{number}")
        if validate(order, book=view, limits=limits, state=T.ACTIVE).is_approved:
            view = view.with_order(order)
    values = [units * 100 for units in view.projected().values()]
    assert sum(map(abs, values)) <= 4000
    assert abs(sum(values)) <= 2000
