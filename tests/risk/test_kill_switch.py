import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.risk import Standing, StateEvent, TradingState, transition
from alphalens.risk.kill_switch import STANDINGS, stricter

E, T = StateEvent, TradingState
HALTED = Standing(T.HALTED, is_locked=True)
ORDERED = Standing(T.REDUCING, is_locked=True)


@pytest.mark.parametrize(
    ("before", "event", "after"),
    [
        (Standing(), E.BOOK_BREACH, Standing(T.REDUCING)),
        (Standing(T.REDUCING), E.BOOK_CLEAR, Standing()),
        (ORDERED, E.BOOK_CLEAR, ORDERED),
        (Standing(), E.LOSS_BREACH, HALTED),
        (HALTED, E.BOOK_CLEAR, HALTED),
        (HALTED, E.REDUCE, HALTED),
        (HALTED, E.RESUME, Standing()),
        (ORDERED, E.RESUME, Standing()),
        (Standing(T.REDUCING), E.REDUCE, ORDERED),
    ],
)
def test_transition_follows_the_table(before, event, after):
    assert transition(before, event) == after


@given(st.lists(st.sampled_from(list(E))))
def test_only_a_person_leaves_a_locked_state(events):
    standing = Standing()
    for event in events:
        after = transition(standing, event)
        if standing.is_locked and event is not E.RESUME:
            assert after.is_locked
            assert stricter(after.state, standing.state) is after.state
        standing = after
    assert standing in STANDINGS


def test_stricter_of_two_states_forbids_more():
    assert stricter(T.ACTIVE, T.HALTED) is T.HALTED
    assert stricter(T.REDUCING, T.ACTIVE) is T.REDUCING
