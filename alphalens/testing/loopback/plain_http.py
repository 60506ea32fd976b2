"""As much of HTTP/1.1 as a JSON API needs, over asyncio streams, with room for misbehaviour."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_MAX_BODY = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    raw_query: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, numbers as they were written; {} for an empty one."""
        return json.loads(self.body, parse_float=str) if self.body else {}


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer; `body` is JSON unless `raw` is given."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    content_type: str = "application/json; charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the bytes for the socket."""
        payload = self.raw
        if payload is None:
            payload = b"" if self.body is None else json.dumps(self.body).encode()
        reason = HTTPStatus(self.status).phrase
        lines = [f"HTTP/1.1 {self.status} {reason}", f"Content-Length: {len(payload)}"]
        lines += [f"Content-Type: {self.content_type}"] if payload else []
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + payload


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read the next request of a connection; None when the client is gone."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = min(int(headers.get("content-length", "0")), _MAX_BODY)
    try:
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    parts = urlsplit(target)
    return Request(
        method=method,
        path=unquote(parts.path),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        raw_query=parts.query,
        headers=headers,
        body=body,
    )


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that the other side sees a reset and not an orderly end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send bytes and wait until they are on their way."""
    writer.write(data)
    await writer.drain()


class Connections(ABC):
    """The connections of a server: each request in turn, until the client or the server ends."""

    def __init__(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()
        self._closing = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until it ends."""
        self._writers.add(writer)
        try:
            while (request := await read_request(reader)) is not None:
                if not await self._exchange(request, writer):
                    break
        except ConnectionError:
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    @abstractmethod
    async def _exchange(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection lives on."""

    async def close(self) -> None:
        """End every wait and cut every connection; the handlers are done when this returns."""
        self._closing.set()
        self.drop()
        while self._writers:
            await asyncio.sleep(0)

    def drop(self) -> None:
        """Cut every connection."""
        for writer in list(self._writers):
            reset(writer)

    async def _pause(self, seconds: float | None) -> None:
        """Wait so long, or for ever, but no longer than the server lives."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
