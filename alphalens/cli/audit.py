"""``alphalens audit verify``: tell whether the record is what was written."""

from __future__ import annotations

import argparse
from pathlib import Path

from alphalens.cli.output import ExitCode, Output, common_options
from alphalens.errors import AuditError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    audit = commands.add_parser("audit", help="check the record of every trade")
    actions = audit.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="recompute the hash chain of the journal")
    verify.add_argument("--database", type=Path, required=True, help="the journal file")
    verify.add_argument("--head", help="a head that was kept elsewhere, to compare with")
    common_options(verify)
    verify.set_defaults(run=run)


def run(args: argparse.Namespace, out: Output) -> int:
    """Recompute the chain; an `AuditError` names the first record that was changed."""
    from alphalens.execution import JournalReader
    from alphalens.storage import open_engine

    engine = open_engine(args.database, is_read_only=True)
    try:
        reader = JournalReader(engine)
        count, head = reader.verify(), reader.head
        reader.verify_tables()
    finally:
        engine.dispose()
    if args.head not in (None, head):
        raise AuditError(
            f"{args.database}: the head is {head}, but {args.head} was kept elsewhere: the whole "
            "chain was written anew, or this is another journal"
        )
    document = {"database": str(args.database), "records": count, "head": head, "intact": True}
    out.result(
        document, [f"{args.database}: {count} records, chain and tables intact, head {head}"]
    )
    return ExitCode.OK
