"""The control table: how people and other processes speak to the one process that trades.

A command is a row. The writer of the journal reads the rows before every send, obeys, and
journals what it did; nothing else is needed, so a halt works with broker and model down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from alphalens.errors import InputError
from alphalens.execution.records import order_from
from alphalens.storage import reading, writing
from alphalens.storage.schema import commands, orders
from alphalens.trading.orders import OrderStatus
from alphalens.trading.text import checked_text

__all__ = ["Command", "CommandKind", "pending_commands", "write_command"]


class CommandKind(StrEnum):
    """What can be asked of the process that trades."""

    HALT = "halt"
    REDUCE = "reduce"
    RESUME = "resume"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    CLEAR = "clear"  # trade a frozen symbol again
    CLAIM = "claim"  # take over a position that was there before us


_PENDING = sa.select(commands).where(commands.c.handled_seq.is_(None)).order_by(commands.c.id)
_DECISIONS = frozenset({CommandKind.APPROVE, CommandKind.REJECT})
_ABOUT_ORDERS = _DECISIONS | {CommandKind.CANCEL}
_ABOUT_SYMBOLS = frozenset({CommandKind.CLEAR, CommandKind.CLAIM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One wish of a person or another process.

    Attributes
    ----------
    kind : CommandKind
        What to do.
    by, reason : str
        Who asks, and why; both go into the journal.
    client_order_id : str
        The order to approve, reject or cancel; empty for the others.
    symbol : str
        The symbol to clear or claim; empty for the others.
    fingerprint : str
        Hash of the order as it was shown (`OrderIntent.fingerprint`). Left empty,
        `write_command` takes that of the order which waits.
    id : int
        Number of the row, given by the database.

    Raises
    ------
    InputError
        If nobody is named, or an order or symbol is needed and missing, or given and not
        needed.
    """

    kind: CommandKind
    by: str
    reason: str
    client_order_id: str = ""
    symbol: str = ""
    fingerprint: str = ""
    id: int = 0

    def __post_init__(self) -> None:
        """Refuse a command that nobody gave, or that is about nothing."""
        for name in ("by", "reason", "client_order_id", "symbol", "fingerprint"):
            checked_text(getattr(self, name), f"{self.kind}: {name}")
        if not self.by.strip():
            raise InputError(f"{self.kind}: say who asks, got an empty name")
        if (self.kind in _ABOUT_ORDERS) != bool(self.client_order_id):
            need = "needs the client order id" if self.kind in _ABOUT_ORDERS else "takes no order"
            raise InputError(f"{self.kind} {need}, got {self.client_order_id!r}")
        if (self.kind in _ABOUT_SYMBOLS) != bool(self.symbol):
            need = "needs the symbol" if self.kind in _ABOUT_SYMBOLS else "takes no symbol"
            raise InputError(f"{self.kind} {need}, got {self.symbol!r}")


def write_command(engine: sa.Engine, command: Command, *, at: datetime) -> int:
    """Write a command to the control table and return its number; any process may.

    Parameters
    ----------
    engine : Engine
        The database of the journal.
    command : Command
        What to do.
    at : datetime
        When it was asked, timezone-aware.

    Raises
    ------
    InputError
        If the order to approve or reject does not wait for an approval, or is not the one
        that was shown.
    StorageError
        If it could not be stored. To halt without a database, make the halt file.
    """
    if at.tzinfo is None:
        raise InputError(f"{command.kind}: a time zone is needed, got {at.isoformat()}")
    with writing(engine) as connection:
        fingerprint = command.fingerprint
        if command.kind in _DECISIONS:
            fingerprint = _waiting_fingerprint(connection, command)
        result = connection.execute(
            commands.insert().values(
                at=at,
                kind=command.kind.value,
                by=command.by,
                reason=command.reason,
                client_order_id=command.client_order_id,
                symbol=command.symbol,
                fingerprint=fingerprint,
            )
        )
        key = result.inserted_primary_key
    return int(key[0]) if key else 0


def pending_commands(engine: sa.Engine) -> tuple[Command, ...]:
    """Return the commands that were not obeyed yet, oldest first."""
    with reading(engine, is_single=True) as connection:
        return tuple(
            Command(
                kind=CommandKind(row.kind),
                by=row.by,
                reason=row.reason,
                client_order_id=row.client_order_id,
                symbol=row.symbol,
                fingerprint=row.fingerprint,
                id=row.id,
            )
            for row in connection.execute(_PENDING)
        )


def _waiting_fingerprint(connection: sa.Connection, command: Command) -> str:
    query = sa.select(orders.c.record).where(orders.c.client_order_id == command.client_order_id)
    text = connection.execute(query).scalar_one_or_none()
    if text is None:
        raise InputError(f"{command.kind}: there is no order {command.client_order_id}")
    order = order_from(json.loads(text))
    if order.status is not OrderStatus.AWAITING:
        raise InputError(
            f"{command.kind}: order {command.client_order_id} is {order.status}, only an order "
            f"that is {OrderStatus.AWAITING} can be decided on"
        )
    shown = command.fingerprint or order.intent.fingerprint
    if shown != order.intent.fingerprint:
        raise InputError(
            f"{command.kind}: order {command.client_order_id} is not the one that was shown; "
            f"look at it again"
        )
    return shown
