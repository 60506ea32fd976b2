"""The command line: help without extras, exit codes, JSON, and one line per error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alphalens.cli import main
from alphalens.cli.output import ExitCode, exit_code
from alphalens.errors import (
    AuditError,
    BrokerError,
    ConfigError,
    DataError,
    InputError,
    MissingExtra,
    RiskRejected,
)

CONFIG = "import sys; from alphalens.cli import main; sys.exit(main(['config', 'show']))"


def test_help_lists_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    for word in ("demo", "factor", "audit", "config", "exit codes", "changed after it was written"):
        assert word in said


@pytest.mark.parametrize(
    "argv", [[], ["nonsense"], ["factor"], ["factor", "p.csv", "--periods", "x"]]
)
def test_a_wrong_call_ends_with_the_code_of_the_user(argv: list[str]):
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == ExitCode.USER


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), ExitCode.USER),
        (InputError("x"), ExitCode.USER),
        (MissingExtra("demo", "skfolio"), ExitCode.USER),
        (DataError("x"), ExitCode.OPERATOR),
        (BrokerError("x"), ExitCode.OPERATOR),
        (RiskRejected("x"), ExitCode.POLICY),
        (AuditError("x"), ExitCode.AUDIT),
        (RuntimeError("x"), ExitCode.FAULT),
    ],
)
def test_each_branch_of_the_error_tree_has_its_exit_code(error: Exception, code: ExitCode):
    assert exit_code(error) == code


def test_output_that_nobody_reads_any_more_ends_the_command_without_a_word(tmp_path: Path):
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        [sys.executable, "-c", CONFIG],
        cwd=tmp_path,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)
    assert (ended.returncode, ended.stderr) == (ExitCode.UNREAD, b"")


def test_config_show_gives_value_and_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "very-secret")
    env = tmp_path / ".env"
    env.write_text("ALPHALENS_ACCOUNT=desk\n")
    assert main(["config", "show", "--json", "--env-file", str(env)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["ALPHALENS_ACCOUNT"] == {"value": "desk", "source": str(env)}
    assert shown["ANTHROPIC_API_KEY"] == {"value": "********", "source": "environment"}
    assert shown["ENABLE_LIVE_TRADING"]["value"] == "False"


def test_config_show_as_text_has_a_line_per_setting(capsys: pytest.CaptureFixture[str]):
    assert main(["config", "show"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:2] == ["ENABLE_LIVE_TRADING", "False"] for line in lines)


def test_an_unknown_setting_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("ALPHALENS_ACOUNT", "x")
    assert main(["config", "show"]) == ExitCode.USER
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "did you mean ALPHALENS_ACCOUNT" in said.err


def test_an_error_is_json_when_json_was_asked_for(capsys: pytest.CaptureFixture[str]):
    assert main(["factor", "no-such-file.csv", "--json"]) == ExitCode.USER
    said = json.loads(capsys.readouterr().err)
    assert said["error"] == "InputError"
    assert "no-such-file.csv" in said["message"]
