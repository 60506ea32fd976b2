"""The trading core: intent to wire, executions into the books, a burst, and a restart.

Usage: ``python -m benchmarks.orders [--orders 600] [--records 100000]``. The rows go to
``docs/benchmarks.md`` and to standard output; the exit status is 1 when an execution was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from alphalens.assets import Equity
from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.brokers.base import Broker, VenueOrder, VenueUpdate
from alphalens.execution import Journal, TradingSession
from alphalens.execution.books import Books
from alphalens.execution.records import OrderRecord
from alphalens.risk import RiskLimits
from alphalens.storage import open_engine
from alphalens.testing.alpaca_server import VenueProcess
from alphalens.trading import Fill, Ledger, OrderIntent, OrderStatus, Side, SystemClock
from alphalens.trading.orders import OrderType, client_order_id
from benchmarks import report
from tests.servers import own_schema, postgres_server

ASSETS = {f"S{number:02}": Equity(symbol=f"S{number:02}") for number in range(20)}
PRICE = Decimal(100)
PART = 100  # executions of an order
ROUND = 50  # orders that are open together
BATCH = 500  # executions in a transaction
LEDGER_FILLS = 200_000
BURST = 10_000
WIDE = RiskLimits(
    max_order=Decimal(2),
    approval_above=None,
    max_position=Decimal(5),
    max_gross=Decimal(10),
    max_net=Decimal(10),
    max_daily_loss=Decimal("0.9"),
    max_drawdown=Decimal("0.9"),
    price_collar=Decimal("0.5"),
    max_orders_per_cycle=100_000,
    max_orders_per_minute=None,
    duplicate_window_s=None,
)
HEAD = ("measure", "SQLite file", "PostgreSQL, socket", "aim")


class Told:
    """A venue whose stream has told what it is given, and nothing else."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.queue: list[VenueUpdate] = []

    def updates(self) -> tuple[VenueUpdate, ...]:
        """Return what waits, once."""
        told, self.queue = tuple(self.queue), []
        return told

    def __getattr__(self, name: str) -> Any:  # Any: the rest of the port
        return getattr(self._broker, name)


