"""Reads through the cache: whole days of each symbol, and the last bars of many.

A key is ``provider:symbol:timeframe:adjustment:day``. The provider is the one that is asked first
for the symbol; the rows themselves name whose they are. What is not there is loaded by one
reader; the others wait for him. A reader keeps what he loaded only if nothing was written
meanwhile, so that what a writer dropped does not come back. What he had found before he loaded
the rest is looked at again: a vendor who is asked for one day may tell a whole series anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np

from alphalens.data.bars import Adjustment, Bars, Timeframe, micros
from alphalens.data.cache import Cache, key_of
from alphalens.data.packing import is_of, is_whole, pack, unpack_all
from alphalens.data.port import BarRequest
from alphalens.errors import ConfigError
from alphalens.trading.clock import Clock

__all__ = ["CachedReads", "Lives"]

Load = Callable[[BarRequest], Bars]

_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000
_LATE = timedelta(hours=1)  # after its end a day's bars still come
_LAST = ":last"
_FEW = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """For how long what was read may be used.

    Attributes
    ----------
    running_s : float
        Bars of a day that has not ended, and the last bars.
    closed_s : float
        Bars of a day that has ended.
    nothing_s : float
        That there are none.
    claim_s : float
        How long others wait for the one who loads.
    pause_s : float
        How often they look.

    Raises
    ------
    ConfigError
        If one is not above 0.
    """

    running_s: float = 5.0
    closed_s: float = 86_400.0
    nothing_s: float = 15.0
    claim_s: float = 60.0
    pause_s: float = 0.01

    def __post_init__(self) -> None:
        """Refuse what would keep nothing, or never look."""
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be above 0")


class CachedReads:
    """Bars from the cache, or loaded once and kept there.

    Parameters
    ----------
    cache : Cache
        Where they are kept; it may lose anything at any time.
    clock : Clock
        Tells which days have ended.
    sleep : callable
        Waits for seconds.
    lives : Lives
        For how long.
    largest : int
        Days times symbols of a read that goes through the cache; the store is quicker for more.
    """

    def __init__(
        self,
        cache: Cache,
        *,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        lives: Lives | None = None,
        largest: int = _FEW,
    ) -> None:
        self._cache, self._clock, self._sleep = cache, clock, sleep
        self._lives, self._largest = lives or Lives(), largest

    def read(self, request: BarRequest, vendors: Mapping[str, str], load: Load) -> Bars:
        """Return the bars of a request, by its order of symbols, then time.

        Parameters
        ----------
        request : BarRequest
            What is wanted.
        vendors : Mapping of str to str
            Who is asked first for each symbol.
        load : callable
            Returns the bars of a request of whole days (UTC); what it raises is raised here.
        """
        first = request.start.astimezone(UTC).date()
        last = (request.end.astimezone(UTC) - timedelta(microseconds=1)).date()
        count = (last - first).days + 1
        if count * len(request.symbols) > self._largest:
            return load(request)
        days = [first + timedelta(days=n) for n in range(count)]
        kind = request.timeframe, request.adjustment
        keys = {
            key_of(vendors[symbol], symbol, *kind, day): (symbol, day)
            for symbol in request.symbols
            for day in days
        }

        def load_keys(wanted: Sequence[str]) -> dict[str, Bars]:
            found: dict[str, Bars] = {}
            for part in _covering(request, [keys[key] for key in wanted]):
                found |= _by_day(load(part), vendors)
            return found

        def life_of(key: str) -> float:
            return self._life(keys[key][1], request.timeframe)

        parts, held = self._through(list(keys), load_keys, life_of)
        if held and self._get(list(held)) != held:
            return load(request)  # written meanwhile: days of before and of after do not mix
        return _arranged(parts, request)

    def latest(
        self,
        request: BarRequest,
        vendors: Mapping[str, str],
        load: Callable[[Sequence[str]], Bars],
    ) -> Bars:
        """Return the last raw bar of each symbol that has one, by the order of symbols.

        Parameters
        ----------
        request : BarRequest
            Of which symbols, and in which time they are looked for.
        vendors : Mapping of str to str
            Who is asked first for each symbol.
        load : callable
            Returns the last bars of symbols.
        """
        now = self._clock.now()
        kind = request.timeframe, request.adjustment
        keys = {key_of(vendors[s], s, *kind, now.date()) + _LAST: s for s in request.symbols}
        key_for = {symbol: key for key, symbol in keys.items()}

        def load_keys(wanted: Sequence[str]) -> dict[str, Bars]:
            told = _by_symbol(load([keys[key] for key in wanted]))
            return {key_for[symbol]: part for symbol, part in told.items()}

        parts, _ = self._through(list(keys), load_keys, lambda _: self._lives.running_s)
        return _arranged(parts, replace(request, start=_BEGIN, end=_END))

    def drop(self, bars: Bars, vendors: Mapping[str, str]) -> None:
        """Forget the days of bars that are written, and the last bars of their symbols."""
        if len(bars):
            self._cache.drop(list(_keys_of(bars, vendors, self._clock.now().date())))

    def _through(
        self,
        keys: Sequence[str],
        load: Callable[[Sequence[str]], dict[str, Bars]],
        life_of: Callable[[str], float],
    ) -> tuple[list[bytes], dict[str, bytes]]:
        """Return what is kept under keys, and what of it was found before the rest was loaded.

        What is not there is loaded by one of those who ask.
        """
        found, held = self._get(keys), dict[str, bytes]()
        missing = [key for key in keys if key not in found]
        until = self._clock.monotonic() + self._lives.claim_s
        while missing:
            held = dict(found)
            ours = self._cache.claim(missing, ttl_s=self._lives.claim_s)
            if not ours and self._clock.monotonic() >= until:
                ours = frozenset(missing)  # whoever had them is gone: nobody waits for ever
            if ours:
                loaded, before = self._load(sorted(ours), load, life_of)
                found |= loaded
                held |= before
            missing = [key for key in missing if key not in found]
            if missing:
                self._sleep(self._lives.pause_s)
                found |= self._get(missing)
                missing = [key for key in missing if key not in found]
        return [found[key] for key in keys], held

    def _load(
        self,
        ours: Sequence[str],
        load: Callable[[Sequence[str]], dict[str, Bars]],
        life_of: Callable[[str], float],
    ) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Load keys that were claimed, keep them, and end the claims whatever happens.

        Returns all of them, and those that were found before the others were loaded.
        """
        try:
            before = self._get(ours)  # somebody may have finished just before the claim
            found, missing = dict(before), [key for key in ours if key not in before]
            if missing:
                told = load(missing)
                for key in missing:
                    found[key] = pack(told[key]) if key in told else _NOTHING
                self._put({key: found[key] for key in missing}, life_of)
        finally:
            self._cache.release(ours)
        return found, before

    def _get(self, keys: Sequence[str]) -> dict[str, bytes]:
        found = self._cache.get(keys)
        spoilt = [key for key, content in found.items() if not _is_good(key, content)]
        if spoilt:  # of another version, changed, or another's: as if they were not there
            self._cache.drop(spoilt)
        return {key: found[key] for key in found.keys() - set(spoilt)} if spoilt else found

    def _put(self, contents: Mapping[str, bytes], life_of: Callable[[str], float]) -> None:
        by_life: dict[float, dict[str, bytes]] = {}
        for key, content in contents.items():
            life = self._lives.nothing_s if content == _NOTHING else life_of(key)
            by_life.setdefault(life, {})[key] = content
        for life, items in by_life.items():
            self._cache.put(items, ttl_s=life, is_claimed=True)

    def _life(self, day: date, timeframe: Timeframe) -> float:
        ended = datetime(day.year, day.month, day.day, tzinfo=UTC) + _DAY
        is_closed = self._clock.now() >= ended + max(_LATE, timeframe.length)
        return self._lives.closed_s if is_closed else self._lives.running_s


