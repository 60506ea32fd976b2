import asyncio
import multiprocessing
import os
import threading

import pytest

from alphalens.errors import InputError
from alphalens.net import Ambiguous, LoopThread, NotSent
from tests.waiting import PATIENCE_S


@pytest.fixture
def loop():
    with LoopThread() as loop:
        yield loop


async def value(number=1):
    await asyncio.sleep(0)
    return number


async def for_ever(log):
    try:
        await asyncio.sleep(2 * PATIENCE_S)
    finally:
        log.append("cancelled")


def test_gives_the_result_and_the_error(loop):
    async def fails():
        raise KeyError("mine")

    assert loop.run(value(7), timeout_s=PATIENCE_S) == 7
    with pytest.raises(KeyError, match="mine"):
        loop.run(fails(), timeout_s=PATIENCE_S)


def test_an_error_of_time_of_the_coroutine_is_its_own(loop):
    async def fails():
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        loop.run(fails(), timeout_s=PATIENCE_S)


def test_works_inside_a_running_loop(loop):
    async def notebook_cell():
        return loop.run(value(3), timeout_s=PATIENCE_S)

    assert asyncio.run(notebook_cell()) == 3


def test_the_deadline_cancels_and_leaves_the_outcome_open(loop):
    log = []
    with pytest.raises(Ambiguous, match=r"within 0\.05 s"):
        loop.run(for_ever(log), timeout_s=0.05)
    loop.run(value(), timeout_s=PATIENCE_S)
    assert log == ["cancelled"]


def test_many_threads_share_it(loop):
    results = []
    threads = [
        threading.Thread(
            target=lambda n=n: results.append(loop.run(value(n), timeout_s=PATIENCE_S))
        )
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == list(range(20))


def test_close_cancels_what_runs_and_ends_the_thread():
    loop, log = LoopThread("closing"), []
    future = loop.start_task(for_ever(log))
    loop.run(value(), timeout_s=PATIENCE_S)
    loop.close()
    loop.close()
    assert log == ["cancelled"]
    assert future.cancelled()
    assert "closing" not in [thread.name for thread in threading.enumerate()]


def test_a_close_from_elsewhere_ends_a_waiting_call():
    loop = LoopThread()
    threading.Timer(0.05, loop.close).start()
    with pytest.raises(Ambiguous, match="closed while the call was on its way"):
        loop.run(for_ever([]), timeout_s=PATIENCE_S)


def test_after_close_nothing_is_sent():
    loop = LoopThread()
    loop.close()
    with pytest.raises(NotSent, match="closed"):
        loop.run(value(), timeout_s=PATIENCE_S)


def test_refuses_to_wait_for_itself(loop):
    async def asks_again():
        return loop.run(value(), timeout_s=PATIENCE_S)

    with pytest.raises(InputError, match="would wait for itself"):
        loop.run(asks_again(), timeout_s=PATIENCE_S)


def test_a_task_that_blocks_the_loop_is_reported(loop):
    over = threading.Event()

    async def blocks():
        over.wait(PATIENCE_S)

    loop.start_task(blocks())
    with pytest.raises(Ambiguous, match=r"blocked the loop for 0\.01 s"):
        loop.close(timeout_s=0.01)
    over.set()
    loop.close()


def _ask_in_child(loop, answers):
    try:
        loop.run(value(), timeout_s=PATIENCE_S)
    except NotSent as refusal:
        answers.send(str(refusal))
    loop.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_is_refused_and_its_parent_keeps_the_loop(loop):
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_ask_in_child, args=(loop, theirs))
    child.start()
    assert ours.poll(PATIENCE_S)
    assert "does not survive a fork" in ours.recv()
    child.join(PATIENCE_S)
    assert child.exitcode == 0
    assert loop.run(value(5), timeout_s=PATIENCE_S) == 5
