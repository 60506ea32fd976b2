"""A process that plans a cycle and sends it: SIGKILL is meant for it.

Its argument is a JSON file with the addresses, the prices, the weights and what to do. What it
has planned, and what came of it, goes to standard output, a line of JSON each.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from alphalens.assets import Equity
from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.execution import Journal, TradingSession
from alphalens.risk import RiskLimits
from alphalens.storage import open_engine
from alphalens.trading import OrderIntent, OrderStatus, Target, VirtualClock
from alphalens.trading.codec import canonical_json

LIMITS = RiskLimits(
    max_order=Decimal(1),
    approval_above=None,
    max_position=Decimal(1),
    max_daily_loss=Decimal("0.9"),
    max_drawdown=Decimal("0.9"),
    price_collar=Decimal("0.5"),
)
LONGEST_S = 60.0


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def until(session: TradingSession, is_done: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_S
    while not is_done():
        session.collect_fills()
        assert time.monotonic() < end, [
            (one.client_order_id, one.status, one.filled_quantity) for one in session.open_orders
        ]
        time.sleep(0.01)


def trade(session: TradingSession, given: dict[str, Any]) -> None:
    """Plan the cycle, or read its plan, and send it; the first order waits for a part of it."""
    now = datetime.fromisoformat(given["now"])
    session.start()
    session.mark({symbol: Decimal(price) for symbol, price in given["prices"].items()})
    target = Target(name="t", asof=now, weights=given["weights"])
    plan = session.plan(target, cycle_id="c1")
    say(plan=[canonical_json(one) for one in plan])
    first = session.submit(plan[:1])[0].client_order_id
    until(session, lambda: status(session, plan[0]) in (OrderStatus.PARTIAL, OrderStatus.FILLED))
    say(first=first)
    session.submit(plan)
    until(session, lambda: all(status(session, one) is OrderStatus.FILLED for one in plan))
    session.finish_cycle("c1")
    again = session.plan(target, cycle_id="c2")
    say(
        held={symbol: str(one.quantity) for symbol, one in session.ledger.positions.items()},
        cash=str(session.ledger.cash),
        planned_again={one.symbol: str(one.quantity) for one in again},
    )


def status(session: TradingSession, intent: OrderIntent) -> OrderStatus:
    order = session.order(intent.client_order_id)
    assert order is not None
    return order.status


def main(task: Path) -> None:
    given = json.loads(task.read_text())
    clock = VirtualClock(datetime.fromisoformat(given["now"]))
    broker = AlpacaBroker(
        "PKTEST",
        "secret",
        base_url=given["rest_url"],
        stream_url=given["stream_url"],
        is_live=False,
        rng=random.Random(7),
        options=AlpacaOptions(order_timeout_s=LONGEST_S),
    )
    engine = open_engine(given["database"])
    with broker, Journal(engine, clock=clock, run_id=given["run"]) as journal:
        assert broker.wait_until_up(LONGEST_S), broker.connection()
        session = TradingSession(
            journal=journal,
            broker=broker,
            limits=LIMITS,
            clock=clock,
            assets={symbol: Equity(symbol=symbol) for symbol in given["prices"]},
            grace=timedelta(0),
        )
        trade(session, given)
    engine.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
