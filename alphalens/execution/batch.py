"""Reports of the venue turned into journal entries, many in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from alphalens.brokers.base import VenueOrder, VenueUpdate
from alphalens.errors import InputError
from alphalens.execution.adoption import Adoption
from alphalens.execution.books import Books
from alphalens.execution.entries import alert_entry, answer_payload, fill_entry
from alphalens.execution.evidence import Evidence, Finding, inferred_fill
from alphalens.execution.journal import Entry
from alphalens.execution.records import OrderRecord, Origin
from alphalens.trading.clock import Clock
from alphalens.trading.events import EventKind, Severity
from alphalens.trading.ledger import Correction
from alphalens.trading.orders import Fill, OrderStatus
from alphalens.trading.states import after_fill, may_follow

__all__ = ["Batch"]

_ZERO = Decimal(0)
_S, _K = OrderStatus, EventKind
_PENDING = (_S.PENDING_CANCEL, _S.PENDING_REPLACE)
_BACK = frozenset({"order_cancel_rejected", "order_replace_rejected"})


@dataclass(slots=True)
class _Working:
    """An order while the batch is being read: what is in the books, and what came since."""

    order: OrderRecord
    status: OrderStatus
    filled: Decimal
    evidence: dict[str, Evidence] = field(default_factory=dict)


class Batch:
    """One reading of the venue: collect what it tells, then commit it at once.

    Parameters
    ----------
    books : Books
        What is known, and where the entries go.
    adoption : Adoption
        Whose order it is.
    clock : Clock
        The present, for alerts.
    is_listed : bool
        Whether the executions come from the venue's list of them, so that the list goes on
        after the last one.
    may_infer : bool
        Whether an execution that a cumulative figure tells of, and nothing else does, is
        booked as inferred. Only after the list of executions has been asked.
    """

    def __init__(
        self,
        *,
        books: Books,
        adoption: Adoption,
        clock: Clock,
        is_listed: bool = False,
        may_infer: bool = False,
    ) -> None:
        self._books, self._adoption, self._clock = books, adoption, clock
        self._is_listed, self._may_infer = is_listed, may_infer
        self._working: dict[str, _Working] = {}
        self._entries: list[Entry] = []
        self._frozen = set(books.frozen)
        self.new: list[Fill] = []
        self.duplicates = 0
        self.needs_look = False  # something could not be read, or is missing: ask the venue

    def commit(self) -> tuple[Fill, ...]:
        """Write what was collected in one transaction, and return the new executions."""
        if self._entries:
            self._books.write_all(self._entries)
        return tuple(self.new)

    def update(self, update: VenueUpdate) -> bool:
        """Take one message of the stream; return False if it has to wait for what is missing."""
        order = update.order
        is_told = self._may_infer  # then it was read before and had to wait
        if update.problem and not is_told and (order is None or order.status is not _S.UNKNOWN):
            self._unreadable(update)
        if order is None:
            return True
        self.adopt(order)
        if update.fill is not None and not self.fill(update.fill, order):
            return False
        return self.status(order, event=update.event)

    def adopt(self, order: VenueOrder, *, is_opening: bool = False) -> None:
        """Take an order over that is not in the books yet, and its exits."""
        fresh = [*self._adoption.entries(order, is_opening=is_opening)]
        if fresh:
            self._flush()  # those before it first, then it must be in the books to be found
            self._books.write_all(fresh)

    def fill(self, fill: Fill, said: VenueOrder | None = None) -> bool:
        """Take one execution; return False if executions before it are missing."""
        working = self._of(fill.client_order_id)
        if working is None:
            self._foreign(fill)
            return True
        evidence = self._evidence(working, fill.symbol)
        match evidence.judge(fill):
            case Finding.NEW:
                self._book(working, fill)
            case Finding.DUPLICATE:
                self.duplicates += 1
            case Finding.CORRECTION:
                self._correct(working, evidence, fill)
            case Finding.CONFLICT:
                self._conflict(working, fill)
            case Finding.GAP:
                return self._bridge(working, evidence, fill, said)
        return True

    def status(self, said: VenueOrder, *, event: str = "", is_listed: bool = False) -> bool:
        """Take the venue's word on an order; return False if executions are missing."""
        working = self._of(said.client_order_id)
        if working is None or _is_leg_of(working.order, said):
            return True  # a leg's executions count for its order, its status does not
        if said.filled_quantity > working.filled and not self._catch_up_with(working, said):
            self.needs_look = True
            return False
        if said.status is _S.UNKNOWN:
            self._unknown(working, said)
        elif working.status.is_final:
            self._after_the_end(working, said, is_listed=is_listed)
        else:
            self._move(working, said, event)
        return True

    def _move(self, working: _Working, said: VenueOrder, event: str) -> None:
        status, is_short = said.status, _ends_short(working, said)
        if status in (_S.PARTIAL, _S.FILLED) and not is_short:  # executions alone fill an order
            status = _S.PARTIAL if working.filled else _S.ACCEPTED
        if working.status in _PENDING and not status.is_final and event not in _BACK:
            return  # it was told before the change that is asked for
        if status is working.status and said.venue_order_id == working.order.venue_order_id:
            return
        kind = _K.ORDER_CLOSED if status.is_final else _K.ORDER_ANSWERED
        self._add(kind, answer_payload(said, status), working.order)
        working.status = status
        is_ours = status is _S.REPLACED and not working.order.replaced_by
        if working.order.origin is Origin.OURS and (is_ours or is_short or status is _S.REJECTED):
            self._ended_by_venue(working.order, said, status)

    def _after_the_end(self, working: _Working, said: VenueOrder, *, is_listed: bool) -> None:
        if said.status is working.status or not is_listed:
            return  # an old message: the stream tells things in any order
        if not may_follow(working.status, said.status) and not said.status.is_final:
            order = working.order
            message = (
                f"the venue says that {order.client_order_id} is {said.venue_status or said.status}"
                f", we have recorded that it is {working.status}, which is an end: the record "
                f"stands, look at the order at the venue, then clear {order.intent.symbol}"
            )
            self._freeze(order.intent.symbol, "order_quarantined", message)

    def _ended_by_venue(self, order: OrderRecord, said: VenueOrder, status: OrderStatus) -> None:
        what = f"{order.intent.side} {order.intent.quantity} {order.intent.symbol}"
        how = f"{status} with {said.filled_quantity} executed {said.reason}"
        message = f"the venue ended {what} ({order.client_order_id}): {how}"
        self._alert(f"order_{status}", message.rstrip(), _values(order))

    def _unreadable(self, update: VenueUpdate) -> None:
        message = (
            f"a message of the venue's stream could not be read: {update.problem}. The "
            f"orders are asked for instead; nothing was dropped"
        )
        self._alert("stream_unreadable", message, {"event": update.event})
        self.needs_look = True

    def _unknown(self, working: _Working, said: VenueOrder) -> None:
        if working.status is _S.UNKNOWN:
            return
        order = working.order
        message = (
            f"the venue says that {order.client_order_id} of {order.intent.symbol} is "
            f"{said.venue_status!r}, a word that is not known here: the order is looked up before "
            f"anything else of {order.intent.symbol} is sent"
        )
        payload = {
            "client_order_id": order.client_order_id,
            "error": f"unknown status {said.venue_status!r}",
            "is_absent": False,
        }
        self._alert("order_status_unknown", message, _values(order))
        self.needs_look = True
        if not working.status.is_final:
            self._add(_K.ORDER_UNKNOWN, payload, order)
            working.status = _S.UNKNOWN

    def _catch_up_with(self, working: _Working, said: VenueOrder) -> bool:
        """Book what the cumulative figure of an order tells of, if that may be inferred."""
        if not self._may_infer or said.average_price is None or working.order.intent.legs:
            return False
        intent = working.order.intent
        like = Fill(
            fill_id="",
            client_order_id=intent.client_order_id,
            symbol=intent.symbol,
            side=intent.side,
            quantity=said.filled_quantity - working.filled,
            price=said.average_price,
            at=self._clock.now(),
            venue_order_id=said.venue_order_id,
            multiplier=self._multiplier(intent.symbol),
        )
        evidence = self._evidence(working, intent.symbol)
        missing = said.filled_quantity - evidence.total
        total = said.average_price * (said.filled_quantity - evidence.base)
        price = (total - evidence.value) / missing
        self._infer(working, like, evidence.total, said.filled_quantity, price)
        return True

    def _bridge(
        self, working: _Working, evidence: Evidence, fill: Fill, said: VenueOrder | None
    ) -> bool:
        if not self._may_infer:
            self.needs_look = True
            return False
        begin = (fill.cumulative or _ZERO) - fill.quantity
        price = fill.price
        if said is not None and said.average_price is not None and fill.cumulative:
            total = said.average_price * (fill.cumulative - evidence.base)
            price = (total - evidence.value - fill.quantity * fill.price) / (begin - evidence.total)
        self._infer(working, fill, evidence.total, begin, price if price > 0 else fill.price)
        self._book(working, fill)
        return True

    def _infer(
        self, working: _Working, like: Fill, begin: Decimal, end: Decimal, price: Decimal
    ) -> None:
        fill = inferred_fill(like=like, begin=begin, end=end, price=price)
        message = (
            f"{fill.quantity} {fill.symbol} of {fill.client_order_id} were executed and nobody "
            f"told of it: booked at {price:.6f}, inferred from the order's own figures, until the "
            f"venue lists the executions"
        )
        self._alert("fill_inferred", message, {"fill_id": fill.fill_id, "symbol": fill.symbol})
        self._book(working, fill)

    def _book(self, working: _Working, fill: Fill) -> None:
        order = working.order
        if fill.client_order_id != order.client_order_id:  # a leg's belongs to its order
            fill = replace(fill, client_order_id=order.client_order_id)
        is_over = not order.intent.legs and fill.quantity > order.intent.quantity - working.filled
        if not self._is_admitted(fill):
            return
        self._evidence(working, fill.symbol).add(fill)
        self._count(working, fill)
        self._append(fill, order.intent.cycle_id)
        if is_over:
            message = (
                f"execution {fill.fill_id}: {fill.quantity} {fill.symbol} is more than was left "
                f"of {fill.client_order_id}; it is in the book and {fill.symbol} is frozen, ask "
                f"the venue"
            )
            self._freeze(fill.symbol, "overfill", message, fill_id=fill.fill_id)
        elif working.status in (_S.REJECTED, _S.REFUSED):
            message = (
                f"execution {fill.fill_id} belongs to {order.client_order_id}, which was "
                f"{working.status}: it is in the book and {fill.symbol} is frozen, ask the venue"
            )
            self._freeze(fill.symbol, "order_quarantined", message, fill_id=fill.fill_id)

    def _is_admitted(self, fill: Fill) -> bool:
        """Ask the ledger first: what it refuses could never be replayed from the journal."""
        try:
            is_new = self._books.admit(fill)
        except InputError as error:
            message = (
                f"execution {fill.fill_id}: {_told(fill)} cannot be booked: {error}; "
                f"{fill.symbol} is frozen and the books differ from the venue's, ask the venue"
            )
            self._freeze(fill.symbol, "fill_unbookable", message, fill_id=fill.fill_id)
            return False
        self.duplicates += not is_new
        return is_new

    def _append(self, fill: Fill, cycle_id: str) -> None:
        is_listed = self._is_listed and not fill.is_synthetic  # the list goes on after its own
        self._entries.append(fill_entry(fill, cycle_id, is_listed=is_listed))
        self.new.append(fill)

    def _count(self, working: _Working, fill: Fill) -> None:
        intent = working.order.intent
        if intent.legs:
            shares = [
                self._evidence(working, s).total / abs(units) for s, units in intent.traded.items()
            ]
            working.filled = min(shares) * intent.quantity
        else:
            working.filled += fill.quantity
        is_complete = working.filled >= intent.quantity
        working.status = after_fill(working.status, is_complete=is_complete)

    def _correct(self, working: _Working, evidence: Evidence, fill: Fill) -> None:
        order = working.order
        change = evidence.correct(replace(fill, client_order_id=order.client_order_id))
        correction = Correction(removed=(change.removed.fill_id,), fills=change.fills)
        try:
            self._books.admit(correction)
        except InputError as error:
            message = f"execution {fill.fill_id}: {_told(fill)} cannot be booked: {error}"
            self._freeze(fill.symbol, "fill_unbookable", message, fill_id=fill.fill_id)
            return
        payload = {"removed": correction.removed, "fills": correction.fills}
        self._add(_K.FILLS_CORRECTED, payload, order)

    def _conflict(self, working: _Working, fill: Fill) -> None:
        known = working.evidence[fill.symbol].known(fill.fill_id)
        told = "other executions of the order" if known is None else _told(known)
        message = (
            f"execution {fill.fill_id} was booked as {told} and the venue now says {_told(fill)}; "
            f"the first stands and {fill.symbol} is frozen, ask the venue"
        )
        self._freeze(fill.symbol, "fill_conflict", message, fill_id=fill.fill_id)

    def _foreign(self, fill: Fill) -> None:
        """Book an execution of an order that nobody here knows, once."""
        known = self._books.fill_known(fill.fill_id)
        if known is not None or any(f.fill_id == fill.fill_id for f in self.new):
            self.duplicates += 1
            return
        if not self._is_admitted(fill):
            return
        self._append(fill, "")
        message = (
            f"execution {fill.fill_id}: {_told(fill)} belongs to no order that is known here; it "
            f"is in the book and {fill.symbol} is frozen, find out who traded"
        )
        self._freeze(fill.symbol, "foreign_fill", message, fill_id=fill.fill_id)

    def _of(self, client_order_id: str) -> _Working | None:
        order = self._adoption.owner(client_order_id)
        if order is None:
            return None
        key = order.client_order_id
        if key not in self._working:
            self._working[key] = _Working(order, order.status, order.filled_quantity)
        return self._working[key]

    def _evidence(self, working: _Working, symbol: str) -> Evidence:
        if symbol not in working.evidence:
            working.evidence[symbol] = self._books.orders.evidence(working.order, symbol)
        return working.evidence[symbol]

    def _multiplier(self, symbol: str) -> Decimal:
        position = self._books.ledger.positions.get(symbol)
        return Decimal(1) if position is None else position.multiplier

    def _flush(self) -> None:
        """Commit what was collected so far, and look at the orders anew."""
        if self._entries:
            self._books.write_all(self._entries)
            self._entries = []
        self._working.clear()

    def _freeze(self, symbol: str, code: str, message: str, *, fill_id: str = "") -> None:
        if symbol not in self._frozen:
            self._frozen.add(symbol)
            self._entries.append((_K.SYMBOL_FROZEN, {"symbol": symbol, "reason": message}, ""))
            self._alert(code, message, {"symbol": symbol, "fill_id": fill_id})
        elif fill_id:
            self._alert(code, message, {"symbol": symbol, "fill_id": fill_id})

    def _add(self, kind: EventKind, payload: Mapping[str, object], order: OrderRecord) -> None:
        named = {**payload, "client_order_id": order.client_order_id}
        self._entries.append((kind, named, order.intent.cycle_id))

    def _alert(self, code: str, message: str, values: dict[str, str]) -> None:
        self._entries.append(
            alert_entry(code, message, self._clock.now(), values, Severity.CRITICAL)
        )


def _ends_short(working: _Working, said: VenueOrder) -> bool:
    """Return whether an order is filled with less than was wanted: the venue made it smaller.

    It does so to the one exit of a position when a part of the other is executed.
    """
    return said.status is _S.FILLED and said.filled_quantity == working.filled


def _is_leg_of(order: OrderRecord, said: VenueOrder) -> bool:
    return said.client_order_id != order.client_order_id


def _values(order: OrderRecord) -> dict[str, str]:
    return {"client_order_id": order.client_order_id, "symbol": order.intent.symbol}


def _told(fill: Fill) -> str:
    return f"{fill.side} {fill.quantity} {fill.symbol} at {fill.price}"
