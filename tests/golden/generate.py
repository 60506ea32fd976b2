"""Store the numbers of alphalens-reloaded 0.5.1 for the golden tests.

Its package is called `alphalens` too, so it lives in an environment of its own::

    python3.11 -m venv ~/.cache/alphalens-oracle
    ~/.cache/alphalens-oracle/bin/pip install alphalens-reloaded==0.5.1
    cd tests/golden
    ~/.cache/alphalens-oracle/bin/python generate.py [SHAPE ...]

Without names every shape is written to ``data/<shape>.json.gz``. A second run writes the same
bytes, as long as the versions in the files' head are the same.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import sys
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("MPLBACKEND", "Agg")
HERE = Path(__file__).resolve().parent
if os.environ.get("PYTHONHASHSEED") != "0":  # 0.5.1 orders some columns by a set of strings
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"PYTHONHASHSEED": "0"})
sys.path = [str(HERE), *(p for p in sys.path if Path(p or ".").resolve() != HERE.parents[1])]

import calls  # noqa: E402
import codec  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import shapes  # noqa: E402

import alphalens  # noqa: E402 - the path above decides which
from alphalens import performance, plotting, utils  # noqa: E402

WANTED = "0.5.1"


def outcome(call: calls.Call, context: calls.Context, pool: codec.Pool) -> dict[str, Any]:
    """Run one call: its value or its exception, its warnings, what it printed."""
    out: dict[str, Any] = {}
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            out["value"] = codec.encode(call(context), pool)
        except Exception as error:  # noqa: BLE001 - what it raises is the result
            out["raises"] = [type(error).__name__, str(error)[:80]]
    seen = {(w.category.__name__, str(w.message)[:60]) for w in caught if _counts(w.category)}
    return out | {"warnings": sorted(map(list, seen)), "printed": printed.getvalue()}


def _counts(category: type[Warning]) -> bool:
    """Leave out what pandas and numpy say about the other library's code."""
    return not issubclass(category, (DeprecationWarning, FutureWarning))


def document(name: str) -> dict[str, Any]:
    """Return everything stored about one shape."""
    shape, pool = shapes.build(name), codec.Pool()
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fd = utils.get_clean_factor_and_forward_returns(shape.factor, shape.prices, **shape.clean)
    fd = calls.as_documented(fd)
    fd = fd if shape.edit is None else shape.edit(fd)
    context = calls.Context(utils, performance, plotting, shape, fd)
    todo = calls.calls_for(shape)
    todo |= {f"{key}@stand_in": call for key, call in calls.stand_ins(shape).items()}
    results = {key: outcome(call, context, pool) for key, call in todo.items()}
    return {
        "checksum": shapes.checksum(shape),
        "fd": codec.encode(fd, pool),
        "results": results,
        "pool": pool.items,
        "versions": {
            "alphalens": alphalens.__version__,
            "numpy": np.__version__,
            "pandas": pd.__version__,
            "python": platform.python_version(),
        },
    }


def main(names: list[str]) -> None:
    """Write the file of each named shape."""
    if alphalens.__version__ != WANTED:
        raise SystemExit(f"alphalens {alphalens.__version__} is installed here, need {WANTED}")
    for name in names or shapes.NAMES:
        path = HERE / "data" / f"{name}.json.gz"
        stored = document(name)
        codec.write(path, stored)
        raised = sum("raises" in r for r in stored["results"].values())
        size = path.stat().st_size
        sys.stdout.write(f"{name}: {len(stored['results'])} calls, {raised} raise, {size} B\n")


if __name__ == "__main__":
    main(sys.argv[1:])
