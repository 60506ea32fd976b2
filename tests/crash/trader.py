"""The trader as a process of its own, which dies where it is told to.

``python -m tests.crash.trader SOCKET`` imports everything once and forks a trader for each
connection; a trader is told what to do line by line, in JSON.
"""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import anyio._backends._asyncio  # noqa: F401 - imported late by anyio, as the next two
import httpx
import psycopg  # noqa: F401
import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401
import websockets.asyncio.client  # noqa: F401 - imported late by websockets itself

from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.execution import Journal, TradingSession
from alphalens.execution.market import Permission
from alphalens.risk import enabled_classes
from alphalens.storage import open_engine
from tests.crash.day import DAY, SYMBOLS
from tests.crash.desk import CONTRACT, EARLY, GRACE, LIMITS, Desk, HandedClock, assets
from tests.crash.points import CrashPoints, Point, point_from, row_of

__all__ = ["main"]


class Trader:
    """One process: opens the journal, starts the session, and does the steps it is told."""

    def __init__(self, line: socket.socket, orders: TextIO, task: Mapping[str, Any]) -> None:
        self._line, self._orders, self._task = line, orders, task
        kill_at = task["kill_at"]
        self._points = CrashPoints(self._die, None if kill_at is None else point_from(kill_at))
        self._clock = HandedClock(datetime.fromisoformat(task["now"]))

    def live(self) -> None:
        """Trade until the driver has nothing more to say."""
        self._points.install()
        desk = self._open()
        _say(self._line, ready=True)
        for line in self._orders:
            order = json.loads(line)
            self._clock.instant = datetime.fromisoformat(order["now"])
            self._points.begin(order["step"])
            step = DAY[order["step"]]
            step.trader(desk)
            desk.until(lambda: step.until(desk))  # noqa: B023 - used before the next round
            _say(self._line, done=step.key)
        self._broker.close()

    def _open(self) -> Desk:
        task = self._task
        self._broker = AlpacaBroker(
            "PKTEST",
            "secret",
            base_url=task["rest_url"],
            stream_url=task["stream_url"],
            is_live=False,
            rng=random.Random(7),
            options=AlpacaOptions(
                timeout_s=30.0, order_timeout_s=0.8, mute_after_s=60.0, calls_per_minute=1_000_000
            ),
        ).open()
        assert self._broker.wait_until_up(10.0), self._broker.connection()
        engine = open_engine(task["database"])
        session = TradingSession(
            journal=Journal(engine, clock=self._clock, run_id="crash"),
            broker=self._broker,
            limits=LIMITS,
            clock=self._clock,
            assets=assets(SYMBOLS),
            permission=Permission(classes=enabled_classes(options=True, crypto=True)),
            grace=GRACE,
        )
        self._points.session = session
        session.start()
        return Desk(session, self._clock, SYMBOLS)

    def points(self) -> list[dict[str, object]]:
        return [row_of(point) for point in self._points.passed]

    def _die(self, point: Point) -> None:
        _say(self._line, dying=row_of(point))


def _say(line: socket.socket, **facts: object) -> None:
    """Tell the driver, in one piece: another thread may be telling it something too."""
    line.sendall(f"{json.dumps(facts)}\n".encode())


def _warm(folder: Path) -> None:
    """Import and compile in the parent what each child would have to."""
    httpx.AsyncHTTPTransport(trust_env=False)
    open_engine(folder / "warm.sqlite").dispose()
    assert not assets((CONTRACT,))[CONTRACT].is_expired(EARLY)  # loads the calendar


def main(address: str) -> None:
    """Fork a trader for each connection, until standard input ends."""
    signal.signal(signal.SIGCHLD, _bury)
    _warm(Path(address).parent)
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen(16)
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _trade(connection)
            connection.close()


def _bury(*_: object) -> None:
    """Take note of every trader that has ended, so that its process is gone."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _trade(connection: socket.socket) -> None:
    """Live one life in this process, and end it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.disable()  # what a life of seconds leaves behind goes with it
    orders = connection.makefile("r", encoding="utf-8")
    try:
        task = json.loads(orders.readline())
        _say(connection, pid=os.getpid())
        trader = Trader(connection, orders, task)
        trader.live()
        if task["log"]:
            Path(task["log"]).write_text(json.dumps(trader.points()), encoding="utf-8")
    except BaseException:  # noqa: BLE001 - told to the driver, which fails by it
        _say(connection, error=traceback.format_exc())
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
