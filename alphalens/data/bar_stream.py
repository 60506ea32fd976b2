"""What a vendor streams: the port, what it hands over, and what it promises.

**Bars.** They are the columns of `alphalens.data.bars`, raw, each row with its text. A minute's
bar is final when the vendor sends it, for it does so after the minute; one that comes again with
other values is a revision of the same key, received later, and believed from then on. A bar of a
day, and the bar of a minute that is put together from its seconds, is not final while its time
runs.

**Order.** Of one symbol, no bar of a minute is handed over while an earlier one is being asked
for: after a loss, a minute that was left out, or a span in which the consumer was behind, the
missing span is asked for over REST, and the bars of the stream wait. Then all of them come in the
order of time, each key once, that which was received last. What comes later for an earlier minute
is a revision. Quotes and trades do not wait; each kind of them keeps the order of the wire.

**Loss.** Nothing that was received is dropped. While the buffer is full the socket is not read;
if that lasts, the connection is given up, the consumer takes what waits, and what the vendor told
meanwhile is a gap, filled as any other. A gap that could not be filled is told with its bounds,
and so are the quotes and trades between two connections, which nobody tells again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, Self

from alphalens.data.port import Batch
from alphalens.errors import ConfigError
from alphalens.trading.market import Quote

__all__ = [
    "BarStream",
    "Channel",
    "Delivery",
    "GapCause",
    "StreamGap",
    "StreamOptions",
    "Trade",
    "Trouble",
    "TroubleKind",
]


class Channel(StrEnum):
    """What can be subscribed to."""

    MINUTES = "minutes"  # the bar of each minute, and its corrections
    FORMING = "forming"  # the bar of the running minute, as its seconds make it
    DAYS = "days"  # the bar of the running day
    QUOTES = "quotes"
    TRADES = "trades"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade of the market.

    Attributes
    ----------
    symbol : str
        Canonical.
    at : datetime
        When it was made (aware).
    price, size : Decimal
        Of one unit, and units.
    key : str
        The vendor's id; empty if it gives none.
    corrects : str
        Id of the trade in whose place it stands; empty for none.
    is_cancelled : bool
        Whether this tells that the trade of this id was taken back.
    """

    symbol: str
    at: datetime
    price: Decimal
    size: Decimal
    key: str = ""
    corrects: str = ""
    is_cancelled: bool = False


class GapCause(StrEnum):
    """Why something is missing."""

    START = "start"  # before the first connection, from the instant that was asked for
    LOSS = "loss"  # there was no connection
    BEHIND = "behind"  # the connection was given up, for the consumer was too slow
    MINUTE = "minute"  # a later bar came, and one before it had not


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamGap:
    """A span that the stream did not tell of one symbol, and what became of it.

    Attributes
    ----------
    symbol : str
        Canonical.
    start, end : datetime
        Of bars, those that begin from `start` on and before `end`; of quotes and trades, those of
        these instants (aware).
    cause : GapCause
        Why.
    channel : Channel
        What is missing.
    filled : int
        Bars that REST had of the span; 0 also where nothing was traded.
    problem : str
        Why it stays open; empty where it was filled.
    """

    symbol: str
    start: datetime
    end: datetime
    cause: GapCause
    channel: Channel = Channel.MINUTES
    filled: int = 0
    problem: str = ""

    @property
    def is_filled(self) -> bool:
        """Whether everything that the vendor has of the span was handed over."""
        return not self.problem


