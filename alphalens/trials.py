"""A durable count of what was tried, so that the best of it can be deflated.

A study is one search: one universe, one calendar, one question. Record every trial in it, the
failed ones too, where it is made. Sharpe ratios are kept for one row of the calendar, so that
trials of other horizons stand beside each other::

    registry = TrialRegistry("trials.sqlite")
    registry.record("momentum", "lookback=252", sharpe=0.06, n_observations=1250)
    registry.record("momentum", "lookback=63", sharpe=0.11, n_observations=1246, rows=5)
    registry.trials("momentum").n_trials
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alphalens._given import is_whole
from alphalens._stats import TrialCount, effective_trials, sharpe
from alphalens.errors import InputError, StorageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["TrialCount", "TrialRecord", "TrialRegistry", "utc_now"]

_APPLICATION_ID = 0x414C5452  # "ALTR", in the header of the file
_SCHEMA_VERSION = 1
_BUSY_TIMEOUT_S = 60.0
_SHARPE_TOLERANCE = 1e-6

_SCHEMA = f"""
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL,
    trial_key TEXT NOT NULL,
    sharpe REAL,
    n_observations INTEGER NOT NULL,
    parameters TEXT,
    returns BLOB,
    at TEXT NOT NULL
);
CREATE INDEX by_trial ON records (study, trial_key, id);
CREATE TRIGGER no_update BEFORE UPDATE ON records
BEGIN SELECT RAISE(ABORT, 'trials are never changed'); END;
CREATE TRIGGER no_delete BEFORE DELETE ON records
BEGIN SELECT RAISE(ABORT, 'trials are never removed'); END;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};
"""

_LATEST = """
SELECT trial_key, sharpe, returns FROM records
WHERE id IN (SELECT max(id) FROM records WHERE study = ? GROUP BY trial_key) ORDER BY id
"""

_Stored = tuple[float | None, int, str | None, bytes | None]


def utc_now() -> datetime:
    """Return the machine's present instant in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One record of a trial; a later one of the same key supersedes it.

    Attributes
    ----------
    study, trial_key : str
        Where it belongs.
    sharpe : float or None
        Ratio of one row; None where the trial gave none.
    n_observations : int
        Returns behind it.
    parameters : mapping or None
        What was tried, as plain JSON values.
    at : datetime
        Instant of the record, in UTC.
    has_returns : bool
        Whether its returns are stored.
    """

    study: str
    trial_key: str
    sharpe: float | None
    n_observations: int
    parameters: Mapping[str, object] | None
    at: datetime
    has_returns: bool


class TrialRegistry:
    """What was tried, in one SQLite file that many processes append to.

    Records are never changed or removed; the file itself refuses it. Nothing is kept open between
    calls, so an instance may be pickled, forked and shared among threads.

    Parameters
    ----------
    path : str or Path
        The file; created if absent, readable by its owner alone. On a local disk: SQLite's locks do
        not hold on every network file system.
    now : callable
        Gives the instant of a record that brings none, timezone-aware.

    Raises
    ------
    InputError
        If the path is none, the file is something else, or its folder does not exist.
    StorageError
        If it cannot be read or written, or was written by a newer version of this package.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     registry = TrialRegistry(Path(folder) / "trials.sqlite")
    ...     for days in (63, 126, 126):
    ...         registry.record("momentum", f"{days} days", sharpe=days / 1e3, n_observations=500)
    ...     found = registry.trials("momentum")
    >>> found.n_trials, found.best, found.best_key
    (2, 0.126, '126 days')
    """

    def __init__(self, path: str | Path, *, now: Callable[[], datetime] = utc_now) -> None:
        if not isinstance(path, str | PathLike):
            raise InputError(f"path is that of a file, such as 'trials.sqlite', not {path!r}")
        self.path = Path(path)
        self._now = now
        _create_private(self.path)
        with self._writing() as connection:
            _ensure_schema(connection, self.path)

    def record(
        self,
        study: str,
        trial_key: str,
        *,
        sharpe: float | None,
        n_observations: int,
        rows: int = 1,
        parameters: Mapping[str, object] | None = None,
        returns: ArrayLike | None = None,
        at: datetime | None = None,
    ) -> None:
        """Store that something was tried; return when it is on the disk.

        The same key again is the same trial. Nothing is added if nothing changed; another result is
        added and stands for the trial from then on, the earlier ones stay in the file.

        Parameters
        ----------
        study : str
            The search it belongs to. All its trials stand on rows of the same calendar.
        trial_key : str
            What was tried, in a form that another process would write alike.
        sharpe : float or None
            Mean over standard deviation of the trial's returns, each over `rows` rows; not of a
            year. None or NaN: the trial gave none, and counts.
        n_observations : int
            Returns behind the ratio.
        rows : int
            Rows of the study's dates that one of these returns spans, whether the spans overlap or
            not: what the doubt box shows as "Rows a period spans". For ``5D`` that is 5 where the
            factor has a value every day, and 1 where it is decided once a week. The ratio is stored
            for one row, divided by the root of `rows`, as `alphalens.comparison.compare_factors`
            and the doubt box expect it.
        parameters : mapping, optional
            The trial in detail, plain JSON values by name.
        returns : array of shape (n,), optional
            Its returns, one per date of the study, NaN where there is none; the number of
            independent trials is estimated from them.
        at : datetime, optional
            Timezone-aware instant; default: now.

        Raises
        ------
        InputError
            If a name is empty, a number is impossible or none, `at` is no instant with a time zone,
            `returns` do not have this ratio and number of observations, or the key was recorded
            with other parameters (a trial that hides behind another's key would not be counted).
        StorageError
            If the file cannot be written; nothing was stored.
        """
        _check_names(study, trial_key)
        _check_count("n_observations", n_observations, 0)
        _check_count("rows", rows, 1)
        series = None if returns is None else _as_series(returns)
        ratio = _checked_sharpe(sharpe, n_observations, series)
        ratio = None if ratio is None else ratio / math.sqrt(rows)
        stored = None if series is None else series.tobytes()
        row = (ratio, int(n_observations), _as_json(parameters), stored)
        instant = _as_text(self._now() if at is None else at)
        with self._writing() as connection:
            _check_same_trial(connection, study, trial_key, row[2])
            if _last_of(connection, study, trial_key) != row:
                connection.execute(
                    "INSERT INTO records (study, trial_key, sharpe, n_observations, parameters,"
                    " returns, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (study, trial_key, *row, instant),
                )

    def trials(self, study: str) -> TrialCount:
        """Return how much was tried in a study, each trial by its latest record.

        Parameters
        ----------
        study : str
            Its name.

        Returns
        -------
        TrialCount
            Ratios and their variance for one row; ``n_trials`` 0 where nothing was recorded under
            the name.

        Raises
        ------
        InputError
            If the name is empty or no text.
        StorageError
            If the file cannot be read.

        Notes
        -----
        The returns of all trials are read at once where every trial has them.
        """
        _check_names(study)
        with self._open() as connection:
            connection.execute("BEGIN")
            latest = connection.execute(_LATEST, (study,)).fetchall()
            first, last = connection.execute(
                "SELECT min(at), max(at) FROM records WHERE study = ?", (study,)
            ).fetchone()
        scored = [(ratio, key) for key, ratio, _ in latest if ratio is not None]
        ratios = np.array([ratio for ratio, _ in scored])
        best = max(scored, key=lambda pair: pair[0]) if scored else (None, None)
        return TrialCount(
            study=study,
            n_trials=len(latest),
            sharpe_variance=float(ratios.var(ddof=1)) if ratios.size > 1 else None,
            best=best[0],
            best_key=best[1],
            first=_as_instant(first),
            last=_as_instant(last),
            n_effective=_effective([blob for _, _, blob in latest]),
        )

    def history(self, study: str) -> tuple[TrialRecord, ...]:
        """Return every record of a study in the order stored, superseded ones too.

        Parameters
        ----------
        study : str
            Its name.

        Raises
        ------
        InputError
            If the name is empty or no text.
        StorageError
            If the file cannot be read.
        """
        _check_names(study)
        with self._open() as connection:
            rows = connection.execute(
                "SELECT trial_key, sharpe, n_observations, parameters, at, returns IS NOT NULL"
                " FROM records WHERE study = ? ORDER BY id",
                (study,),
            ).fetchall()
        return tuple(
            TrialRecord(
                study=study,
                trial_key=key,
                sharpe=ratio,
                n_observations=count,
                parameters=None if parameters is None else json.loads(parameters),
                at=datetime.fromisoformat(at),
                has_returns=bool(has_returns),
            )
            for key, ratio, count, parameters, at, has_returns in rows
        )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that holds the write lock; commit at the end, undo on any error."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that is closed at the end; what was not committed is undone."""
        try:
            connection = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode=rw",  # a file that is gone is not made anew
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                isolation_level=None,
            )
            with closing(connection):
                connection.execute("PRAGMA synchronous = FULL")
                yield connection
        except sqlite3.Error as error:
            raise _translated(error, self.path) from error


