"""The one pre-trade gate: a pure function from an order and a book to coded reasons.

Every order passes here, whoever wants it, and all its violations are told at once. There is
no way around it and no flag that turns it off.

The rules, in the order in which they are told:

- **desk** (`rules_desk`): the book can be computed with; account, host and flag agree; the
  clock is right; nothing passes a halt; while reducing, only what can only reduce exposure.
  The stricter of the recorded state and the one that the book's own figures ask for counts.
- **identity** (`rules_flow`): an id goes out once, and so does one wish in a moment; no order
  meets one of our own.
- **marks** (`rules_session`): a symbol with an order of unknown outcome waits, a frozen one, a
  halted one and one that is not ours too.
- **grid** (`rules_asset`): the asset is known and enabled; quantity, prices, type and time in
  force are such as the asset and the venue take.
- **hours** (`rules_session`): the market is open for an order like that.
- **price** (`rules_price`): there is one, fresh and sound; the order's own are near it, and
  stops and exits on the right side of it.
- **size** (`rules_size`): order, position, gross, net, sector, concentration, turnover, buying
  power. An order that can only reduce a position is never refused for its size: a limit must
  not lock a risk in.
- **rate** (`rules_flow`): orders per cycle, per minute, open.
- **approval** (`rules_size`): above a size, a person has to agree to exactly this order.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import localcontext

from alphalens.assets.grid import MAX_DIGITS
from alphalens.risk.book import BookView
from alphalens.risk.cases import Case, case_of
from alphalens.risk.exposure import exposure_breaches, worths
from alphalens.risk.figures import CONTEXT, absurd_figure
from alphalens.risk.kill_switch import TradingState
from alphalens.risk.limits import RiskLimits
from alphalens.risk.reasons import Approval, Reason, ReasonCode, Verdict, refusal
from alphalens.risk.rules_asset import grid
from alphalens.risk.rules_desk import desk, losses, unusable
from alphalens.risk.rules_flow import identity, rate
from alphalens.risk.rules_price import prices
from alphalens.risk.rules_session import hours, marks
from alphalens.risk.rules_size import agreement, size
from alphalens.trading.orders import OrderIntent

__all__ = ["book_breaches", "is_loss", "validate"]

_LOSSES = frozenset({ReasonCode.MAX_DAILY_LOSS, ReasonCode.MAX_DRAWDOWN})


def validate(
    intent: OrderIntent,
    *,
    book: BookView,
    limits: RiskLimits,
    state: TradingState,
    approval: Approval | None = None,
) -> Verdict:
    """Return every rule that an order violates; none means that it may be sent now.

    Parameters
    ----------
    intent : OrderIntent
        The order.
    book : BookView
        The account now, with the open orders of this and earlier cycles reserved.
    limits : RiskLimits
        The desk's limits.
    state : TradingState
        The recorded state; a book in breach makes it stricter here and now.
    approval : Approval or None
        A person's agreement. It lifts `ReasonCode.NEEDS_APPROVAL` and no other reason, and
        only if it is bound to exactly this order and has not expired.

    Returns
    -------
    Verdict
        All reasons at once. Figures that no rule could compute with, of the order or of the
        book, are the only reasons that stand alone.

    Notes
    -----
    Position: what is held plus every open order of the same side plus this order, as if no
    order of the other side were executed. Gross, net, sector and concentration: as if every
    open order were executed, so that closings sent earlier make room for openings; should
    those closings fail at the venue, the next mark finds the book in breach and trading goes
    to reducing. Buying power: closings give nothing back until they are executed; what was
    executed since the venue told it is taken off.
    Time O(n) in the positions and open orders, of which each was checked once, when its
    `SentOrder` was made.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from decimal import Decimal
    >>> from alphalens.assets import Equity
    >>> from alphalens.trading import Side
    >>> now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
    >>> thousand = Decimal(1000)
    >>> book = BookView(
    ...     now=now, equity=thousand, cash=thousand, day_open_equity=thousand,
    ...     peak_equity=thousand, assets={"SPY": Equity(symbol="SPY")},
    ...     prices={"SPY": Decimal(50)}, price_times={"SPY": now},
    ... )
    >>> order = OrderIntent(
    ...     client_order_id="o1", account="P1", cycle_id="c1", symbol="SPY", side=Side.BUY,
    ...     quantity=Decimal(3), reference_price=Decimal(50), created_at=now,
    ... )
    >>> verdict = validate(order, book=book, limits=RiskLimits(), state=TradingState.ACTIVE)
    >>> verdict.reasons[0].message
    'max_order: buy 3 SPY reaches 0.15, limit is 0.1: order less, or raise max_order in the risk \
limits'
    """
    with localcontext(CONTEXT):
        mistake = _absurd(intent) or unusable(book)
        if mistake is not None:
            return Verdict((mistake,))
        return Verdict(tuple(_reasons(case_of(intent, book, limits), state, approval)))


def book_breaches(book: BookView, limits: RiskLimits) -> tuple[Reason, ...]:
    """Return the limits that the book itself violates, orders apart.

    Gross and net are those of the positions held. A single position above its limit is not
    among them: the gate lets that asset be reduced only, and the rest of the book trades on.

    Returns
    -------
    tuple of Reason
        ``max_daily_loss`` and ``max_drawdown`` ask for a halt, ``max_gross``, ``max_net`` and
        ``unusable_book`` for reducing.
    """
    with localcontext(CONTEXT):
        mistake = unusable(book)
        if mistake is not None:
            return (mistake,)
        return (*losses(book, limits), *exposure_breaches(book, limits, worths(book)))


def is_loss(reason: Reason) -> bool:
    """Return whether a breach of the book asks for a halt and not only for reducing."""
    return reason.code in _LOSSES


def _reasons(case: Case, state: TradingState, approval: Approval | None) -> Iterator[Reason]:
    yield from desk(case, state)
    yield from identity(case)
    yield from marks(case)
    yield from grid(case)
    yield from hours(case)
    yield from prices(case)
    yield from size(case)
    yield from rate(case)
    yield from agreement(case, approval)


def _absurd(intent: OrderIntent) -> Reason | None:
    """Refuse figures that no later rule could compute with."""
    figure = absurd_figure(intent)
    if figure is None:
        return None
    what = f"{intent.side} {intent.quantity} {intent.symbol} has a figure of"
    limit, remedy = f"{MAX_DIGITS} digits on a side of the point", "that is a mistake, order less"
    return refusal(ReasonCode.MAX_ORDER, what, figure, limit, remedy)
