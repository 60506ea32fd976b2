"""A process that sends a batch of orders and knows how to stop: SIGTERM is meant for it.

Arguments: a JSON file with the addresses, the timeouts and the orders, and the journal's file.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from alphalens.assets import Equity
from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.errors import TradingHalted
from alphalens.execution import Journal, TradingSession
from alphalens.execution.records import intent_from
from alphalens.execution.stopping import GracefulStop
from alphalens.risk import RiskLimits
from alphalens.storage import open_engine
from alphalens.trading import VirtualClock
from tests.waiting import PATIENCE_S


def main(order_file: Path, journal_file: Path) -> int:
    """Send the batch, and return 3 if it was cut short."""
    given = json.loads(order_file.read_text())
    clock = VirtualClock(datetime.fromisoformat(given["now"]))
    intents = [intent_from(one) for one in given["intents"]]
    limits = RiskLimits(max_order=Decimal(1), max_position=Decimal(1), approval_above=None)
    broker = AlpacaBroker(
        "PKTEST",
        "secret",
        base_url=given["rest_url"],
        stream_url=given["stream_url"],
        is_live=False,
        rng=random.Random(7),
        options=AlpacaOptions(order_timeout_s=given["order_timeout_s"]),
    )
    engine = open_engine(journal_file)
    with broker, Journal(engine, clock=clock, run_id="child") as journal:
        session = TradingSession(
            journal=journal,
            broker=broker,
            limits=limits,
            clock=clock,
            assets={one.symbol: Equity(symbol=one.symbol) for one in intents},
        )
        with GracefulStop(session.request_stop, within_s=given["within_s"]):
            broker.wait_until_up(PATIENCE_S)
            session.start()
            session.mark({one.symbol: one.reference_price for one in intents})
            try:
                session.submit(intents)
            except TradingHalted as error:
                sys.stdout.write(f"{error}\n")
                return 3
            finally:
                session.finish_run()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
