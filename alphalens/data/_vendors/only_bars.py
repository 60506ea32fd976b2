"""What a source of bars answers where it is asked for anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NoReturn, Self

from alphalens.assets.calendars import Session
from alphalens.data.bars import Timeframe
from alphalens.data.port import (
    Batch,
    CorporateAction,
    DataCapabilities,
    NewsItem,
    OptionSnapshot,
    Snapshot,
)
from alphalens.errors import InputError
from alphalens.trading.market import Quote

__all__ = ["OnlyBars"]


class OnlyBars:
    """The port of market data without anything in it: a source adds what it has.

    Parameters
    ----------
    name : str
        As it stands in the column ``source``.
    capabilities : DataCapabilities
        What it can be asked for.
    """

    def __init__(self, name: str, capabilities: DataCapabilities) -> None:
        self._name, self._capabilities = name, capabilities

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Return its name, as it stands in the column ``source``."""
        return self._name

    @property
    def capabilities(self) -> DataCapabilities:
        """Return what it can be asked for."""
        return self._capabilities

    def latest(self, symbols: Sequence[str], timeframe: Timeframe) -> Batch:
        """Refuse; raises `InputError`."""
        self._has_no(f"last {timeframe} bars of many symbols at once", symbols)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Refuse; raises `InputError`."""
        self._has_no("quotes", symbols)

    def snapshots(self, symbols: Sequence[str]) -> Mapping[str, Snapshot]:
        """Refuse; raises `InputError`."""
        self._has_no("snapshots", symbols)

    def chain(self, underlying: str) -> tuple[OptionSnapshot, ...]:
        """Refuse; raises `InputError`."""
        self._has_no("options", (underlying,))

    def actions(
        self, symbols: Sequence[str], first: date, last: date
    ) -> tuple[CorporateAction, ...]:
        """Refuse; raises `InputError`."""
        self._has_no(f"corporate actions from {first} to {last}", symbols)

    def news(self, symbols: Sequence[str], start: datetime, end: datetime) -> tuple[NewsItem, ...]:
        """Refuse; raises `InputError`."""
        self._has_no(f"news from {start} to {end}", symbols)

    def sessions(self, first: date, last: date) -> tuple[Session, ...]:
        """Refuse; raises `InputError`."""
        raise InputError(
            f"{self._name} has no calendar; asked for {first} to {last}: ask another vendor"
        )

    def close(self) -> None:
        """Do nothing: there is no connection."""

    def _has_no(self, what: str, symbols: Sequence[str]) -> NoReturn:
        raise InputError(
            f"{self._name} has no {what}; asked for {', '.join(symbols)}: ask another vendor"
        )
