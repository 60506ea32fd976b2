"""Where an order stands, and the one table of states it may pass through."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["TRANSITIONS", "OrderStatus", "after_fill", "may_follow"]


class OrderStatus(StrEnum):
    """Where an order stands, in our own journal."""

    REFUSED = "refused"  # by our gate: it was never sent
    AWAITING = "awaiting_approval"
    INTENDED = "intended"  # journalled, about to be sent
    UNKNOWN = "unknown"  # sent, and nobody knows how it stands
    ACCEPTED = "accepted"
    PARTIAL = "partially_filled"
    PENDING_CANCEL = "pending_cancel"  # a cancel was asked for and not confirmed
    PENDING_REPLACE = "pending_replace"  # a replacement was asked for and not confirmed
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"  # by the venue
    EXPIRED = "expired"
    REPLACED = "replaced"  # by an order of another id

    @property
    def is_final(self) -> bool:
        """Return True when no further change is expected; a late execution may still come."""
        return self in _FINAL


_S = OrderStatus
_FINAL = frozenset({_S.REFUSED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED, _S.REPLACED})
_ENDS = frozenset({_S.CANCELED, _S.EXPIRED, _S.REPLACED})
_WORKING = frozenset({_S.PARTIAL, _S.PENDING_CANCEL, _S.PENDING_REPLACE, _S.FILLED, _S.UNKNOWN})

#: For each status, the statuses that may follow. An execution that comes after a cancel,
#: an expiry or a replacement is legal: the venue's word on executions is final.
TRANSITIONS: Mapping[OrderStatus | None, frozenset[OrderStatus]] = MappingProxyType(
    {
        None: frozenset({_S.REFUSED, _S.AWAITING, _S.INTENDED}),
        _S.AWAITING: frozenset({_S.INTENDED, _S.REFUSED, _S.EXPIRED}),
        _S.INTENDED: _WORKING | _ENDS | {_S.ACCEPTED, _S.REJECTED},
        # back to intended only once the venue has said that it has no such order
        _S.UNKNOWN: _WORKING | _ENDS | {_S.ACCEPTED, _S.REJECTED, _S.INTENDED},
        _S.ACCEPTED: _WORKING | _ENDS | {_S.REJECTED},
        _S.PARTIAL: _WORKING | _ENDS,
        _S.PENDING_CANCEL: _WORKING | _ENDS | {_S.ACCEPTED, _S.REJECTED},
        _S.PENDING_REPLACE: _WORKING | _ENDS | {_S.ACCEPTED, _S.REJECTED},
        _S.CANCELED: frozenset({_S.FILLED}),
        _S.EXPIRED: frozenset({_S.FILLED}),
        _S.REPLACED: frozenset({_S.FILLED}),
        _S.REFUSED: frozenset(),
        _S.FILLED: frozenset(),
        _S.REJECTED: frozenset(),
    }
)


def may_follow(before: OrderStatus | None, after: OrderStatus) -> bool:
    """Return whether an order may pass from one status to another, or stay where it is.

    Examples
    --------
    >>> may_follow(OrderStatus.CANCELED, OrderStatus.FILLED)
    True
    >>> may_follow(OrderStatus.FILLED, OrderStatus.CANCELED)
    False
    """
    return before is after or after in TRANSITIONS[before]


def after_fill(status: OrderStatus, *, is_complete: bool) -> OrderStatus:
    """Return the status after an execution that was booked.

    A whole order is filled whatever was said before, except that it stays refused or
    rejected: such a pair is no legal one, and whoever books it has to say so. A part of an
    order leaves what is pending, and what has ended, as it is.
    """
    if is_complete:
        return _S.FILLED if may_follow(status, _S.FILLED) else status
    if status in (_S.PENDING_CANCEL, _S.PENDING_REPLACE) or status.is_final:
        return status
    return _S.PARTIAL