#: That there are no bars, of whatever kind.
_NOTHING = pack(Bars.empty(Timeframe.DAY, Adjustment.RAW))
_BEGIN = datetime(1900, 1, 1, tzinfo=UTC)
_END = datetime(2200, 1, 1, tzinfo=UTC)


def _is_good(key: str, content: bytes) -> bool:
    """Return whether bytes are whole, and of the series that their key names."""
    if content == _NOTHING:
        return True
    series = key.partition(":")[2].removesuffix(_LAST).rpartition(":")[0]
    return is_whole(content) and is_of(content, *series.rsplit(":", 2))


def _covering(request: BarRequest, wanted: Sequence[tuple[str, date]]) -> Iterator[BarRequest]:
    """Give requests of whole days that hold what is wanted: symbols of the same days together."""
    days: dict[str, list[date]] = {}
    for symbol, day in wanted:
        days.setdefault(symbol, []).append(day)
    together: dict[tuple[date, date], list[str]] = {}
    for symbol, own in days.items():
        together.setdefault((min(own), max(own)), []).append(symbol)
    for (first, last), symbols in together.items():
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        end = datetime(last.year, last.month, last.day, tzinfo=UTC) + _DAY
        yield replace(request, symbols=tuple(symbols), start=start, end=end)


def _by_day(bars: Bars, vendors: Mapping[str, str]) -> dict[str, Bars]:
    """Return bars, each symbol's in order, by the keys of their days."""
    days = bars.time // _DAY_US
    cuts = _cuts(bars.codes, days)
    kind = bars.timeframe, bars.adjustment
    found = {}
    for start, stop in pairwise(cuts):
        symbol, day = bars.symbols[bars.codes[start]], _date(int(days[start]))
        key = key_of(vendors[symbol], symbol, *kind, day)
        found[key] = _own(bars, symbol, slice(int(start), int(stop)))
    return found


