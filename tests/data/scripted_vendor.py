"""A vendor on loopback that answers as it was told, and the requests that it got."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from alphalens.data.asks import RestOptions
from alphalens.net import RetryPolicy

QUICK = RestOptions(
    calls_per_minute=10_000,
    timeout_s=60.0,
    read_timeout_s=60.0,
    connect_timeout_s=60.0,
    retry=RetryPolicy(attempts=3, base_s=0.001, cap_s=0.002),
    breaker_failures=50,
)


@dataclass(frozen=True)
class Say:
    """One answer; a body that is no text is written as JSON."""

    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()


@dataclass
class Got:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class ScriptedVendor:
    """Gives its answers in turn; the last one is repeated."""

    def __init__(self, answers: list[Say]) -> None:
        self.answers, self.got, self.url = answers, [], ""
        self.lock = threading.Lock()

    def answer_to(self, handler: BaseHTTPRequestHandler) -> Say:
        parts = urlsplit(handler.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.lock:
            self.got.append(Got(parts.path, query, headers))
            return self.answers[min(len(self.got), len(self.answers)) - 1]


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that hangs up; a test sees its own end of the line."""


@contextmanager
def scripted(*answers: object) -> Iterator[ScriptedVendor]:
    """Serve answers; what is no `Say` is the body of a good one."""
    vendor = ScriptedVendor([a if isinstance(a, Say) else Say(a) for a in answers])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together

        def do_GET(self) -> None:
            said = vendor.answer_to(self)
            self.send_response(said.status)
            for name, value in {
                "Content-Length": str(len(said.content)),
                **said.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.content)

        def log_message(self, *_: object) -> None:
            return None

    server = Quiet(("127.0.0.1", 0), Handler)
    vendor.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
