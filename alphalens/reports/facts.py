"""A run as its journal tells it: read once, from the verified chain alone.

The tables beside the journal (orders, fills, marks) are conveniences that no hash protects.
A report therefore folds the records themselves, with the same functions that wrote the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pandas as pd

from alphalens.errors import InputError
from alphalens.execution.bookkeeping import booked_fills, ledger_of
from alphalens.execution.journal import JournalReader
from alphalens.execution.records import (
    Mark,
    OrderRecord,
    Record,
    alert_from,
    fold_order,
    mark_from,
    order_id_of,
)
from alphalens.risk import TradingState
from alphalens.trading.events import AlertEvent, EventKind
from alphalens.trading.ledger import Ledger
from alphalens.trading.orders import Fill

__all__ = ["RunFacts", "read_run"]

_K = EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything a journal says about the runs in it.

    Attributes
    ----------
    run_ids : tuple of str
        The runs, oldest first; usually one.
    account, currency : str
        Whose money, and in what.
    is_live : bool
        True when orders moved real money.
    opening_cash : Decimal
        Balance before the first fill.
    limits : Mapping of str to str
        Risk limits in force at the last start.
    started_at, last_at : datetime
        Instants of the first and the last record, by the run's own clock.
    is_finished : bool
        True when the last run recorded its end.
    state : TradingState
        Active, reducing or halted, after the last record.
    length, head : int, str
        Number of records, all of them verified, and the hash of the last one.
    orders : tuple of OrderRecord
        In order of their first record.
    fills : tuple of Fill
        In the order they were booked.
    marks : tuple of Mark
        In order.
    prices : DataFrame of shape (n_marks, n_symbols)
        Prices the book was marked with, by instant and symbol, in the account's currency;
        NaN where a symbol had none.
    last_prices : Mapping of str to Decimal
        Last price of each symbol that ever had one, exact.
    price_times : Mapping of str to datetime
        Instant of the mark that brought it.
    fills_since_mark : int
        Fills booked after the last mark: the book shown does not hold them yet.
    alerts : tuple of AlertEvent
        In order.
    records : tuple of Record
        The journal itself.
    """

    run_ids: tuple[str, ...]
    account: str
    currency: str
    is_live: bool
    opening_cash: Decimal
    limits: Mapping[str, str]
    started_at: datetime
    last_at: datetime
    is_finished: bool
    state: TradingState
    length: int
    head: str
    orders: tuple[OrderRecord, ...]
    fills: tuple[Fill, ...]
    marks: tuple[Mark, ...]
    prices: pd.DataFrame
    last_prices: Mapping[str, Decimal]
    price_times: Mapping[str, datetime]
    fills_since_mark: int
    alerts: tuple[AlertEvent, ...]
    records: tuple[Record, ...]

    @property
    def booked(self) -> tuple[Fill, ...]:
        """Return the fills that the last mark knew of."""
        return booked_fills(self._marked())

    def ledger(self) -> Ledger:
        """Return the books at the last mark, replayed from the opening balance."""
        return ledger_of(self._marked())

    def _marked(self) -> tuple[Record, ...]:
        """Return the records up to the last mark, or up to the start where there is none."""
        starts = [r.seq for r in self.records if r.kind is _K.RUN_STARTED]
        marks = [r.seq for r in self.records if r.kind is _K.MARK]
        last = marks[-1] if marks else starts[0]
        return tuple(record for record in self.records if record.seq <= max(last, starts[0]))

    def of_kind(self, kind: EventKind) -> tuple[Record, ...]:
        """Return the records of one kind, in order."""
        return tuple(record for record in self.records if record.kind is kind)


def read_run(reader: JournalReader) -> RunFacts:
    """Verify a journal and return what it says.

    Parameters
    ----------
    reader : JournalReader
        The journal; nothing is written.

    Raises
    ------
    AuditError
        If a record does not match the hash chain.
    InputError
        If no run has begun in the journal.
    """
    length = reader.verify()
    records = reader.records()[:length]
    starts = [record for record in records if record.kind is _K.RUN_STARTED]
    if not starts:
        raise InputError(
            f"the journal has {length} records and no run has begun in it: run a strategy first, "
            f"for instance with  alphalens demo"
        )
    return _facts(records, starts)


def _facts(records: tuple[Record, ...], starts: list[Record]) -> RunFacts:
    first, last = starts[0].payload, starts[-1].payload
    fills = [record for record in records if record.kind is _K.FILL]
    marks = [record for record in records if record.kind is _K.MARK]
    marked = marks[-1].seq if marks else 0
    return RunFacts(
        run_ids=tuple(dict.fromkeys(record.run_id for record in records)),
        account=first["account_id"],
        currency=first["currency"],
        # a session refuses an account of real money; a record without the flag is of a paper one
        is_live=bool(last.get("is_live", False)),
        opening_cash=Decimal(first["opening_cash"]),
        limits={name: _text(value) for name, value in last["limits"].items()},
        started_at=records[0].at,
        last_at=records[-1].at,
        is_finished=records[-1].kind is _K.RUN_FINISHED,
        state=_state(records),
        length=len(records),
        head=records[-1].hash,
        orders=_orders(records),
        fills=booked_fills(records),
        marks=tuple(mark_from(record.payload) for record in marks),
        prices=_prices(marks),
        last_prices={s: price for mark in marks for s, price in _exact(mark).items()},
        price_times={s: mark_from(mark.payload).at for mark in marks for s in _exact(mark)},
        fills_since_mark=sum(record.seq > marked for record in fills),
        alerts=tuple(alert_from(r.payload) for r in records if r.kind is _K.ALERT),
        records=records,
    )


def _orders(records: Iterable[Record]) -> tuple[OrderRecord, ...]:
    found: dict[str, OrderRecord] = {}
    for record in records:
        key = order_id_of(record)
        order = None if key is None else fold_order(found.get(key), record)
        if key is not None and order is not None:
            found[key] = order
    return tuple(found.values())


def _exact(mark: Record) -> dict[str, Decimal]:
    return {symbol: Decimal(text) for symbol, text in sorted(mark.payload["prices"].items())}


def _prices(marks: list[Record]) -> pd.DataFrame:
    instants = pd.DatetimeIndex([mark_from(mark.payload).at for mark in marks], tz="UTC", name="at")
    rows = [{symbol: float(price) for symbol, price in _exact(mark).items()} for mark in marks]
    return pd.DataFrame(rows, index=instants, dtype=float).sort_index(axis=1)


def _state(records: Iterable[Record]) -> TradingState:
    changes = [r.payload["to"] for r in records if r.kind is _K.STATE_CHANGED]
    return TradingState(changes[-1]) if changes else TradingState.ACTIVE


def _text(value: object) -> str:
    return "none" if value is None else str(value)
