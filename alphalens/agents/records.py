"""Agents' values as plain JSON and back: how a graph's state and the journal keep them.

`alphalens.trading.codec.to_jsonable` is the way there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alphalens.agents.approvals import Answer
from alphalens.agents.base import Degraded
from alphalens.execution.journal import JournalReader
from alphalens.trading.events import EventKind
from alphalens.trading.targets import Signal, Target

__all__ = [
    "answer_from",
    "degraded_from",
    "journalled_decisions",
    "signal_from",
    "target_from",
]

#: Plain JSON of one value; Any, because each has its own shape.
Json = Mapping[str, Any]


def signal_from(payload: Json) -> Signal:
    """Return the signal that `payload` was made of."""
    return Signal(
        name=payload["name"],
        asof=datetime.fromisoformat(payload["asof"]),
        scores={symbol: float(score) for symbol, score in payload["scores"].items()},
    )


def target_from(payload: Json) -> Target:
    """Return the target that `payload` was made of."""
    return Target(
        name=payload["name"],
        asof=datetime.fromisoformat(payload["asof"]),
        weights={symbol: float(weight) for symbol, weight in payload["weights"].items()},
    )


def answer_from(payload: Json) -> Answer:
    """Return the answer that `payload` was made of."""
    return Answer(
        fingerprint=payload["fingerprint"],
        is_approved=payload["is_approved"],
        by=payload["by"],
        reason=payload["reason"],
    )


def degraded_from(payload: Json) -> Degraded:
    """Return the degradation that `payload` was made of."""
    return Degraded(agent=payload["agent"], code=payload["code"], message=payload["message"])


def journalled_decisions(
    journal: JournalReader, *, before: str = ""
) -> tuple[tuple[Signal, ...], tuple[Target, ...]]:
    """Return the signals and targets of all finished cycles, `before` left out, in order."""
    signals: list[Signal] = []
    targets: list[Target] = []
    for record in journal.records(kind=EventKind.CYCLE_FINISHED):
        if record.cycle_id == before:
            continue
        signal, target = record.payload.get("signal"), record.payload.get("target")
        if signal is not None:
            signals.append(signal_from(signal))
        if target is not None:
            targets.append(target_from(target))
    return tuple(signals), tuple(targets)
