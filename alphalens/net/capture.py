"""What went over the wire, kept for those who have to find out later; without secrets."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from alphalens.errors import ConfigError

__all__ = ["CaptureRing", "Exchange", "Redactor", "Sink"]

_MASK = "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One attempt of one call; every text is redacted.

    Attributes
    ----------
    method, path : str
        The call; the path carries its query.
    sent, received : str
        The bodies as text.
    status : int, optional
        None where no complete answer came; `problem` says why.
    elapsed_s : float
        Seconds of this attempt, waiting for its turn left out.
    problem : str
        What went wrong; empty for an answer.
    """

    method: str
    path: str
    sent: str
    received: str
    status: int | None
    elapsed_s: float
    problem: str = ""


Sink = Callable[[Exchange], None]


class CaptureRing:
    """Keeps the last exchanges in memory; give it as the sink of a transport.

    Parameters
    ----------
    size : int
        How many are kept; the oldest goes first.

    Raises
    ------
    ConfigError
        If the size is not positive.
    """

    def __init__(self, size: int = 256) -> None:
        if size < 1:
            raise ConfigError(f"a ring keeps at least 1 exchange, got size={size}")
        self._kept: deque[Exchange] = deque(maxlen=size)

    def __call__(self, exchange: Exchange) -> None:
        """Keep one exchange."""
        self._kept.append(exchange)

    def exchanges(self) -> tuple[Exchange, ...]:
        """Return what is kept, oldest first."""
        return tuple(self._kept)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces secrets in texts, also where they stand percent-encoded or as JSON.

    Parameters
    ----------
    secrets : iterable of str
        Empty ones are left out.

    Examples
    --------
    >>> Redactor.of(["k3y/!"])("?apiKey=k3y%2F%21")
    '?apiKey=***'
    """

    _forms: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Redactor:
        """Build the redactor of these secrets."""
        forms = {form for secret in secrets for form in _forms_of(secret.strip()) if form}
        return cls(tuple(sorted(forms, key=lambda form: (-len(form), form))))

    @classmethod
    def of_headers(cls, headers: Mapping[str, str], *, more: Iterable[str] = ()) -> Redactor:
        """Build the redactor of the values of headers; of ``Bearer x`` the token too."""
        words = (word for value in headers.values() for word in (value, value.split(" ")[-1]))
        return cls.of([*words, *more])

    def __call__(self, text: str) -> str:
        """Return the text with every secret replaced."""
        for form in self._forms:
            text = text.replace(form, _MASK)
        return text


def _forms_of(secret: str) -> tuple[str, ...]:
    return (
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
    )