class Rig:
    """A venue in a process of its own, and a session with its journal in one database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.file = folder / "venue.sqlite"
        self.venue = VenueProcess(
            self.file,
            "--always-open",
            "--rate-limit",
            "1000000",
            "--cash",
            "100000000",
            "--seed",
            "1",
        ).start()
        for symbol in ASSETS:
            self.venue.control.set_quote(symbol, PRICE - Decimal("0.02"), PRICE)
        options = AlpacaOptions(calls_per_minute=1_000_000, queue_size=20_000)
        self.broker = AlpacaBroker(
            "PKTEST",
            "secret",
            base_url=self.venue.addresses["rest_url"],
            stream_url=self.venue.addresses["stream_url"],
            is_live=False,
            rng=random.Random(7),
            options=options,
        ).open()
        if not self.broker.wait_until_up(10.0):
            raise RuntimeError(f"no stream: {self.broker.connection().problem}")
        self.told = Told(self.broker)
        self.engine = open_engine(url)
        self.journal = Journal(self.engine, clock=SystemClock(), run_id="r1")
        self.session = self._session(self.broker)
        self.names = 0

    def _session(self, broker: Broker) -> TradingSession:
        session = TradingSession(
            journal=self.journal,
            broker=broker,
            limits=WIDE,
            clock=SystemClock(),
            assets=ASSETS,
            heartbeat=timedelta(days=1),
        )
        session.start()
        session.mark(dict.fromkeys(ASSETS, PRICE))
        return session

    def listen_to(self, broker: Broker) -> None:
        """Go on with a session of another adapter on the same journal."""
        self.session = self._session(broker)

    def close(self) -> None:
        """End it all; the database stays."""
        self.broker.close()
        self.journal.close()
        self.engine.dispose()
        self.venue.stop()

    def intent(self, side: Side, units: int, **form: object) -> OrderIntent:
        """Return the next order, of the next symbol."""
        self.names += 1
        return OrderIntent(
            client_order_id=client_order_id(self.session.account_id, "c1", str(self.names)),
            account=self.session.account_id,
            cycle_id=f"c{self.names // ROUND}",
            symbol=f"S{self.names % len(ASSETS):02}",
            side=side,
            quantity=Decimal(units),
            reference_price=PRICE,
            created_at=datetime.now(UTC),
            **form,  # type: ignore[arg-type]  # the fields of an intent
        )

    def submit(self, intent: OrderIntent) -> OrderRecord:
        """Send an order that has to be accepted."""
        (order,) = self.session.submit([intent])
        if order.status not in (OrderStatus.ACCEPTED, OrderStatus.FILLED):
            raise RuntimeError(f"{order.status}: {order.reasons} {order.note}")
        return order

    def rest(self, units: int) -> OrderRecord:
        """Place an order that nobody executes by himself."""
        form = {"order_type": OrderType.LIMIT, "limit_price": Decimal(90)}
        return self.submit(self.intent(Side.BUY, units, **form))

    def until(self, is_done: Callable[[], bool], timeout_s: float = 600.0) -> None:
        """Take in what comes until something is so."""
        end = time.monotonic() + timeout_s
        while not is_done():
            if time.monotonic() > end:
                raise RuntimeError("executions were lost")
            self.session.collect_fills()


def to_wire(rig: Rig, count: int, *, is_resting: bool) -> list[float]:
    """Return the seconds from each intent to its request at the venue, in turn."""
    begun: dict[str, datetime] = {}
    for number in range(count):
        if is_resting:
            form: dict[str, object] = {
                "order_type": OrderType.LIMIT,
                "limit_price": Decimal(90),
            }
            intent = rig.intent(Side.BUY, 1, **form)
        else:
            intent = rig.intent(Side.BUY if number % 40 < 20 else Side.SELL, 1)
        begun[intent.client_order_id] = datetime.now(UTC)
        rig.submit(intent)
        if not is_resting:
            rig.session.collect_fills()
    query = "SELECT client_order_id, time FROM requests WHERE method = 'POST'"
    with closing(sqlite3.connect(f"file:{rig.file}?mode=ro", uri=True)) as venue:
        seen = {order: datetime.fromisoformat(at) for order, at in venue.execute(query) if order}
    return [(seen[order] - at).total_seconds() for order, at in begun.items()]


def quantiles(seconds: list[float]) -> str:
    """Return p50 and p99 of durations."""
    middle, last = statistics.median(seconds), sorted(seconds)[int(len(seconds) * 0.99) - 1]
    return f"{report.seconds(middle)} / {report.seconds(last)}"


def executions(order: OrderRecord, at: datetime) -> Iterator[VenueUpdate]:
    """Give the executions of an order, a unit each, as its stream tells them."""
    intent, key = order.intent, order.venue_order_id
    for number in range(1, PART + 1):
        done = Decimal(number)
        yield VenueUpdate(
            event="fill" if number == PART else "partial_fill",
            order=VenueOrder(
                client_order_id=intent.client_order_id,
                venue_order_id=key,
                symbol=intent.symbol,
                status=OrderStatus.FILLED if number == PART else OrderStatus.PARTIAL,
                filled_quantity=done,
            ),
            fill=Fill(
                fill_id=f"{key}:{number}",
                client_order_id=intent.client_order_id,
                symbol=intent.symbol,
                side=intent.side,
                quantity=Decimal(1),
                price=Decimal(90),
                at=at,
                cumulative=done,
                venue_order_id=key,
                execution_id=f"{key}-{number}",
            ),
        )


def durable(rig: Rig, records: int) -> float:
    """Book executions in batches until the journal has so many records; return how many a second.

    The orders are the venue's; what its stream tells of them is handed over ready, so that the
    figure is the books' own.
    """
    rig.listen_to(rig.told)
    spent, booked = 0.0, 0
    while rig.journal.length < records:
        orders = [rig.rest(PART) for _ in range(ROUND)]
        now = datetime.now(UTC)
        told = [update for order in orders for update in executions(order, now)]
        begin = time.perf_counter()
        for start in range(0, len(told), BATCH):
            rig.told.queue = told[start : start + BATCH]
            booked += len(rig.session.collect_fills())
        spent += time.perf_counter() - begin
    return booked / spent


def _now(rig: Rig) -> Callable[[OrderRecord], OrderRecord]:
    def find(order: OrderRecord) -> OrderRecord:
        found = rig.session.order(order.client_order_id)
        assert found is not None
        return found

    return find


def backlog(rig: Rig) -> tuple[int, float]:
    """Let events wait unread, then take them all; return how many were lost, and the seconds."""
    orders = [rig.rest(BURST // 10) for _ in range(10)]
    before, control = len(rig.journal.fills()), rig.venue.control
    for order in orders:
        for _ in range(BURST // 10):
            control.fill(order.client_order_id, qty=1, price=90)
    begin = time.perf_counter()
    rig.until(lambda: all(not _now(rig)(order).is_open for order in orders))
    spent = time.perf_counter() - begin
    return BURST - (len(rig.journal.fills()) - before), spent


def restart(url: str) -> dict[str, float]:
    """Return the seconds of a restart on a journal, and how they split."""
    engine = open_engine(url)
    begin = time.perf_counter()
    with Journal(engine, clock=SystemClock(), run_id="r2") as journal:
        books = Books(journal)
        whole = time.perf_counter() - begin
        begin = time.perf_counter()
        length = journal.verify()
        verified = time.perf_counter() - begin
        begin = time.perf_counter()
        kept = journal.latest_snapshot()
        read = time.perf_counter() - begin
        assert books.ledger.cash
        assert kept is not None
    engine.dispose()
    return {
        "records": length,
        "whole": whole,
        "verify": verified,
        "read": read,
        "rest": whole - verified - read,
        "folded": length - kept[0],
    }


def ledger_rate() -> float:
    """Return the executions a second that the ledger alone books, the best of five runs."""
    draw, now = random.Random(1), datetime(2026, 1, 2, tzinfo=UTC)
    fills = [
        Fill(
            fill_id=f"f{number}",
            client_order_id="o",
            symbol=f"S{draw.randrange(50)}",
            side=draw.choice(list(Side)),
            quantity=Decimal(draw.randrange(1, 1000)),
            price=Decimal(draw.randrange(100, 50_000)).scaleb(-2),
            fee=Decimal(draw.randrange(0, 100)).scaleb(-2),
            at=now,
        )
        for number in range(LEDGER_FILLS)
    ]
    times = []
    for _ in range(5):
        ledger = Ledger(Decimal(10**6))
        begin = time.perf_counter()
        ledger.apply_all(fills)
        times.append(time.perf_counter() - begin)
    return LEDGER_FILLS / min(times)


def measure(url: str, count: int, records: int) -> dict[str, str]:
    """Return every figure of one database."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), url or f"sqlite:///{folder}/journal.sqlite")
        found: dict[str, str] = {}
        try:
            to_wire(rig, 20, is_resting=False)  # warms both sides
            found["wire"] = quantiles(to_wire(rig, count, is_resting=False))
            lost, spent = backlog(rig)
            found["burst"] = f"{lost} lost, {report.seconds(spent)}"
            resting = to_wire(rig, count, is_resting=True)
            found["resting"] = quantiles(resting)
            found["last"] = quantiles(resting[-100:])
            rig.session.cancel_all()
            found["durable"] = f"{durable(rig, records):,.0f}"
        finally:
            rig.close()
        told = restart(rig.url)
        found["restart"] = report.seconds(told["whole"])
        found["split"] = (
            f"{report.seconds(told['verify'])} + {report.seconds(told['read'])} + "
            f"{report.seconds(told['rest'])} ({told['folded']:,.0f})"
        )
        found["records"] = f"{told['records']:,.0f}"
        return found


