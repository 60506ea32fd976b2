"""``alphalens data compare`` and ``refetch``: what vendors say about the same bars, asked anew."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from alphalens.cli.market import request_of, settings_of, tell_absent
from alphalens.cli.output import ExitCode, Output

if TYPE_CHECKING:
    from alphalens.data.agreement import Agreement

__all__ = ["compare", "refetch"]


def compare(args: argparse.Namespace, out: Output) -> int:
    """Compare two vendors; end with an error if their closes differ."""
    from alphalens.runtime.market_data import open_market_data

    with open_market_data(settings_of(args), database=args.database) as market:
        tell_absent(market, out)
        found = market.pipeline.check_agreement(request_of(args))
    out.result(_compared(found), str(found).splitlines())
    return ExitCode.OPERATOR if len(found.disagreements) else ExitCode.OK


def _compared(found: Agreement) -> dict[str, object]:
    rows = found.disagreements.to_dict("records")
    return {
        "first": found.first,
        "second": found.second,
        "bars": len(found.table),
        "agree": int(found.table["agrees"].sum()),
        "alone": len(found.alone),
        "differ": [{**row, "timestamp": row["timestamp"].isoformat()} for row in rows],
    }


def refetch(args: argparse.Namespace, out: Output) -> int:
    """Ask for gaps once more; end with an error if nobody answered for some."""
    from alphalens.runtime.market_data import open_market_data

    with open_market_data(settings_of(args), database=args.database) as market:
        tell_absent(market, out)
        filled = market.pipeline.refetch_gaps()
        left = len(market.pipeline.record.gaps(is_open=True))
    document = {"asked": filled.parts, "rows": filled.rows, "failed": len(filled.failed)}
    told = f"asked {filled.parts} times, {filled.rows} bars came; {left} gaps are open"
    out.result({**document, "open_gaps": left}, [told])
    for failure in filled.failed:
        out.error("DataError", failure.problem)
    return ExitCode.OPERATOR if filled.failed else ExitCode.OK
