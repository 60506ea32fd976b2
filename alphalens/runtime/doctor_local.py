"""What can be told without asking anybody: Python, packages, settings, disk, the halt file."""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from alphalens.config import Settings
from alphalens.errors import StorageError
from alphalens.execution.halt import halt_file_of, read_halt_file
from alphalens.monitoring.health_check import HealthCheck, Status

__all__ = ["disk", "halt_file", "packages", "python", "settings_in_force", "told"]

_PACKAGE = "alpha-lens"
_NEEDED = ("", "trading")  # "": what comes without an extra
_LOW_BYTES, _LEAST_BYTES = 5 * 2**30, 2**28
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_AT_LEAST = re.compile(r">=\s*([0-9]+(?:\.[0-9]+)*)")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def told(name: str, status: Status, value: str, limit: str, message: str) -> HealthCheck:
    """Return a check."""
    return HealthCheck(name=name, status=status, value=value, limit=limit, message=message)


def python() -> HealthCheck:
    """Return whether this Python is one that the package is for."""
    found, needed = platform.python_version(), metadata.metadata(_PACKAGE)["Requires-Python"]
    least = _least(needed or "")
    is_old = _numbers(found) < _numbers(least)
    message = f"install Python {least} or later" if is_old else "this Python will do"
    return told("python", Status.CRITICAL if is_old else Status.OK, found, needed or "", message)


def packages() -> Iterator[HealthCheck]:
    """Give a check for what is always needed, and one for each extra."""
    wanted: dict[str, list[str]] = {}
    for text in metadata.requires(_PACKAGE) or ():
        need, _, condition = text.partition(";")
        named = _EXTRA.search(condition)
        wanted.setdefault(named[1] if named else "", []).append(need)
    for extra, needs in wanted.items():
        if extra not in ("dev", "all"):
            yield _package_check(extra, needs)


def _package_check(extra: str, needs: list[str]) -> HealthCheck:
    name = f"extra {extra}" if extra else "packages"
    wrong = [problem for need in needs if (problem := _problem(need))]
    command = f'pip install "{_PACKAGE}[{extra}]"' if extra else f"pip install {_PACKAGE}"
    if not wrong:
        return told(name, Status.OK, "installed", "installed", "all of it is there")
    is_needed = extra in _NEEDED
    message = f"{', '.join(wrong)}: run  {command}" + ("" if is_needed else "  if you want it")
    status = Status.CRITICAL if is_needed else Status.OK
    return told(name, status, f"{len(wrong)} missing", "installed" if is_needed else "", message)


def _problem(need: str) -> str:
    """Return what is wrong with a requirement such as ``redis>=7``; empty if nothing is."""
    match = _NAME.match(need.strip())
    if match is None or match[0] == _PACKAGE:
        return ""
    try:
        found = metadata.version(match[0])
    except metadata.PackageNotFoundError:
        return f"{match[0]} is not installed"
    least = _least(need)
    return f"{match[0]} is {found}, {least} is needed" if _numbers(found) < _numbers(least) else ""


def _least(specifier: str) -> str:
    match = _AT_LEAST.search(specifier)
    return match[1] if match else "0"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def settings_in_force(settings: Settings) -> Iterator[HealthCheck]:
    """Give the flags that are on, and the names of the keys that are set: never a key."""
    flags = [r.key for r in settings.rows() if r.key.startswith("ENABLE_") and r.value == "True"]
    is_live = settings.enable_live_trading
    message = "real money may be traded: is that meant?" if is_live else "no real money is traded"
    yield told(
        "flags",
        Status.WARNING if is_live else Status.OK,
        ", ".join(flags) or "all off",
        "",
        message,
    )
    keys = [row.key for row in settings.rows() if row.key.endswith("_KEY") and row.value]
    yield told(
        "keys",
        Status.OK,
        ", ".join(keys) or "none",
        "",
        "these are set; `alphalens config show` tells where" if keys else "none is set in .env",
    )


def disk(folder: Path) -> HealthCheck:
    """Return whether there is room in the folder, or where it would be made."""
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    status = Status.OK
    if free < _LOW_BYTES:
        status = Status.CRITICAL if free < _LEAST_BYTES else Status.WARNING
    message = "there is room" if status is Status.OK else f"make room on the disk of {place}"
    return told(
        "disk", status, f"{free / 2**30:.1f} GiB free", f"{_LOW_BYTES / 2**30:.0f} GiB", message
    )


def halt_file(settings: Settings, journal: str | Path | None) -> HealthCheck:
    """Return whether a halt file stops trading."""
    place = Path(settings.halt_file) if settings.halt_file else None
    if place is None and journal is not None:
        place = halt_file_of(journal)
    if place is None:
        message = "no halt file is named: a desk on a file has one beside its journal"
        return told("halt file", Status.OK, "none", "none", message)
    try:
        said = read_halt_file(place)
    except StorageError as error:
        return told("halt file", Status.UNKNOWN, "cannot be read", "none", str(error))
    if said is None:
        return told("halt file", Status.OK, "none", "none", f"{place} does not exist")
    message = f"{place} halts trading ({said or 'it says nothing'}): `alphalens trading resume`"
    return told("halt file", Status.WARNING, "exists", "none", message)
