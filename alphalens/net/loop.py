"""One owned event loop in a thread, so that synchronous code can ask asynchronous parts."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future, wait
from types import TracebackType
from typing import Any, Self, TypeVar

from alphalens.errors import InputError
from alphalens.net.failures import Interrupted, NotSent

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """An event loop of its own, in a daemon thread, behind synchronous calls.

    It works also where another loop is running already, as in a notebook, for it is another
    thread. Close it when done, or use it as a context manager.

    Parameters
    ----------
    name : str
        The thread's name.

    Examples
    --------
    >>> async def answer() -> int:
    ...     return 42
    >>> with LoopThread() as loop:
    ...     loop.run(answer(), timeout_s=1.0)
    42
    """

    def __init__(self, name: str = "alphalens-net") -> None:
        self._process = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._gate = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], *, timeout_s: float) -> T:
        """Run a coroutine in the loop and return its result.

        Parameters
        ----------
        coroutine : Coroutine
            What to run.
        timeout_s : float
            Seconds after which it is cancelled.

        Raises
        ------
        Interrupted
            If the deadline passed or the loop was closed meanwhile: what the coroutine was doing
            may have been done.
        NotSent
            If the loop is closed, or belongs to the process from which this one was forked.
        InputError
            If called in the loop's own thread, which would wait for itself.
        """
        future = self.start_task(coroutine)
        try:
            done, _ = wait([future], timeout_s)
            if not done and future.cancel():
                raise Interrupted(
                    f"no result within {timeout_s} s; the call was cancelled, what it was doing "
                    "may have been done: look it up"
                )
            return future.result()
        except CancelledError:
            raise Interrupted(
                "the loop was closed while the call was on its way; what it was doing may have "
                "been done: look it up"
            ) from None
        finally:
            future.cancel()

    def start_task(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine in the loop and return at once.

        Returns
        -------
        Future
            Holds the result or the error, which nobody else reports; cancelling it cancels the
            coroutine.

        Raises
        ------
        NotSent, InputError
            As for `run`.
        """
        try:
            self._check_place()  # before the lock, which a fork may have left taken for ever
            with self._gate:
                if self._is_closed:
                    raise NotSent("the loop thread is closed; build a new one")
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except (NotSent, InputError):
            coroutine.close()
            raise

    def close(self, *, timeout_s: float = 5.0) -> None:
        """Cancel what runs, wait for it, and end the thread; a second call does nothing.

        Raises
        ------
        Interrupted
            If a task blocks the loop for longer than `timeout_s`.
        """
        if self._process != os.getpid():
            return
        with self._gate:
            if not self._is_closed:
                self._is_closed = True
                self._loop.call_soon_threadsafe(self._loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                raise Interrupted(f"a task has blocked the loop for {timeout_s} s after the close")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _check_place(self) -> None:
        if self._process != os.getpid():
            raise NotSent("a loop thread does not survive a fork; build a new one in the child")
        if threading.current_thread() is self._thread:
            raise InputError("run() in the loop's own thread would wait for itself; use await")

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_cancel_all(self._loop))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


async def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop) - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
