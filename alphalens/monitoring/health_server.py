"""Health over HTTP: ``/healthz`` for whoever restarts things, ``/metrics`` for Prometheus.

Read-only, without keys, and for this machine unless another address is asked for by name.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
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
_MOST_PORT = 65_535


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


class HealthServer:
    """Answers questions about health, for the length of a ``with`` block.

    ``/healthz`` is 200 while no check is critical and none unknown, and 503 otherwise, with all
    checks as JSON. ``/metrics`` is the text format of Prometheus; while the checks cannot be
    made it is 503 too.

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
        return status, _JSON, self._redact(json.dumps(document(health.report), indent=2))

    def _health(self) -> Health:
        with self._gate:
            now = self._monotonic()
            if self._last is None or now - self._last[0] >= self._fresh_s:
                self._last = now, self._probe()
            return self._last[1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], health: HealthServer) -> None:
        self.health = health
        super().__init__(address, _Handler)


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
