"""The door to market data: a provider's port, and the view that knows no future."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from alphalens.data import point_in_time
from alphalens.data.adjusting import adjusted_closes
from alphalens.data.bars import Adjustment
from alphalens.errors import DataError, InputError

if TYPE_CHECKING:
    from alphalens.data.fact_store import FactStore
    from alphalens.data.known_facts import KnownFacts

__all__ = ["DataView", "PriceHistory", "PriceProvider"]


@dataclass(frozen=True, kw_only=True)
class PriceHistory:
    """Daily closes of a universe, with what a reader must know about them.

    Attributes
    ----------
    closes : DataFrame of shape (n_dates, n_assets)
        Closing prices in `currency`; rows ascending, index the instants at which the closes
        became known (timezone-aware UTC); columns symbols. NaN where an asset has no close.
    source : str
        Where they come from.
    adjustment : str
        ``raw``, ``split`` or ``all`` (splits and dividends).
    caveats : tuple of str
        What the set cannot show; every report prints them.
    currency : str
        ISO 4217 code.
    """

    closes: pd.DataFrame
    source: str
    adjustment: str
    caveats: tuple[str, ...] = ()
    currency: str = "USD"

    def __post_init__(self) -> None:
        """Refuse a frame whose order in time is not certain."""
        index = self.closes.index
        if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
            raise InputError(
                f"{self.source}: closes need a timezone-aware DatetimeIndex, got {index.dtype}"
            )
        if not index.is_monotonic_increasing or not index.is_unique:
            raise InputError(f"{self.source}: the instants of the closes must ascend, each once")

    @cached_property
    def available(self) -> pd.DatetimeIndex:
        """Return from when each row of the closes may be used."""
        return point_in_time.available_at(pd.DatetimeIndex(self.closes.index))

    @property
    def fingerprint(self) -> str:
        """Return the first 16 digits of a SHA-256 over instants, symbols and closes."""
        found = hashlib.sha256()
        found.update(np.ascontiguousarray(self.closes.to_numpy(dtype=float)).tobytes())
        found.update(pd.DatetimeIndex(self.closes.index).as_unit("ns").asi8.tobytes())
        found.update("\0".join(map(str, self.closes.columns)).encode())
        return found.hexdigest()[:16]


class PriceProvider(Protocol):
    """A source of daily prices."""

    def history(self) -> PriceHistory:
        """Return everything the source has.

        Raises
        ------
        DataError
            If the source cannot be read or fails validation.
        """
        ...


class DataView:
    """What was known at one instant: the only door to data for strategies and agents.

    `closes` are prices, `adjusted` the same corrected by the actions known then; `facts` has
    corporate actions, figures of companies, members of indices and contracts of futures.

    Parameters
    ----------
    history : PriceHistory
        All data, the future of `asof` included; it stays behind this door.
    asof : datetime
        Timezone-aware instant; later rows cannot be reached.
    facts : FactStore, optional
        What else is known of companies and indices; it stays behind this door too.

    Raises
    ------
    InputError
        If `asof` has no time zone.
    DataError
        If nothing was known at `asof`.
    """

    __slots__ = ("_adjustment", "_closes", "_facts", "asof", "source")

    def __init__(
        self, history: PriceHistory, asof: datetime, facts: FactStore | None = None
    ) -> None:
        if asof.tzinfo is None:
            raise InputError(f"asof {asof.isoformat()} has no time zone")
        stop = int(history.available.searchsorted(pd.Timestamp(asof), side="right"))
        if stop == 0:
            first = history.closes.index[0] if len(history.closes) else "never"
            raise DataError(f"{history.source}: nothing known at {asof}; data begin {first}")
        self._closes, self._adjustment = history.closes.iloc[:stop], history.adjustment
        self._facts = None if facts is None else facts.as_of(asof)
        self.asof = asof
        self.source = history.source

    @property
    def facts(self) -> KnownFacts:
        """Return what else was known at `asof`: actions, figures of companies, memberships.

        Raises
        ------
        InputError
            If no facts were given.
        """
        if self._facts is None:
            raise InputError(f"{self.source}: no facts were given; make the view with a FactStore")
        return self._facts

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols of the universe, in the order of the source."""
        return tuple(self._closes.columns)

    def closes(self, rows: int | None = None) -> pd.DataFrame:
        """Return a copy of the last `rows` closes known, shape (rows, n_assets); None means all."""
        known = self._closes if rows is None else self._closes.tail(rows)
        return known.copy()

    def adjusted(
        self,
        rows: int | None = None,
        *,
        to: Adjustment = Adjustment.ALL,
        sources: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return closes as they would have been adjusted at `asof`, by the actions known then.

        Parameters
        ----------
        rows : int or None
            As in `closes`.
        to : Adjustment
            What they are corrected for.
        sources : sequence of str
            Whose actions are believed; see `alphalens.data.known_facts.KnownFacts.actions`.

        Returns
        -------
        DataFrame of shape (rows, n_assets)
            The latest prices as they were traded.

        Raises
        ------
        InputError
            If the closes of the history are not raw: what was adjusted by actions of later days
            cannot be told as it was; or if no facts were given.
        DataError
            If a dividend does not fit the close before it, or actions of one share are told by
            several sources and none is named.
        StorageError
            If the database of facts fails.
        """
        if self._adjustment != Adjustment.RAW:
            raise InputError(
                f"{self.source}: the closes are adjusted ({self._adjustment}), by what became "
                f"known after {self.asof} too: make the view with raw closes"
            )
        actions = self.facts.actions(self.symbols, sources=sources)
        return adjusted_closes(self.closes(rows), actions, to, as_of=self.asof)

    def last_prices(self) -> pd.Series[float]:
        """Return the last close of each asset that has one in the latest row."""
        return self._closes.iloc[-1].dropna().astype(float)

    def last_instant(self) -> datetime:
        """Return the instant of the latest row."""
        stamp: pd.Timestamp = self._closes.index[-1]
        return stamp.to_pydatetime()
