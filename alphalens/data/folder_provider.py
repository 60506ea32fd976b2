"""Bars from the user's own files: a folder of CSV and Parquet files, or one of them.

Which file has which symbol:

- A file that is called as a symbol (``AAPL.csv``, ``BRK.B.csv.gz``, ``BTC-USD.parquet``) has its
  bars, and those of no other.
- For a symbol without such a file every other file with a column of symbols is looked through.

Columns are found by name, without regard to case: ``date``, ``datetime``, ``timestamp``,
``time``, ``day`` or ``ts``; ``symbol``, ``ticker``, ``asset`` and the like; ``open``, ``high``,
``low``, ``close``, ``volume``, and where there are any ``vwap`` and ``trades``. Others, such as
``adj close``, are not read: what the prices are adjusted for is told by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from alphalens.assets import AssetClass
from alphalens.assets.symbols import canonical, class_by_form
from alphalens.data._vendors.file_rows import FileRows, TimeForm, figures, has_symbols
from alphalens.data._vendors.only_bars import OnlyBars
from alphalens.data._vendors.pieces import Piece, batch_of
from alphalens.data.asks import can_give
from alphalens.data.bars import NO_TIME, Adjustment, Timeframe, micros
from alphalens.data.file_provider import ASSET_NAMES, DATE_NAMES, load_table
from alphalens.data.port import BarRequest, Batch, DataCapabilities
from alphalens.data.reasons import Reason
from alphalens.data.sessions import NEW_YORK
from alphalens.errors import DataError, InputError
from alphalens.trading.clock import Clock, SystemClock

__all__ = ["FolderProvider"]

Places = NDArray[np.intp]
_Told = tuple[str, str, Places]

_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".pq")
_TIMES = (*DATE_NAMES, "ts")
_FIGURES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "open": ("open",),
        "high": ("high",),
        "low": ("low",),
        "close": ("close",),
        "volume": ("volume", "vol"),
        "vwap": ("vwap",),
        "trades": ("trades", "trade_count"),
    }
)
_DAYS_IN_UTC = frozenset({AssetClass.CRYPTO, AssetClass.PERPETUAL})
_SHOWN = 5
_MANY = 1_000_000
_MACHINE = SystemClock()


class FolderProvider(OnlyBars):
    """Bars of the files in a folder, behind the port of market data.

    It satisfies `alphalens.data.port.MarketDataProvider`, and has bars only. What a cell holds
    that is no number or no instant is marked, never guessed and never left out.

    Parameters
    ----------
    path : str or Path
        A folder, whose folders are not looked into, or one file.
    timeframe : Timeframe
        How long the bars are.
    adjustment : Adjustment
        What the prices are adjusted for.
    asset_class : AssetClass
        What the symbols stand for.
    zone : str
        Time zone of days and of instants that name none. If it is empty, days are those of New
        York, of coins those of UTC; and instants without a zone are marked.
    date_format : str, optional
        For dates that are not ISO 8601, such as ``%d/%m/%Y``.
    currency : str
        ISO 4217 code of the prices.
    name : str
        As it stands in the column ``source``.
    clock : Clock
        The present: the rows are known from the moment at which they are read.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        timeframe: Timeframe,
        adjustment: Adjustment,
        asset_class: AssetClass = AssetClass.EQUITY,
        zone: str = "",
        date_format: str | None = None,
        currency: str = "USD",
        name: str = "files",
        clock: Clock = _MACHINE,
    ) -> None:
        capabilities = DataCapabilities(
            timeframes=frozenset({timeframe}),
            adjustments=frozenset({adjustment}),
            asset_classes=frozenset({asset_class}),
            calls_per_minute=_MANY,
            symbols_per_call=_MANY,
        )
        super().__init__(name, capabilities)
        self._path, self._class, self._currency = Path(path), asset_class, currency
        self._form = TimeForm(
            zone=zone or ("UTC" if asset_class in _DAYS_IN_UTC else NEW_YORK),
            has_zone=bool(zone) or timeframe.is_daily,
            date_format=date_format,
        )
        self._clock = clock

    def symbols(self) -> tuple[str, ...]:
        """Return the symbols of all files, in order; each file with a column of them is read.

        Raises
        ------
        DataError
            If a file cannot be read, is not called as a symbol and has none, or has a text for a
            symbol that is none.
        """
        found: set[str] = set()
        for path in self._files():
            if has_symbols(path):
                found |= self._within(path)
            elif (symbol := self._called(path)) is not None:
                found.add(symbol)
            else:
                raise DataError(
                    f"{self._name}: {path} is not called as a symbol of {self._class}, and has no "
                    f"column of symbols; rename it, or take it away"
                )
        return tuple(sorted(found))

    def bars(self, request: BarRequest) -> Batch:
        """Return the bars that were asked for, as the files have them.

        Parameters
        ----------
        request : BarRequest
            Of the timeframe and adjustment of the files.

        Raises
        ------
        InputError
            If the files are of another timeframe, adjustment or class of assets.
        DataError
            If a file cannot be read, there is none for a symbol, or (`AnswerRefused`) it has no
            column of instants or closes, or other symbols than its name says.
        MissingExtra
            If a file is Parquet and pyarrow is not installed.
        """
        kinds = {
            self._class if self._canonical(symbol) == symbol else class_by_form(symbol)
            for symbol in request.symbols
        }
        can_give(request, self._capabilities, kinds, self._name)
        files = self._files()
        pieces: list[Piece] = []
        others = list(request.symbols)
        for path in files:
            if (symbol := self._called(path)) in request.symbols and symbol is not None:
                if symbol not in others:
                    raise DataError(
                        f"{self._name}: {path.name} is another file of {symbol} in {path.parent}; "
                        f"leave one of them there"
                    )
                others.remove(symbol)
                pieces += self._own(path, symbol, request)
        if others:
            left = [path for path in files if self._called(path) not in request.symbols]
            pieces += self._shared(left, others, request)
        return batch_of(
            pieces,
            request,
            source=self._name,
            received_at=self._clock.now(),
            currency=self._currency,
        )

    def _canonical(self, text: str) -> str | None:
        """Return the symbol that a text stands for; None if it is none."""
        try:
            return canonical(text, self._class)
        except InputError:
            return None

    def _files(self) -> tuple[Path, ...]:
        try:
            found = sorted(self._path.iterdir()) if self._path.is_dir() else [self._path]
        except OSError as error:
            raise DataError(f"{self._path}: cannot be read: {error.strerror or error}") from error
        files = tuple(path for path in found if path.name.lower().endswith(_SUFFIXES))
        if not files or not self._path.exists():
            raise DataError(
                f"{self._name}: there is no file at {self._path} that ends in "
                f"{', '.join(_SUFFIXES)}: correct the path"
            )
        return files

    def _called(self, path: Path) -> str | None:
        """Return the symbol that a file is called as; None if it is none."""
        suffix = max((s for s in _SUFFIXES if path.name.lower().endswith(s)), key=len)
        return self._canonical(path.name[: -len(suffix)])

    def _within(self, path: Path) -> set[str]:
        """Return the symbols in a file that has a column of them."""
        table = self._loaded(path)
        found: set[str] = set()
        for text, rows in table.by_symbol().items():
            symbol = self._canonical(text)
            if symbol is None:
                table.refuse(Reason.WRONG_SYMBOL, f"{text!r} is no {self._class} symbol", rows)
            found.add(symbol)
        return found

    def _own(self, path: Path, symbol: str, request: BarRequest) -> list[Piece]:
        """Return the bars of a file that is called as a symbol."""
        table = self._loaded(path)
        if table.place(ASSET_NAMES) is None:
            return _pieces(table, self._form, request, [(symbol, symbol, np.arange(len(table)))])
        found = table.by_symbol()
        for text, rows in found.items():
            if self._canonical(text) != symbol:
                table.refuse(Reason.WRONG_SYMBOL, f"{text!r} stands in the file of {symbol}", rows)
        told = [(symbol, text, rows) for text, rows in found.items()]
        return _pieces(table, self._form, request, told)

    def _shared(
        self, files: Sequence[Path], wanted: Sequence[str], request: BarRequest
    ) -> list[Piece]:
        """Return the bars of some symbols from the files with a column of symbols."""
        long = [path for path in files if has_symbols(path)]
        if not long:
            raise DataError(
                f"{self._name}: nothing at {self._path} has {', '.join(wanted[:_SHOWN])}: no file "
                f"is called so, and none has a column of symbols; add "
                f"{wanted[0].replace('/', '-')}.csv, or ask another vendor"
            )
        pieces: list[Piece] = []
        for path in long:
            table = self._loaded(path)
            told = [
                (symbol, text, rows)
                for text, rows in table.by_symbol().items()
                if (symbol := self._canonical(text)) is not None and symbol in wanted
            ]
            pieces += _pieces(table, self._form, request, told)
        return pieces

    def _loaded(self, path: Path) -> FileRows:
        try:
            return FileRows(load_table(path), self._name)
        except InputError as error:
            raise DataError(f"{self._name}: {error}; correct the file, or take it away") from error


