import pytest

from alphalens.trading.states import TRANSITIONS, OrderStatus, after_fill, may_follow

S = OrderStatus
SENT = [status for status in S if status not in (S.REFUSED, S.AWAITING)]


@pytest.mark.parametrize("status", list(S))
def test_status_may_be_told_again(status):
    assert may_follow(status, status)


@pytest.mark.parametrize("before", [None, *S])
def test_what_may_follow_is_what_the_table_says(before):
    follows = {status for status in S if may_follow(before, status)}
    assert follows == set(TRANSITIONS[before]) | ({before} if before else set())


def test_every_status_can_be_reached_from_the_beginning():
    reached, waiting = set(), [None]
    while waiting:
        new = TRANSITIONS[waiting.pop()] - reached
        reached |= new
        waiting += new
    assert reached == set(S)


@pytest.mark.parametrize("status", [s for s in S if not s.is_final])
def test_order_that_is_not_final_can_end(status):
    assert any(after.is_final for after in TRANSITIONS[status])


@pytest.mark.parametrize("status", SENT)
def test_whole_execution_fills_all_but_a_rejected_order(status):
    expected = S.REJECTED if status is S.REJECTED else S.FILLED
    assert after_fill(status, is_complete=True) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.INTENDED, S.PARTIAL),
        (S.UNKNOWN, S.PARTIAL),
        (S.ACCEPTED, S.PARTIAL),
        (S.PARTIAL, S.PARTIAL),
        (S.PENDING_CANCEL, S.PENDING_CANCEL),
        (S.PENDING_REPLACE, S.PENDING_REPLACE),
        (S.CANCELED, S.CANCELED),
        (S.EXPIRED, S.EXPIRED),
        (S.REPLACED, S.REPLACED),
        (S.REJECTED, S.REJECTED),
        (S.FILLED, S.FILLED),
    ],
)
def test_part_of_an_order_leaves_what_is_pending_and_what_has_ended(status, expected):
    assert after_fill(status, is_complete=False) is expected


@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.parametrize("status", SENT)
def test_status_after_an_execution_is_one_the_table_allows(status, is_complete):
    assert may_follow(status, after_fill(status, is_complete=is_complete))
