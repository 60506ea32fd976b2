"""What this process has seen of the venue's orders."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Generic, TypeVar

from alphalens.brokers.base import VenueOrder

__all__ = ["Bounded", "KnownOrders"]

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")
_MOST = 50_000


class Bounded(Generic[_K, _V]):
    """A map that forgets what was set longest ago; threads may share it."""

    def __init__(self, size: int = _MOST) -> None:
        self._held: OrderedDict[_K, _V] = OrderedDict()
        self._size, self._gate = size, threading.Lock()

    def __contains__(self, key: _K) -> bool:
        return key in self._held

    def get(self, key: _K) -> _V | None:
        """Return what is known of `key`, or None."""
        return self._held.get(key)

    def set(self, key: _K, value: _V) -> None:
        """Keep `value`, and forget the oldest if there are too many."""
        with self._gate:
            self._held[key] = value
            self._held.move_to_end(key)
            if len(self._held) > self._size:
                self._held.popitem(last=False)


class KnownOrders:
    """Orders by the venue's id, and its ids by ours; what is not known has to be asked."""

    def __init__(self) -> None:
        self._orders: Bounded[str, VenueOrder] = Bounded()
        self._ids: Bounded[str, str] = Bounded()

    def remember(self, order: VenueOrder) -> VenueOrder:
        """Keep an order and its children; return it, with its parent if that was known."""
        before = self._orders.get(order.venue_order_id)
        if not order.parent and before is not None and before.parent:
            order = replace(order, parent=before.parent)
        self._orders.set(order.venue_order_id, order)
        if order.client_order_id:
            self._ids.set(order.client_order_id, order.venue_order_id)
        for child in order.children:
            self.remember(child)
        return order

    def by_venue_id(self, venue_order_id: str) -> VenueOrder | None:
        """Return the order as it was last seen."""
        return self._orders.get(venue_order_id)

    def venue_id(self, client_order_id: str) -> str | None:
        """Return the venue's id of an order."""
        return self._ids.get(client_order_id)
