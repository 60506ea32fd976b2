"""The venue's REST interface, asked synchronously, each call within a deadline."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from alphalens.brokers._alpaca.refusals import error_of
from alphalens.errors import BrokerError, ConfigError
from alphalens.net import (
    Breaker,
    CaptureRing,
    Limiter,
    LoopThread,
    NetError,
    Priority,
    Redactor,
    Request,
    Response,
    Timeouts,
    Timing,
    Transport,
)
from alphalens.net.exact_json import loads

__all__ = ["AlpacaOptions", "Rest", "is_answered"]

_GRACE_S = 1.0  # the transport's own deadline comes first: it knows what was sent
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlpacaOptions:
    """How patient the adapter is, and how much it asks for at once.

    Attributes
    ----------
    timeout_s : float
        Seconds for a question, retries and waits for the rate limit included.
    order_timeout_s : float
        Seconds for an order, a replacement or a cancel, which are sent once.
    connect_timeout_s : float
        Seconds to connect.
    mute_after_s : float
        Seconds after which the stream must have told of what REST has shown; then it is taken
        for mute and connected anew.
    calls_per_minute : int
        Rate limit until the venue names its own.
    page_size : int
        Activities asked for at once, 1 to 100.
    queue_size : int
        Messages of the stream that wait at most; then it is not read.

    Raises
    ------
    ConfigError
        If a number is not positive, or `page_size` is above 100.
    """

    timeout_s: float = 15.0
    order_timeout_s: float = 10.0
    connect_timeout_s: float = 3.0
    mute_after_s: float = 10.0
    calls_per_minute: int = 200
    page_size: int = 100
    queue_size: int = 10_000

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be above 0")
        if self.page_size > 100:
            raise ConfigError(f"page_size is {self.page_size}, the venue gives at most 100")


class Rest:
    """Sends requests over one transport in one loop thread.

    Parameters
    ----------
    base_url : str
        Scheme and host.
    key, secret : str
        Credentials.
    loop : LoopThread
        Where the requests run; not closed by this object.
    rng : Random
        Jitter between retries of questions.
    options : AlpacaOptions
        Deadlines.
    timing : Timing
        Clocks and sleep.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: str,
        secret: str,
        loop: LoopThread,
        rng: random.Random,
        options: AlpacaOptions,
        timing: Timing,
    ) -> None:
        self.captured = CaptureRing()
        self._loop, self._options = loop, options
        self._redact = Redactor.of([key, secret])
        self._transport = Transport(
            base_url,
            rng=rng,
            auth={"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
            timeouts=Timeouts(
                connect_s=options.connect_timeout_s,
                read_s=max(options.timeout_s, options.order_timeout_s),
                total_s=options.timeout_s,
            ),
            limiter=Limiter(calls=options.calls_per_minute, timing=timing),
            breaker=Breaker(timing=timing),
            sink=self.captured,
            timing=timing,
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        body: str | None = None,
        params: Mapping[str, str] | None = None,
        priority: Priority = Priority.READ,
    ) -> Response:
        """Return the answer to a request, whatever its status, without secrets in its body.

        Raises
        ------
        NetError
            If there is none.
        """
        deadline_s = self._options.timeout_s if method == "GET" else self._options.order_timeout_s
        request = Request(
            method=method,
            path=path,
            params=params or {},
            body=body,
            priority=priority,
            deadline_s=deadline_s,
        )
        answer = self._loop.run(self._transport.request(request), timeout_s=deadline_s + _GRACE_S)
        if is_answered(answer):
            return answer
        return replace(answer, body=self._redact(answer.text).encode())

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        what: str,
        priority: Priority = Priority.READ,
    ) -> Any:  # Any: whatever the JSON holds
        """Return the JSON of an answer to a question.

        Raises
        ------
        CredentialsRefused
            If the venue does not know the keys.
        BrokerError
            If there is no answer, it says no, or is no JSON.
        """
        try:
            answer = self.send("GET", path, params=params, priority=priority)
            if is_answered(answer):
                return loads(answer.body)
        except NetError as error:
            raise BrokerError(f"{what}: no answer: {error}; ask again later") from error
        raise error_of(answer, what)

    def close(self) -> None:
        """Close every connection."""
        self._loop.run(self._transport.close(), timeout_s=_CLOSE_S)


def is_answered(answer: Response) -> bool:
    """Return whether a request was carried out, by the status of its answer."""
    return 200 <= answer.status < 300
