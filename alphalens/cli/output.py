"""What a command says and how it ends: one table of exit codes, text or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

from alphalens.errors import AuditError, OperatorError, PolicyError, UserError

__all__ = ["ExitCode", "Output", "common_options", "exit_code"]


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAULT = 1
    USER = 2
    OPERATOR = 3
    POLICY = 4
    AUDIT = 5
    INTERRUPTED = 130
    UNREAD = 141

    @staticmethod
    def table() -> str:
        """Return the table that ``--help`` prints."""
        rows = "\n".join(f"  {code.value:>3}  {text}" for code, text in _MEANING.items())
        return f"exit codes:\n{rows}"


_MEANING = {
    ExitCode.OK: "done",
    ExitCode.FAULT: "a defect of this program; the traceback is on stderr",
    ExitCode.USER: "the call, the settings or the input must be corrected",
    ExitCode.OPERATOR: "data, broker or storage failed; see whether it can be tried again",
    ExitCode.POLICY: "a rule of the desk said no",
    ExitCode.AUDIT: "the record was changed after it was written",
    ExitCode.INTERRUPTED: "stopped by the user",
    ExitCode.UNREAD: "whoever read the output went away before its end",
}


def exit_code(error: Exception) -> ExitCode:
    """Return the exit code that goes with an error of ours."""
    if isinstance(error, AuditError):
        return ExitCode.AUDIT
    for kind, code in (
        (UserError, ExitCode.USER),
        (OperatorError, ExitCode.OPERATOR),
        (PolicyError, ExitCode.POLICY),
    ):
        if isinstance(error, kind):
            return code
    return ExitCode.FAULT


def common_options(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that every command has."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quiet", action="store_true", help="print results only, no progress")


class Output:
    """Where a command's words go.

    Results go to standard output, as text or as one JSON document; progress and errors go to
    standard error.

    Parameters
    ----------
    is_json : bool
        Print one JSON document instead of text.
    is_quiet : bool
        Leave out progress.
    """

    def __init__(self, *, is_json: bool, is_quiet: bool = False) -> None:
        self.is_json, self.is_quiet = is_json, is_quiet or is_json

    def result(self, document: Mapping[str, object], lines: Iterable[str]) -> None:
        """Print the JSON document or the lines, whichever was asked for."""
        if self.is_json:
            print(json.dumps(document, indent=2, sort_keys=True, default=str))
        else:
            for line in lines:
                print(line)

    def note(self, text: str) -> None:
        """Say how the work goes on, on standard error."""
        if not self.is_quiet:
            print(text, file=sys.stderr)

    def error(self, kind: str, text: str) -> None:
        """Say why the command failed, on standard error; JSON when JSON was asked for."""
        if self.is_json:
            print(json.dumps({"error": kind, "message": text}), file=sys.stderr)
        else:
            print(f"alphalens: {kind}: {text}", file=sys.stderr)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with aligned columns."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
