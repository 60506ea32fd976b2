"""What the vendors that are asked over REST have in common."""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Self

from alphalens.data._vendors.cells import plain_text
from alphalens.data._vendors.rest import Rest
from alphalens.data.asks import RestOptions
from alphalens.data.listening import FeedListener
from alphalens.data.port import Batch, DataCapabilities
from alphalens.data.reasons import AnswerRefused
from alphalens.net import Timing
from alphalens.net.endpoint import checked_headers, checked_host

__all__ = ["RestProvider", "checked_base", "instant_text"]

_log = logging.getLogger(__name__)
_SHOWN = 200


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
        self._added: frozenset[str] = frozenset()
        self._url = ""  # a traceback may show one that was refused
        self._name, self._capabilities, self._options = name, capabilities, options
        self._rest_at = partial(
            Rest,
            vendor=name,
            auth=checked_headers(auth),
            rng=rng,
            options=options,
            timing=timing,
            listener=listener,
        )
        self._url = checked_base(base_url, hosts=hosts, owner=owner)
        self._rest = self._rest_at(self._url)
        self._rests = [self._rest]  # one for each host, with limits and connections of its own

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
        return sum(rest.calls for rest in self._rests)

    @property
    def refused(self) -> Sequence[AnswerRefused]:
        """The last answers that came whole and were refused, each with its text."""
        return tuple(chain.from_iterable(rest.refused for rest in self._rests))

    def close(self) -> None:
        """Let its connections go; a second call does nothing."""
        for rest in self._rests:
            rest.close()

    def _looked_at(self, batch: Batch) -> Batch:
        """Return a batch; a field that the vendor added is told once, whatever it stands for."""
        new = batch.added - self._added
        if new:
            self._added |= new
            _log.warning(
                "%s tells fields that nobody here reads: %s. The rows are kept; look whether what "
                "they say is needed",
                self._name,
                plain_text(", ".join(sorted(new)), longest=_SHOWN),
            )
        return batch

    def _limit(self, most: int) -> int:
        """Return how many rows a page is to have, of those that the vendor allows."""
        return min(self._options.page_size or most, most)


def checked_base(url: str, *, hosts: Collection[str], owner: str) -> str:
    """Return the scheme and host of a vendor, without a slash at the end.

    Raises
    ------
    ConfigError
        If it is another host than one of `hosts` or of this machine.
    """
    return checked_host(url, schemes=("https", "http"), hosts=hosts, owner=owner, has_path=False)


def instant_text(at: datetime) -> str:
    """Return an instant as the vendors' addresses have it.

    Examples
    --------
    >>> instant_text(datetime(2024, 1, 2, 15, 30, tzinfo=UTC))
    '2024-01-02T15:30:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
