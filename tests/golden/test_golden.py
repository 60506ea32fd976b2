"""Every public function of `utils` and `performance` against alphalens-reloaded 0.5.1.

The numbers under ``data/`` come from ``generate.py``; ``expected.py`` lists where they are not ours
to copy. Each call gets the frame that 0.5.1 made, so that one wrong function fails alone.
"""

from __future__ import annotations

import contextlib
import functools
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pandas.errors import PerformanceWarning

from alphalens import performance, plotting, utils

from . import calls, codec, compare, expected, shapes

pytestmark = pytest.mark.untraced

DATA = Path(__file__).parent / "data"
SHAPES = {name: shapes.build(name) for name in shapes.NAMES}
CALLS = {name: calls.calls_for(shape) for name, shape in SHAPES.items()}
CASES = [(name, call) for name, todo in CALLS.items() for call in todo]
SWITCHED = [case for case in CASES if expected.depends_on_convention(*case)]
DOCUMENTED = (
    "Bin edges must be unique",
    "Either quantiles or bins should be provided",
    "Period '77D' not found",
)


@dataclass(frozen=True)
class Stored:
    """What the generator left about one shape, and a context of ours over the same inputs."""

    document: dict[str, Any]
    pool: codec.Pool
    context: calls.Context

    def value(self, call: str) -> Any:
        """Return the stored result of a call, the documented stand-in where there is one."""
        results = self.document["results"]
        record = results.get(f"{call}@stand_in", results[call])
        return codec.decode(record["value"], self.pool)


@functools.cache
def stored(name: str) -> Stored:
    """Read one shape's file once."""
    document = codec.read(DATA / f"{name}.json.gz")
    pool = codec.Pool(document["pool"])
    fd = codec.decode(document["fd"], pool)
    context = calls.Context(utils, performance, plotting, SHAPES[name], fd)
    return Stored(document, pool, context)


@dataclass(frozen=True)
class Outcome:
    """What one call of ours did."""

    value: Any
    error: Exception | None
    warned: list[str]
    noise: list[str]
    printed: str


def run(call: calls.Call, context: calls.Context) -> Outcome:
    """Run a call of ours as the generator ran the other one."""
    value, error, printed = None, None, io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            value = call(context)
        except Exception as raised:  # noqa: BLE001 - what it raises is the result
            error = raised
    texts = {str(w.message) for w in caught if w.category is UserWarning}
    warned = sorted(expected.topic(text) for text in texts)
    noise = [str(w.message) for w in caught if w.category not in (UserWarning, PerformanceWarning)]
    return Outcome(value, error, warned, noise, printed.getvalue())


@pytest.mark.parametrize("name", shapes.NAMES)
def test_inputs_are_those_the_numbers_were_made_from(name: str) -> None:
    document = stored(name).document

    assert shapes.checksum(SHAPES[name]) == document["checksum"], "run generate.py again"
    stored_calls = {key for key in document["results"] if not key.endswith("@stand_in")}
    assert stored_calls == set(CALLS[name]), "run generate.py again"
    assert document["versions"]["alphalens"] == "0.5.1"


@pytest.mark.parametrize(("name", "call"), CASES)
def test_result_is_that_of_the_reference(name: str, call: str) -> None:
    source = stored(name)
    record = source.document["results"][call]
    reference = source.document["results"].get(f"{call}@stand_in", record)
    own_freq = SHAPES[name].factor.index.levels[0].freq
    case = expected.Case(name, call, source.context.fd, source.value, own_freq)

    ours = run(CALLS[name][call], source.context)

    if "raises" in reference:
        assert_raises(ours.error, *reference["raises"])
        return
    if ours.error is not None:
        raise ours.error
    want = expected.expected(source.value(call), case)
    value = ours.value
    if call.startswith("windows"):
        value, want = expected.by_asset(value), expected.by_asset(want)
    whole_level = call == "clean" or call.startswith("forward")
    compare.assert_same(value, want, levels=whole_level)
    assert ours.warned == expected.expected_warnings(record["warnings"], case)
    assert ours.noise == []
    if call == "clean":
        assert ours.printed == record["printed"]


@pytest.mark.parametrize(("name", "call"), SWITCHED)
def test_switch_to_the_other_convention_gives_its_numbers_as_they_are(name: str, call: str) -> None:
    source = stored(name)
    case = expected.Case(name, call, source.context.fd, source.value)

    with utils.options.context(convention="reloaded"):
        ours = run(CALLS[name][call], source.context)

    if ours.error is not None:
        raise ours.error
    want = expected.without_accidents(source.value(call), case)
    compare.assert_same(ours.value, want)
    assert utils.options.convention == "original"


def assert_raises(error: Exception | None, kind: str, message: str) -> None:
    """Fail unless the error is of that class (or below it) and keeps the documented words."""
    assert error is not None, f"0.5.1 raises {kind}: {message}"
    assert kind in {base.__name__ for base in type(error).__mro__}, repr(error)
    for words in DOCUMENTED:
        assert words not in message or words in str(error), str(error)