def _create_private(path: Path) -> None:
    """Make the file before SQLite does, so that nobody else can ever read it."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(
            f"{path} cannot hold a trial registry ({error.strerror}): give a file in a folder that "
            f"exists"
        ) from error
    except OSError as error:
        raise StorageError(
            f"cannot open the trial registry {path}: {error.strerror}; the file and its folder "
            f"must be writable by this user"
        ) from error


def _ensure_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Lay out an empty file, inside the transaction that holds the lock; refuse a strange one."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not tables and not application:
        for statement in _statements(_SCHEMA):
            connection.execute(statement)
    elif application != _APPLICATION_ID:
        raise InputError(f"{path} is a database of something else, not a trial registry")
    elif version > _SCHEMA_VERSION:
        raise StorageError(
            f"{path} has schema version {version}, this alphalens knows up to {_SCHEMA_VERSION}: "
            f"upgrade alphalens"
        )


def _statements(script: str) -> Iterator[str]:
    """Split a script; `executescript` would commit the transaction before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _translated(error: sqlite3.Error, path: Path) -> InputError | StorageError:
    text = str(error)
    if "not a database" in text:
        return InputError(f"{path} is not a trial registry: it is no SQLite file; give another")
    remedies = {
        "locked": f"another process has held it for {_BUSY_TIMEOUT_S:.0f} s; let it finish",
        "readonly": "give this user the right to write the file and its folder",
        "full": "make room on the disk",
        "malformed": "restore the file from a copy",
        "unable to open": "it was there and is gone, or cannot be read",
    }
    remedy = next((said for sign, said in remedies.items() if sign in text), "")
    return StorageError(f"the trial registry {path}: {text}; {remedy or 'nothing was stored'}")


