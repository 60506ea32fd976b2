"""One day from the opening to the close, with or without a death on the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from alphalens.execution import Command, CommandKind, write_command
from alphalens.storage import open_engine
from alphalens.testing.alpaca_server import AlpacaServer
from tests.crash.day import DAY
from tests.crash.desk import ACCOUNT, EARLY
from tests.crash.points import Point, row_of

__all__ = ["Broken", "forking", "live_through"]

_START_S, _STEP_S = 120.0, 60.0
_CALLS = 1_000_000  # a minute: the day is not slowed down by a limit that it never means to meet

#: Faults that keep the venue from acting. They pass with the process that they met: an order
#: is tried twice, and a death between two tries is one of them already.
_PASSING = frozenset(
    {"refuse", "hang_before", "status", "rate_limit", "server_error", "bad_gateway"}
)


class Broken(Exception):
    """A trader did not get on: it raised, or ended where nobody killed it."""


@contextmanager
def forking(folder: Path) -> Iterator[Path]:
    """Give the address at which traders can be had."""
    address = folder / "traders"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.trader", str(address)],
        stdin=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        end = time.monotonic() + _START_S
        while not address.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise Broken("no traders to be had")
            time.sleep(0.02)
        yield address
    finally:
        process.kill()
        process.wait(10)


class Life:
    """One trader process, at the other end of a line."""

    def __init__(self, address: Path, task: dict[str, Any]) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_STEP_S)
        self._socket.connect(str(address))
        self._lines: TextIO = self._socket.makefile("r", encoding="utf-8")
        self._write(task)
        told = json.loads(self._read() or "{}")
        if "pid" not in told:
            raise ConnectionError(f"no trader came up: {told}")
        self.pid = told["pid"]
        self.died_at: dict[str, object] | None = None

    def is_ready(self) -> bool:
        """Wait until it has started; False if it died."""
        return self._hears("ready")

    def does(self, step: str, now: str) -> bool:
        """Have it do a step; False if it died."""
        with suppress(BrokenPipeError, ConnectionResetError):  # it says why it is gone
            self._write({"step": step, "now": now})
        return self._hears("done")

    def end(self) -> None:
        """Let it end by itself, and wait for that."""
        with suppress(OSError):  # it is gone already, and says why
            self._socket.shutdown(socket.SHUT_WR)
        assert not self._hears("nothing more")
        self._close()

    def _write(self, message: dict[str, Any]) -> None:
        self._socket.sendall(f"{json.dumps(message)}\n".encode())

    def _read(self) -> str:
        try:
            return self._lines.readline()
        except ConnectionResetError:  # it died before it had read all that it was told
            return ""
        except TimeoutError as error:
            raise Broken(f"the trader said nothing for {_STEP_S:.0f} s") from error

    def _hears(self, word: str) -> bool:
        while line := self._read():
            told = json.loads(line)
            if "error" in told:
                self._close()
                raise Broken(told["error"])
            if "dying" in told:
                self.died_at = told["dying"]
            elif word in told:
                return True
        self._close()
        return False

    def _close(self) -> None:
        """Wait until the process is gone: only then its locks are free."""
        self._socket.close()
        end = time.monotonic() + _START_S
        while _is_alive(self.pid):
            if time.monotonic() > end:
                raise Broken(f"the trader {self.pid} does not end")
            time.sleep(0.002)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def live_through(
    folder: Path, database: str, address: Path, *, kill_at: Point | None = None, log: str = ""
) -> bool:
    """Live through the day; return whether the trader died where it should.

    Raises
    ------
    Broken
        If a trader ended in another way than by the kill or at the end of the day.
    OSError
        If the line to a trader, or the venue, could not be had: the day says nothing then.
    """
    server = AlpacaServer(
        folder / "venue.sqlite", now=EARLY, seed=1, rate_limit=_CALLS, account_number=ACCOUNT
    )
    with server:
        task = {
            "database": database,
            "rest_url": server.rest_url,
            "stream_url": server.stream_url,
            "log": log,
        }
        return _Day(server, address, task, kill_at).run()


class _Day:
    def __init__(
        self, server: AlpacaServer, address: Path, task: dict[str, Any], kill_at: Point | None
    ) -> None:
        self._venue, self._address, self._task = server.control, address, task
        self._kill_at, self._has_died = kill_at, False

    def run(self) -> bool:
        life = self._born()
        for step in DAY.values():
            step.venue(self._venue)
            if step.command is not None:
                self._command(*step.command())
            while not life.does(step.key, self._venue.now()):
                life = self._again(life)
        life.end()
        return self._has_died

    def _command(self, kind: str, client_order_id: str) -> None:
        """Write a person's decision into the control table, as the command line does."""
        engine = open_engine(self._task["database"])
        command = Command(
            kind=CommandKind(kind), by="ann", reason="seen", client_order_id=client_order_id
        )
        try:
            write_command(engine, command, at=datetime.fromisoformat(str(self._venue.now())))
        finally:
            engine.dispose()

    def _born(self) -> Life:
        kill_at = None if self._has_died or self._kill_at is None else row_of(self._kill_at)
        task = {**self._task, "kill_at": kill_at, "now": self._venue.now()}
        life = Life(self._address, task)
        return life if life.is_ready() else self._again(life)

    def _again(self, life: Life) -> Life:
        if self._has_died or life.died_at is None:
            raise Broken("the trader ended and nobody had killed it")
        self._has_died = True
        self._let_faults_pass()
        return self._born()

    def _let_faults_pass(self) -> None:
        armed = self._venue.armed()
        self._venue.disarm()
        for fault in armed:
            kind, event = fault.pop("kind"), fault.pop("event")
            if kind not in _PASSING and event == "*":
                self._venue.arm(kind, **fault)
