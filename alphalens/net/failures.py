"""What can go wrong between this program and a server, told by what may have happened there.

::

    OperatorError
    └── NetError
        ├── NotSent             the request certainly never left: sending it again is safe
        │   └── BreakerOpen     the server failed too often in a row; no call was tried
        ├── Ambiguous           it left, at least in part, and no complete answer came back
        │   ├── Interrupted     a deadline or a close cut the call off
        │   ├── AnswerTooLarge  the answer was longer than the cap, and was dropped
        │   └── Unreadable      the answer came whole, and is not what it should be
        └── Refused             the server does not accept the credentials; retrying will not help

An HTTP answer is never an error here, whatever its status.
"""

from __future__ import annotations

from alphalens.errors import OperatorError

__all__ = [
    "Ambiguous",
    "AnswerTooLarge",
    "BreakerOpen",
    "Interrupted",
    "NetError",
    "NotSent",
    "Refused",
    "Unreadable",
]


class NetError(OperatorError):
    """A call over the network gave no answer that can be used."""


class NotSent(NetError):
    """The request certainly never left this machine; the server knows nothing of it."""

    retryable = True


class BreakerOpen(NotSent):
    """The server failed too often in a row, so that this call was not tried."""


class Ambiguous(NetError):
    """The request left, at least in part: the server may or may not have acted on it."""


class Interrupted(Ambiguous):
    """A call was cut off by its deadline or by a close; what it was doing may have been done."""


class AnswerTooLarge(Ambiguous):
    """The answer was longer than the cap and was dropped."""


class Unreadable(Ambiguous):
    """The answer came whole and cannot be read as what it should be."""


class Refused(NetError):
    """The server does not accept the credentials; the same call will be refused again."""
