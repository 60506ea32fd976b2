"""Orders, books and sent orders of one small desk: SPY and QQQ at 100, 10,000 in cash."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from alphalens.assets import Equity
from alphalens.risk import (
    BookView,
    MarketSession,
    RiskLimits,
    SentOrder,
    TradingState,
    validate,
)
from alphalens.trading import OrderIntent, Quote, Side
from alphalens.trading.orders import Leg, OrderClass, OrderType

D = Decimal
NOW = datetime(2024, 1, 2, 20, tzinfo=UTC)
WIDE = RiskLimits(
    max_order=D(10), approval_above=None, max_position=D(10), max_gross=D(10), max_net=D(10)
)
PUT_90, PUT_80 = "SPY240315P00090000", "SPY240315P00080000"
CALL_100, CALL_110 = "SPY240315C00100000", "SPY240315C00110000"


def intent(quantity="1", side=Side.BUY, **changes) -> OrderIntent:
    fields = {
        "client_order_id": "o1",
        "account": "P1",
        "cycle_id": "c1",
        "symbol": "SPY",
        "side": side,
        "quantity": D(quantity),
        "reference_price": D(100),
        "created_at": NOW,
    }
    return OrderIntent(**fields | changes)


def limit(price, quantity="1", side=Side.BUY, **changes) -> OrderIntent:
    return intent(quantity, side, order_type=OrderType.LIMIT, limit_price=D(price), **changes)


def legs(*parts, quantity="1", **changes) -> OrderIntent:
    """Return a multi-leg order of ("buy", symbol) pairs, ratio 1."""
    wanted = tuple(Leg(symbol=symbol, side=Side(side)) for side, symbol in parts)
    net = changes.get("limit_price")
    kind = OrderType.MARKET if net is None else OrderType.LIMIT
    fields = {"symbol": "SPY", "order_class": OrderClass.MULTILEG, "order_type": kind}
    return intent(quantity, **fields | {"legs": wanted} | changes)


def book(**changes) -> BookView:
    fields = {
        "now": NOW,
        "equity": D(10_000),
        "cash": D(10_000),
        "day_open_equity": D(10_000),
        "peak_equity": D(10_000),
        "prices": {"SPY": D(100), "QQQ": D(100)},
        "price_times": {"SPY": NOW, "QQQ": NOW},
        "assets": {s: Equity(symbol=s) for s in ("SPY", "QQQ")},
    }
    return BookView(**fields | changes)


def sent(order, *, remaining=None, age_s=0, is_reserved=False) -> SentOrder:
    """Return an order that went out `age_s` seconds ago, open unless told otherwise."""
    left = order.quantity if remaining is None else D(remaining)
    at = datetime.fromtimestamp(NOW.timestamp() - age_s, tz=UTC)
    return SentOrder(intent=order, at=at, remaining=left, is_reserved=is_reserved)


def quote(bid, ask, at=NOW, symbol="SPY") -> dict[str, Quote]:
    return {symbol: Quote(symbol=symbol, at=at, bid=D(bid), ask=D(ask))}


def session(*, is_open, **changes) -> dict[str, MarketSession]:
    """Return the hours of New York at `NOW`, 15:00 there: open to 16:00."""
    fields = {
        "is_open": is_open,
        "next_open": datetime(2024, 1, 3, 14, 30, tzinfo=UTC),
        "next_close": datetime(2024, 1, 2, 21, tzinfo=UTC),
        "last_close": datetime(2023, 12, 29, 21, tzinfo=UTC),
    }
    return {"XNYS": MarketSession(**fields | changes)}


def codes(order, view=None, limits=WIDE, state=TradingState.ACTIVE, approval=None):
    """Return the codes of all reasons, in their order."""
    view = book() if view is None else view
    verdict = validate(order, book=view, limits=limits, state=state, approval=approval)
    return [reason.code for reason in verdict.reasons]


def wide(**changes) -> RiskLimits:
    return replace(WIDE, **changes)