def _check_names(study: object, trial_key: object = "any") -> None:
    for name, given in (("study", study), ("trial_key", trial_key)):
        if not isinstance(given, str) or not given.strip():
            raise InputError(f"{name} is a text that is not empty, not {given!r}")


def _check_count(name: str, given: object, least: int) -> None:
    if not is_whole(given) or given < least:
        raise InputError(f"{name} is a whole number, {least} or more, not {given!r}")


def _check_ratio(given: object) -> None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, Real)):
        raise InputError(f"sharpe is a number, or None where there is none, not {given!r}")


def _as_series(returns: ArrayLike) -> Floats:
    try:
        return np.asarray(returns, dtype="<f8")
    except (ValueError, TypeError) as error:
        raise InputError(f"returns are numbers, fractions per period: {error}") from error


def _checked_sharpe(
    ratio: float | None, n_observations: int, series: Floats | None
) -> float | None:
    """Return the ratio as it is stored, None for none."""
    _check_ratio(ratio)
    if series is not None:
        _check_series(ratio, n_observations, series)
    if ratio is None or math.isnan(ratio):
        return None
    if math.isinf(ratio):
        raise InputError("an infinite Sharpe ratio is none: record None")
    if n_observations < 2:
        raise InputError(f"a Sharpe ratio needs 2 observations, not {n_observations}")
    return float(ratio)


def _check_series(ratio: float | None, n_observations: int, series: Floats) -> None:
    """Refuse a ratio that its returns do not have: an annual one, or that of another trial."""
    if series.ndim != 1:
        raise InputError(f"give the returns of one trial, of shape (n,), not {series.shape}")
    known = int((~np.isnan(series)).sum())
    if known != n_observations:
        raise InputError(f"n_observations={n_observations}, but {known} returns are not NaN")
    found = float(sharpe(series))
    given = math.nan if ratio is None else ratio
    if math.isnan(found) and math.isnan(given):
        return
    if not math.isclose(found, given, rel_tol=_SHARPE_TOLERANCE, abs_tol=_SHARPE_TOLERANCE):
        raise InputError(
            f"sharpe={ratio}, but the returns have {found:.6g} per period: give the ratio of one "
            f"period, not of a year"
        )


def _as_json(parameters: Mapping[str, object] | None) -> str | None:
    if parameters is None:
        return None
    try:
        return json.dumps(dict(parameters), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"parameters must be plain JSON values by name: {error}") from error


def _as_text(at: object) -> str:
    """Return an instant as text that sorts as the instants do."""
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise InputError(
            f"the instant of a trial is a datetime with a time zone, not {at!r}: give e.g. "
            "datetime.now(UTC)"
        )
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _as_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _last_of(connection: sqlite3.Connection, study: str, trial_key: str) -> _Stored | None:
    found: _Stored | None = connection.execute(
        "SELECT sharpe, n_observations, parameters, returns FROM records"
        " WHERE study = ? AND trial_key = ? ORDER BY id DESC LIMIT 1",
        (study, trial_key),
    ).fetchone()
    return found


def _check_same_trial(
    connection: sqlite3.Connection, study: str, trial_key: str, parameters: str | None
) -> None:
    """Refuse a key that stands for other parameters already."""
    before = connection.execute(
        "SELECT parameters FROM records WHERE study = ? AND trial_key = ?"
        " AND parameters IS NOT NULL ORDER BY id DESC LIMIT 1",
        (study, trial_key),
    ).fetchone()
    if parameters is not None and before is not None and before[0] != parameters:
        raise InputError(
            f"trial {trial_key!r} of study {study!r} was recorded with parameters {before[0]}, "
            f"not {parameters}: another trial needs another key"
        )


def _effective(blobs: list[bytes | None]) -> float | None:
    """Return the independent trials behind stored returns; None unless all have as many rows."""
    series = [np.frombuffer(blob, dtype="<f8") for blob in blobs if blob is not None]
    if not series or len(series) < len(blobs) or len({one.size for one in series}) > 1:
        return None
    found = effective_trials(np.column_stack(series))
    return None if math.isnan(found) else found