class TroubleKind(StrEnum):
    """What can go wrong on a stream, by who has to act."""

    REFUSED = "refused"  # key, plan or subscription: the stream has ended
    LOST = "lost"  # no connection; it is tried again
    SLOW = "slow"  # the vendor says that we read too slowly
    BEHIND = "behind"  # the consumer is too slow; the connection was given up
    SILENT = "silent"  # connected, and nothing comes
    MALFORMED = "malformed"  # a frame that cannot be read
    UNREADABLE = "unreadable"  # one message that cannot be read
    UNKNOWN = "unknown"  # a kind of message that nobody knows
    UNASKED = "unasked"  # of a symbol that was not subscribed to
    DUPLICATE = "duplicate"  # a bar that came again as it was
    VENDOR = "vendor"  # what else the vendor says is wrong
    BROKEN = "broken"  # a defect of this program


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that went wrong, and how often.

    Attributes
    ----------
    kind : TroubleKind
        What.
    text : str
        The words of the first one, without secrets.
    at : datetime
        When the first one was (aware).
    raw : str
        What came, cut to 2,000 characters; empty where nothing did.
    count : int
        How many of this kind there were since the last delivery that told it.
    """

    kind: TroubleKind
    text: str
    at: datetime
    raw: str = ""
    count: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Delivery:
    """What came since the last one.

    Attributes
    ----------
    batches : tuple of Batch
        Bars, in the order that the module promises; each batch is of one timeframe, and is ready
        to be judged. Rows that make an answer useless as a whole are in a batch of their own.
    quotes : tuple of Quote
        As they came.
    trades : tuple of Trade
        As they came.
    gaps : tuple of StreamGap
        What was missing, filled or not; the bars of one that was filled are in `batches`.
    troubles : tuple of Trouble
        What went wrong.
    """

    batches: tuple[Batch, ...] = ()
    quotes: tuple[Quote, ...] = ()
    trades: tuple[Trade, ...] = ()
    gaps: tuple[StreamGap, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    def __len__(self) -> int:
        """Return how many bars, quotes and trades it has."""
        return sum(len(b.bars) for b in self.batches) + len(self.quotes) + len(self.trades)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """How patient a stream is.

    Attributes
    ----------
    size : int
        Bars, quotes and trades that wait for the consumer at most.
    behind_after_s : float
        Seconds for which the socket may stay unread, the buffer being full, before the
        connection is given up.
    mute_after_s : float
        Seconds of silence that are told.
    settle_s : float
        Seconds after the end of a bar until REST is taken to have it.
    fill_attempts : int
        How often REST is asked for one gap.
    fill_pause_s : float
        Seconds between two of these.
    skew_s : float
        Seconds by which this machine's clock may be behind the vendor's.
    delay_s : float
        Seconds by which what the stream tells is behind the market: 900 on a delayed plan.
    backoff_base_s, backoff_cap_s : float
        As `alphalens.net.StreamSettings`.

    Raises
    ------
    ConfigError
        If a number is not positive, the three that may be 0 besides.
    """

    size: int = 50_000
    behind_after_s: float = 5.0
    mute_after_s: float = 90.0
    settle_s: float = 3.0
    fill_attempts: int = 3
    fill_pause_s: float = 2.0
    skew_s: float = 5.0
    delay_s: float = 0.0
    backoff_base_s: float = 0.5
    backoff_cap_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse what could never work."""
        for name in self.__slots__:
            least = 0.0 if name in ("settle_s", "skew_s", "delay_s") else 1e-9
            if not getattr(self, name) >= least:
                raise ConfigError(f"{name} is {getattr(self, name)}, it must be above 0")


class BarStream(Protocol):
    """A vendor's stream of some symbols. It is read by one consumer."""

    @property
    def name(self) -> str:
        """Return the vendor's name, as it stands in the column ``source``."""
        ...

    @property
    def feed(self) -> str:
        """Return how it is named to a listener: the stream of a vendor is not its REST."""
        ...

    @property
    def is_up(self) -> bool:
        """Return whether it is connected and subscribed."""
        ...

    @property
    def is_over(self) -> bool:
        """Return whether it has ended, or was closed; nothing comes any more then."""
        ...

    @property
    def problem(self) -> str:
        """Return what is wrong with the connection; empty if nothing is."""
        ...

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how much there was so far, by kind; ``waiting`` is what waits now."""
        ...

    def open(self) -> Self:
        """Start to connect, and return at once."""
        ...

    def take(self, wait_s: float = 0.0) -> Delivery:
        """Return what has come; with nothing there, wait for it so long at most."""
        ...

    def close(self) -> None:
        """Close the connection; a second call does nothing, and what waits can still be taken."""
        ...
