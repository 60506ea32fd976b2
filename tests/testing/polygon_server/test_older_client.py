"""The older client of the vendor gets what the newer one gets, from the same tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
OLDER = "1.16.3"  # the last one of that name
WHO = "from importlib.metadata import version as v; print(v('polygon-api-client'), v('certifi'))"


def told(*command: str, **environment: str) -> str:
    run = subprocess.run(
        [sys.executable, *command],
        cwd=HERE.parents[2],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.nightly
def test_older_client_and_what_it_wants_stand_before_ours(tmp_path):
    wanted = ("--target", str(tmp_path), f"polygon-api-client=={OLDER}")
    told("-m", "uv", "pip", "install", "-q", "--python", sys.executable, *wanted)
    first = {"PYTHONPATH": str(tmp_path), "POLYGON_CLIENT": "polygon"}
    version, certificates = told("-c", WHO, **first).split()
    assert version == OLDER
    assert int(certificates.partition(".")[0]) < 2026
    tests = told("-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE), **first)
    assert " passed" in tests.splitlines()[-1]
