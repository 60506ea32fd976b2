"""The control of a venue in another process: over loopback HTTP, by the same method names."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .control import Control
from .plain_http import Answer, Request
from .refusals import Refused

_START_S = 20.0


def answer_control(control: Control, request: Request) -> Answer:
    """Answer POST /_control/{method} with the result of that method of `Control`."""
    name = request.path.removeprefix("/_control/")
    method = None if name.startswith("_") else getattr(control, name, None)
    if not callable(method):
        return Answer(status=404, body={"message": f"no control {name!r}"})
    try:
        return Answer(body={"result": method(**json.loads(request.body or b"{}"))})
    except Refused as refused:
        return Answer(status=refused.status, body=refused.body)
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        return Answer(status=400, body={"message": f"{type(error).__name__}: {error}"})


class RemoteControl:
    """Every method of `Control`, called in another process.

    ``RemoteControl(url).set_quote("AAPL", "100", "100.02")`` posts to ``url/_control/set_quote``.

    Raises
    ------
    RuntimeError
        By a call that the venue refuses, with its message.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, method: str, /, **values: Any) -> Any:
        """Call one method of `Control` and return its result."""
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

        signature = inspect.signature(getattr(Control, method))

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


class VenueProcess:
    """The venue as a process of its own, for tests that kill processes.

    Parameters
    ----------
    file
        The venue's SQLite file.
    *options
        Further options of ``python -m alphalens.testing.alpaca_server``.
    """

    def __init__(self, file: str | Path, *options: str) -> None:
        self._file = Path(file)
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        ports = self._file.with_suffix(".ports.json")
        ports.unlink(missing_ok=True)
        module = __name__.rpartition(".")[0]
        command = [
            sys.executable,
            "-m",
            module,
            "--file",
            str(self._file),
            "--port-file",
            str(ports),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, *self._options], stdin=subprocess.DEVNULL, close_fds=True
        )
        deadline = time.monotonic() + _START_S
        while not ports.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the venue did not start: exit code {self._process.poll()}")
            time.sleep(0.02)
        self.addresses = json.loads(ports.read_text())
        return self

    @property
    def control(self) -> RemoteControl:
        """The control of the running process."""
        return RemoteControl(self.addresses["rest_url"])

    def kill(self) -> None:
        """Kill the process as a power cut would; the file stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def stop(self) -> int:
        """Ask the process to end and return its exit code."""
        if self._process is None:
            raise RuntimeError("the venue is not running: start it first")
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
