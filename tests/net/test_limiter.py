import asyncio

import pytest

from alphalens.errors import ConfigError
from alphalens.net import Limiter, Priority
from alphalens.net.rates import Rates
from tests.waiting import PATIENCE_S

from .servers import FakeTime


def play(scene):
    """Run a scene under a fake clock; it may not leave a task behind."""

    async def run():
        time = FakeTime()
        async with asyncio.timeout(PATIENCE_S):
            result = await scene(time)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0)
        assert not [task for task in left if not task.done()]
        return result

    return asyncio.run(run())


async def take(limiter, count, priority=Priority.READ):
    for _ in range(count):
        await limiter.acquire(priority)


def test_a_full_bucket_passes_at_once_and_then_at_its_rate():
    async def scene(time):
        limiter = Limiter(calls=10, window_s=10, reserve=0, timing=time.timing)
        await take(limiter, 10)
        full = time.now_s
        await take(limiter, 3)
        return full, time.now_s

    full, later = play(scene)
    assert full == 0
    assert later == pytest.approx(3)


def test_waiters_are_served_by_priority_then_in_their_order():
    async def scene(time):
        limiter = Limiter(calls=2, window_s=2, reserve=0, timing=time.timing)
        await take(limiter, 2)
        order = []

        async def call(name, priority):
            await limiter.acquire(priority)
            order.append(name)

        wanted = [("r1", 3), ("o1", 2), ("r2", 3), ("c1", 0), ("o2", 2), ("d1", 1), ("c2", 0)]
        await asyncio.gather(*(call(name, Priority(number)) for name, number in wanted))
        return order

    assert play(scene) == ["c1", "c2", "d1", "o1", "o2", "r1", "r2"]


def test_the_reserve_is_for_cancels_only():
    async def scene(time):
        limiter = Limiter(calls=5, window_s=5, reserve=2, timing=time.timing)
        await take(limiter, 3, Priority.REDUCE)
        assert time.now_s == 0
        await take(limiter, 2, Priority.CANCEL)
        assert time.now_s == 0
        await limiter.acquire(Priority.REDUCE)
        return time.now_s

    assert play(scene) == pytest.approx(3), "the reserve fills up before others pass again"


def test_a_cancelled_wait_takes_no_token_and_no_place():
    async def scene(time):
        limiter = Limiter(calls=1, window_s=1, reserve=0, timing=time.timing)
        await limiter.acquire(Priority.READ)
        first = asyncio.create_task(limiter.acquire(Priority.READ))
        second = asyncio.create_task(limiter.acquire(Priority.READ))
        while limiter.waiting < 2:
            await asyncio.sleep(0)
        first.cancel()
        await second
        assert first.cancelled()
        assert limiter.waiting == 0
        return time.now_s

    assert play(scene) == pytest.approx(1)


def test_a_token_granted_to_a_call_that_is_cancelled_goes_to_the_next():
    async def scene(time):
        limiter = Limiter(calls=1, window_s=1000, reserve=0, timing=time.timing)
        await limiter.acquire(Priority.READ)
        granted = asyncio.create_task(limiter.acquire(Priority.READ))
        await asyncio.sleep(0)
        limiter.put_back()
        assert limiter.waiting == 0, "it has its token and was not resumed yet"
        granted.cancel()
        await asyncio.gather(granted, return_exceptions=True)
        assert granted.cancelled()
        await limiter.acquire(Priority.READ)
        return time.now_s

    assert play(scene) == 0


def test_a_wait_that_is_being_cancelled_gets_no_token():
    async def scene(time):
        limiter = Limiter(calls=1, window_s=1000, reserve=0, timing=time.timing)
        await limiter.acquire(Priority.READ)
        leaving = asyncio.create_task(limiter.acquire(Priority.READ))
        await asyncio.sleep(0)
        leaving.cancel()
        limiter.put_back()  # before the cancelled task could withdraw
        await limiter.acquire(Priority.READ)
        await asyncio.gather(leaving, return_exceptions=True)
        return time.now_s

    assert play(scene) == 0


