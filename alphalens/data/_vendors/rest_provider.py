"""What the vendors that are asked over REST have in common."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

from alphalens.data._vendors.rest import Rest
from alphalens.data.asks import RestOptions
from alphalens.data.listening import FeedListener
from alphalens.data.port import DataCapabilities
from alphalens.data.reasons import AnswerRefused
from alphalens.net import Timing
from alphalens.net.endpoint import checked_headers, checked_host

__all__ = ["RestProvider", "instant_text"]


class RestProvider:
    """A vendor on a loop thread of its own, so that its calls are synchronous everywhere.

    Parameters
    ----------
    base_url : str
        Scheme and host.
    name, owner : str
        The vendor in the column ``source``, and in errors about its keys.
    hosts : collection of str
        Whom the keys may be sent to, this machine besides.
    auth : Mapping of str to str
        Headers that hold the credentials; they are in no text that this object makes.
    capabilities : DataCapabilities
        What it can be asked for.
    rng, options, timing, listener
        As `alphalens.data._vendors.rest.Rest`.

    Raises
    ------
    ConfigError
        If a credential cannot be sent, or the host is another one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        owner: str,
        hosts: Collection[str],
        auth: Mapping[str, str],
        capabilities: DataCapabilities,
        rng: random.Random,
        options: RestOptions,
        timing: Timing,
        listener: FeedListener,
    ) -> None:
        self._url = ""  # a traceback may show one that was refused
        self._name, self._capabilities, self._options = name, capabilities, options
        headers = checked_headers(auth)
        self._url = checked_host(
            base_url, schemes=("https", "http"), hosts=hosts, owner=owner, has_path=False
        )
        self._rest = Rest(
            self._url,
            vendor=name,
            auth=headers,
            rng=rng,
            options=options,
            timing=timing,
            listener=listener,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        return self._name

    @property
    def capabilities(self) -> DataCapabilities:
        """Return what it can be asked for."""
        return self._capabilities

    @property
    def calls(self) -> int:
        """How many HTTP calls were made so far."""
        return self._rest.calls

    @property
    def refused(self) -> Sequence[AnswerRefused]:
        """The last answers that came whole and were refused, each with its text."""
        return self._rest.refused

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        self._rest.close()

    def _limit(self, most: int) -> int:
        """Return how many rows a page is to have, of those that the vendor allows."""
        return min(self._options.page_size or most, most)


def instant_text(at: datetime) -> str:
    """Return an instant as the vendors' addresses have it.

    Examples
    --------
    >>> instant_text(datetime(2024, 1, 2, 15, 30, tzinfo=UTC))
    '2024-01-02T15:30:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
