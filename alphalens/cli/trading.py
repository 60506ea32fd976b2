"""``alphalens trading``: see where the desk stands, stop it, start it again.

The commands write rows that the process which trades reads before every send; `halt` also makes
a file, which works when the database does not. Broker, model and Redis are not asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alphalens.cli.journal import (
    ask,
    asker,
    chosen,
    file_path,
    journal_option,
    journal_to_read,
    name,
    person_options,
    shown,
)
from alphalens.cli.output import ExitCode, Output, common_options
from alphalens.cli.standing import (
    file_document,
    lifted_lines,
    order_line,
    standing_document,
    standing_line,
    status_document,
    status_lines,
)
from alphalens.errors import AlphaLensError, InputError, StorageError

if TYPE_CHECKING:
    from alphalens.execution import Command, CommandKind
    from alphalens.monitoring.status import DeskStatus

_Run = Callable[[argparse.Namespace, Output], int]
_SOON = "the desk obeys before its next order"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    trading = commands.add_parser(
        "trading",
        help="see where the desk stands, halt it, resume it",
        description="Commands are rows in the journal's control table: the process that trades "
        "reads them before every send, and journals what it did. Nothing but the database is "
        "needed; halt makes a file beside it too, which works when the database does not.",
    )
    actions = trading.add_subparsers(title="actions", metavar="ACTION", required=True)
    _declare(actions, "status", _status, "state, orders, marks, what waits; read-only")
    _declare(actions, "halt", _halt, "stop all orders until somebody resumes; cancels pass")
    _declare(actions, "reduce", _reduce, "let only orders pass that reduce exposure")
    _declare(actions, "resume", _resume, "trade again; removes the halt file")
    cancel = _declare(actions, "cancel", _cancel, "cancel an order, in every state")
    cancel.add_argument("order", type=name, help="its client order id, or how that begins")
    clear = _declare(actions, "clear", _clear, "trade a frozen symbol again")
    clear.add_argument("symbol", type=name)
    claim = _declare(actions, "claim", _claim, "take over a position that is not ours")
    claim.add_argument("symbol", type=name)


def _declare(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], action: str, run: _Run, text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(action, help=text, description=text)
    journal_option(parser)
    if run is not _status:
        person_options(parser)
    if run in (_status, _halt, _resume):
        parser.add_argument(
            "--halt-file",
            type=file_path,
            metavar="FILE",
            help="[the journal's file with .halt after its name; none for a server]",
        )
    common_options(parser)
    parser.set_defaults(run=run)
    return parser


def _status(args: argparse.Namespace, out: Output) -> int:
    from alphalens.execution.halt import read_halt_file

    status = _read_status(args)
    path = _halt_file(args)
    said = None if path is None else read_halt_file(path)
    document = {
        **status_document(status, said),
        **_about(args),
        "halt_file": file_document(path, said),
    }
    out.result(document, status_lines(status, path, said))
    return ExitCode.OK


def _halt(args: argparse.Namespace, out: Output) -> int:
    """Make the file first, since it works always, then write the row."""
    from alphalens.execution import CommandKind

    made, problem = _try_file(args)
    number = None
    try:
        number = ask(args.journal, _command(args, CommandKind.HALT))
    except AlphaLensError as error:
        if made is None:
            raise StorageError(
                f"NOT halted, end the process that trades by hand: {error} {problem}".strip()
            ) from error
        problem = f"only the halt file was made, the command was not written: {error}"
    document = {**_about(args), "command": number, "halt_file": None if made is None else str(made)}
    out.result(document, _halt_lines(number, made))
    if problem:
        out.error("StorageError", problem)
    return ExitCode.OPERATOR if problem else ExitCode.OK


def _try_file(args: argparse.Namespace) -> tuple[Path | None, str]:
    """Make the halt file, if there is to be one; return it, and what went wrong."""
    from alphalens.execution.halt import make_halt_file
    from alphalens.trading.clock import SystemClock

    try:
        path = _halt_file(args)
        if path is None:
            return None, ""
        is_written = make_halt_file(
            path, by=asker(args), reason=args.reason, at=SystemClock().now()
        )
    except AlphaLensError as error:
        return None, f"only the command was written, no halt file: {error}"
    return path, "" if is_written else f"{path} is there, but who asked could not be written in it"


def _halt_lines(number: int | None, made: Path | None) -> Iterator[str]:
    if number is not None:
        yield f"halt is command {number}: {_SOON}, and stays halted until somebody resumes"
    if made is not None:
        yield f"halt file {made}: a desk that has this halt file stays halted while it exists"
    else:
        yield "no halt file was made; a journal on a server has one only where --halt-file names it"


def _resume(args: argparse.Namespace, out: Output) -> int:
    """Show what is lifted, write the row, and only then remove the file."""
    from alphalens.execution import CommandKind
    from alphalens.execution.halt import read_halt_file, remove_halt_file

    status, path = _read_status(args), _halt_file(args)
    said = None if path is None else read_halt_file(path)
    lifted = list(lifted_lines(status, path, said))
    if not _is_agreed(lifted, out):
        out.error("InputError", "nothing was changed: the question was not answered with yes")
        return ExitCode.USER
    number = ask(args.journal, _command(args, CommandKind.RESUME))
    is_removed = False if path is None else remove_halt_file(path)
    document = {
        **_about(args),
        "command": number,
        "lifts": standing_document(status) | {"halt_file": file_document(path, said)},
        "is_halt_file_removed": is_removed,
    }
    done = f"resume is command {number}: {_SOON}; a book still in breach stops it again"
    out.result(document, [*lifted, done, *([f"removed {path}"] if is_removed else [])])
    again = _halted_again(args, number)
    if again:
        out.error("TradingHalted", again)
    return ExitCode.POLICY if again else ExitCode.OK


def _halted_again(args: argparse.Namespace, number: int) -> str:
    """Return what the desk says if it has obeyed already and stopped again, as for the file."""
    status = _read_status(args)
    if status.standing.state != "halted" or any(c.id == number for c in status.commands):
        return ""
    return f"obeyed, and then: {standing_line(status)}; see to that, then resume once more"


def _is_agreed(lifted: Iterable[str], out: Output) -> bool:
    """Ask a person at a terminal; a script has said what it wants by calling."""
    if out.is_json or not sys.stdin.isatty():
        return True
    for line in lifted:
        print(line, file=sys.stderr)
    print("trade again? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _reduce(args: argparse.Namespace, out: Output) -> int:
    from alphalens.execution import CommandKind

    command = _command(args, CommandKind.REDUCE)
    return _tell(args, out, command, "only orders that reduce exposure pass then")


def _cancel(args: argparse.Namespace, out: Output) -> int:
    from alphalens.execution import CommandKind

    order = chosen(_read_status(args).live_orders, args.order, what="not final")
    command = _command(args, CommandKind.CANCEL, client_order_id=order.client_order_id)
    return _tell(args, out, command, f"it cancels {order_line(order)}")


def _clear(args: argparse.Namespace, out: Output) -> int:
    from alphalens.execution import CommandKind

    frozen = _read_status(args).frozen
    _check_symbol(args.symbol, frozen, "frozen")
    command = _command(args, CommandKind.CLEAR, symbol=args.symbol)
    return _tell(args, out, command, f"it was frozen because {frozen[args.symbol]}")


def _claim(args: argparse.Namespace, out: Output) -> int:
    from alphalens.execution import CommandKind

    _check_symbol(args.symbol, _read_status(args).external, "held or traded by others")
    command = _command(args, CommandKind.CLAIM, symbol=args.symbol)
    return _tell(args, out, command, f"{args.symbol} is then traded with the rest")


def _check_symbol(symbol: str, known: Iterable[str], what: str) -> None:
    if symbol not in known:
        raise InputError(f"{symbol} is not {what}; these are: {', '.join(known) or 'none'}")


def _tell(args: argparse.Namespace, out: Output, command: Command, then: str) -> int:
    number = ask(args.journal, command)
    what = command.client_order_id or command.symbol
    document = {**_about(args), "command": number, "kind": command.kind.value, "about": what}
    out.result(document, [f"{command.kind} is command {number}: {_SOON}; {then}"])
    return ExitCode.OK


def _command(
    args: argparse.Namespace, kind: CommandKind, *, client_order_id: str = "", symbol: str = ""
) -> Command:
    from alphalens.execution import Command

    return Command(
        kind=kind,
        by=asker(args),
        reason=args.reason,
        client_order_id=client_order_id,
        symbol=symbol,
    )


def _read_status(args: argparse.Namespace) -> DeskStatus:
    from alphalens.monitoring.status import desk_status

    with journal_to_read(args.journal) as engine:
        return desk_status(engine)


def _halt_file(args: argparse.Namespace) -> Path | None:
    from alphalens.execution.halt import halt_file_of

    given: Path | None = args.halt_file
    return halt_file_of(args.journal) if given is None else given


def _about(args: argparse.Namespace) -> dict[str, object]:
    return {"journal": shown(args.journal)}