def test_the_servers_count_caps_the_bucket_until_its_window_ends():
    async def scene(time):
        limiter = Limiter(calls=100, window_s=60, reserve=0, timing=time.timing)
        limiter.observe(Rates(limit=100, remaining=2, window=500.0, resets_in_s=20.0))
        await take(limiter, 2)
        assert time.now_s == 0
        await limiter.acquire(Priority.READ)
        return time.now_s

    assert play(scene) == pytest.approx(20)


def test_a_late_answer_of_the_same_window_does_not_raise_the_count():
    async def scene(time):
        limiter = Limiter(calls=100, window_s=60, reserve=0, timing=time.timing)
        limiter.observe(Rates(remaining=1, window=500.0, resets_in_s=20.0))
        limiter.observe(Rates(remaining=7, window=500.0, resets_in_s=20.0))
        limiter.observe(Rates(remaining=90, window=440.0, resets_in_s=0.0))
        await take(limiter, 2)
        return time.now_s

    assert play(scene) == pytest.approx(20)


def test_a_refusal_holds_everybody_until_the_reset_and_cancels_come_first():
    async def scene(time):
        limiter = Limiter(calls=100, window_s=60, reserve=5, timing=time.timing)
        limiter.observe(Rates(remaining=0, window=9.0, resets_in_s=7.0), is_refusal=True)
        order = []

        async def call(priority):
            await limiter.acquire(priority)
            order.append((priority, time.now_s))

        await asyncio.gather(call(Priority.READ), call(Priority.CANCEL))
        return order

    assert play(scene) == [(Priority.CANCEL, 7.0), (Priority.READ, 7.0)]


@pytest.mark.parametrize(
    ("rates", "pause_s"),
    [
        (Rates(), 1.0),
        (Rates(retry_after_s=4.0), 4.0),
        (Rates(resets_in_s=1e9, window=9e12), 120.0),
        (Rates(resets_in_s=0.0, window=5.0), 1.0),
    ],
)
def test_a_refusal_pauses_even_without_a_sane_hint(rates, pause_s):
    async def scene(time):
        limiter = Limiter(calls=100, window_s=60, timing=time.timing)
        limiter.observe(rates, is_refusal=True)
        await limiter.acquire(Priority.CANCEL)
        return time.now_s

    assert play(scene) == pytest.approx(pause_s)


def test_after_an_absurd_window_the_next_reading_counts_again():
    async def scene(time):
        limiter = Limiter(calls=100, window_s=60, reserve=0, timing=time.timing)
        limiter.observe(Rates(remaining=0, window=9e12, resets_in_s=9e11))
        await limiter.acquire(Priority.READ)
        limiter.observe(Rates(remaining=0, window=600.0, resets_in_s=30.0))
        await limiter.acquire(Priority.READ)
        return time.now_s

    assert play(scene) == pytest.approx(150)


def test_the_servers_limit_becomes_the_size_of_the_bucket():
    async def scene(time):
        limiter = Limiter(calls=200, window_s=60, reserve=0, timing=time.timing)
        limiter.observe(Rates(limit=6))
        await take(limiter, 7)
        return time.now_s

    assert play(scene) == pytest.approx(10)


def test_a_token_put_back_serves_the_next_at_once():
    async def scene(time):
        limiter = Limiter(calls=1, window_s=1000, reserve=0, timing=time.timing)
        await limiter.acquire(Priority.READ)
        limiter.put_back()
        await limiter.acquire(Priority.READ)
        return time.now_s

    assert play(scene) == 0


@pytest.mark.parametrize("numbers", [{"calls": 5, "reserve": 5}, {"reserve": -1}, {"window_s": 0}])
def test_numbers_that_make_no_limiter_are_refused(numbers):
    with pytest.raises(ConfigError, match="0 <= reserve < calls"):
        Limiter(**numbers)