@contextmanager
def database(name: str) -> Iterator[str]:
    """Give the URL of an empty database; an empty one of a file beside the venue's."""
    if name == "sqlite":
        yield ""
        return
    with postgres_server() as server, own_schema(server) as url:
        yield url


def main(arguments: list[str] | None = None) -> int:
    """Measure both databases and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=600, help="orders a distribution")
    parser.add_argument("--records", type=int, default=100_000, help="of the journal restarted")
    options = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    found = {}
    for name in ("sqlite", "postgres"):
        with database(name) as url:
            found[name] = measure(url, options.orders, options.records)
            print(name, found[name], flush=True)
    one, other = found["sqlite"], found["postgres"]
    lines = {
        "intent to wire, p50 / p99, executed at once": ("wire", "p99 < 20 ms"),
        f"the same, {options.orders} orders left open one after the other": (
            "resting",
            "p99 < 20 ms",
        ),
        "the same, the last 100 of them": ("last", ""),
        f"executions a second into the books, {BATCH} a transaction": ("durable", "5,000"),
        f"{BURST:,} stream events waiting, all taken in": ("burst", "0 lost"),
        f"restart, journal of {one['records']} records": ("restart", "2 s"),
        "of it: links + snapshot read + restored and folded (records)": ("split", ""),
    }
    rows = [(title, one[key], other[key], aim) for title, (key, aim) in lines.items()]
    rate = f"{ledger_rate():,.0f}"
    rows.append(("executions a second in the ledger alone", rate, "", "200,000"))
    text = [
        "## Trading core\n",
        "From the call of `submit` to the instant at which the loopback venue, a process of its "
        f"own, logs the request: gate, journal record (synced), HTTP. {options.orders} orders one "
        "by one, 20 symbols. The executions that are booked are of orders at that venue, 100 each, "
        "50 orders open; the burst is its own stream over the socket. The journal restarted was "
        "left without a word, as by a kill. "
        f"Load at the start {load:.1f}; {report.machine(('SQLAlchemy', 'psycopg', 'httpx'))}\n",
        report.table(HEAD, rows),
    ]
    report.put_section("orders", "\n".join(text))
    print("\n".join(text))
    return int(any(not each["burst"].startswith("0 lost") for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
