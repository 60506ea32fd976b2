"""Misbehaviour, as a test arms it."""

from __future__ import annotations

from typing import Any

from .faults import Fault
from .parts import Parts


class FaultControl:
    """Faults of requests, of the trade stream and of the data stream."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def arm(self, kind: str, **fields: Any) -> None:
        """Arm a fault of requests: a kind of `faults.HTTP_KINDS`, and fields of `faults.Fault`."""
        self._parts.faults.arm(Fault(kind=kind, **fields))

    def arm_event(self, kind: str, **fields: Any) -> None:
        """Arm a fault of the trade stream: a kind of `faults.STREAM_KINDS`."""
        self._parts.faults.arm_event(Fault(kind=kind, **fields))

    def disarm(self) -> None:
        """Take back every fault, also mute streams and refused connections."""
        self._parts.faults.clear()
        self.mute(on=False)
        self.refuse_stream(0)

    def armed(self) -> list[dict[str, Any]]:
        """Return the faults that are still to come."""
        return self._parts.faults.armed()

    def drop_stream(self) -> None:
        """Cut the trade stream."""
        self._parts.on_loop(self._parts.trades.drop)

    def mute(self, on: bool = True) -> None:
        """Keep the trade stream connected and lose every event from now on."""
        self._parts.trades.is_mute = on

    def refuse_stream(self, count: int = 1) -> None:
        """Refuse the next connections to the trade stream with 429; -1 for ever."""
        self._parts.trades.refusals_left = count

    def set_rate_limit(self, per_minute: int | None) -> None:
        """Set how many requests a minute are answered; None for any number."""
        self._parts.limit.per_minute = per_minute

    def drop_data_stream(self) -> None:
        """Cut the streams of market data."""
        self._parts.on_loop(self._parts.data.drop)

    def data_messages(self, messages: list[dict[str, Any]]) -> None:
        """Send messages of market data in one frame, each with ``T`` and ``S``; no price moves."""
        self._parts.on_loop(lambda: self._parts.data.publish_many(messages))

    def data_text(self, text: str) -> None:
        """Send any text to every known connection of the streams of market data."""
        self._parts.on_loop(lambda: self._parts.data.publish_text(text))

    def data_error(self, code: int) -> None:
        """Tell every connection of the streams of market data an error, as 407."""
        self._parts.on_loop(lambda: self._parts.data.complain(code))

    def limit_data(
        self,
        symbols: int | None = None,
        connections: int = 1,
        forbidden: list[str] | None = None,
    ) -> None:
        """Set how many symbols and connections the plan has, and the channels that it has not."""
        self._parts.data.most_symbols = symbols
        self._parts.data.allowed = connections
        self._parts.data.forbidden = set(forbidden or ())

    def mute_data(self, on: bool = True) -> None:
        """Keep the streams of market data connected and send nothing from now on."""
        self._parts.data.is_mute = on
