"""The registry of trials: none is lost, none is counted twice, nothing is forgotten."""

from __future__ import annotations

import math
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from alphalens import _stats, trials
from alphalens.errors import InputError, StorageError
from alphalens.trials import TrialRegistry
from tests.waiting import PROCESS_S

START = datetime(2024, 1, 1, 9, 30, tzinfo=UTC)

#: Records `count` trials named after the process, once the file `go` is there.
WRITER = """
import sys, time
from pathlib import Path
from alphalens.trials import TrialRegistry

path, go, name, count = sys.argv[1:]
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.001)
registry = TrialRegistry(path)
for number in range(int(count)):
    registry.record("sweep", f"{name}-{number}", sharpe=number / 1e4, n_observations=100)
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trials.sqlite"


@pytest.fixture
def registry(path):
    return TrialRegistry(path, now=lambda: START)


def writer(path: Path, go: Path, name: str, count: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(path), str(go), name, str(count)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def normal_returns(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.001, 0.01, (120, count))


def store(registry: TrialRegistry, study: str, returns: np.ndarray) -> None:
    for number, series in enumerate(returns.T):
        registry.record(
            study,
            str(number),
            sharpe=float(_stats.sharpe(series)),
            n_observations=int(np.isfinite(series).sum()),
            returns=series,
        )


# What is counted


def test_a_study_counts_its_trials_and_their_spread(registry):
    ratios = [0.05, -0.02, 0.11]
    for number, ratio in enumerate(ratios):
        registry.record("a", str(number), sharpe=ratio, n_observations=250)
    registry.record("b", "0", sharpe=0.9, n_observations=250)

    found = registry.trials("a")

    assert (found.study, found.n_trials) == ("a", 3)
    assert found.sharpe_variance == pytest.approx(np.var(ratios, ddof=1))
    assert (found.best, found.best_key) == (0.11, "2")
    assert found.first == found.last == START
    assert found.n_effective is None


def test_the_same_trial_again_is_one_trial_and_adds_nothing(registry):
    for _ in range(3):
        registry.record("a", "k", sharpe=0.1, n_observations=250, parameters={"days": 5})

    assert registry.trials("a").n_trials == 1
    assert len(registry.history("a")) == 1


def test_another_result_of_a_trial_stands_for_it_and_the_earlier_stays(registry):
    registry.record("a", "k", sharpe=0.3, n_observations=250)
    registry.record("a", "other", sharpe=0.2, n_observations=250)
    registry.record("a", "k", sharpe=0.1, n_observations=300)

    found = registry.trials("a")

    assert (found.n_trials, found.best, found.best_key) == (2, 0.2, "other")
    assert found.sharpe_variance == pytest.approx(np.var([0.1, 0.2], ddof=1))
    kept = [(record.trial_key, record.sharpe) for record in registry.history("a")]
    assert kept == [("k", 0.3), ("other", 0.2), ("k", 0.1)]


def test_going_back_to_an_earlier_result_is_kept_too(registry):
    for ratio in (0.3, 0.1, 0.3):
        registry.record("a", "k", sharpe=ratio, n_observations=250)

    assert registry.trials("a").best == 0.3
    assert len(registry.history("a")) == 3


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_trial_that_gave_no_ratio_counts_all_the_same(registry, nothing):
    registry.record("a", "failed", sharpe=nothing, n_observations=0)
    registry.record("a", "ok", sharpe=0.1, n_observations=250)

    found = registry.trials("a")

    assert (found.n_trials, found.sharpe_variance, found.best) == (2, None, 0.1)
    assert registry.history("a")[0].sharpe is None


def test_an_unknown_study_was_not_recorded_and_gives_no_deflated_figure(registry):
    found = registry.trials("never")

    assert (found.n_trials, found.sharpe_variance, found.best) == (0, None, None)
    assert (found.first, found.last, found.best_key) == (None, None, None)
    deflated = _stats.deflated_sharpe(normal_returns(1, 1)[:, 0], found)
    assert deflated.probability is None
    assert deflated.reason == "the trials were not recorded in study 'never'"


def test_what_was_recorded_deflates_the_best(registry):
    returns = normal_returns(2, 30)
    store(registry, "a", returns)
    count = registry.trials("a")

    found = _stats.deflated_sharpe(returns[:, int(count.best_key)], count)

    hurdle = _stats.expected_maximum_sharpe(30, float(_stats.sharpe(returns).var(ddof=1)))
    assert (found.n_trials, found.hurdle) == (30.0, pytest.approx(hurdle))
    assert found.sharpe == pytest.approx(count.best)
    assert 0.0 < found.probability < float(_stats.probabilistic_sharpe(returns).max())


@pytest.mark.parametrize("rows", [1, 5, np.int64(21)])
def test_a_ratio_of_many_rows_is_kept_as_one_of_a_row(registry, rows):
    registry.record("a", "long", sharpe=0.3, n_observations=250, rows=rows)

    assert registry.trials("a").best == pytest.approx(0.3 / math.sqrt(rows))
    assert registry.history("a")[0].sharpe == registry.trials("a").best


def test_the_same_trials_recorded_over_other_horizons_meet_the_same_hurdle(registry):
    daily = np.array([0.05, -0.02, 0.11])
    for number, ratio in enumerate(daily):
        registry.record("1D", str(number), sharpe=ratio, n_observations=250)
        rows = (1, 5, 10)[number]
        registry.record(
            "mixed", str(number), sharpe=ratio * math.sqrt(rows), n_observations=250, rows=rows
        )

    one, mixed = registry.trials("1D").over(5), registry.trials("mixed").over(5)

    assert mixed.sharpe_variance == pytest.approx(one.sharpe_variance)
    assert mixed.best == pytest.approx(0.11 * math.sqrt(5))


def test_returns_over_many_rows_have_the_ratio_as_it_was_given(registry):
    series = normal_returns(7, 1)[:, 0]
    ratio = float(_stats.sharpe(series))

    registry.record("a", "k", sharpe=ratio, n_observations=120, returns=series, rows=5)

    assert registry.trials("a").best == pytest.approx(ratio / math.sqrt(5))


# Returns and parameters


def test_returns_of_every_trial_give_the_number_of_independent_ones(registry):
    returns = normal_returns(3, 8) + normal_returns(4, 1)
    returns[7, 2] = np.nan
    store(registry, "a", returns)

    found = registry.trials("a").n_effective

    assert found == _stats.effective_trials(returns)
    assert 1.0 < found < 8.0
    assert all(record.has_returns for record in registry.history("a"))


def test_one_trial_without_returns_or_of_other_length_leaves_the_number_unknown(registry):
    returns = normal_returns(5, 3)
    store(registry, "short", returns)
    store(registry, "short", returns[:60, :1])
    store(registry, "bare", returns)
    registry.record("bare", "x", sharpe=0.1, n_observations=120)

    assert registry.trials("short").n_effective is None
    assert registry.trials("bare").n_effective is None


def test_an_annual_ratio_beside_its_returns_is_refused(registry):
    series = normal_returns(6, 1)[:, 0]
    annual = float(_stats.sharpe(series, 252))

    with pytest.raises(InputError, match="of one period, not of a year"):
        registry.record("a", "k", sharpe=annual, n_observations=120, returns=series)
    assert registry.trials("a").n_trials == 0


def test_a_key_cannot_stand_for_two_sets_of_parameters(registry):
    registry.record("a", "k", sharpe=0.1, n_observations=9, parameters={"days": 5, "top": 0.1})
    registry.record("a", "k", sharpe=0.2, n_observations=9)
    registry.record("a", "k", sharpe=0.3, n_observations=9, parameters={"top": 0.1, "days": 5})

    with pytest.raises(InputError, match="another trial needs another key"):
        registry.record("a", "k", sharpe=0.4, n_observations=9, parameters={"days": 6})
    assert [record.parameters for record in registry.history("a")] == [
        {"days": 5, "top": 0.1},
        None,
        {"days": 5, "top": 0.1},
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"study": " "}, "study is a text"),
        ({"trial_key": ""}, "trial_key is a text"),
        ({"trial_key": 7}, "not 7"),
        ({"sharpe": math.inf}, "infinite"),
        ({"n_observations": -1}, "0 or more, not -1"),
        ({"n_observations": 2.7}, "whole number, 0 or more, not 2.7"),
        ({"n_observations": True}, "not True"),
        ({"n_observations": None}, "not None"),
        ({"rows": 0}, "rows is a whole number, 1 or more, not 0"),
        ({"rows": 2.5}, "not 2.5"),
        ({"rows": "5D"}, "not '5D'"),
        ({"sharpe": "x"}, "sharpe is a number, .* not 'x'"),
        ({"sharpe": True}, "not True"),
        ({"sharpe": [0.1]}, "sharpe is a number"),
        ({"returns": ["a", "b", "c"]}, "returns are numbers"),
        ({"at": "2024-01-01"}, "datetime with a time zone, not '2024-01-01'"),
        ({"n_observations": 1}, "needs 2 observations"),
        ({"parameters": {"f": print}}, "plain JSON"),
        ({"parameters": {"x": math.nan}}, "plain JSON"),
        ({"at": datetime(2024, 1, 1)}, "time zone"),
        ({"returns": [[0.1], [0.2]]}, r"shape \(n,\)"),
        ({"returns": [0.1, 0.2, math.nan]}, "but 2 returns are not NaN"),
    ],
)
def test_what_cannot_be_a_trial_is_refused_and_not_stored(registry, changed, message):
    facts = {"study": "a", "trial_key": "k", "sharpe": 0.1, "n_observations": 3} | changed
    study, key = facts.pop("study"), facts.pop("trial_key")

    with pytest.raises(InputError, match=message):
        registry.record(study, key, **facts)
    assert registry.history("a") == ()


# Instants


def test_instants_come_from_the_clock_handed_in_or_the_caller_in_utc(path):
    instants = iter([START, START + timedelta(days=2)])
    registry = TrialRegistry(path, now=lambda: next(instants))
    east = datetime(2023, 12, 31, 9, tzinfo=timezone(timedelta(hours=9)))

    registry.record("a", "1", sharpe=0.1, n_observations=9)
    registry.record("a", "2", sharpe=0.1, n_observations=9)
    registry.record("a", "3", sharpe=0.1, n_observations=9, at=east)

    found = registry.trials("a")
    assert (found.first, found.last) == (east, START + timedelta(days=2))
    assert found.first.utcoffset() == timedelta(0)


def test_without_a_clock_the_instant_is_the_present(path):
    before = datetime.now(UTC)

    TrialRegistry(path).record("a", "1", sharpe=0.1, n_observations=9)

    assert before <= TrialRegistry(path).trials("a").first <= datetime.now(UTC)


# The file


def test_the_file_is_its_owners_alone_and_another_process_reads_on(registry, path):
    registry.record("a", "1", sharpe=0.1, n_observations=9)

    again = pickle.loads(pickle.dumps(TrialRegistry(str(path))))

    assert path.stat().st_mode & 0o777 == 0o600
    assert again.trials("a") == registry.trials("a")
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_path_with_odd_characters_is_one_file(tmp_path):
    path = tmp_path / "what? 100% #1.sqlite"

    TrialRegistry(path).record("a", "1", sharpe=0.1, n_observations=9)

    assert TrialRegistry(path).trials("a").n_trials == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("statement", ["UPDATE records SET sharpe = 9", "DELETE FROM records"])
def test_the_file_itself_refuses_to_forget(registry, path, statement):
    registry.record("a", "1", sharpe=0.1, n_observations=9)

    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="trials are never"),
    ):
        connection.execute(statement)


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(path):
    path.write_text("date,return\n2024-01-01,0.01\n" * 50)
    before = path.read_bytes()

    with pytest.raises(InputError, match=r"trials\.sqlite is not a trial registry"):
        TrialRegistry(path)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_named_and_left_as_it_is(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
    before = path.read_bytes()

    with pytest.raises(InputError, match=r"trials\.sqlite is a database of something else"):
        TrialRegistry(path)
    assert path.read_bytes() == before


def test_a_file_of_a_newer_version_asks_for_an_upgrade(registry, path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")

    with pytest.raises(StorageError, match=r"trials\.sqlite has schema version 99"):
        TrialRegistry(path)


@pytest.mark.parametrize("path", [None, 5, True])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(InputError, match=f"not {path}"):
        TrialRegistry(path)


@pytest.mark.parametrize("study", [None, 5, "", ["a"]])
def test_a_study_is_asked_for_by_its_name(registry, study):
    for ask in (registry.trials, registry.history):
        with pytest.raises(InputError, match="study is a text"):
            ask(study)


def test_a_folder_or_a_file_in_no_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        TrialRegistry(tmp_path / "nowhere" / "trials.sqlite")
    with pytest.raises(InputError, match="give a file"):
        TrialRegistry(tmp_path)


def test_a_file_that_is_gone_is_an_error_and_not_made_anew(registry, path):
    path.unlink()

    with pytest.raises(StorageError, match=r"trials\.sqlite: unable to open"):
        registry.trials("a")
    assert not path.exists()


def test_a_file_that_another_process_holds_is_an_error_in_the_end(registry, path, monkeypatch):
    monkeypatch.setattr(trials, "_BUSY_TIMEOUT_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StorageError, match=r"trials\.sqlite: database is locked"):
            registry.record("a", "1", sharpe=0.1, n_observations=9)

    assert registry.trials("a").n_trials == 0


# Many processes


def test_two_processes_that_begin_at_once_lose_no_trial(tmp_path, path):
    go = tmp_path / "go"
    processes = [writer(path, go, name, 200) for name in ("one", "two")]

    go.touch()
    outputs = [process.communicate(timeout=PROCESS_S) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    registry = TrialRegistry(path)
    keys = {record.trial_key for record in registry.history("sweep")}
    assert registry.trials("sweep").n_trials == len(keys) == 400


def test_two_processes_with_the_same_trials_count_each_once(tmp_path, path):
    go = tmp_path / "go"
    processes = [writer(path, go, "same", 40) for _ in range(2)]

    go.touch()
    outputs = [process.communicate(timeout=PROCESS_S) for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    assert len(TrialRegistry(path).history("sweep")) == 40


def test_a_killed_process_leaves_a_valid_file_with_all_it_reported(tmp_path, path):
    go = tmp_path / "go"
    go.touch()
    for name in ("first", "second", "third"):
        process = writer(path, go, name, 100_000)
        reported = [process.stdout.readline() for _ in range(7)]
        time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        reported += process.stdout.readlines()  # what the pipe still holds, and this side's buffer
        process.communicate(timeout=PROCESS_S)

        keys = [r.trial_key for r in TrialRegistry(path).history("sweep")]
        mine = sum(key.startswith(name) for key in keys)
        assert mine - len(reported) in (0, 1)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_core_install_is_enough(path):
    code = f"""
import sys
from alphalens.trials import TrialRegistry
TrialRegistry({str(path)!r}).record("a", "1", sharpe=0.1, n_observations=9)
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not set(run.stdout.split()) & {"sqlalchemy", "scipy", "statsmodels", "matplotlib"}
