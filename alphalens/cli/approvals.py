"""``alphalens approvals``: orders that wait for a person, and the person's answer."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from alphalens.cli.journal import (
    ask,
    chosen,
    journal_option,
    journal_to_read,
    name,
    person_options,
    shown,
)
from alphalens.cli.output import ExitCode, Output, common_options
from alphalens.errors import InputError

if TYPE_CHECKING:
    from alphalens.execution import OrderRecord

#: Digits of a fingerprint that are shown.
_SHORT = 12


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    approvals = commands.add_parser(
        "approvals",
        help="see the orders that wait for a person, approve or reject them",
        description="An approval is bound to the fingerprint of the order as it is shown: an "
        "order of other contents needs another one. The process that trades reads it before its "
        "next send, and the gate is asked once more.",
    )
    actions = approvals.add_subparsers(title="actions", metavar="ACTION", required=True)
    waiting = actions.add_parser("list", help="the orders that wait, oldest first; read-only")
    journal_option(waiting)
    common_options(waiting)
    waiting.set_defaults(run=_list)
    for action in ("approve", "reject"):
        _declare_decision(actions, action)


def _declare_decision(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], action: str
) -> None:
    decide = actions.add_parser(action, help=f"{action} an order that waits")
    decide.add_argument(
        "order", nargs="?", type=name, help="its client order id, or how that begins"
    )
    decide.add_argument("--all", action="store_true", help=f"{action} every order that waits")
    decide.add_argument("--yes", action="store_true", help="needed with --all")
    decide.add_argument(
        "--fingerprint",
        type=name,
        help="how the fingerprint begins that you were shown; another one is refused",
    )
    journal_option(decide)
    person_options(decide, are_needed=True)
    common_options(decide)
    decide.set_defaults(run=_decide, action=action)


def _list(args: argparse.Namespace, out: Output) -> int:
    waiting = _waiting(args)
    document = {"journal": shown(args.journal), "waiting": [_document(o) for o in waiting]}
    out.result(document, _lines(waiting))
    return ExitCode.OK


def _decide(args: argparse.Namespace, out: Output) -> int:
    """Write a decision for each order; one that fails does not keep the others back."""
    from alphalens.execution import Command, CommandKind

    decided: list[tuple[int, OrderRecord]] = []
    failed: list[str] = []
    for order in _asked_about(args):
        command = Command(
            kind=CommandKind(args.action),
            by=args.by,
            reason=args.reason,
            client_order_id=order.client_order_id,
            fingerprint=order.intent.fingerprint,
        )
        try:
            number = ask(args.journal, command)
        except InputError as error:
            failed.append(str(error))
        else:
            decided.append((number, order))
    document = {
        "journal": shown(args.journal),
        args.action: [{"command": number, **_document(order)} for number, order in decided],
        "failed": failed,
    }
    out.result(document, _decision_lines(args.action, decided))
    for problem in failed:
        out.error("InputError", problem)
    return ExitCode.USER if failed else ExitCode.OK


def _asked_about(args: argparse.Namespace) -> Sequence[OrderRecord]:
    """Return the orders to decide on; nothing is written if the call is not clear."""
    if args.all == (args.order is not None):
        raise InputError(f"{args.action} takes one order, or --all; `approvals list` shows them")
    waiting = _waiting(args)
    if args.all:
        return _all(args, waiting)
    order = chosen(waiting, args.order, what="waiting for an approval")
    own = order.intent.fingerprint
    if args.fingerprint is not None and not own.startswith(args.fingerprint):
        raise InputError(
            f"order {order.client_order_id} has the fingerprint {own[:_SHORT]}, you were shown "
            f"{args.fingerprint}: look at it again with `approvals list`"
        )
    return [order]


def _all(args: argparse.Namespace, waiting: Sequence[OrderRecord]) -> Sequence[OrderRecord]:
    if not args.yes or args.fingerprint is not None:
        raise InputError(
            f"--all would {args.action} {len(waiting)} orders: look at them with `approvals "
            f"list`, then add --yes, without --fingerprint"
        )
    if not waiting:
        raise InputError("no order waits for an approval")
    return waiting


def _waiting(args: argparse.Namespace) -> tuple[OrderRecord, ...]:
    from alphalens.monitoring.status import desk_status

    with journal_to_read(args.journal) as engine:
        return desk_status(engine).awaiting


def _document(order: OrderRecord) -> dict[str, object]:
    from alphalens.trading.codec import to_jsonable

    intent = order.intent
    return {
        "client_order_id": intent.client_order_id,
        "symbol": intent.symbol,
        "side": intent.side.value,
        "quantity": to_jsonable(intent.quantity),
        "order_type": intent.order_type.value,
        "limit_price": to_jsonable(intent.limit_price),
        "reference_price": to_jsonable(intent.reference_price),
        "value": to_jsonable(intent.notional),
        "why": [reason.message for reason in order.reasons],
        "since": to_jsonable(order.updated_at),
        "fingerprint": intent.fingerprint,
    }


def _lines(waiting: Sequence[OrderRecord]) -> Iterator[str]:
    if not waiting:
        yield "no order waits for an approval"
    for order in waiting:
        yield from _order_lines(order)


def _order_lines(order: OrderRecord) -> Iterator[str]:
    intent = order.intent
    limit = "" if intent.limit_price is None else f", limit {intent.limit_price}"
    yield (
        f"{intent.client_order_id}  {intent.side} {intent.quantity} {intent.symbol} at "
        f"{intent.reference_price} = {intent.notional}, {intent.order_type}{limit}"
    )
    yield (
        f"  since {order.updated_at:%Y-%m-%d %H:%M:%S} UTC, fingerprint "
        f"{intent.fingerprint[:_SHORT]}"
    )
    for reason in order.reasons:
        yield f"  {reason.message}"


def _decision_lines(action: str, decided: Sequence[tuple[int, OrderRecord]]) -> Iterator[str]:
    for number, order in decided:
        yield f"{action} is command {number}; the desk reads it before its next send:"
        yield from _order_lines(order)
