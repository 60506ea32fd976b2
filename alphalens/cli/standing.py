"""How the state of a desk is told: as a JSON document, and as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphalens.execution import Command, OrderRecord
    from alphalens.monitoring.status import DeskStatus


def file_document(path: Path | None, said: str | None) -> dict[str, object] | None:
    """Return the halt file: where, whether it is there, what it says."""
    return None if path is None else {"path": str(path), "exists": said is not None, "says": said}


def standing_document(status: DeskStatus) -> dict[str, object]:
    """Return the trading state, who brought it about, and what is asked of it."""
    from alphalens.trading.codec import to_jsonable

    change = status.change
    return {
        "state": status.standing.state.value,
        "is_locked": status.standing.is_locked,
        "by": None if change is None else change.by,
        "reason": None if change is None else change.reason,
        "since": None if change is None else to_jsonable(change.at),
        "commands": [command_document(command) for command in status.commands],
    }


def is_halt_asked(status: DeskStatus, said: str | None) -> bool:
    """Return whether somebody asks for a halt, by file or by command, that is not yet obeyed."""
    is_file_new = said is not None and status.standing.state.value != "halted"
    return is_file_new or any(command.kind.value == "halt" for command in status.commands)


def status_document(status: DeskStatus, said: str | None) -> dict[str, object]:
    """Return everything that is known of a desk without asking its venue."""
    from alphalens.trading.codec import to_jsonable

    return {
        **standing_document(status),
        "is_halt_asked": is_halt_asked(status, said),
        "account": status.account_id,
        "run": status.run_id,
        "open_orders": [order_document(order) for order in status.open_orders],
        "unknown_orders": [order_document(order) for order in status.unknown_orders],
        "approvals": [order_document(order) for order in status.awaiting],
        "frozen": dict(status.frozen),
        "external": list(status.external),
        "positions": to_jsonable(status.positions),
        "last_mark": to_jsonable(status.last_mark),
        "last_fill": to_jsonable(status.last_fill),
        "is_mark_behind": status.is_mark_behind,
        "records": status.records,
        "head": status.head,
        "alerts_waiting": status.alerts_waiting,
        "writer": status.writer,
    }


def order_document(order: OrderRecord) -> dict[str, object]:
    """Return the facts of an order that a person decides by."""
    from alphalens.trading.codec import to_jsonable

    return {
        "client_order_id": order.client_order_id,
        "symbol": order.intent.symbol,
        "side": order.intent.side.value,
        "quantity": to_jsonable(order.intent.quantity),
        "filled_quantity": to_jsonable(order.filled_quantity),
        "status": order.status.value,
        "origin": order.origin.value,
        "note": order.note,
        "updated_at": to_jsonable(order.updated_at),
    }


def command_document(command: Command) -> dict[str, object]:
    """Return a command that was not obeyed yet."""
    return {
        "id": command.id,
        "kind": command.kind.value,
        "by": command.by,
        "reason": command.reason,
        "about": command.client_order_id or command.symbol,
    }


def status_lines(status: DeskStatus, path: Path | None, said: str | None) -> Iterator[str]:
    """Give a desk's status, one fact a line; a list that is empty says so."""
    asked = "; a HALT IS ASKED and not yet obeyed" if is_halt_asked(status, said) else ""
    yield f"{standing_line(status)}{asked}"
    yield f"account {status.account_id or 'none yet'}, run {status.run_id or 'none yet'}"
    yield f"journal: {status.records} records, head {status.head}"
    yield f"written last by {status.writer or 'nobody'}"
    yield _mark_line(status)
    yield from _listed("positions", (f"{s} {units:f}" for s, units in status.positions.items()))
    yield from _listed("open orders", map(order_line, status.open_orders))
    yield from _listed("orders of unknown outcome", map(order_line, status.unknown_orders))
    yield from _listed("approvals waiting", map(order_line, status.awaiting))
    yield from _listed("frozen symbols", (f"{s}: {why}" for s, why in status.frozen.items()))
    yield from _listed("not ours and not claimed", status.external)
    yield from _listed("commands not yet obeyed", map(command_line, status.commands))
    yield f"alerts not yet delivered: {status.alerts_waiting}"
    yield _file_line(path, said)


def lifted_lines(status: DeskStatus, path: Path | None, said: str | None) -> Iterator[str]:
    """Give what a resume would lift."""
    yield f"lifts: {standing_line(status)}"
    for command in status.commands:
        yield f"  asked before and not yet obeyed: {command_line(command)}"
    if said is not None:
        yield f"  {_file_line(path, said)}"


def standing_line(status: DeskStatus) -> str:
    """Return the trading state and who brought it about."""
    standing, change = status.standing, status.change
    lock = ", locked until somebody resumes" if standing.is_locked else ""
    if change is None:
        return f"trading is {standing.state}{lock}, as from the beginning"
    return (
        f"trading is {standing.state}{lock}, by {change.by} since "
        f"{change.at:%Y-%m-%d %H:%M:%S} UTC: {change.reason}"
    )


def order_line(order: OrderRecord) -> str:
    """Return an order in one line."""
    intent = order.intent
    note = f": {order.note}" if order.note else ""
    return (
        f"{intent.client_order_id} {intent.side} {intent.quantity} {intent.symbol}, "
        f"{order.filled_quantity} filled, {order.status}, {order.origin}{note}"
    )


def command_line(command: Command) -> str:
    """Return a command in one line."""
    about = command.client_order_id or command.symbol
    what = f"{command.kind} {about}".strip()
    return f"{command.id} {what}, by {command.by}: {command.reason}"


def _mark_line(status: DeskStatus) -> str:
    mark, fill = status.last_mark, status.last_fill
    if mark is None:
        return "last mark: none"
    behind = "" if fill is None else f"; WITHOUT the last fill, booked {fill:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"last mark: {mark.at:%Y-%m-%d %H:%M:%S} UTC, equity {mark.equity}, cash {mark.cash}, "
        f"gross {mark.gross}, net {mark.net}, drawdown {mark.drawdown:.2%}"
        f"{behind if status.is_mark_behind else ''}"
    )


def _file_line(path: Path | None, said: str | None) -> str:
    if path is None:
        return "halt file: none is known for a journal on a server; --halt-file names one"
    if said is None:
        return f"halt file {path}: not there"
    told = "; ".join(said.splitlines()) or "it says nothing"
    return f"halt file {path} EXISTS, trading halts while it does: {told}"


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    yield f"{title}: {len(found) or 'none'}"
    for line in found:
        yield f"  {line}"
