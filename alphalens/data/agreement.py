"""Do two vendors tell the same of the same days, and what a second one may repair.

Closes of final daily bars are compared: they come from one auction, and differ by a tick or by
how a vendor rounds. Volumes are not compared, for feeds differ in what they see: ``iex`` is one
exchange with a few per cent of all shares traded, ``sip`` is all of them. High and low differ for
the same reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alphalens.data.bars import Bars
from alphalens.errors import InputError

__all__ = ["RELATIVE", "Agreement", "compare", "replacements"]

#: Part of a price by which two vendors may differ, if that is more than a tick.
RELATIVE = 0.002
_ROUNDING = 1e-9  # a tick apart is within a tick, whatever binary fractions say

Tick = Callable[[str], float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Agreement:
    """What two vendors tell of the same bars.

    Attributes
    ----------
    first, second : str
        The vendors.
    table : DataFrame
        A row for each symbol and day that one of them tells: ``symbol``, ``timestamp`` (UTC),
        ``first``, ``second`` (closes; NaN where the vendor has none), ``difference``,
        ``allowed`` (both in the currency of the bars), and ``agrees`` (False where one is
        missing).
    """

    first: str
    second: str
    table: pd.DataFrame

    @property
    def disagreements(self) -> pd.DataFrame:
        """Return the rows on which both tell a close, and not the same one."""
        both = self.table["difference"].notna()
        return self.table[both & ~self.table["agrees"]]

    @property
    def alone(self) -> pd.DataFrame:
        """Return the rows that one of them lacks."""
        return self.table[self.table["difference"].isna()]

    @property
    def share(self) -> float:
        """Return the share of agreeing rows among those that both tell; NaN without any."""
        both = self.table["difference"].notna()
        return float(self.table.loc[both, "agrees"].mean()) if both.any() else float("nan")

    def frame(self) -> pd.DataFrame:
        """Return by symbol and day (UTC) how many rows agree, differ, and are told by one."""
        table, is_alone = self.table, self.table["difference"].isna()
        counted = pd.DataFrame(
            {
                "symbol": table["symbol"],
                "day": table["timestamp"].dt.floor("D"),
                "agree": table["agrees"],
                "differ": ~table["agrees"] & ~is_alone,
                "alone": is_alone,
            }
        )
        return counted.groupby(["symbol", "day"], as_index=False).sum()

    def __str__(self) -> str:
        """Tell it in lines."""
        lines = [
            f"{self.first} and {self.second}: {len(self.table)} bars, "
            f"{int(self.table['agrees'].sum())} agree, {len(self.disagreements)} differ, "
            f"{len(self.alone)} are told by one of them"
        ]
        lines += [
            f"  {row.symbol} {row.timestamp:%Y-%m-%d}: {row.first:g} and {row.second:g}, "
            f"{row.allowed:.3g} may be between them"
            for row in self.disagreements.itertuples()
        ]
        return "\n".join(lines)


def compare(one: Bars, other: Bars, *, tick_of: Tick, relative: float = RELATIVE) -> Agreement:
    """Compare the closes of two vendors.

    Parameters
    ----------
    one, other : Bars
        Final daily bars of one adjustment and currency, each of one vendor; bars that still
        form are left out.
    tick_of : callable
        Smallest step of a symbol's price.
    relative : float
        Part of the first vendor's close that may be between them, if it is more than a tick.

    Raises
    ------
    InputError
        If they are not daily, or of different adjustments or currencies.
    """
    kinds = {(b.timeframe, b.adjustment, b.currency) for b in (one, other)}
    if len(kinds) > 1 or not one.timeframe.is_daily:
        told = " and ".join(sorted("/".join(map(str, kind)) for kind in kinds))
        raise InputError(f"daily bars of one adjustment and currency are compared, got {told}")
    left, right = (_closes(bars) for bars in (one, other))
    table = left.merge(right, on=["symbol", "timestamp"], how="outer", suffixes=("_1", "_2"))
    table = table.rename(columns={"close_1": "first", "close_2": "second"})
    table = table.sort_values(["symbol", "timestamp"], ignore_index=True)
    ticks = np.array([tick_of(symbol) for symbol in table["symbol"]], float)
    allowed = np.maximum(ticks, relative * table["first"].abs().to_numpy(float))
    difference = (table["first"] - table["second"]).abs()
    table = table.assign(
        difference=difference,
        allowed=allowed,
        agrees=difference.to_numpy(float) <= allowed * (1 + _ROUNDING) + _ROUNDING,
    )
    return Agreement(first=_vendor(one), second=_vendor(other), table=table)


def replacements(
    misprints: Bars, around: Bars, second: Bars, *, tick_of: Tick, relative: float = RELATIVE
) -> Bars:
    """Return the second vendor's bars that may stand for the first one's misprints.

    Parameters
    ----------
    misprints : Bars
        Rows of the first vendor that were found wrong.
    around : Bars
        Its good rows, on both sides of them.
    second : Bars
        Good rows of the second vendor.
    tick_of, relative
        As `compare`.

    Returns
    -------
    Bars
        Of `second`, the rows of those symbols and instants where the nearest bar before and the
        nearest after, which both vendors have, agree. Without one on each side nothing is
        known of the second vendor there, and nothing is replaced.
    """
    agreed = compare(around, second, tick_of=tick_of, relative=relative).table
    agreed = agreed[agreed["difference"].notna()]
    wanted = {(misprints.symbols[c], int(t)) for c, t in _keys(misprints)}
    chosen = np.zeros(len(second), np.bool_)
    for row, (code, time) in enumerate(_keys(second)):
        symbol = second.symbols[code]
        if (symbol, time) not in wanted or not second.is_final[row]:
            continue
        own = agreed[agreed["symbol"] == symbol]
        times = own["timestamp"].dt.as_unit("us").astype("int64").to_numpy()
        chosen[row] = _is_framed(times, own["agrees"].to_numpy(bool), int(time))
    return second.take(chosen)


def _is_framed(times: NDArray[np.int64], agrees: NDArray[np.bool_], time: int) -> bool:
    place = int(np.searchsorted(times, time))
    after = place + (place < len(times) and times[place] == time)
    return bool(place > 0 and after < len(times) and agrees[place - 1] and agrees[after])


def _keys(bars: Bars) -> list[tuple[int, int]]:
    return list(zip(bars.codes.tolist(), bars.time.tolist(), strict=True))


def _closes(bars: Bars) -> pd.DataFrame:
    table = bars.take(bars.is_final).frame()[["symbol", "timestamp", "close"]]
    return table.assign(symbol=table["symbol"].astype(object))


def _vendor(bars: Bars) -> str:
    return ", ".join(bars.sources) or "nobody"
