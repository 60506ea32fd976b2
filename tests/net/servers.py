"""Loopback servers that do what they are told, and clocks that move only by sleeping."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

from alphalens.net import Timing

Act = Callable[[asyncio.StreamWriter], Awaitable[None]]


def answer(status=200, body=b"{}", **headers):
    """Return an act that answers and keeps the connection."""
    lines = {
        "Content-Length": str(len(body)),
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())

    async def act(writer):
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()

    return act


def raw(content):
    """Return an act that sends these bytes and closes."""

    async def act(writer):
        writer.write(content)
        await writer.drain()
        writer.close()

    return act


async def hang(_):
    await asyncio.Event().wait()


class Server:
    """Answers its n-th request by the n-th act; the last act repeats."""

    def __init__(self, acts):
        self.acts = list(acts)
        self.received: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0

    @property
    def calls(self):
        return [f"{method} {target}" for method, target, _, _ in self.received]

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while await self._one(reader):
                await self.acts[min(len(self.received), len(self.acts)) - 1](writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode().strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, target, _ = first.split(" ")
        self.received.append((method, target, headers, body))
        return True


@asynccontextmanager
async def serving(*acts):
    """Give a server and its address; end every connection at the end."""
    server, tasks = Server(acts), set()

    async def handle(reader, writer):
        tasks.add(asyncio.current_task())
        await server.serve(reader, writer)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class FakeTime:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self):
        self.now_s = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += max(seconds, 0.0)
        await asyncio.sleep(0)

    @property
    def timing(self):
        return Timing(
            monotonic=lambda: self.now_s, wall=lambda: 1_700_000_000 + self.now_s, sleep=self.sleep
        )
