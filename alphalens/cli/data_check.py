"""``alphalens data check``: what is wrong with bars, in a file or in the store."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from alphalens.cli.market import instant_text, market_to_read, settings_of
from alphalens.cli.output import ExitCode, Output, columns
from alphalens.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from alphalens.runtime.data_check import Findings

__all__ = ["check"]

_FILES = (".csv", ".gz", ".parquet", ".pq")
_WIDEST = 160


def check(args: argparse.Namespace, out: Output) -> int:
    """Judge what was named, print what is wrong, and end with an error if a row is rejected."""
    files = [Path(text) for text in args.targets if _is_file(text)]
    if files and (len(files) > 1 or len(args.targets) > 1):
        raise InputError("name one file or folder, or symbols: not both, and not several files")
    if files and not files[0].exists():
        raise InputError(f"{files[0]}: there is no such file or folder: correct the path")
    found = _of_file(args, files[0]) if files else _of_store(args)
    out.result(_document(args, found), _lines(args, found))
    if found.is_clean:
        return ExitCode.OK
    for refusal in found.refused:
        out.error("AnswerRefused", str(refusal))
    return ExitCode.OPERATOR


def _is_file(text: str) -> bool:
    return Path(text).exists() or "\\" in text or Path(text).suffix.lower() in _FILES


def _of_store(args: argparse.Namespace) -> Findings:
    from alphalens.assets.symbols import canonical, class_by_form
    from alphalens.data.bars import Adjustment, Timeframe
    from alphalens.runtime.data_check import judge_store
    from alphalens.trading.clock import SystemClock

    symbols = [canonical(text, class_by_form(text.upper())) for text in args.targets]
    with market_to_read(args, settings_of(args)) as engine:
        return judge_store(
            engine,
            tuple(dict.fromkeys(symbols)),
            timeframe=Timeframe(args.timeframe),
            adjustment=Adjustment(args.adjustment),
            clock=SystemClock(),
        )


def _of_file(args: argparse.Namespace, path: Path) -> Findings:
    from alphalens.assets import AssetClass
    from alphalens.data.bars import Adjustment, Timeframe
    from alphalens.data.fact_store import FactStore
    from alphalens.runtime.data_check import judge_file
    from alphalens.trading.clock import SystemClock

    with ExitStack() as stack:
        facts = None
        if args.database:
            engine = stack.enter_context(market_to_read(args, settings_of(args)))
            facts = FactStore(engine)
        return judge_file(
            path,
            timeframe=Timeframe(args.timeframe),
            adjustment=Adjustment(args.adjustment),
            clock=SystemClock(),
            asset_class=AssetClass(args.asset_class),
            zone=args.zone,
            date_format=args.date_format,
            facts=facts,
        )


def _document(args: argparse.Namespace, found: Findings) -> dict[str, object]:
    document: dict[str, object] = {
        "targets": args.targets,
        "rows": found.told,
        "kept": found.kept,
        "rejected": found.rejected,
        "repaired": found.repaired,
        "counts": {reason.name.lower(): count for reason, count in found.counts.items()},
        "gaps": [
            {
                "symbol": gap.symbol,
                "after": gap.after.isoformat(),
                "before": gap.before.isoformat(),
                "missing": gap.count,
                "reason": gap.reason.name.lower(),
            }
            for gap in found.gaps
        ],
        "empty": found.empty,
        "quarantine": [
            {name: str(row[name]) for name in ("symbol", "timestamp", "because", "raw")}
            for row in found.aside.head(args.rows).to_dict("records")
        ],
        "refused": [
            {"reason": refusal.reason.name.lower(), "message": str(refusal)}
            for refusal in found.refused
        ],
    }
    if args.detail:
        document["detail"] = [
            {**row, "day": _day(row["day"])} for row in found.detail.to_dict("records")
        ]
    return document


def _lines(args: argparse.Namespace, found: Findings) -> Iterator[str]:
    from alphalens.data.reasons import RULES

    yield (
        f"{found.told} rows: {found.kept} good, {found.rejected} to be rejected, "
        f"{found.repaired} to be repaired"
    )
    for reason, count in found.counts.items():
        rule = RULES[reason]
        yield f"  {count:>6} {rule.severity}: {rule.text} ({reason.name.lower()})"
    for gap in found.gaps:
        yield (
            f"  gap: {gap.symbol} lacks {gap.count} between {instant_text(gap.after)} and "
            f"{instant_text(gap.before)}"
        )
    if found.empty:
        yield f"  no rows of {', '.join(found.empty)}"
    if args.detail and len(found.detail):
        yield "by symbol and day:"
        yield from _detail_lines(found.detail)
    if len(found.aside):
        yield f"rejected, the first {min(args.rows, len(found.aside))} of {len(found.aside)}:"
        yield from _aside_lines(found.aside.head(args.rows))


def _detail_lines(detail: pd.DataFrame) -> Iterator[str]:
    rows = [
        (f"  {row['symbol']}", _day(row["day"]), str(row["rows"]), str(row["reason"]))
        for row in detail.to_dict("records")
    ]
    yield from columns([("  symbol", "day", "rows", "reason"), *rows])


def _aside_lines(aside: pd.DataFrame) -> Iterator[str]:
    rows = [
        (f"  {row['symbol']}", str(row["timestamp"]), row["because"], _safe(row["raw"]))
        for row in aside.to_dict("records")
    ]
    yield from columns([("  symbol", "timestamp", "because", "as it came"), *rows])


def _safe(raw: str) -> str:
    """Return a text from outside so that it cannot move the cursor."""
    return ascii(raw)[1:-1][:_WIDEST]


def _day(day: pd.Timestamp) -> str:
    return "unknown" if day != day else f"{day:%Y-%m-%d}"  # NaT is not itself
