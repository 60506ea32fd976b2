"""Real daily closes to try things on: the data file that comes with skfolio (extra ``demo``)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from alphalens.data.base import PriceHistory
from alphalens.data.file_provider import read_prices
from alphalens.errors import DataError, InputError, MissingExtra

__all__ = ["SampleProvider"]

_CAVEATS = (
    "survivors only: 20 companies chosen because they still trade in 2022, so every long "
    "portfolio looks better than it could have been",
    "closes only: no open, high or low, so a fill can be modelled at a close and nowhere else",
    "no volume: capacity and market impact cannot be judged",
    "prices are adjusted for splits and dividends: they are not the prices of their day, and "
    "neither are the share counts that follow from them",
)


class SampleProvider:
    """Closes of 20 companies of the S&P 500, 1990-01-02 to 2022-12-28, 8313 trading days.

    The file is found beside skfolio without importing it (that would take seconds), and is
    read as it is. Each close is known at 16:00 in New York.

    Parameters
    ----------
    folder : Path, optional
        Where the two data files are; by default inside the installed skfolio.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

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
