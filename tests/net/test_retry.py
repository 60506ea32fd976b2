import random

import pytest

from alphalens.errors import ConfigError
from alphalens.net import RetryPolicy
from alphalens.net.retry import full_jitter_s


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_is_never_tried_again(method):
    assert not RetryPolicy(attempts=9).allows(method, made=1)


def test_reads_are_tried_as_often_as_said():
    policy = RetryPolicy(attempts=3)
    assert [policy.allows("GET", made=made) for made in (1, 2, 3)] == [True, True, False]
    assert policy.allows("HEAD", made=1)


def test_delays_fill_the_doubling_range_and_stop_at_the_cap():
    rng = random.Random(3)
    for failures, bound in [(1, 1.0), (2, 2.0), (4, 8.0), (5, 10.0), (5000, 10.0)]:
        waits = [full_jitter_s(rng, failures=failures, base_s=1.0, cap_s=10.0) for _ in range(400)]
        assert 0 <= min(waits) < 0.1 * bound
        assert 0.9 * bound < max(waits) <= bound


def test_the_server_may_ask_for_more_but_not_for_less():
    policy = RetryPolicy(base_s=1.0, cap_s=1.0)
    assert policy.delay_s(random.Random(1), made=1, asked_s=30.0) == 30.0
    assert policy.delay_s(random.Random(1), made=1, asked_s=0.0) == random.Random(1).uniform(0, 1)


@pytest.mark.parametrize("numbers", [{"attempts": 0}, {"base_s": 0}, {"base_s": 2, "cap_s": 1}])
def test_numbers_that_make_no_policy_are_refused(numbers):
    with pytest.raises(ConfigError, match="attempts >= 1"):
        RetryPolicy(**numbers)
