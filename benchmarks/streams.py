"""Streams: from the vendor's send to the consumer's hand, at a pace and flat out.

Usage: ``python -m benchmarks.streams [--seconds 60] [--print]``. The rows go to
``docs/benchmarks.md`` and to standard output, with ``--print`` only there; the exit status is 1
when a message was lost, came twice, or the p99 at the agreed pace is above 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphalens.data.alpaca_bar_stream import AlpacaBarStream
from alphalens.data.bar_stream import BarStream, Channel, Delivery
from alphalens.data.polygon_stream import PolygonStream
from alphalens.net import Timing
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.polygon_server import PolygonServer
from benchmarks import report

SYMBOLS = [f"S{number:02}" for number in range(100)]
CHANNELS = (Channel.MINUTES, Channel.QUOTES, Channel.TRADES)
OPEN = datetime(2024, 1, 9, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PACE = 100_000 / 60
FLAT_OUT = 30_000
AIM_S = 0.05
HEAD = ("measure", "Alpaca", "Polygon", "aim")
Event = dict[str, Any]  # Any: the values of JSON


def kind_of(number: int) -> tuple[str, str, datetime]:
    """Return what a message is, of which symbol, and when: of ten, five quotes and a bar."""
    symbol = SYMBOLS[number // 10 % len(SYMBOLS)]
    if number % 10 == 0:
        return "bar", symbol, OPEN + number // (10 * len(SYMBOLS)) * MINUTE
    return ("quote" if number % 2 else "trade"), symbol, OPEN


def polygon_event(number: int) -> Event:
    """Return a message as Polygon has it; its number is its bid, its id or its volume."""
    kind, symbol, at = kind_of(number)
    ms = int(at.timestamp() * 1000)
    if kind == "quote":
        return {"ev": "Q", "sym": symbol, "bp": number, "ap": number + 1, "t": ms, "q": number}
    if kind == "trade":
        return {"ev": "T", "sym": symbol, "p": 1.25, "s": 1, "t": ms, "i": str(number)}
    prices = {"o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "vw": 1.2, "v": number}
    return {"ev": "AM", "sym": symbol, "s": ms, "e": ms + 60_000, **prices}


def alpaca_event(number: int) -> Event:
    """Return a message as Alpaca has it; its number is its bid, its id or its volume."""
    kind, symbol, at = kind_of(number)
    common = {"S": symbol, "t": at.isoformat().replace("+00:00", "Z")}
    if kind == "quote":
        return {"T": "q", **common, "bp": number, "ap": number + 1, "bs": 1, "as": 1}
    if kind == "trade":
        return {"T": "t", **common, "p": 1.25, "s": 1, "i": number, "x": "V", "c": ["@"]}
    prices = {"o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "vw": 1.2, "v": number, "n": 1}
    return {"T": "b", **common, **prices}


async def pour(
    send: Callable[[list[Event]], None],
    event: Callable[[int], Event],
    sent: np.ndarray,
    pace: float,
    frame: int,
) -> None:
    """Send numbered messages at a pace (0: flat out), and note when each left."""
    begin, done = time.perf_counter(), 0
    while done < len(sent):
        due = len(sent)
        if pace:
            due = min(due, int((time.perf_counter() - begin) * pace) + 1)
        while done < due:
            until = min(done + frame, due)
            events = [event(number) for number in range(done, until)]
            sent[done:until] = time.time_ns()
            send(events)
            done = until
            await asyncio.sleep(0)
        await asyncio.sleep(0.0005)


def be_vendor(name: str, folder: Path) -> None:
    """Serve a loopback vendor; for each line of standard input, pour and say so."""
    server: Any  # Any: two vendors without a common base
    if name == "polygon":
        server, event = PolygonServer(), polygon_event
        stream, send = server._stream, "publish"
    else:
        server = AlpacaServer(folder / "venue.sqlite", rate_limit=None, seed=1)
        event, stream, send = alpaca_event, server._data, "publish_many"
    with server:
        address = server.stream_url if name == "polygon" else server.data_stream_url
        print(json.dumps(address), flush=True)
        for line in sys.stdin:
            count, pace, frame, path = json.loads(line)
            sent = np.zeros(count, np.int64)
            future = asyncio.run_coroutine_threadsafe(
                pour(getattr(stream, send), event, sent, pace, frame), server._loop
            )
            future.result(300)
            np.save(path, sent)
            print("poured", flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pour:
    """What became of one pour.

    Seconds of each message, how many a second, seconds of processor time that one cost here, and
    how many were lost and came twice.
    """

    latency_s: np.ndarray
    rate: float
    cost_s: float
    lost: int
    twice: int


def numbers_of(delivery: Delivery) -> list[int]:
    """Return the numbers of the messages of a delivery."""
    numbers = [int(quote.bid) for quote in delivery.quotes]
    numbers += [int(trade.key) for trade in delivery.trades]
    for batch in delivery.batches:
        numbers += batch.bars.volume.astype(np.int64).tolist()
    return numbers


class Rig:
    """A vendor in a process of its own, and the stream of it here."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._vendor = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.streams", "--vendor", name, "--folder", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._url = json.loads(self._line())
        self._name = name

    def _line(self) -> str:
        assert self._vendor.stdout is not None
        return self._vendor.stdout.readline()

    def close(self) -> None:
        """End the vendor."""
        assert self._vendor.stdin is not None
        self._vendor.stdin.close()
        self._vendor.wait(20)

    def pour(self, count: int, *, pace: float, frame: int) -> Pour:
        """Have so many messages poured, take them all, and tell what became of them."""
        now = OPEN
        timing = Timing(wall=lambda: now.timestamp())
        with self._stream(timing) as stream:
            if not stream.wait_until_up(10.0):
                raise RuntimeError(f"no stream: {stream.problem}")
            now = OPEN + timedelta(days=1)
            assert self._vendor.stdin is not None
            path = self._folder / "sent.npy"
            self._vendor.stdin.write(json.dumps([count, pace, frame, str(path)]) + "\n")
            self._vendor.stdin.flush()
            spent = time.process_time()
            numbers, came = _taken(stream, count)
            spent = time.process_time() - spent
            if self._line().strip() != "poured":
                raise RuntimeError("the vendor ended")
        return _told(np.load(path), numbers, came, spent)

    def _stream(self, timing: Timing) -> PolygonStream | AlpacaBarStream:
        make: Callable[..., PolygonStream | AlpacaBarStream] = (
            partial(PolygonStream, "key")
            if self._name == "polygon"
            else partial(AlpacaBarStream, "PKTEST", "secret")
        )
        rng = random.Random(7)
        return make(url=self._url, symbols=SYMBOLS, channels=CHANNELS, timing=timing, rng=rng)


