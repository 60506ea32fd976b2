"""A webhook on loopback that does what it is told, answer by answer."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Answers by `answer`, a function of the payload, and keeps what it was sent.

    An answer is a status, or a status, a content type and a body; `HANG` never comes.
    """

    HANG = -1

    def __init__(self, answer) -> None:
        self.answer = answer
        self.got: list[dict] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.let_go = threading.Event()
        self.arrived = threading.Event()

    @property
    def seqs(self) -> list[int]:
        return [payload["seq"] for payload in self.got]


@contextmanager
def receiving(answer=lambda payload: 200) -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["content-length"])))
            receiver.paths.append(self.path)
            receiver.keys.append(self.headers["idempotency-key"])
            receiver.headers.append({k.lower(): v for k, v in self.headers.items()})
            receiver.got.append(payload)
            receiver.arrived.set()
            told = receiver.answer(payload)
            if told == Receiver.HANG:
                receiver.let_go.wait()
                return
            status, kind, body = told if isinstance(told, tuple) else (told, "text/plain", b"ok")
            self.send_response(status)
            self.send_header("content-type", kind)
            if 300 <= status < 400:
                self.send_header("location", "/elsewhere")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        receiver.let_go.set()
        server.shutdown()
        thread.join()
        server.server_close()
