"""What the pages say is true: links lead somewhere, commands exist, code blocks run."""

from __future__ import annotations

import doctest
import re
import shlex
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import alphalens
from alphalens.cli.main import _parser

pytestmark = pytest.mark.untraced

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    p
    for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob(".claude/**/*.md")]
    if p.name != "CHANGELOG.md"
)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def _blocks(page: Path, *languages: str) -> list[str]:
    return [code for language, code in FENCE.findall(page.read_text()) if language in languages]


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_to_a_file(page: Path):
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", [p for p in PAGES if _blocks(p, "python")], ids=_name)
def test_code_blocks_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    before = len(namespace)
    for number, code in enumerate(_blocks(page, "python"), 1):
        exec(compile(code, f"{_name(page)} block {number}", "exec"), namespace)
    assert len(namespace) > before


@pytest.mark.parametrize("page", [p for p in PAGES if _blocks(p, "sh", "console")], ids=_name)
def test_commands_of_the_pages_exist(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    lines = [
        line.removeprefix("$ ").split("#")[0].strip()
        for block in _blocks(page, "sh", "console")
        for line in block.splitlines()
    ]
    for line in lines:
        words = shlex.split(line)
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in targets
        elif words[:1] in (["alphalens"], [".venv/bin/alphalens"]) and "--help" not in words:
            _parser().parse_args(words[1:])


def _modules() -> list[str]:
    found = walk_packages(alphalens.__path__, "alphalens.")
    programs = ("__main__", ".migrations.env")  # not modules: importing one runs it
    return sorted(m.name for m in found if not m.name.endswith(programs))


@pytest.mark.parametrize("name", _modules())
def test_examples_of_the_docstrings_are_true(name: str):
    result = doctest.testmod(
        import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.failed == 0
