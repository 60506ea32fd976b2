"""Health over HTTP: ``/healthz`` for whoever restarts things, ``/metrics`` for Prometheus.

Read-only, without keys, and for this machine unless another address is asked for by name.
"""

from __future__ import annotations

import json
import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from alphalens.errors import AlphaLensError, ConfigError
from alphalens.monitoring.health_check import HealthReport, Status
from alphalens.monitoring.prometheus import CONTENT_TYPE, Metric, exposition, health_metrics
from alphalens.net import Redactor

__all__ = ["Health", "HealthServer", "document"]

_FRESH_S = 5.0
_SOCKET_S = 10.0
_JSON = "application/json"
_Asked = socket.socket | tuple[bytes, socket.socket]  # as the base class has it
_LEAVE_S = 2.0
_MOST_PORT = 65_535
_MOST_OPEN = 16  # connections at once; the oldest one gives way
_MOST_LET_GO = 16  # of which the threads still wait for a probe; then nobody gives way


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is told when somebody asks: the checks, and the figures besides."""

    report: HealthReport
    metrics: tuple[Metric, ...] = ()


def document(report: HealthReport) -> dict[str, object]:
    """Return a report as JSON has it."""
    return {
        "status": report.status,
        "at": report.at.isoformat(),
        "checks": [asdict(check) for check in report.checks],
    }


def _figures(metrics: Iterable[Metric]) -> dict[str, object]:
    """Return by name what each metric has for each set of labels; null where there is nothing."""
    return {
        metric.name: [
            {**labels, "value": value if math.isfinite(value) else None}
            for labels, value in metric.samples
        ]
        for metric in metrics
    }


class HealthServer:
    """Answers questions about health, for the length of a ``with`` block.

    ``/healthz`` is 200 while no check is critical and none unknown, and 503 otherwise, with all
    checks and figures as JSON. ``/metrics`` is the text format of Prometheus; while the checks
    cannot be made it is 503 too. Who connects and says nothing, or does not read, is let go at
    the end of the block, or before when there are many.

    Parameters
    ----------
    probe : callable
        Makes the checks. It is called by one thread at a time, at most every `fresh_s` seconds:
        who asks in between gets what was found last.
    host : str
        Address to listen at; whoever reaches it may read.
    port : int
        0 takes a free one.
    fresh_s : float
        For how long an answer is good.
    monotonic : callable
        Seconds of a clock that never jumps.
    secrets : iterable of str
        What no answer may hold.

    Raises
    ------
    ConfigError
        If nothing can listen there.
    """

    def __init__(
        self,
        probe: Callable[[], Health],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        fresh_s: float = _FRESH_S,
        monotonic: Callable[[], float] = time.monotonic,
        secrets: Iterable[str] = (),
    ) -> None:
        if not 0 <= port <= _MOST_PORT:
            raise ConfigError(f"port {port}: give one from 0 to {_MOST_PORT}; 0 takes a free one")
        self._probe, self._fresh_s, self._monotonic = probe, fresh_s, monotonic
        self._redact = Redactor.of(secrets)
        self._gate = threading.Lock()
        self._last: tuple[float, Health] | None = None
        try:
            self._server = _Server((host, port), self)
        except (OSError, OverflowError, UnicodeError) as error:
            raise ConfigError(
                f"health cannot be told at {host}:{port} ({error}): give another address or port"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="alphalens-health", daemon=True
        )

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.let_go()
        if self._gate.acquire(timeout=_LEAVE_S):  # a probe may be looking at what closes next
            self._gate.release()

    def answer(self, path: str) -> tuple[HTTPStatus, str, str]:
        """Return status, content type and text of the answer to a path."""
        if path not in ("/healthz", "/metrics"):
            return HTTPStatus.NOT_FOUND, _JSON, json.dumps({"paths": ["/healthz", "/metrics"]})
        try:
            health = self._health()
        except AlphaLensError as error:
            told = {"status": Status.UNKNOWN, "error": type(error).__name__, "message": str(error)}
            return HTTPStatus.SERVICE_UNAVAILABLE, _JSON, self._redact(json.dumps(told))
        if path == "/metrics":
            text = exposition((*health_metrics(health.report), *health.metrics))
            return HTTPStatus.OK, CONTENT_TYPE, self._redact(text)
        is_well = health.report.status in (Status.OK, Status.WARNING)
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        whole = {**document(health.report), "figures": _figures(health.metrics)}
        return status, _JSON, self._redact(json.dumps(whole, indent=2))

    def _health(self) -> Health:
        with self._gate:
            now = self._monotonic()
            if self._last is None or now - self._last[0] >= self._fresh_s:
                self._last = now, self._probe()
            return self._last[1]


def _line(request: _Asked) -> socket.socket:
    return request[1] if isinstance(request, tuple) else request


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        line.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], health: HealthServer) -> None:
        self.health = health
        self._lock = threading.Lock()
        self._open: dict[socket.socket, None] = {}  # the oldest first
        self._let_go: set[socket.socket] = set()  # hung up, and their threads have not noticed
        super().__init__(address, _Handler)

    def process_request(self, request: _Asked, client_address: object) -> None:
        """Answer in a thread of its own; of too many, the one that waits longest is let go."""
        if self._has_room(_line(request)):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def _has_room(self, line: socket.socket) -> bool:
        with self._lock:
            if len(self._open) >= _MOST_OPEN:
                if len(self._let_go) >= _MOST_LET_GO:
                    return False
                oldest = next(iter(self._open))
                del self._open[oldest]
                self._let_go.add(oldest)
                _hang_up(oldest)
            self._open[line] = None
            return True

    def close_request(self, request: _Asked) -> None:
        """Forget a connection that is over."""
        with self._lock:
            self._open.pop(_line(request), None)
            self._let_go.discard(_line(request))
        super().close_request(request)

    def handle_error(self, request: _Asked, client_address: object) -> None:
        """Say nothing of who went away, or was let go; a defect shows its traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def let_go(self) -> None:
        """End every connection that is still open."""
        with self._lock:
            for line in self._open:
                _hang_up(line)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version, sys_version = "alphalens", ""
    timeout = _SOCKET_S  # for whoever connects and says nothing

    def do_GET(self) -> None:
        """Answer with the whole text."""
        self.wfile.write(self._head())

    def do_HEAD(self) -> None:
        """Answer with the status alone."""
        self._head()

    def log_message(self, *_: object) -> None:
        """Say nothing: who asks every few seconds is no news."""

    def _head(self) -> bytes:
        status, kind, text = self.server.health.answer(self.path.partition("?")[0])
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        return body
