"""Hold a few shares at fixed weights until somebody says stop: python examples/paper_loop.py.

Account, keys and limits come from .env. Without an account, try it on this machine:

    python examples/paper_loop.py --loopback

Ctrl-C or SIGTERM ends it; what it had planned goes on where it stopped at the next start.
"""

import argparse
import logging
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from alphalens.assets import Equity
from alphalens.cli.output import exit_code
from alphalens.config import Settings, load_settings
from alphalens.errors import AlphaLensError, DataError
from alphalens.execution import TradingSession
from alphalens.runtime import DeskReport, open_desk, open_quotes, run_desk
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import Target

WEIGHTS = {"AAPL": 0.04, "MSFT": 0.04, "SPY": 0.04}


def cycle_at(now: datetime, every: timedelta) -> str:
    """Name the cycle by the time it stands for, so that a restart finds the one it was in."""
    began = datetime.fromtimestamp(now.timestamp() // every.total_seconds() * every.total_seconds())
    return f"hold-{began.astimezone(UTC):%Y%m%dT%H%M%SZ}"


class Hold:
    """Bring the account back to its weights, once in each cycle."""

    def __init__(self, every: timedelta) -> None:
        self.every = every

    def __call__(self, session: TradingSession) -> None:
        """Plan, or read the stored plan, and send what was not sent."""
        missing = sorted(WEIGHTS.keys() - session.prices.keys())
        if missing:
            raise DataError(f"no quote of {', '.join(missing)} yet; nothing is planned without")
        now = session.clock.now()
        cycle, unfinished = cycle_at(now, self.every), session.unfinished_cycle
        if unfinished not in (None, cycle):
            session.finish_cycle(unfinished, {"why": "its time is over"})
        target = Target(name="hold", asof=now, weights=WEIGHTS)
        orders = session.submit(session.plan(target, cycle_id=cycle))
        print(
            cycle,
            [f"{o.intent.side} {o.intent.quantity} {o.intent.symbol}: {o.status}" for o in orders],
        )


def trade(settings: Settings, folder: Path, every: timedelta) -> DeskReport:
    """Open the desk that the settings name, and run it until a signal comes."""
    assets = {symbol: Equity(symbol=symbol) for symbol in WEIGHTS}
    with (
        open_quotes(settings, list(WEIGHTS)) as feed,
        open_desk(settings, assets=assets, folder=folder, run_id="paper-loop") as session,
    ):
        return run_desk(session, step=Hold(every), every=every, feed=feed, settings=settings)


@contextmanager
def loopback(folder: Path) -> Iterator[Settings]:
    """Open a venue on this machine, with prices that wander; its book is a file that stays."""
    folder.mkdir(parents=True, exist_ok=True)
    venue = AlpacaServer(
        folder / "loopback.sqlite", now=datetime.now(UTC), ticking=True, always_open=True
    )
    over = threading.Event()

    def wander() -> None:
        rng = random.Random(7)  # noqa: S311 - prices, nothing secret
        cents = dict.fromkeys(WEIGHTS, 10_000)
        while not over.wait(0.2):
            for symbol in WEIGHTS:
                cents[symbol] += rng.randint(-5, 5)
                bid = Decimal(cents[symbol]) / 100
                venue.control.set_quote(symbol, bid, bid + Decimal("0.02"))

    market = threading.Thread(target=wander)
    with venue:
        market.start()
        try:
            yield load_settings(overrides=of_loopback(venue))
        finally:
            over.set()
            market.join()


def of_loopback(venue: AlpacaServer) -> dict[str, str]:
    """Return settings that lead to a venue on this machine, whatever .env says."""
    return {
        "ALPHALENS_VENUE": "alpaca",
        "ALPHALENS_ACCOUNT": "paper",
        "ALPHALENS_ALPACA_BASE_URL": venue.rest_url,
        "ALPHALENS_ALPACA_STREAM_URL": venue.stream_url,
        "ALPHALENS_ALPACA_DATA_URL": venue.data_stream_url,
        "ALPACA_API_KEY": "PKTEST",
        "ALPACA_SECRET_KEY": "secret",
        "ENABLE_LIVE_TRADING": "false",
        "DATABASE_URL": "",
    }


def main() -> int:
    """Trade until a signal; the exit code says who has to act, as that of `alphalens` does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--loopback", action="store_true", help="a venue on this machine, no account"
    )
    parser.add_argument("--folder", type=Path, default=Path("demo/paper_loop"))
    parser.add_argument("--every", type=float, default=3600.0, help="seconds from cycle to cycle")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    every = timedelta(seconds=given.every)
    try:
        if given.loopback:
            with loopback(given.folder) as settings:
                report = trade(settings, given.folder, every)
        else:
            report = trade(load_settings(), given.folder, every)
    except AlphaLensError as error:
        print(f"error: {error}", file=sys.stderr)
        return exit_code(error)
    left = [
        f"{o.intent.side} {o.remaining} {o.intent.symbol}: {o.status}" for o in report.open_orders
    ]
    print(f"{report.reason}: {report.steps} cycles, open: {left}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
