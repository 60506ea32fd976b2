import pytest

from alphalens.errors import ConfigError
from alphalens.net import Breaker, BreakerOpen, Priority
from alphalens.net.breaker import BreakerState, Outcome

from .servers import FakeTime


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def breaker(time):
    return Breaker(failures=2, pause_s=10, longest_pause_s=30, timing=time.timing)


def fail(breaker, times=1, priority=Priority.READ):
    for _ in range(times):
        breaker.settle(Outcome.BADLY, is_probe=breaker.enter(priority))


def is_refused(breaker, priority=Priority.OPEN):
    try:
        breaker.check(priority)
    except BreakerOpen:
        return True
    return False


def test_opens_after_failures_in_a_row(breaker):
    fail(breaker)
    breaker.settle(Outcome.WELL, is_probe=breaker.enter(Priority.READ))
    fail(breaker)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(BreakerOpen, match=r"2 times in a row, the limit is 2; .* in 10\.0 s"):
        breaker.enter(Priority.OPEN)


def test_one_probe_after_the_pause_closes_it(breaker, time):
    fail(breaker, 2)
    time.now_s = 9.9
    assert is_refused(breaker)
    time.now_s = 10
    assert breaker.enter(Priority.OPEN)
    assert breaker.state is BreakerState.HALF_OPEN
    assert is_refused(breaker)
    breaker.settle(Outcome.WELL, is_probe=True)
    assert breaker.state is BreakerState.CLOSED
    assert not is_refused(breaker)


def test_a_probe_that_fails_doubles_the_pause_up_to_the_longest(breaker, time):
    fail(breaker, 2)
    for pause in (10, 20, 30, 30):
        opened_at = time.now_s
        time.now_s = opened_at + pause - 0.1
        assert is_refused(breaker)
        time.now_s = opened_at + pause
        fail(breaker)


def test_a_good_answer_makes_the_pause_short_again(breaker, time):
    fail(breaker, 2)
    time.now_s = 10
    fail(breaker)
    breaker.settle(Outcome.WELL, is_probe=False)
    fail(breaker, 2)
    time.now_s += 10
    assert not is_refused(breaker)


def test_cancels_always_pass_and_are_no_probe(breaker, time):
    fail(breaker, 2)
    assert breaker.enter(Priority.CANCEL) is False
    breaker.settle(Outcome.BADLY, is_probe=False)
    time.now_s = 10
    assert not is_refused(breaker), "a failed cancel must not lengthen the pause"
    assert is_refused(breaker) is False


def test_a_probe_without_a_word_leaves_its_place(breaker, time):
    fail(breaker, 2)
    time.now_s = 10
    breaker.settle(Outcome.UNTOLD, is_probe=breaker.enter(Priority.READ))
    assert breaker.enter(Priority.READ) is True


@pytest.mark.parametrize(
    "numbers", [{"failures": 0}, {"pause_s": 0}, {"pause_s": 9, "longest_pause_s": 8}]
)
def test_numbers_that_make_no_breaker_are_refused(numbers):
    with pytest.raises(ConfigError, match="failures >= 1"):
        Breaker(**numbers)
