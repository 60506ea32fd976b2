"""A loopback vendor in a process of its own, and its control from outside."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from alphalens.testing.alpaca_server import RemoteControl as _Remote
from alphalens.testing.alpaca_server.plain_http import Answer, Request

from .control import Control

_START_S = 20.0


def answer_control(control: Control, request: Request) -> Answer:
    """Answer POST /_control/{method} with the result of that method of the control."""
    name = request.path.removeprefix("/_control/")
    method = None if name.startswith("_") else getattr(control, name, None)
    if not callable(method):
        return Answer(status=404, body={"message": f"no control {name!r}"})
    try:
        return Answer(body={"result": method(**json.loads(request.body or b"{}"))})
    except (TypeError, ValueError, KeyError) as error:
        return Answer(status=400, body={"message": f"{type(error).__name__}: {error}"})


class RemoteControl(_Remote):
    """Every method of a vendor's control, called in another process.

    Parameters
    ----------
    url
        Base of the vendor's REST API.
    kind
        The class of its control.

    Raises
    ------
    RuntimeError
        By a call that the vendor refuses, with its message.
    """

    def __init__(self, url: str, kind: type[Control]) -> None:
        super().__init__(url)
        self._kind = kind

    def __getattr__(self, method: str) -> Any:
        if method.startswith("_"):
            raise AttributeError(method)
        signature = inspect.signature(getattr(self._kind, method))

        def forward(*places: Any, **names: Any) -> Any:
            bound = signature.bind(self, *places, **names).arguments
            rest = bound.pop("fields", {})
            del bound["self"]
            return self.call(method, **bound, **rest)

        return forward


class VendorProcess:
    """A vendor as a process, for loads that must not share its interpreter.

    Parameters
    ----------
    module
        What to run, as ``alphalens.testing.polygon_server``.
    kind
        The class of its control.
    port_file
        Where it writes its addresses.
    *options
        Further options of the module.
    """

    def __init__(self, module: str, kind: type[Control], port_file: Path, *options: str) -> None:
        self._command = [sys.executable, "-m", module, "--port-file", str(port_file), *options]
        self._kind = kind
        self._port_file = port_file
        self._process: subprocess.Popen[bytes] | None = None
        self.addresses: dict[str, str] = {}

    @property
    def control(self) -> RemoteControl:
        """The control of the running process."""
        return RemoteControl(self.addresses["url"], self._kind)

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
                raise RuntimeError(f"the vendor did not start: exit code {self._process.poll()}")
            time.sleep(0.02)
        self.addresses = json.loads(self._port_file.read_text())
        return self

    def kill(self) -> None:
        """Kill the process as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def stop(self) -> int:
        """Ask the process to end and return its exit code."""
        if self._process is None:
            raise RuntimeError("the vendor is not running: start it first")
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
