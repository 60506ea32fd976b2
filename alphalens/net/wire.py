"""One attempt over httpx, and what its failure means for the request."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from alphalens.errors import ConfigError, InputError
from alphalens.net.capture import Redactor
from alphalens.net.endpoint import checked_headers
from alphalens.net.failures import Ambiguous, AnswerTooLarge, NetError, NotSent
from alphalens.net.message import Priority, Request, Response

__all__ = ["Progress", "Timeouts", "Wire"]

_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_IDLE_CONNECTION_S = 5.0  # short: a server that closes an idle one while we send leaves doubt
_ORDERS, _ORDERS_KEPT = 8, 4
_PLAIN = ("", "identity")
_PACKED = ("gzip", "x-gzip", "deflate")  # one of them: of several a bomb could be made
_EITHER_KIND = zlib.MAX_WBITS | 32  # the head of gzip or of zlib


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that each step of a call may take, and the whole.

    Attributes
    ----------
    connect_s, read_s, write_s : float
        To connect (TLS included), between two pieces of the answer, between two of the request.
    pool_s : float
        To wait for a free connection.
    total_s : float
        For the whole call with its waits and retries; `Request.deadline_s` takes its place.

    Raises
    ------
    ConfigError
        If one is not positive.
    """

    connect_s: float = 3.0
    read_s: float = 10.0
    write_s: float = 5.0
    pool_s: float = 3.0
    total_s: float = 15.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be above 0 seconds")


class Progress:
    """Whether any byte of a request may have left; once true, it stays true."""

    __slots__ = ("may_have_left",)

    def __init__(self) -> None:
        self.may_have_left = False

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        """Follow the events of the connection; all but the making of one count as sending."""
        if not event.startswith("connection."):
            self.may_have_left = True


class Wire:
    """The connections to one server.

    Calls that read have connections of their own, so that a long page of history never keeps
    an order or a cancel waiting for one.

    Parameters
    ----------
    base_url : str
        Checked already, without a slash at the end.
    headers : Mapping of str to str
        Of every request, secrets included.
    timeouts : Timeouts
        Bounds of each step.
    max_body_bytes : int
        Longest answer that is read.
    redact : Redactor
        Applied to every text of an error.
    connections : int
        Calls that read at once. All of their connections are kept: the pool drops what comes
        back to it as soon as more are open, busy ones counted, than it may keep idle.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        max_body_bytes: int,
        redact: Redactor,
        connections: int,
    ) -> None:
        self.base_url = base_url
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
            "user-agent": "alpha-lens",
            **headers,
        }
        self._timeout = httpx.Timeout(
            connect=timeouts.connect_s,
            read=timeouts.read_s,
            write=timeouts.write_s,
            pool=timeouts.pool_s,
        ).as_dict()
        self._max_body_bytes, self._redact = max_body_bytes, redact
        self._reads = _open_pool(connections, kept=connections)
        self._orders = _open_pool(_ORDERS, kept=_ORDERS_KEPT)

    async def exchange(
        self, request: Request, left_s: float, progress: Progress, clock: Callable[[], float]
    ) -> Response:
        """Send once and read the whole answer.

        Raises
        ------
        NotSent, Ambiguous, AnswerTooLarge
            By what is known of the request when it failed.
        """
        outgoing = self._build(request, progress)
        pool = self._reads if request.priority is Priority.READ else self._orders
        try:
            async with asyncio.timeout(left_s):
                return await self._read(pool, outgoing, clock)
        except TimeoutError:
            raise self._judge(request, progress, f"the deadline passed, {left_s:.1f} s") from None
        except _BEFORE_SENDING as error:
            raise self._judge(request, progress, _cause(error)) from None
        except (httpx.RequestError, OSError) as error:
            progress.may_have_left = True
            raise self._judge(request, progress, _cause(error)) from None

    def target(self, request: Request) -> str:
        """Return the path and the query as they are sent."""
        return str(httpx.URL(request.path, params=dict(request.params) or None))

    async def close(self) -> None:
        """Close every connection."""
        await self._reads.aclose()
        await self._orders.aclose()

    def _build(self, request: Request, progress: Progress) -> httpx.Request:
        headers = {**self._headers, **checked_headers(request.headers)}
        if request.body is not None:
            headers["content-type"] = request.content_type
        try:
            return httpx.Request(
                request.method,
                self.base_url + request.path,
                params=dict(request.params) or None,
                content=request.body,
                headers=headers,
                extensions={"timeout": self._timeout, "trace": progress.trace},
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise InputError(f"a request cannot be built: {self._redact(str(error))}") from None

    async def _read(
        self, pool: httpx.AsyncHTTPTransport, outgoing: httpx.Request, clock: Callable[[], float]
    ) -> Response:
        began_at = clock()
        incoming = await pool.handle_async_request(outgoing)
        incoming.request = outgoing
        try:
            body = await self._read_body(incoming)
        finally:
            await incoming.aclose()
        return Response(
            status=incoming.status_code,
            headers=dict(incoming.headers.items()),
            body=body,
            elapsed_s=clock() - began_at,
        )

    async def _read_body(self, incoming: httpx.Response) -> bytes:
        """Read the body, and unpack never more of it than may be kept."""
        body, unpack, came = bytearray(), _unpacking(incoming), False
        async for piece in incoming.aiter_raw():
            came = True
            left = self._max_body_bytes + 1 - len(body)
            try:
                body += piece if unpack is None else unpack.decompress(piece, left)
            except zlib.error as error:
                raise httpx.DecodingError(f"the body cannot be unpacked: {error}") from error
            if len(body) > self._max_body_bytes:
                raise AnswerTooLarge(
                    f"an answer of status {incoming.status_code} is longer than "
                    f"{self._max_body_bytes} bytes and was dropped; ask for smaller pages"
                )
        if unpack is not None and came and not unpack.eof:
            raise httpx.DecodingError(f"the packed body ended after {len(body)} bytes, too early")
        return bytes(body)

    def _judge(self, request: Request, progress: Progress, cause: str) -> NetError:
        call = f"{request.method} {request.path}: {cause}"
        if progress.may_have_left:
            return Ambiguous(self._redact(f"{call}. It may have arrived: look it up"))
        return NotSent(self._redact(f"{call}. Nothing was sent"))


def _unpacking(incoming: httpx.Response) -> zlib._Decompress | None:
    """Return what unpacks a body; None if it is not packed."""
    coding = incoming.headers.get("content-encoding", "").strip().lower()
    if coding in _PLAIN:
        return None
    if coding not in _PACKED:
        raise httpx.DecodingError(f"the body is packed as {coding:.40}, which was not asked for")
    return zlib.decompressobj(_EITHER_KIND)


def _open_pool(connections: int, *, kept: int) -> httpx.AsyncHTTPTransport:
    limits = httpx.Limits(
        max_connections=connections,
        max_keepalive_connections=kept,
        keepalive_expiry=_IDLE_CONNECTION_S,
    )
    return httpx.AsyncHTTPTransport(verify=_certificates(), trust_env=False, limits=limits)


@cache
def _certificates() -> ssl.SSLContext:
    """Read the authorities once: it takes tens of milliseconds."""
    return httpx.create_ssl_context(trust_env=False)


def _cause(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