def _pieces(
    table: FileRows, form: TimeForm, request: BarRequest, told: Sequence[_Told]
) -> list[Piece]:
    """Return the rows that begin within the request, and those that do not tell when.

    `told` are symbols, how each is written, and the rows of each. All are read at once.
    """
    when = table.needed(_TIMES, "dates")
    table.needed(_FIGURES["close"], "closes")
    rows = np.concatenate([own for _, _, own in told] or [np.empty(0, np.intp)])
    number = np.repeat(np.arange(len(told)), [len(own) for _, _, own in told])
    time, marks = form.read(table.column(when).iloc[rows])
    first, last = micros(request.start), micros(request.end)
    wanted = (time == NO_TIME) | ((time >= first) & (time < last))
    rows, number, time, marks = rows[wanted], number[wanted], time[wanted], marks[wanted]
    columns = {}
    for name, names in _FIGURES.items():
        if (place := table.place(names)) is not None:
            columns[name], odd = figures(table.column(place).iloc[rows])
            marks |= odd
    ends = np.searchsorted(number, np.arange(len(told) + 1))
    pieces = []
    for (symbol, text, _), begin, end in zip(told, ends, ends[1:], strict=False):
        own = slice(int(begin), int(end))
        if text != symbol:
            marks[own] |= np.uint64(Reason.SYMBOL_FORM.bit)
        pieces.append(
            Piece(
                symbol=symbol,
                time=time[own],
                columns={name: column[own] for name, column in columns.items()},
                marks=marks[own],
                raw=table.texts(rows[own]),
            )
        )
    return pieces
