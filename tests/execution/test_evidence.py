from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.execution.evidence import Evidence, Finding, inferred_fill
from alphalens.trading import Fill, Side

AT = datetime(2024, 1, 2, 21, tzinfo=UTC)


def fill(begin, end, price="100", **changes) -> Fill:
    told = {
        "fill_id": f"v1/{end}",
        "client_order_id": "al-1",
        "venue_order_id": "v1",
        "symbol": "A",
        "side": Side.BUY,
        "quantity": Decimal(end) - Decimal(begin),
        "price": Decimal(price),
        "at": AT,
        "cumulative": Decimal(end),
        **changes,
    }
    return Fill(**told)


def guess(begin, end, price="100") -> Fill:
    return inferred_fill(
        like=fill(begin, end), begin=Decimal(begin), end=Decimal(end), price=Decimal(price)
    )


@pytest.mark.parametrize(
    ("booked", "told", "finding"),
    [
        ([], fill(0, 4), Finding.NEW),
        ([fill(0, 4)], fill(4, 6), Finding.NEW),
        ([fill(0, 4)], fill(0, 4), Finding.DUPLICATE),
        ([fill(0, 4)], fill(0, 4, fill_id="other"), Finding.DUPLICATE),
        ([fill(0, 4)], fill(0, 4, "101"), Finding.CONFLICT),
        ([fill(0, 4)], fill(0, 4, "101", fill_id="other"), Finding.CONFLICT),
        ([fill(0, 4)], fill(2, 6), Finding.CONFLICT),
        ([fill(0, 2)], fill(6, 8), Finding.GAP),
        ([fill(0, 2), guess(2, 8)], fill(2, 5), Finding.CORRECTION),
        ([fill(0, 2), guess(2, 8)], fill(2, 8), Finding.CORRECTION),
        ([fill(0, 2), guess(2, 8)], fill(8, 9), Finding.NEW),
        ([], fill(0, 4, cumulative=None), Finding.NEW),
    ],
)
def test_report_is_judged_by_the_units_that_it_covers(booked, told, finding):
    assert Evidence(booked).judge(told) is finding


def test_execution_from_before_the_order_was_known_is_no_news():
    evidence = Evidence(base=Decimal(4))
    assert evidence.judge(fill(0, 4)) is Finding.DUPLICATE
    assert evidence.judge(fill(4, 6)) is Finding.NEW


def test_true_execution_takes_its_part_of_an_inferred_one():
    evidence = Evidence([fill(0, 2), guess(2, 8, "100")])
    change = evidence.correct(fill(4, 6, "103"))
    spans = [(part.cumulative - part.quantity, part.cumulative) for part in change.fills]
    assert spans == [(2, 4), (4, 6), (6, 8)]
    assert [part.is_synthetic for part in change.fills] == [True, False, True]
    assert sum(p.quantity * p.price for p in change.fills) == 600
    assert evidence.total == 8


def test_correction_of_nothing_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="corrects no inferred execution"):
        Evidence([fill(0, 2)]).correct(fill(0, 2))


@given(
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_truth_in_any_order_leaves_nothing_inferred(cuts, order):
    ends = sorted(cuts)
    truths = [fill(begin, end, str(90 + end)) for begin, end in zip([0, *ends], ends, strict=False)]
    evidence = Evidence([guess(0, ends[-1], "7")])
    order.shuffle(truths)
    for truth in truths:
        assert evidence.judge(truth) is Finding.CORRECTION
        evidence.correct(truth)
    assert {evidence.judge(truth) for truth in truths} == {Finding.DUPLICATE}
    assert evidence.total == ends[-1]
    assert evidence.value == sum(t.quantity * t.price for t in truths)
