"""The kinds of bad market data, one bit each, and what is done about them.

The number of a kind is for ever: masks of earlier days are read with the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from alphalens.errors import DataError

__all__ = ["RULES", "AnswerRefused", "Reason", "Rule", "Severity", "names_of", "rejecting"]


class Severity(StrEnum):
    """What becomes of a row that has a reason."""

    REJECT = "reject"  # the row goes to quarantine
    BATCH = "batch"  # the whole answer goes to quarantine, and is asked for again
    FLAG = "flag"  # the row is kept, with the mark
    REPAIR = "repair"  # the row is corrected, and the value it had is kept


class Reason(IntEnum):
    """A kind of bad data; its bit in a mask is ``1 << (number - 1)``."""

    PRICE_NOT_POSITIVE = 1
    NEGATIVE_OR_ZERO_SETTLE = 2
    ZERO_BID = 3
    HIGH_TOO_LOW = 4
    LOW_TOO_HIGH = 5
    CLOSE_MISSING = 6
    OPEN_HIGH_LOW_MISSING = 7
    INFINITE = 8
    TEXT_NUMBER = 9
    LOCALE_NUMBER = 10
    ABSURD_SIZE = 11
    MISPRINT = 12
    HALVED_FOR_A_DAY = 13
    UNEXPLAINED_RATIO = 14
    UNEXPLAINED_DROP = 15
    BIG_MOVE = 16
    NEGATIVE_VOLUME = 17
    NO_TRADE = 18
    MOVED_WITHOUT_VOLUME = 19
    FRACTIONAL_VOLUME = 20
    VOLUME_OVERFLOW = 21
    DUPLICATE = 22
    CONFLICTING_DUPLICATE = 23
    OUT_OF_ORDER = 24
    NO_TIME_ZONE = 25
    WRONG_ZONE = 26
    IN_THE_FUTURE = 27
    WRONG_EPOCH = 28
    OUT_OF_SESSION = 29
    UNALIGNED = 30
    SESSION_MISSING = 31
    BARS_MISSING = 32
    TRUNCATED = 33
    EMPTY = 34
    STALE_REPEAT = 35
    NOT_FINAL = 36
    WRONG_SYMBOL = 37
    SYMBOL_REUSED = 38
    SYMBOL_FORM = 39
    WRONG_CURRENCY = 40
    MIXED_ADJUSTMENT = 41
    REVISED_ADJUSTMENT = 42
    CROSSED_QUOTE = 43
    IMPOSSIBLE_OPTION = 44
    PRE_SPLIT_STRIKE = 45
    OPEN_INTEREST = 46
    CONTRACT_CHAIN = 47
    FILING_LAG = 48
    NOT_JSON = 49
    SCHEMA_DRIFT = 50
    UNSAFE_TEXT = 51
    DELISTED = 52

    @property
    def bit(self) -> int:
        """Return its bit in a mask."""
        return 1 << (self.value - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is done about a kind, and how it is told.

    Attributes
    ----------
    severity : Severity
        What becomes of the row, unless the check itself knows better.
    text : str
        What is wrong, for reports.
    """

    severity: Severity
    text: str


_R, _B, _F, _X = Severity.REJECT, Severity.BATCH, Severity.FLAG, Severity.REPAIR

RULES: Mapping[Reason, Rule] = MappingProxyType(
    {
        Reason(number): Rule(severity=severity, text=text)
        for number, (severity, text) in enumerate(
            (
                (_R, "price is not above 0"),
                (_F, "settle is negative or zero"),
                (_F, "bid is 0"),
                (_R, "high is below another price of the bar"),
                (_R, "low is above another price of the bar"),
                (_R, "close is missing"),
                (_F, "open, high or low is missing"),
                (_R, "price or volume is infinite"),
                (_X, "number came as text"),
                (_R, "number has a comma, a currency sign or cannot be read"),
                (_R, "price is absurdly far from the others of the symbol"),
                (_R, "price is 10 or 100 times off for a moment and comes back"),
                (_R, "price is halved or doubled for a moment and comes back"),
                (_R, "price changed by the ratio of a split that nobody announced"),
                (_F, "price fell as at a distribution that nobody announced"),
                (_F, "big move on high volume, taken for true"),
                (_R, "volume is negative"),
                (_F, "no trade: volume 0 and price unchanged"),
                (_F, "price moved on volume 0"),
                (_F, "fraction of a share in the volume"),
                (_R, "volume is too large to be one"),
                (_X, "row came twice"),
                (_F, "two rows of one key differ; the later one stands"),
                (_X, "rows came out of order"),
                (_B, "instant has no time zone"),
                (_R, "instant does not exist, or twice, in its zone"),
                (_R, "instant is in the future"),
                (_B, "unit of the epoch cannot be told"),
                (_R, "bar is outside every session"),
                (_R, "bar does not begin where bars begin"),
                (_F, "session is missing"),
                (_F, "bars are missing within a session"),
                (_B, "fewer rows came than were announced"),
                (_F, "answer is empty"),
                (_F, "bar repeats the one before it"),
                (_F, "bar is still forming"),
                (_B, "rows of symbols that nobody asked for"),
                (_R, "symbol belonged to another company then"),
                (_X, "symbol was written in another form"),
                (_B, "currency or unit is not the instrument's"),
                (_B, "adjustment is not the one that was asked for"),
                (_F, "adjusted prices were revised"),
                (_R, "bid is above ask, or far below it"),
                (_R, "option cannot exist so, or cannot have such figures"),
                (_R, "strike is from before a split"),
                (_R, "open interest is negative"),
                (_R, "contracts of the chain contradict each other"),
                (_R, "filed before its period ended"),
                (_B, "answer is no JSON"),
                (_B, "a field that is needed is missing"),
                (_X, "text held control characters"),
                (_R, "price is from after the delisting"),
            ),
            1,
        )
    }
)


class AnswerRefused(DataError):
    """A vendor's whole answer was refused: nothing of it was taken, and all of it is kept.

    Parameters
    ----------
    text : str
        Vendor, what was asked, what is wrong, what to do.
    reason : Reason
        Which kind of bad data it is.
    vendor, asked : str
        Who was asked, and for what.
    raw : sequence of str
        The answer as it came, without secrets: its rows, or its whole text where no rows could
        be read.
    """

    def __init__(
        self, text: str, *, reason: Reason, vendor: str, asked: str, raw: Sequence[str]
    ) -> None:
        self.reason, self.vendor, self.asked, self.raw = reason, vendor, asked, raw
        super().__init__(text)


def names_of(mask: int) -> tuple[str, ...]:
    """Return the reasons in a mask, by number.

    Examples
    --------
    >>> names_of(0b101)
    ('price_not_positive', 'zero_bid')
    """
    return tuple(reason.name.lower() for reason in _reasons(mask))


def rejecting(marks: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which rows have a reason that sends them to quarantine."""
    found: NDArray[np.bool_] = (marks & np.uint64(_REJECTING)) != 0
    return found


def _reasons(mask: int) -> Iterator[Reason]:
    return (reason for reason in Reason if mask & reason.bit)


_REJECTING = sum(reason.bit for reason, rule in RULES.items() if rule.severity in (_R, _B))
