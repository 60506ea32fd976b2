"""Is the market open for an order like that, and is its symbol free."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from alphalens.risk.cases import Case
from alphalens.risk.facts import MarketSession
from alphalens.risk.reasons import Reason, ReasonCode
from alphalens.trading.orders import OrderClass, OrderType, TimeInForce

__all__ = ["hours", "marks"]

_C, _T = ReasonCode, TimeInForce
_AT_ONCE = frozenset({_T.IOC, _T.FOK})


def marks(case: Case) -> Iterator[Reason]:
    """Tell which symbols of the order have to wait, and for what."""
    book = case.book
    for symbol in case.symbols:
        if symbol in book.unresolved:
            says = f": orders of {symbol} without a known outcome are"
            remedy = "let them be looked up first"
            yield case.refuse(_C.UNRESOLVED, says, "1 or more", "0", remedy)
        if symbol in book.frozen:
            remedy = "find out why, then let a person clear it"
            yield case.refuse(_C.SYMBOL_FROZEN, f": {symbol} is", "frozen", "free", remedy)
        if symbol in book.external:
            says = f": the position of {symbol} was there before us, it is"
            remedy = "claim it if it may be traded"
            yield case.refuse(_C.EXTERNAL_POSITION, says, "not claimed", "claimed", remedy)
        if symbol in book.halted and case.is_at_market:
            says = f": the market in {symbol} is"
            remedy = "wait for its reopening, or give a limit"
            yield case.refuse(_C.SYMBOL_HALTED, says, "halted", "trading", remedy)


def hours(case: Case) -> Iterator[Reason]:
    """Tell whether the hours of the market forbid the order."""
    intent = case.intent
    is_plain = intent.order_class is OrderClass.SIMPLE and intent.order_type is OrderType.LIMIT
    if intent.is_extended_hours and not (is_plain and intent.time_in_force is _T.DAY):
        asked = f"{intent.order_class} {intent.order_type} {intent.time_in_force}"
        says, remedy = ": for extended hours it is", "send it so, or for the regular session"
        yield case.refuse(_C.EXTENDED_HOURS, says, asked, "simple limit day", remedy)
    assets = (case.book.assets.get(symbol) for symbol in case.units)
    for calendar in dict.fromkeys(asset.calendar for asset in assets if asset is not None):
        session = case.book.sessions.get(calendar)
        if session is not None:
            yield from _hours_of(case, calendar, session)


def _hours_of(case: Case, calendar: str, session: MarketSession) -> Iterator[Reason]:
    now, tif = case.book.now, case.intent.time_in_force
    is_open = session.is_open_at(now)
    if tif is _T.OPG:
        is_late = session.next_open - now < session.opening_cutoff
        if is_open or is_late or session.is_pausing(now):
            yield _closed(case, f"{calendar} for the opening auction", now, session)
    elif tif is _T.CLS:
        is_late = is_open and session.next_close - now < session.closing_cutoff
        if is_late or (not is_open and session.is_pausing(now)):
            yield _closed(case, f"{calendar} for the closing auction", now, session)
    elif not is_open and not _waits(case, session):
        yield _closed(case, calendar, now, session)


def _waits(case: Case, session: MarketSession) -> bool:
    """Return whether an order may be sent though the regular session is closed."""
    if case.intent.is_extended_hours and session.is_extended:
        return True
    return not case.is_at_market and case.intent.time_in_force not in _AT_ONCE


def _closed(case: Case, market: str, now: datetime, session: MarketSession) -> Reason:
    says = f": {market} at {now.isoformat()} is"
    limit = f"open (next from {session.next_open.isoformat()})"
    remedy = "wait for it, or give a limit and a time in force that can wait"
    return case.refuse(_C.SESSION_CLOSED, says, "closed", limit, remedy)
