"""What a database says when it fails, and what to do then."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

__all__ = ["explain"]

_NOTHING = "nothing was written"
_FULL = "the disk is full; make room, nothing was written"
_GONE = "the server is gone or not reachable; start it, check DATABASE_URL, then open again"
_REFUSED = "user or password are refused; check DATABASE_URL"
_NO_DATABASE = "no such database; create it (createdb), or give another DATABASE_URL"
_WAIT = "another process holds the write lock; let it finish, then try again"

#: Signs in the words of SQLite, and of a server that has not let us in: they have no code.
_BY_TEXT = {
    "locked": _WAIT,
    "readonly": "the file or its folder is read-only; give this user the right to write",
    "full": _FULL,
    "unable to open": "the folder must exist and be writable",
    "not a database": "this file is something else; give another path",
    "malformed": "the file is damaged; restore it from a copy",
    "password authentication failed": _REFUSED,
    "no password supplied": _REFUSED,
    'role "': _REFUSED,
    'database "': _NO_DATABASE,
    "QueuePool limit": "too many connections are in use; close readers, then try again",
}

#: SQLSTATE codes, then their classes: PostgreSQL's manual, appendix A.
_BY_CODE = {
    "53100": _FULL,
    "53300": "the server takes no more connections; close some, then try again",
    "25006": "the database is read-only; connect to the primary with the right to write",
    "55P03": _WAIT,
    "57014": "the server took too long; see what it is busy with, then try again",
    "25P03": "the transaction was idle for too long; open again",
    "3D000": _NO_DATABASE,
    "3F000": "no such schema; create it, or give another search_path",
    "42501": "this user lacks a right; grant it on the schema",
    "28": _REFUSED,
    "08": _GONE,
    "57": _GONE,
    "53": "the server is out of resources; give it more, then try again",
}


def explain(error: SQLAlchemyError) -> str:
    """Return what went wrong in one line, and what to do; never the data or the statement."""
    origin = (error.orig if isinstance(error, DBAPIError) else None) or error
    lines = str(origin).strip().splitlines()
    text = lines[0].strip() if lines else type(origin).__name__
    return f"{text}: {_by_code(origin) or _by_text(text) or _otherwise(error)}"


def _by_code(origin: BaseException) -> str:
    code = getattr(origin, "sqlstate", None) or ""
    return _BY_CODE.get(code) or _BY_CODE.get(code[:2]) or ""


def _by_text(text: str) -> str:
    return next((remedy for sign, remedy in _BY_TEXT.items() if sign in text), "")


def _otherwise(error: SQLAlchemyError) -> str:
    # Without a code from the server there was no answer; SQLite knows no such codes.
    origin = error.orig if isinstance(error, OperationalError) else None
    return _GONE if getattr(origin, "sqlstate", "") is None else _NOTHING
