"""Real daily closes to try things on: the data file that comes with skfolio (extra ``demo``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.symbols import class_by_form
from alphalens.data._vendors.only_bars import OnlyBars
from alphalens.data._vendors.pieces import Piece, batch_of
from alphalens.data.bars import Adjustment, Timeframe, micros
from alphalens.data.base import PriceHistory
from alphalens.data.file_provider import read_prices
from alphalens.data.port import BarRequest, Batch, DataCapabilities
from alphalens.data.sessions import NEW_YORK
from alphalens.errors import DataError, InputError, MissingExtra
from alphalens.trading.clock import Clock, SystemClock

__all__ = ["SampleProvider"]

_CAVEATS = (
    "survivors only: 20 companies chosen because they still trade in 2022, so every long "
    "portfolio looks better than it could have been",
    "closes only: no open, high or low, so a fill can be modelled at a close and nowhere else",
    "no volume: capacity and market impact cannot be judged",
    "prices are adjusted for splits and dividends: they are not the prices of their day, and "
    "neither are the share counts that follow from them",
)
_NAME = "sample"
_MANY = 1_000_000
_MACHINE = SystemClock()


class SampleProvider(OnlyBars):
    """Closes of 20 companies of the S&P 500, 1990-01-02 to 2022-12-28, 8313 trading days.

    The file is found beside skfolio without importing it (that would take seconds), and is
    read as it is. Each close is known at 16:00 in New York.

    It satisfies `alphalens.data.port.MarketDataProvider` too, with daily bars that have a close
    and nothing else: every row is marked for its missing open, high and low.

    Parameters
    ----------
    folder : Path, optional
        Where the two data files are; by default inside the installed skfolio.
    clock : Clock
        The present: the bars are known from the moment at which they are read.
    """

    def __init__(self, folder: Path | None = None, *, clock: Clock = _MACHINE) -> None:
        capabilities = DataCapabilities(
            timeframes=frozenset({Timeframe.DAY}),
            adjustments=frozenset({Adjustment.ALL}),
            asset_classes=frozenset({AssetClass.EQUITY}),
            calls_per_minute=_MANY,
            symbols_per_call=_MANY,
        )
        super().__init__(_NAME, capabilities)
        self._folder, self._clock = folder, clock

    def history(self) -> PriceHistory:
        """Return the closes in USD, shape (8313, 20), without NaN.

        Raises
        ------
        MissingExtra
            If skfolio is not installed.
        DataError
            If its data file is absent or fails validation.
        """
        found = self._read("sp500_dataset.csv.gz")
        if found.closes.isna().to_numpy().any():
            raise DataError(
                f"{found.source}: the sample has gaps, which it never had; reinstall it"
            )
        return PriceHistory(
            closes=found.closes,
            source="skfolio sample: 20 S&P 500 companies",
            adjustment=found.adjustment,
            caveats=_CAVEATS,
        )

    def benchmark(self) -> pd.Series[float]:
        """Return the level of the S&P 500 index (without dividends) at the same instants.

        Raises
        ------
        MissingExtra, DataError
            As `history`.
        """
        closes = self._read("sp500_index.csv.gz").closes
        return closes["SP500"].rename("S&P 500")

    def bars(self, request: BarRequest) -> Batch:
        """Return the daily closes of some of the companies as bars.

        Parameters
        ----------
        request : BarRequest
            Days, adjusted for splits and dividends.

        Raises
        ------
        InputError
            If other bars are asked for.
        DataError
            If one of the symbols is not in the sample, or as `history`.
        MissingExtra
            As `history`.
        """
        from alphalens.data.asks import can_give

        can_give(request, self._capabilities, {class_by_form(s) for s in request.symbols}, _NAME)
        closes = self.history().closes
        if absent := [symbol for symbol in request.symbols if symbol not in closes.columns]:
            raise DataError(
                f"{_NAME}: the sample has no {', '.join(absent)}; it has "
                f"{', '.join(map(str, closes.columns))}: ask another vendor"
            )
        begins = pd.DatetimeIndex(closes.index).tz_convert(NEW_YORK).normalize().tz_convert("UTC")
        time = begins.as_unit("us").asi8
        first, last = np.searchsorted(time, (micros(request.start), micros(request.end)))
        chosen = slice(int(first), int(last))
        return batch_of(
            [
                _piece(symbol, time[chosen], closes[symbol].iloc[chosen])
                for symbol in request.symbols
            ],
            request,
            source=_NAME,
            received_at=self._clock.now(),
        )

    def _read(self, name: str) -> PriceHistory:
        path = (self._folder or _installed_folder()) / name
        try:
            return read_prices(path, adjustment="all")
        except InputError as error:
            raise DataError(f"the sample data cannot be used: {error}") from error


def _installed_folder() -> Path:
    spec = find_spec("skfolio")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("demo", "skfolio")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


class _Closes(Sequence[str]):
    """The text of each close, written only when somebody asks for it."""

    def __init__(self, closes: pd.Series[float]) -> None:
        self._closes = closes

    def __len__(self) -> int:
        return len(self._closes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> _Closes: ...
    def __getitem__(self, index: int | slice) -> str | _Closes:
        """Return the text of one close, or those of a slice."""
        if isinstance(index, slice):
            return _Closes(self._closes.iloc[index])
        told = {"date": str(self._closes.index[index]), self._closes.name: self._closes.iloc[index]}
        return json.dumps(told, separators=(",", ":"))


def _piece(symbol: str, time: NDArray[np.int64], closes: pd.Series[float]) -> Piece:
    return Piece(
        symbol=symbol,
        time=time,
        columns={"close": np.asarray(closes, np.float64)},
        marks=np.zeros(len(time), np.uint64),
        raw=_Closes(closes),
    )
