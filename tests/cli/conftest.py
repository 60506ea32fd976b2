"""A desk whose journal the commands are about, on SQLite and, where asked for, on PostgreSQL."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from alphalens.cli import main
from alphalens.storage import open_engine

from ..execution.conftest import WIDE, Desk  # noqa: TID252 - the tests are no package to import

ASKING = replace(WIDE, approval_above=Decimal("0.05"))


class Terminal:
    """Runs commands about one journal and reads what they say."""

    def __init__(self, target, capsys) -> None:
        self.target, self._capsys = str(target), capsys

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main([*words, "--journal", self.target])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: str) -> dict:
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
def desk(tmp_path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    for engine in desk.engines:
        engine.dispose()


@pytest.fixture
def shell(desk, capsys) -> Terminal:
    return Terminal(desk.path, capsys)


@pytest.fixture
def on_both(database_url, tmp_path, capsys) -> Iterator[tuple[Desk, Terminal]]:
    engine = open_engine(database_url)
    yield Desk(tmp_path, engine), Terminal(database_url, capsys)
    engine.dispose()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """A locked SQLite file is given up at once."""
    monkeypatch.setattr("alphalens.storage.sqlite._BUSY_TIMEOUT_MS", 20)
