"""Facts about the checkout that no single module can promise."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

import alphalens

ROOT = Path(__file__).resolve().parents[1]


def _lock_names() -> set[str]:
    text = (ROOT / "requirements.lock").read_text()
    return {m.group(1).lower() for m in re.finditer(r"^([A-Za-z0-9_.-]+)==", text, re.M)}


def test_lock_does_not_hold_openai():
    assert not {n for n in _lock_names() if "openai" in n or n == "litellm"}
    assert len(_lock_names()) > 50


def test_environment_does_not_hold_openai():
    names = {d.metadata["Name"].lower() for d in metadata.distributions()}
    assert not {n for n in names if "openai" in n or n == "litellm"}


def test_nothing_installed_asks_for_openai_unconditionally():
    askers = [
        d.metadata["Name"]
        for d in metadata.distributions()
        for need in d.requires or ()
        if re.match(r"(?i)openai\b|litellm\b", need) and "extra ==" not in need
    ]
    assert askers == []


def test_lock_names_no_registry():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "file:" not in text


def test_version_has_one_home():
    tracked = subprocess.run(
        ["git", "grep", "-lF", alphalens.__version__, "--", "*.py", "*.toml", "*.cfg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if tracked.returncode > 1:  # not a checkout: an unpacked sdist
        pytest.skip("no git checkout to search")
    assert tracked.stdout.split() == ["alphalens/_version.py"]


@pytest.mark.parametrize(
    "page", [".claude/commands/validate.md", "README.md", "CLAUDE.md", "TASK.md"]
)
def test_every_make_target_named_on_a_page_exists(page: str):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text()))
    named |= set(re.findall(r"^make ([a-z-]+)", (ROOT / page).read_text(), re.M))
    assert named
    assert named <= targets


def test_the_package_says_that_it_is_typed():
    assert (Path(alphalens.__file__).parent / "py.typed").is_file()


def _brought_by(extra: str) -> set[str]:
    """Return the distributions of an extra, those of the extras that it names included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: set[str] = set()
    for need in project["optional-dependencies"][extra]:
        name, inner = re.match(r"([A-Za-z0-9_.-]+)(?:\[([^\]]*)\])?", need).groups()
        if name == project["name"]:
            found.update(*(_brought_by(other.strip()) for other in inner.split(",")))
        else:
            found.add(name.lower())
    return found


def _guards() -> Iterator[tuple[str, str, str]]:
    for path in sorted((ROOT / "alphalens").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "require":
                extra = next(word.value.value for word in node.keywords if word.arg == "extra")
                for module in node.args:
                    yield path.name, module.value, extra


def test_the_extra_that_a_guard_names_brings_the_module():
    homes = metadata.packages_distributions()
    guards = list(_guards())
    assert ("file_provider.py", "pyarrow", "cli") in guards
    for file, module, extra in guards:
        makers = {name.lower() for name in homes[module.split(".")[0]]}
        assert makers & _brought_by(extra), f"{file}: {module} is not in the extra {extra}"


def test_parquet_comes_with_the_command_line_and_with_the_demo():
    for extra in ("cli", "demo", "research"):
        assert "pyarrow" in _brought_by(extra)


def test_the_loopback_venue_may_import_nothing_else_of_ours():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (alone,) = [c for c in contracts["contracts"] if c["id"].startswith("the-loopback-venue")]
    ours = set(_modules_of("alphalens")) | set(_modules_of("alphalens.testing"))
    itself = {"alphalens.testing", *alone["source_modules"]}
    assert sorted(alone["forbidden_modules"]) == sorted(ours - itself)


def _imports_of(path: Path) -> Iterator[str]:
    """Give every dotted name of ours that a file imports, at its top or within."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = path.relative_to(ROOT).parent.parts
            base = here[: len(here) - node.level + 1] if node.level else ()
            home = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{home}.{one.name}" for one in node.names)


def _trespasses(module: str, names: Iterable[str]) -> list[str]:
    """Return the imports of a module that enter a private room from outside its package.

    What lies at the top of the house, as `alphalens._stage`, is open to all of it.
    """
    found = []
    for name in names:
        parts = name.split(".")
        rooms = [n for n in range(2, len(parts)) if re.match("_[^_]", parts[n])]
        homes = [".".join(parts[:n]) for n in rooms if parts[0] == "alphalens"]
        if any(not f"{module}.".startswith(f"{home}.") for home in homes):
            found.append(f"{module} imports {name}")
    return found


def test_private_rooms_are_entered_from_their_own_package_only():
    found = {
        path: list(_imports_of(path))
        for folder in ("alphalens", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    assert any(".data._store." in name for names in found.values() for name in names)
    wrong = [
        text
        for path, names in found.items()
        for text in _trespasses(".".join(path.relative_to(ROOT).with_suffix("").parts), names)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "name", "is_wrong"),
    [
        ("alphalens.runtime.health", "alphalens.data._vendors.cells.mark", True),
        ("alphalens.runtime.health", "alphalens.data._vendors", True),
        ("alphalens.database", "alphalens.data._vendors", True),
        ("alphalens.data.store", "alphalens.data._store.rows.ROW", False),
        ("alphalens.data.store", "alphalens.data.bars._hidden", True),
        ("alphalens.runtime.health", "alphalens._optional.on_demand", False),
        ("alphalens.runtime.health", "alphalens.__version__", False),
        ("alphalens.runtime.health", "numpy._core.thing", False),
    ],
)
def test_what_enters_a_private_room(module: str, name: str, is_wrong: bool):
    assert bool(_trespasses(module, [name])) is is_wrong


def _modules_of(package: str) -> Iterator[str]:
    home = ROOT / package.replace(".", "/")
    for path in home.iterdir():
        if path.name != "__init__.py" and (
            path.suffix == ".py" or (path / "__init__.py").is_file()
        ):
            yield f"{package}.{path.stem}"


def test_the_readme_names_every_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.search(r"Extras: `([a-z ]+)`", (ROOT / "README.md").read_text()).group(1).split()
    assert sorted(named) == sorted(project["optional-dependencies"])
