"""Jumps that an action would explain, and asking vendors for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from alphalens.data.bars import NO_TIME
from alphalens.data.listening import FeedListener
from alphalens.data.port import Batch, CorporateAction, MarketDataProvider
from alphalens.data.reasons import Reason
from alphalens.data.validation import Context, Judged
from alphalens.errors import DataError, InputError
from alphalens.trading.clock import Clock

__all__ = ["Explanations"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASK = np.uint64(Reason.UNEXPLAINED_RATIO.bit | Reason.UNEXPLAINED_DROP.bit)
#: Split, spin-off or distribution: days around the jump in which its day may be.
_AROUND = timedelta(days=7)


class Explanations:
    """Asks vendors for the actions on symbols whose price jumped.

    Parameters
    ----------
    tellers : sequence of MarketDataProvider
        Who may be asked, besides the one whose bars they are about.
    clock : Clock
        Says when a symbol may be asked about again.
    listener : FeedListener
        Is told of a vendor that fails.
    ask_again_s : float
        Seconds in which nobody is asked about the same symbol twice.
    """

    def __init__(
        self,
        tellers: Sequence[MarketDataProvider],
        *,
        clock: Clock,
        listener: FeedListener,
        ask_again_s: float = 0.0,
    ) -> None:
        self._tellers, self._clock, self._listener = tuple(tellers), clock, listener
        self._ask_again_s = ask_again_s
        self._asked: dict[str, float] = {}

    def ask(
        self,
        provider: MarketDataProvider | None,
        batch: Batch,
        judged: Judged,
        context: Context,
    ) -> tuple[CorporateAction, ...]:
        """Return the actions around unexplained jumps that the context does not know.

        Parameters
        ----------
        provider : MarketDataProvider or None
            Who is asked first.
        batch, judged, context
            The answer, its judgement, and what was known.
        """
        suspects = self._due(_suspects(judged))
        if not suspects:
            return ()
        known = set(map(_key, context.actions))
        tellers = (*(() if provider is None else (provider,)), *self._tellers)
        told = self._told_by(dict.fromkeys(tellers), suspects, *_days(batch, context))
        return tuple(action for action in told if _key(action) not in known)

    def _due(self, symbols: Sequence[str]) -> tuple[str, ...]:
        now = self._clock.monotonic()
        oldest = now - self._ask_again_s
        due = tuple(s for s in symbols if self._asked.get(s, -np.inf) <= oldest)
        self._asked |= dict.fromkeys(due, now)
        return due

    def _told_by(
        self, tellers: Iterable[MarketDataProvider], symbols: Sequence[str], first: date, last: date
    ) -> tuple[CorporateAction, ...]:
        for teller in (one for one in tellers if one.capabilities.actions):
            try:
                return teller.actions(symbols, first, last)
            except InputError:
                continue  # it has no name for one of them; the next may
            except DataError as error:
                # The jump stays unexplained meanwhile: it is held, and asked about again.
                self._listener.failed(teller.name, error)
        return ()


def _suspects(judged: Judged) -> tuple[str, ...]:
    """Return the symbols with a jump that an action would explain."""
    found = judged.report.found
    codes = found.codes[(judged.report.marks & _ASK) != 0]
    return tuple(dict.fromkeys(found.symbols[code] for code in codes))


def _days(batch: Batch, context: Context) -> tuple[date, date]:
    """Return the days in which an action can be that moved these prices."""
    time = batch.bars.time[batch.bars.time != NO_TIME]
    first, last = _instant(int(time.min())), _instant(int(time.max()))
    if context.stored is not None:
        first = min(first, _instant(int(context.stored.time.min())))
    return (first - _AROUND).date(), (last + _AROUND).date()


def _key(action: CorporateAction) -> tuple[object, ...]:
    return action.symbol, action.kind, action.ex_date, action.ratio, action.cash


def _instant(time: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time)
