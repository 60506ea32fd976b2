"""A loopback server as a process of its own: how it serves, is started, called and ended."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from .plain_http import Answer, Request
from .vendor import Refused

_START_S = 20.0


def answer_control(control: object, request: Request) -> Answer:
    """Answer POST /_control/{method} with the result of that method of the control."""
    name = request.path.removeprefix("/_control/")
    method = None if name.startswith("_") else getattr(control, name, None)
    if not callable(method):
        return Answer(status=404, body={"message": f"no control {name!r}"})
    try:
        return Answer(body={"result": method(**json.loads(request.body or b"{}"))})
    except Refused as refused:
        return refused.answer
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        return Answer(status=400, body={"message": f"{type(error).__name__}: {error}"})


class RemoteCalls:
    """Every method of a control, called in another process.

    Parameters
    ----------
    url
        Base of the server's REST API.
    kind
        The class of the control.

    Raises
    ------
    RuntimeError
        By a call that the server refuses, with its message.
    """

    def __init__(self, url: str, kind: type[object]) -> None:
        self._url = url
        self._kind = kind

    def call(self, method: str, /, **values: Any) -> Any:
        """Call one method of the control and return its result."""
        body = json.dumps(values, default=_plain).encode()
        address = f"{self._url}/_control/{method}"
        request = urllib.request.Request(address, body, method="POST")  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            with error:
                message = json.load(error)["message"]
            raise RuntimeError(f"control {method} failed: {message}") from None

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)
        signature = inspect.signature(getattr(self._kind, method))

        def forward(*places: Any, **names: Any) -> Any:
            bound = signature.bind(self, *places, **names).arguments
            gathered = [p.name for p in signature.parameters.values() if p.kind == p.VAR_KEYWORD]
            rest = bound.pop(gathered[0], {}) if gathered else {}
            del bound["self"]
            return self.call(method, **bound, **rest)

        return forward


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} does not go over the wire")


class ServerProcess:
    """A server as a process, for tests that kill it and loads that must not share ours.

    Parameters
    ----------
    module
        What to run, as ``alphalens.testing.polygon_server``.
    port_file
        Where it writes its addresses.
    *options
        Further options of the module.
    """

    def __init__(self, module: str, port_file: Path, *options: str) -> None:
        self._command = [sys.executable, "-m", module, "--port-file", str(port_file), *options]
        self._port_file = port_file
        self._process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    def start(self) -> Self:
        """Start the process and wait until it listens.

        Raises
        ------
        RuntimeError
            If it ends, or does not listen in time.
        """
        self._port_file.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            self._command, stdin=subprocess.DEVNULL, close_fds=True
        )
        deadline = time.monotonic() + _START_S
        while not self._port_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: exit code {self._process.poll()}")
            time.sleep(0.02)
        self.addresses = json.loads(self._port_file.read_text())
        return self

    def kill(self) -> None:
        """Kill the process as a power cut would; its files stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def stop(self) -> int:
        """Ask the process to end and return its exit code."""
        if self._process is None:
            raise RuntimeError("the server is not running: start it first")
        self._process.terminate()
        code = self._process.wait(10)
        self._process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


class Served(Protocol):
    """A server with addresses."""

    @property
    def addresses(self) -> Mapping[str, str]:
        """Every address, by name."""

    def start(self) -> None:
        """Open the ports."""

    def stop(self) -> None:
        """Close the ports and the connections."""


def serve_until_asked(server: Served, port_file: Path | None) -> None:
    """Serve until SIGTERM or SIGINT, and tell the addresses in a file."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    server.start()
    try:
        if port_file is not None:
            # Whoever waits for the file must not read half of it.
            draft = port_file.with_suffix(".draft")
            draft.write_text(json.dumps(server.addresses), encoding="utf-8")
            draft.replace(port_file)
        stopped.wait()
    finally:
        server.stop()