def _taken(stream: BarStream, count: int) -> tuple[list[int], list[int]]:
    """Take until so many came, or nothing more does; return their numbers and instants (ns)."""
    numbers: list[int] = []
    came: list[int] = []
    while len(numbers) < count:
        delivery = stream.take(5.0)
        at = time.time_ns()
        found = numbers_of(delivery)
        numbers += found
        came += [at] * len(found)
        if delivery.troubles or delivery.gaps:
            print("odd:", delivery.troubles[:2], delivery.gaps[:2], flush=True)
        if not found:
            break
    return numbers, came


def _told(sent: np.ndarray, numbers: list[int], came: list[int], spent_s: float) -> Pour:
    told, at = np.array(numbers, np.int64), np.array(came, np.int64)
    unique = np.unique(told)
    return Pour(
        latency_s=(at - sent[told]) / 1e9,
        rate=len(told) / ((at.max() - sent.min()) / 1e9),
        cost_s=spent_s / len(sent),
        lost=len(sent) - len(unique),
        twice=len(told) - len(unique),
    )


def measure(name: str, seconds: float) -> dict[str, Any]:
    """Return every figure of one vendor."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(name, Path(folder))
        try:
            rig.pour(2_000, pace=PACE, frame=1)  # warms both sides
            paced = rig.pour(int(PACE * seconds), pace=PACE, frame=1)
            single = rig.pour(FLAT_OUT, pace=0, frame=1)
            packed = rig.pour(FLAT_OUT, pace=0, frame=50)
        finally:
            rig.close()
    p50, p99, worst = np.quantile(paced.latency_s, (0.5, 0.99, 1.0))
    pours = (paced, single, packed)
    return {
        "pace": f"{report.seconds(p50)} / {report.seconds(p99)}",
        "worst": report.seconds(worst),
        "p99": float(p99),
        "single": f"{single.rate:,.0f}",
        "packed": f"{packed.rate:,.0f}",
        "cost": " / ".join(report.seconds(one.cost_s) for one in pours),
        "lost": f"{sum(one.lost for one in pours)} / {sum(one.twice for one in pours)}",
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure both vendors and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of the pace")
    parser.add_argument("--print", action="store_true", help="leave docs/benchmarks.md as it is")
    parser.add_argument("--vendor", choices=("alpaca", "polygon"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.vendor:
        be_vendor(options.vendor, options.folder)
        return 0
    load = os.getloadavg()[0]
    found = {}
    for name in ("alpaca", "polygon"):
        found[name] = measure(name, options.seconds)
        print(name, found[name], flush=True)
    lines = {
        f"100,000 messages a minute for {options.seconds:g} s, a frame each: send to hand, p50 / "
        "p99": ("pace", "p99 < 50 ms"),
        "the slowest of them": ("worst", ""),
        f"{FLAT_OUT:,} messages flat out, a frame each: a second": ("single", "1,667"),
        f"{FLAT_OUT:,} messages flat out, 50 a frame: a second": ("packed", "1,667"),
        "processor time of a message here: paced / a frame each / 50 a frame": ("cost", ""),
        "lost / twice, of all": ("lost", "0 / 0"),
    }
    rows: list[tuple[str, ...]] = [
        (title, found["alpaca"][key], found["polygon"][key], aim)
        for title, (key, aim) in lines.items()
    ]
    text = [
        "## Streams\n",
        "From the instant at which a loopback vendor, a process of its own, puts a message on its "
        "websocket to the return of the consumer's `take`; each message has a number, and all are "
        "compared with what the vendor sent. 100 symbols, of ten messages five quotes, four "
        "trades and a minute's bar, which is a row of a batch with its text. Flat out the vendor "
        f"writes its JSON in the same time, on the other core. Load at the start {load:.1f}; "
        f"{report.machine(('websockets', 'numpy'))}\n",
        report.table(HEAD, rows),
    ]
    if not options.print:
        report.put_section("streams", "\n".join(text))
    print("\n".join(text))
    is_whole = all(each["lost"] == "0 / 0" for each in found.values())
    return int(not is_whole or any(each["p99"] > AIM_S for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
