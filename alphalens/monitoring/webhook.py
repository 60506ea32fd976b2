"""Alerts as JSON to one webhook, each within a bounded time and with a key to know it again."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from urllib.parse import parse_qsl, quote, urlsplit

from alphalens.errors import ConfigError
from alphalens.monitoring.channels import NotDelivered, Notice
from alphalens.net import LoopThread, NetError, NotSent, Priority, Request, Response, Transport

__all__ = ["WebhookChannel"]

#: What may stand in a path as it is; everything else is encoded, what was encoded stays so.
_IN_PATHS = "/%:@!$&'()*+,;=~-._"
_SHORTEST_SECRET = 4
_GRACE_S = 1.0
_LARGEST_ANSWER = 64 * 1024


class WebhookChannel:
    """POST each alert as JSON to one address.

    Parameters
    ----------
    url : str
        ``https://``, or ``http://`` on this machine. Path and query are taken for secrets, as
        they are at most services, and are in no message.
    headers : Mapping of str to str, optional
        Further headers, secret too, such as ``Authorization``.
    timeout_s : float
        Longest time for one alert, from the connection to the last byte of the answer.

    Raises
    ------
    ConfigError
        If the address would send alerts unencrypted to another machine, or cannot be used.

    Notes
    -----
    The body, version 1::

        {"version": 1, "seq": 17, "hash": "5f...", "at": "2024-01-02T21:00:00.000000Z",
         "run_id": "r1", "cycle_id": "", "code": "state_changed", "severity": "critical",
         "message": "...", "values": {"by": "ann"}, "text": "CRITICAL state_changed: ..."}

    ``text`` is what the chat services show. The header ``Idempotency-Key`` is `seq`, the
    number of the journal record; `hash` tells two journals apart. An alert about the journal
    itself has no record: its `seq` is 0, and the key is its `hash`. An alert counts as taken if
    the answer is 2xx and no HTML page, which is what a proxy or a login shows; a redirect is
    not followed. A try that got no answer is made again, so a receiver may see one twice.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = 5.0
    ) -> None:
        if not timeout_s > 0:
            raise ConfigError(f"webhook: timeout_s is {timeout_s}, it must be above 0 seconds")
        base, self._path, self._params = _parts(url)
        self.name = f"webhook {base.partition('://')[2]}"
        self._timeout_s = timeout_s
        told = [self._path.strip("/"), *self._path.split("/"), *self._params.values()]
        self._transport = Transport(
            base,
            rng=random.Random(0),  # noqa: S311 - spreads retries of GET, of which there are none
            auth=headers,
            secrets=[text for text in told if len(text) >= _SHORTEST_SECRET],
            max_body_bytes=_LARGEST_ANSWER,
        )
        self._loop = LoopThread("alphalens-webhook")

    def send(self, notice: Notice) -> None:
        """Post an alert and wait for the answer, at most the timeout."""
        request = _SecretRequest(
            method="POST",
            path=self._path,
            params=self._params,
            body=json.dumps(_payload(notice), allow_nan=False),
            headers={"idempotency-key": notice.key},
            priority=Priority.OPEN,
            deadline_s=self._timeout_s,
        )
        try:
            answer = self._loop.run(
                self._transport.request(request), timeout_s=self._timeout_s + _GRACE_S
            )
        except NetError as error:
            raise NotDelivered(f"{self.name}: {error}") from None
        problem = _problem(answer)
        if problem:
            raise NotDelivered(f"{self.name} {problem}")

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with suppress(NotSent):  # the loop is closed already, and the connection with it
            self._loop.run(self._transport.close(), timeout_s=self._timeout_s)
        self._loop.close()


class _SecretRequest(Request):
    """A call whose path is a secret, and in no text: a traceback may show its parts."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Request({self.method!r})"


def _payload(notice: Notice) -> dict[str, object]:
    text = f"{notice.severity.upper()} {notice.code}: {notice.message}"
    return {"version": 1, **asdict(notice), "text": text}


def _problem(answer: Response) -> str:
    """Return why an answer does not mean that the alert was taken; empty if it does."""
    if 300 <= answer.status < 400:
        return f"answered {answer.status}, a redirect, which is not followed: give its own address"
    if not 200 <= answer.status < 300:
        return f"answered {answer.status}: see what it takes, and whether it is there"
    if "html" in answer.headers.get("content-type", "").lower():
        return "answered with an HTML page, as a proxy or a login does: check the address"
    return ""


def _parts(url: str) -> tuple[str, str, dict[str, str]]:
    """Return base address, path and query of a URL; what is secret in it is in no message."""
    try:
        split = urlsplit(url.strip())
        pairs = parse_qsl(split.query, keep_blank_values=True, strict_parsing=bool(split.query))
    except ValueError:
        raise ConfigError("webhook: the address cannot be read; it is https://host/path") from None
    params = dict(pairs)
    if len(params) < len(pairs) or split.fragment:
        raise ConfigError(
            f"webhook {split.hostname}: the address has a fragment, or a key twice in its query"
        )
    path = quote(split.path, safe=_IN_PATHS) or "/"
    return f"{split.scheme}://{split.netloc}", path, params
