"""A desk that is started again after a crash does not wait for what only a paper run needs."""

import subprocess
import sys

import pytest

import alphalens.runtime


def test_desk_starts_without_the_graph_of_a_paper_run():
    code = (
        "import sys; from alphalens.runtime import open_desk, open_quotes, run_desk; "
        "print(sorted({'langgraph', 'langchain_core', 'matplotlib'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_name_is_there_and_no_other():
    for name in alphalens.runtime.__all__:
        assert getattr(alphalens.runtime, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'open_dsek'"):
        alphalens.runtime.open_dsek  # noqa: B018 - the question is the test
