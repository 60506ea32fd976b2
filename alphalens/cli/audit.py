"""``alphalens audit``: tell whether the record is what was written, and restore what follows."""

from __future__ import annotations

import argparse

from alphalens.cli.journal import journal_option, journal_to_read, journal_to_write, shown
from alphalens.cli.output import ExitCode, Output, common_options
from alphalens.errors import AuditError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    audit = commands.add_parser("audit", help="check the record of every trade")
    actions = audit.add_subparsers(title="actions", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="recompute the hash chain of the journal")
    journal_option(verify, "--journal", "--database")
    verify.add_argument("--head", help="a head that was kept elsewhere, to compare with")
    common_options(verify)
    verify.set_defaults(run=run)
    rebuild = actions.add_parser(
        "rebuild",
        help="write the tables of orders, fills, marks and alerts anew from the journal",
        description="The chain is verified first: nothing is rebuilt from a changed record. The "
        "desk must not be trading, for this takes the pen of its journal.",
    )
    journal_option(rebuild, "--journal", "--database")
    common_options(rebuild)
    rebuild.set_defaults(run=_rebuild)


def run(args: argparse.Namespace, out: Output) -> int:
    """Recompute the chain; an `AuditError` names the first record that was changed."""
    from alphalens.execution import JournalReader

    name = shown(args.journal)
    with journal_to_read(args.journal) as engine:
        reader = JournalReader(engine)
        count, head = reader.verify(), reader.head
        reader.verify_tables()
    if args.head not in (None, head):
        raise AuditError(
            f"{name}: the head is {head}, but {args.head} was kept elsewhere: the whole "
            "chain was written anew, or this is another journal"
        )
    document = {"database": name, "records": count, "head": head, "intact": True}
    out.result(document, [f"{name}: {count} records, chain and tables intact, head {head}"])
    return ExitCode.OK


def _rebuild(args: argparse.Namespace, out: Output) -> int:
    """Replay the journal into its tables; the record itself is left as it is."""
    from alphalens.execution import Journal
    from alphalens.trading.clock import SystemClock

    name = shown(args.journal)
    with (
        journal_to_write(args.journal) as engine,
        Journal(engine, clock=SystemClock(), run_id="rebuild") as journal,
    ):
        count, head = journal.rebuild(), journal.head
        journal.verify_tables()
    document = {"database": name, "records": count, "head": head, "rebuilt": True}
    out.result(document, [f"{name}: tables written anew from {count} records, head {head}"])
    return ExitCode.OK
