from dataclasses import replace
from datetime import timedelta

import pytest

from alphalens.risk import ReasonCode, RiskLimits, VenueFacts, book_breaches
from alphalens.risk.validator import is_loss

from .builders import NOW, D, book, codes, intent, sent

C = ReasonCode
LIVE = VenueFacts(
    account_id="P1", expected_account="P1", is_live=True, is_live_host=True, is_flagged_live=True
)
PAPER = VenueFacts(account_id="P1", is_live_host=False)


@pytest.mark.parametrize("venue", [LIVE, PAPER, VenueFacts(account_id="P1")])
def test_flag_host_and_account_that_agree_pass(venue):
    assert codes(intent(), book(venue=venue)) == []


@pytest.mark.parametrize(
    ("venue", "expected"),
    [
        (replace(LIVE, is_flagged_live=False), [C.LIVE_DISABLED]),
        (replace(LIVE, is_live_host=False), [C.WRONG_HOST]),
        (replace(LIVE, expected_account=""), [C.WRONG_ACCOUNT]),
        (replace(LIVE, expected_account="P2"), [C.WRONG_ACCOUNT]),
        (replace(LIVE, account_id="P2"), [C.WRONG_ACCOUNT]),
        (replace(PAPER, is_live_host=True), [C.WRONG_HOST]),
        (replace(PAPER, is_flagged_live=True), [C.WRONG_HOST]),
        (replace(PAPER, expected_account="P9"), [C.WRONG_ACCOUNT]),
        (replace(PAPER, is_blocked=True), [C.ACCOUNT_BLOCKED]),
        (
            replace(PAPER, account_id="X", is_live=True),
            [C.WRONG_ACCOUNT, C.LIVE_DISABLED, C.WRONG_HOST],
        ),
    ],
)
def test_any_disagreement_about_the_money_is_refused(venue, expected):
    assert codes(intent(), book(venue=venue)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"equity": D("NaN")},
        {"cash": D("sNaN")},
        {"peak_equity": D("Infinity")},
        {"traded_today": D("1e18")},
        {"buying_power": D("NaN")},
        {"quantities": {"QQQ": D("NaN")}},
        {"open_sells": {"QQQ": D("-Infinity")}},
        {"orders": (sent(intent("5", client_order_id="o0"), remaining="NaN"),)},
        {"orders": (sent(intent("1e30", client_order_id="o0"), remaining="1"),)},
    ],
)
def test_book_that_is_not_known_is_not_a_flat_one(changes):
    assert codes(intent(), book(**changes)) == [C.UNUSABLE_BOOK]
    (breach,) = book_breaches(book(**changes), RiskLimits())
    assert breach.code is C.UNUSABLE_BOOK
    assert not is_loss(breach)


@pytest.mark.parametrize(("skew", "passes"), [("90", True), ("-90", True), ("90.5", False)])
def test_clock_may_differ_within_the_limit_in_both_directions(skew, passes):
    view = book(clock_skew_s=D(skew), price_times={})
    assert (C.CLOCK_SKEW in codes(intent(), view)) is not passes


@pytest.mark.parametrize("skew", ["NaN", "Infinity", "sNaN"])
def test_skew_that_is_no_number_is_refused(skew):
    assert C.CLOCK_SKEW in codes(intent(), book(clock_skew_s=D(skew)))


def test_age_of_a_price_is_counted_by_the_clock_that_made_it():
    made = NOW + timedelta(seconds=60)
    ahead = book(price_times={"SPY": made}, clock_skew_s=D(-60))
    assert codes(intent(), ahead) == []
    assert codes(intent(), replace(ahead, clock_skew_s=None)) == [C.STALE_PRICE]
