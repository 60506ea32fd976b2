"""The vocabulary and the books of trading: pure, without I/O."""

from alphalens.trading.clock import Clock, SystemClock, VirtualClock
from alphalens.trading.ledger import Ledger, Position
from alphalens.trading.market import Bar, Quote
from alphalens.trading.orders import Fill, OrderIntent, OrderStatus, Side
from alphalens.trading.targets import Signal, Target

__all__ = [
    "Bar",
    "Clock",
    "Fill",
    "Ledger",
    "OrderIntent",
    "OrderStatus",
    "Position",
    "Quote",
    "Side",
    "Signal",
    "SystemClock",
    "Target",
    "VirtualClock",
]
