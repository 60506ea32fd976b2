"""What travels from node to node: plain JSON under known keys, with a version.

Nothing else survives a checkpoint unchanged, and LangGraph drops a key it does not know
without a word; `checked` makes both an error.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from math import isfinite
from typing import Annotated, Any, Protocol, TypedDict

from pydantic import BaseModel, ConfigDict, Field

from alphalens.agents.approvals import Question
from alphalens.agents.base import Degraded
from alphalens.agents.records import degraded_from
from alphalens.errors import InputError, StorageError
from alphalens.trading.codec import instant

__all__ = [
    "SCHEMA_VERSION",
    "CycleResult",
    "CycleState",
    "GivenAnswers",
    "Node",
    "checked",
    "first_state",
    "merge",
    "refuse_other_version",
]

SCHEMA_VERSION = 1

#: One JSON object; Any, because each key of the state has its own shape.
Json = dict[str, Any]


class CycleState(TypedDict, total=False):
    """State of one decision cycle; a node returns only the keys that it changes.

    ``schema_v`` is the version of this shape, ``asof`` an instant as UTC text, ``proposals`` the
    plan with the gate's verdicts, ``question`` what a person is asked (None if nothing), and
    ``degraded`` what could not be done, which nodes append to.
    """

    schema_v: int
    run_id: str
    cycle_id: str
    asof: str
    signal: Json | None
    target: Json | None
    risk: Json
    proposals: list[Json]
    question: Json | None
    answers: list[Json]
    orders: list[Json]
    slippage: Json | None
    health: Json
    drift: Json | None
    alerts: list[Json]
    degraded: Annotated[list[Json], operator.add]
    audit_head: str


class Node(Protocol):
    """A step of the workflow."""

    def __call__(self, state: CycleState) -> CycleState:
        """Return the keys of the state that the step changes."""
        ...


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GivenAnswer(_Given):
    """One answer as it comes from outside."""

    fingerprint: str
    is_approved: bool
    by: str = Field(min_length=1)
    reason: str


class GivenAnswers(_Given):
    """What resumes an interrupted cycle; anything else is refused by its schema.

    Attributes
    ----------
    proposal_hash : str
        `Question.proposal_hash` of what was shown.
    answers : list of GivenAnswer
        An order without an answer is not sent.
    """

    proposal_hash: str
    answers: list[GivenAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleResult:
    """Where a decision cycle stands.

    Attributes
    ----------
    cycle_id : str
        The cycle.
    state : CycleState
        Everything that its nodes said, as plain JSON.
    question : Question or None
        What a person is asked; None once the cycle has finished.
    """

    cycle_id: str
    state: CycleState
    question: Question | None = None

    @property
    def is_finished(self) -> bool:
        """Return whether every node has run; otherwise the cycle waits for `question`."""
        return self.question is None

    @property
    def degraded(self) -> tuple[Degraded, ...]:
        """Return what could not be done."""
        return tuple(map(degraded_from, self.state.get("degraded", [])))

    @property
    def orders(self) -> tuple[Mapping[str, Any], ...]:  # Any: the JSON of an order
        """Return the orders of the plan as they stood when they were submitted."""
        return tuple(self.state.get("orders", []))


def first_state(*, run_id: str, cycle_id: str, asof: datetime) -> CycleState:
    """Return the state that a cycle starts from.

    Raises
    ------
    InputError
        If `asof` has no time zone, or an id is empty.
    """
    if not run_id or not cycle_id:
        raise InputError(f"a cycle needs ids, got {run_id=} and {cycle_id=}")
    return CycleState(
        schema_v=SCHEMA_VERSION,
        run_id=run_id,
        cycle_id=cycle_id,
        asof=instant(asof),
        degraded=[],
    )


def refuse_other_version(state: CycleState) -> None:
    """Raise if a stored state was written by another version of this shape.

    Raises
    ------
    StorageError
        With both versions.
    """
    found = state.get("schema_v")
    if found != SCHEMA_VERSION:
        raise StorageError(
            f"cycle {state.get('cycle_id')} was stored with state version {found}, this is "
            f"version {SCHEMA_VERSION}: finish it with the release that began it"
        )


def checked(name: str, node: Node) -> Node:
    """Return `node` with its answer checked: known keys, plain JSON.

    Raises
    ------
    InputError
        By the node returned: if it answers with a key that the state does not have, or with a
        value that would not come back from a checkpoint as it went in.
    """

    @wraps(node)
    def run(state: CycleState) -> CycleState:
        update = node(state)
        unknown = sorted(set(update) - set(CycleState.__annotations__))
        if unknown:
            raise InputError(
                f"node {name!r} returned {unknown}, which the cycle's state does not have; "
                "LangGraph would drop it"
            )
        for key, value in update.items():
            _refuse_other_than_json(value, f"node {name!r}: {key}")
        return update

    return run


def merge(state: CycleState, update: CycleState) -> CycleState:
    """Return the state after an update, as LangGraph reduces it: `degraded` grows."""
    degraded = [*state.get("degraded", []), *update.get("degraded", [])]
    merged: CycleState = {**state, **update}
    merged["degraded"] = degraded
    return merged


def _refuse_other_than_json(value: object, where: str) -> None:
    kind = type(value)
    if kind is dict and isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str:
                raise InputError(f"{where}: the key {key!r} is no text")
            _refuse_other_than_json(item, f"{where}.{key}")
    elif kind is list and isinstance(value, list):
        for number, item in enumerate(value):
            _refuse_other_than_json(item, f"{where}[{number}]")
    elif kind is float and isinstance(value, float):
        if not isfinite(value):
            raise InputError(f"{where}: {value} is not finite")
    elif kind not in (str, int, bool, type(None)):
        raise InputError(
            f"{where}: a {kind.__module__}.{kind.__qualname__} does not survive a checkpoint; "
            "use alphalens.trading.codec.to_jsonable"
        )