def _by_symbol(bars: Bars) -> dict[str, Bars]:
    cuts = _cuts(bars.codes)
    return {
        bars.symbols[bars.codes[start]]: _own(
            bars, bars.symbols[bars.codes[start]], slice(int(start), int(stop))
        )
        for start, stop in pairwise(cuts)
    }


def _cuts(*columns: np.ndarray) -> np.ndarray:
    """Return where one of the columns changes, the begin and the end included."""
    n = len(columns[0])
    changes = np.zeros(max(n - 1, 0), np.bool_)
    for column in columns:
        changes |= column[1:] != column[:-1]
    return np.concatenate(([0], np.flatnonzero(changes) + 1, [n])) if n else np.zeros(1, np.int64)


def _own(bars: Bars, symbol: str, rows: slice) -> Bars:
    part = bars.take(np.arange(rows.start, rows.stop))
    return replace(part, symbols=(symbol,), codes=np.zeros(len(part), np.int32))


def _arranged(contents: Sequence[bytes], request: BarRequest) -> Bars:
    """Return the bars that are within a request, by its order of symbols, then time."""
    told = [content for content in contents if content != _NOTHING]
    if not told:
        empty = Bars.empty(request.timeframe, request.adjustment)
        return replace(empty, symbols=request.symbols)
    bars = unpack_all(told)
    place = {symbol: code for code, symbol in enumerate(request.symbols)}
    codes = np.array([place[symbol] for symbol in bars.symbols], np.int32)[bars.codes]
    order = np.lexsort((bars.time, codes))
    inside = (bars.time >= micros(request.start)) & (bars.time < micros(request.end))
    order = order[inside[order]]
    return replace(bars, symbols=request.symbols, codes=codes).take(order)


def _keys_of(bars: Bars, vendors: Mapping[str, str], today: date) -> Iterator[str]:
    days = bars.time // _DAY_US
    pairs = np.unique(np.stack([bars.codes.astype(np.int64), days]), axis=1)
    names = {int(day): _date(int(day)) for day in np.unique(days)}
    kind = bars.timeframe, bars.adjustment
    for code, day in pairs.T.tolist():
        symbol = bars.symbols[code]
        yield key_of(vendors[symbol], symbol, *kind, names[day])
    for code in np.unique(bars.codes):
        symbol = bars.symbols[code]
        yield key_of(vendors[symbol], symbol, *kind, today) + _LAST


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
