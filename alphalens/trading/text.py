"""Text that every database and every record can hold."""

from __future__ import annotations

from collections.abc import Mapping

from alphalens.errors import InputError

__all__ = ["check_texts", "checked_text", "storable"]


def checked_text(value: object, what: str) -> str:
    r"""Return a text that can be stored anywhere.

    Parameters
    ----------
    value : object
        The text.
    what : str
        What it is, for the message.

    Raises
    ------
    InputError
        If it is no str, holds a NUL character (PostgreSQL takes none), or half of a surrogate
        pair (it has no UTF-8 form).

    Examples
    --------
    >>> checked_text("ann", "name")
    'ann'
    >>> checked_text("a\0b", "name")
    Traceback (most recent call last):
    ...
    alphalens.errors.InputError: name must be a text without NUL characters, got 'a\x00b'
    """
    if not isinstance(value, str):
        raise InputError(f"{what} must be a text, got {value!r}")
    if "\0" in value:
        raise InputError(f"{what} must be a text without NUL characters, got {value!r}")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"{what} has no UTF-8 form: {value!r}") from error
    return value


def check_texts(value: object, what: str) -> None:
    """Refuse plain JSON with a text in it, key or value, that cannot be stored anywhere.

    Raises
    ------
    InputError
        As `checked_text`, with the keys that lead to the text.
    """
    if isinstance(value, str):
        checked_text(value, what)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            checked_text(key, what)
            check_texts(item, f"{what}: {key}")
    elif isinstance(value, list):
        for item in value:
            check_texts(item, what)


def storable(value: str) -> str:
    r"""Return somebody else's text with what no database holds replaced.

    Examples
    --------
    >>> storable("no\0such"), storable("\ud800"), storable("Zoë")
    ('no�such', '?', 'Zoë')
    """
    if value.isascii() and "\0" not in value:
        return value
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
