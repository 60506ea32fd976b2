"""The side environment of the peer: alphalens-reloaded, whose package is called as ours."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

PEER = "alphalens-reloaded==0.5.1"
SAME = ("numpy", "pandas", "scipy", "matplotlib", "seaborn", "statsmodels")


def cache_dir() -> Path:
    """Return the user's cache directory for this project."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "alpha-lens"


def peer_python() -> Path:
    """Return the interpreter of the peer's environment, made on the first call.

    The libraries below both are pinned to the versions that run here: the comparison is of the
    two packages, not of two pandas.
    """
    pins = [f"{name}=={importlib.metadata.version(name)}" for name in SAME]
    tag = "-".join(pin.replace("==", "") for pin in pins[:2])
    folder = cache_dir() / f"{PEER.replace('==', '-')}-py{sys.version_info.minor}-{tag}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        _install(folder, python, [PEER, *pins])
        (folder / "ready").touch()
    return python


def _install(folder: Path, python: Path, packages: list[str]) -> None:
    """Make the environment with uv where it is installed, with venv and pip otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        importlib.metadata.version("uv")
    except importlib.metadata.PackageNotFoundError:
        steps = [
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", *packages],
        ]
    else:
        uv = [sys.executable, "-m", "uv"]
        steps = [
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [*uv, "pip", "install", "--quiet", "--python", str(python), *packages],
        ]
    for step in steps:
        subprocess.run(step, check=True)
