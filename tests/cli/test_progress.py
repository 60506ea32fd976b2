"""A bar is drawn at a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest

from alphalens.cli.output import Output
from alphalens.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(monkeypatch) -> Terminal:
    made = Terminal()  # in the test itself: the runner puts its own in place before each phase
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setattr(sys, "stdout", Terminal())
    return made


def run(out: Output) -> None:
    with progress(out) as advance:
        advance("fetch", 0, 2)
        advance("fetch", 1, 2, note="5 bars")
        advance("fetch", 2, 2, note="10 bars")


def test_bar_is_drawn_at_a_terminal(monkeypatch):
    terminal = at_terminal(monkeypatch)
    run(Output(is_json=False))
    drawn = terminal.getvalue()
    assert "2/2" in drawn
    assert "10 bars" in drawn
    assert "\x1b[" in drawn  # it moves the cursor


@pytest.mark.parametrize("out", [Output(is_json=True), Output(is_json=False, is_quiet=True)])
def test_nothing_is_told_with_json_or_when_quiet(monkeypatch, out):
    terminal = at_terminal(monkeypatch)
    run(out)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("missing", ["terminal", "rich"])
def test_one_line_is_told_without_a_terminal_or_without_rich(monkeypatch, missing):
    terminal = at_terminal(monkeypatch)
    if missing == "rich":
        monkeypatch.setattr("alphalens.cli.progress.find_spec", lambda _: None)
    else:
        monkeypatch.setattr(sys, "stdout", io.StringIO())
    run(Output(is_json=False))
    assert terminal.getvalue() == "fetch: 2 of 2, 10 bars\n"
