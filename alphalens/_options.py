"""The options that choose between conventions of the past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from alphalens.errors import ConfigError


class Options:
    """Module options; there is one instance, `alphalens.utils.options`.

    Attributes
    ----------
    convention : {"original", "reloaded"}
        Which of two contradicting conventions the numbers follow. ``"original"`` (the default,
        alphalens 0.4.0): a date with zero gross exposure has NaN weights and a NaN return, and the
        quantile spread is the full difference of top and bottom. ``"reloaded"``
        (alphalens-reloaded 0.5.1): such weights are 0, and the spread and its standard error are
        halved, i.e. scaled to 100 % gross.

    Examples
    --------
    >>> options.convention
    'original'
    >>> with options.context(convention="reloaded"):
    ...     options.convention
    'reloaded'
    """

    _CHOICES = ("original", "reloaded")

    def __init__(self) -> None:
        self._convention = "original"

    @property
    def convention(self) -> str:
        """The convention in force."""
        return self._convention

    @convention.setter
    def convention(self, value: str) -> None:
        if value not in self._CHOICES:
            raise ConfigError(f"options.convention must be one of {self._CHOICES}, got {value!r}")
        self._convention = value

    @property
    def is_reloaded(self) -> bool:
        """Whether the convention of alphalens-reloaded is in force."""
        return self._convention == "reloaded"

    @contextmanager
    def context(self, *, convention: Literal["original", "reloaded"]) -> Iterator[Options]:
        """Change the options inside a ``with`` block and put them back after it."""
        before = self.convention
        self.convention = convention
        try:
            yield self
        finally:
            self.convention = before


options = Options()
