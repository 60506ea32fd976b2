"""May this desk trade now: its figures, its account, its clock, its state."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from alphalens.assets.grid import MAX_DIGITS
from alphalens.risk.book import BookView
from alphalens.risk.cases import Case
from alphalens.risk.exposure import exposure_breaches
from alphalens.risk.figures import is_sound, text
from alphalens.risk.kill_switch import TradingState, stricter
from alphalens.risk.limits import RiskLimits
from alphalens.risk.reasons import Reason, ReasonCode, over, refusal

__all__ = ["desk", "losses", "unusable"]

_ONE = Decimal(1)
_C = ReasonCode


def unusable(book: BookView) -> Reason | None:
    """Return why nothing can be computed with a book, None if something can."""
    bad = [(name, value) for name, value in _figures(book) if not is_sound(value)]
    if not bad:
        return None
    name, value = min(bad, key=lambda pair: pair[0])
    limit = f"a finite number of at most {MAX_DIGITS} digits on a side of the point"
    remedy = "ask the venue again, nothing is sent on a book that is not known"
    return refusal(_C.UNUSABLE_BOOK, f"the book: {name} is", value, limit, remedy)


def desk(case: Case, state: TradingState) -> Iterator[Reason]:
    """Tell what keeps the whole desk from sending this order."""
    yield from _venue(case)
    yield from _clock(case)
    yield from _state(case, state)


def losses(book: BookView, limits: RiskLimits) -> Iterator[Reason]:
    """Tell which loss limits the book has reached."""
    for code, since, limit in (
        (_C.MAX_DAILY_LOSS, book.day_open_equity, limits.max_daily_loss),
        (_C.MAX_DRAWDOWN, book.peak_equity, limits.max_drawdown),
    ):
        loss = (since - book.equity) / since if since > 0 else _ONE
        if loss >= limit:
            what = f"equity {text(book.equity)} after {text(since)}"
            yield over(code, what, loss, limit, "find out why; to go on, resume after raising")


def _figures(book: BookView) -> Iterator[tuple[str, Decimal]]:
    for name in ("equity", "cash", "day_open_equity", "peak_equity", "traded_today"):
        yield name, getattr(book, name)
    if book.buying_power is not None:
        yield "buying_power", book.buying_power
    for name in ("quantities", "open_buys", "open_sells", "margin_rates"):
        for symbol, value in getattr(book, name).items():
            yield f"{name} of {symbol}", value
    for order in book.orders:
        for name, value in order.flaws:
            yield f"{name} of {order.intent.client_order_id}", value


def _venue(case: Case) -> Iterator[Reason]:
    venue = case.book.venue
    if venue is None:
        return
    if venue.is_blocked:
        remedy = "ask the venue why it takes no orders"
        yield case.refuse(_C.ACCOUNT_BLOCKED, ": the account is", "blocked", "open", remedy)
    if venue.account_id != case.intent.account:
        remedy = "use the keys of that account, or plan for this one"
        says = ": the venue trades account"
        yield case.refuse(_C.WRONG_ACCOUNT, says, venue.account_id, case.intent.account, remedy)
    elif venue.expected_account != venue.account_id and (venue.is_live or venue.expected_account):
        expected = venue.expected_account or "the number typed by a person"
        remedy = "type the account number that is meant"
        yield case.refuse(_C.WRONG_ACCOUNT, ": the account is", venue.account_id, expected, remedy)
    if venue.is_live and not venue.is_flagged_live:
        remedy = "set ENABLE_LIVE_TRADING if real money is meant"
        yield case.refuse(_C.LIVE_DISABLED, ": the account is", "live", "paper", remedy)
    yield from _host(case)


def _host(case: Case) -> Iterator[Reason]:
    """Tell whether host, account and flag mean different money."""
    venue = case.book.venue
    if venue is None:
        return
    remedy = "make flag, host and account agree"
    if venue.is_live_host is not None and venue.is_live_host is not venue.is_live:
        host = "live" if venue.is_live_host else "paper"
        account = "live" if venue.is_live else "paper"
        yield case.refuse(_C.WRONG_HOST, ": the host is", host, account, remedy)
    elif venue.is_flagged_live and not venue.is_live:
        yield case.refuse(_C.WRONG_HOST, ": the flag asks for live, it is", "paper", "live", remedy)


def _clock(case: Case) -> Iterator[Reason]:
    skew, limit = case.book.clock_skew_s, case.limits.max_clock_skew_s
    if skew is not None and not (is_sound(skew) and abs(skew) <= limit):
        remedy = "set the clock of this machine, or raise max_clock_skew_s in the risk limits"
        says = ": our clock is ahead of the venue's by seconds"
        yield case.refuse(_C.CLOCK_SKEW, says, text(skew), limit, remedy)


def _state(case: Case, state: TradingState) -> Iterator[Reason]:
    lost = tuple(losses(case.book, case.limits))
    exposed = tuple(exposure_breaches(case.book, case.limits, case.unit_values))
    effective = stricter(state, TradingState.HALTED if lost else TradingState.ACTIVE)
    effective = stricter(effective, TradingState.REDUCING if exposed else TradingState.ACTIVE)
    yield from lost
    if effective is TradingState.HALTED:
        remedy = "find out why, then resume"
        yield case.refuse(_C.HALTED, ": trading is", effective, TradingState.ACTIVE, remedy)
    elif effective is TradingState.REDUCING and not case.is_reducing:
        held = ", ".join(f"{text(case.book.held(s))} {s}" for s in case.units)
        says = f" would add exposure or turn a position, held {held}; trading is"
        remedy = "order no more than what closes it, open orders counted, or resume"
        yield case.refuse(_C.REDUCING_ONLY, says, effective, TradingState.ACTIVE, remedy)
