"""Vendors that are down, slow or lying, and clocks that are wrong: another is asked, or it is told.

The first vendor is Polygon on loopback, which misbehaves on demand; the spare one is Alpaca.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alphalens.data.pipeline import Pipeline
from alphalens.data.reasons import Reason
from alphalens.data.store import BarStore
from alphalens.errors import DataError, InputError
from alphalens.monitoring.data_feed_monitor import DataFeedMonitor
from alphalens.storage import open_engine
from alphalens.trading import SystemClock, VirtualClock

from .ingesting import (
    DAY,
    DAYS,
    SYMBOLS,
    closes_in,
    midnight,
    provider_of,
    request_of,
    row,
    rows_of,
    spare_vendor,
    vendor,
    whole_month,
)
from .scripted_vendor import QUICK

#: Waits for two seconds in all, and for half of one between two pieces.
HASTY = replace(QUICK, timeout_s=2.0, read_timeout_s=0.5)


@pytest.fixture
def wire():
    with vendor() as server:
        yield server


@pytest.fixture(scope="module")
def spare():
    with spare_vendor() as provider:
        yield provider


@pytest.fixture
def store(tmp_path):
    engine = open_engine(tmp_path / "bars.sqlite")
    yield BarStore(engine)
    engine.dispose()


@pytest.fixture
def monitor():
    return DataFeedMonitor(clock=SystemClock())


@contextmanager
def pipeline(wire, store, *others, clock=None, listener=None, options=HASTY):
    first = provider_of(wire.url, options=options)
    told = {} if listener is None else {"listener": listener}
    try:
        yield Pipeline([first, *others], store, clock=clock or SystemClock(), **told)
    finally:
        first.close()


def sources_in(store) -> set[str]:
    return set(store.read(request_of()).frame()["source"].astype(str))


def down(wire):
    wire.down()


def armed(kind, **fields):
    def act(wire):
        wire.control.arm(kind, path="/v2/aggs/*", count=-1, **fields)

    act.__name__ = f"{kind}_{fields.get('field', '')}"
    return act


#: What goes wrong, and a word of the reason that is on record.
WRONG = {
    "down": down,
    "mute": armed("hang"),
    "dripping": armed("drip", seconds=5.0),
    "sick": armed("server_error"),
    "limiting": armed("rate_limit", seconds=60),
    "of_another_symbol": armed("wrong_symbol", to="IBM"),
    "adjusted_otherwise": armed("value", field="adjusted", value=True),
    "cut_short": armed("truncated"),
    "no_json": armed("html"),
}


@pytest.mark.parametrize("way", sorted(WRONG))
def test_spare_vendor_is_asked_when_the_first_is(way, wire, spare, store, monitor):
    WRONG[way](wire)
    with pipeline(wire, store, spare, listener=monitor) as both:
        both.bars(request_of())
    assert closes_in(store) == whole_month()
    assert sources_in(store) == {"alpaca"}
    fallbacks = {feed.vendor: feed.fallbacks for feed in monitor.report().vendors}
    assert fallbacks["polygon"] == 1


@pytest.mark.parametrize("way", sorted(WRONG))
def test_without_a_spare_one_the_error_says_who_failed_and_nothing_is_stored(way, wire, store):
    WRONG[way](wire)
    with (
        pipeline(wire, store) as alone,
        pytest.raises(DataError, match=r"no vendor gave 2 symbols .*: polygon: \w"),
    ):
        alone.bars(request_of())
    assert closes_in(store) == {symbol: [] for symbol in SYMBOLS}
    assert set(store.missing(request_of())) == set(SYMBOLS)  # so that it is asked again


def test_vendor_that_is_well_again_is_asked_again(wire, spare, store):
    half = request_of(DAYS[0], DAYS[9])
    with pipeline(wire, store, spare, options=QUICK) as both:
        wire.down()
        both.bars(half)
        assert sources_in(store) == {"alpaca"}
        wire.up()
        both.bars(request_of())
    assert closes_in(store) == whole_month()
    assert sources_in(store) == {"alpaca", "polygon"}


def test_answer_that_was_refused_is_kept_as_it_came(wire, spare, store):
    WRONG["of_another_symbol"](wire)
    with pipeline(wire, store, spare) as both:
        both.bars(request_of())
        refusals = both.record.refusals()
    assert set(refusals["vendor"]) == {"polygon"}
    assert "IBM" in str(refusals["raw"].iloc[0])


def test_prices_that_were_adjusted_in_secret_do_not_continue_raw_ones(wire, store):
    """The vendor says that they are raw, and divides them by 7."""
    first, rest = request_of(DAYS[0], DAYS[11]), request_of(DAYS[12], DAYS[-1])
    with pipeline(wire, store, options=QUICK) as alone:
        alone.bars(first)
        before = closes_in(store)
        wire.control.clear_aggs("AAPL")
        wire.control.add_aggs("AAPL", rows_of("AAPL", scale=1 / 7))
        alone.bars(rest)
    after = closes_in(store)
    assert after["AAPL"] == before["AAPL"]
    assert after["MSFT"] == whole_month()["MSFT"]
    aside = store.quarantined(["AAPL"])
    assert len(aside) == len(DAYS) - 12
    assert (aside["marks"].astype(int) & Reason.UNEXPLAINED_RATIO.bit).all()


def test_past_that_is_told_otherwise_is_a_revision_and_the_old_one_is_on_record(wire, store):
    with pipeline(wire, store, options=QUICK) as alone:
        alone.bars(request_of())
        at = datetime.now(UTC)
        wire.control.clear_aggs("AAPL")
        wire.control.add_aggs("AAPL", rows_of("AAPL", scale=1.001))
        alone.fetch(request_of())
    told = [float(one["c"]) for one in rows_of("AAPL", scale=1.001)]
    assert closes_in(store)["AAPL"] == told
    then = store.read(request_of(symbols=["AAPL"]), as_of=at)
    assert then.close.tolist() == whole_month()["AAPL"]


def test_bars_of_the_future_are_put_aside_and_the_others_kept(wire, store):
    """The vendor's clock is ahead by a day, or it stamps a bar by the wrong day."""
    now = datetime.now(UTC)
    ahead = now + DAY
    wire.control.add_aggs("AAPL", [row(ahead, 185.0)])
    with pipeline(wire, store, options=QUICK) as alone:
        alone.fetch(replace(request_of(), end=ahead + DAY))
    assert closes_in(store) == whole_month()
    (marks,) = store.quarantined(["AAPL"])["marks"].astype(int)
    assert marks & Reason.IN_THE_FUTURE.bit


@pytest.mark.parametrize("late", [timedelta(hours=1), timedelta(days=400)])
def test_clock_of_ours_that_is_behind_is_told_and_nothing_is_stored(wire, store, late):
    wrong = VirtualClock(datetime.now(UTC) - late)
    with (
        pipeline(wire, store, clock=wrong, options=QUICK) as alone,
        pytest.raises(InputError, match=r"after now, .*: set the clock right"),
    ):
        alone.fetch(request_of())
    assert closes_in(store) == {symbol: [] for symbol in SYMBOLS}


def test_write_with_a_clock_that_went_back_is_refused_and_what_is_there_stays(wire, store):
    with pipeline(wire, store, options=QUICK) as alone:
        bars = alone.bars(request_of())
    early = datetime.now(UTC) - timedelta(hours=2)
    with pytest.raises(InputError, match="set the clock right, or give the instant of the write"):
        store.write(bars, at=early)
    assert closes_in(store) == whole_month()
    assert np.unique(bars.received).size == 1
    assert len(store.read(request_of(), as_of=early)) == 0
    assert midnight(DAYS[-1]) < early
