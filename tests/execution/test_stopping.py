"""A signal stops the intake once, and the process ends in time whatever it waits for."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from alphalens.errors import ConfigError, InputError
from alphalens.execution.stopping import GracefulStop
from tests.waiting import PATIENCE_S


def handlers():
    return [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_asks_to_stop_and_the_block_goes_on_to_its_end(number):
    before, left, asked = handlers(), [], []
    with GracefulStop(lambda: asked.append(1), leave=left.append) as stop:
        assert stop.signal is None
        signal.raise_signal(number)
        asked.append("after")
    assert (asked, left, stop.signal) == ([1, "after"], [], number)
    assert handlers() == before


def test_without_a_signal_nothing_is_asked():
    before, left, asked = handlers(), [], []
    with GracefulStop(lambda: asked.append(1), leave=left.append):
        pass
    assert (asked, left, handlers()) == ([], [], before)


def test_block_that_does_not_end_in_time_ends_the_process():
    over = threading.Event()
    left = []

    def leave(status):
        left.append(status)
        over.set()

    with GracefulStop(lambda: None, within_s=0.05, leave=leave):
        signal.raise_signal(signal.SIGTERM)
        assert over.wait(PATIENCE_S)
    assert left == [128 + signal.SIGTERM]


def test_second_signal_ends_the_process_at_once():
    left, asked = [], []
    with GracefulStop(lambda: asked.append(1), leave=left.append):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert (asked, left) == ([1], [128 + signal.SIGINT])


def test_handlers_are_given_back_after_an_error():
    before = handlers()
    with pytest.raises(KeyError), GracefulStop(lambda: None):
        raise KeyError("x")
    assert handlers() == before


def test_other_thread_and_no_time_are_refused():
    with ThreadPoolExecutor(1) as pool, pytest.raises(InputError, match="main thread"):
        pool.submit(GracefulStop(lambda: None).__enter__).result()
    with pytest.raises(ConfigError, match="within_s is 0"):
        GracefulStop(lambda: None, within_s=0)
