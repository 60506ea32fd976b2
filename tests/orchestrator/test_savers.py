"""Checkpoints hold plain values, cannot run code, and leave the machine to nobody."""

from __future__ import annotations

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from alphalens.errors import StorageError
from alphalens.orchestrator import build_graph, memory_saver, run_cycle, sqlite_saver


def test_a_type_that_could_run_code_comes_back_as_plain_data():
    serde = memory_saver().serde

    back = serde.loads_typed(serde.dumps_typed({"p": StorageError("x"), "n": 1}))

    assert back["n"] == 1
    assert not isinstance(back["p"], StorageError)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "c.sqlite"
    path.write_bytes(b"this is text, and a good deal of it" * 100)

    with pytest.raises(StorageError, match=r"c\.sqlite cannot be opened"), sqlite_saver(path):
        pytest.fail("it was opened")


def test_a_folder_that_is_absent_is_refused(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened"), sqlite_saver(tmp_path / "a" / "b"):
        pytest.fail("it was opened")


def test_nothing_is_traced_even_when_the_environment_asks_for_it(make_desk, monkeypatch):
    calls: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            calls.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - the name that http.server looks for

        def log_message(self, *given):
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("LANGSMITH_API_KEY", "k")
    monkeypatch.setenv("LANGSMITH_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    paper = make_desk()
    at = paper.step_to(30)

    run_cycle(
        build_graph(paper.desk, saver=memory_saver()),
        run_id="run",
        cycle_id="c",
        asof=at,
        approver=None,
    )
    server.shutdown()
    server.server_close()

    assert calls == []


@pytest.mark.parametrize(
    ("package", "absent", "extra"),
    [
        ("alphalens.orchestrator", "langgraph", "agents"),
        ("alphalens.agents", "sqlalchemy", "trading"),
        ("alphalens.monitoring", "sqlalchemy", "trading"),
    ],
)
def test_a_missing_extra_is_named_with_its_command(package, absent, extra):
    code = (
        "import importlib.util as u; real = u.find_spec\n"
        f"u.find_spec = lambda name, *a: None if name == {absent!r} else real(name, *a)\n"
        f"import {package}"
    )

    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert f'pip install "alpha-lens[{extra}]"' in found.stderr


def test_langgraph_is_imported_in_one_room_only():
    folder = Path(__file__).parents[2] / "alphalens"

    users = {
        path.relative_to(folder).parts[0]
        for path in folder.rglob("*.py")
        if "import langgraph" in path.read_text() or "from langgraph" in path.read_text()
    }

    assert users == {"orchestrator"}
