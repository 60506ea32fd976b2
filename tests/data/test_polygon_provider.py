"""Polygon's market data: against the loopback Polygon, and against answers that it never gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.reasons import AnswerRefused, Reason, names_of
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.net import Timing
from alphalens.testing.polygon_server import PolygonServer

from .scripted_vendor import QUICK, Say, ScriptedVendor, scripted

KEY = "key-of-the-test"
FIRST = datetime(2024, 1, 2, 5, tzinfo=UTC)
END = datetime(2024, 2, 1, tzinfo=UTC)
FIRST_MS = 1704171600000
DAY_MS = 86_400_000
CALL = "AAPL240119C00150000"
ROW = {"t": FIRST_MS, "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10, "n": 3, "vw": 1.2}
AGGS = "/v2/aggs/*"


def request(*symbols: str, **changes: object) -> BarRequest:
    fields = {"symbols": symbols or ("AAPL",), "start": FIRST, "end": END}
    return BarRequest(**{**fields, **changes})


def days(count: int, **changes: object) -> list[dict[str, object]]:
    return [ROW | {"t": FIRST_MS + n * DAY_MS, "c": 1.5 + n} | changes for n in range(count)]


@contextmanager
def provider(url: str, **changes: object) -> Iterator[PolygonProvider]:
    fields = {"base_url": url, "rng": random.Random(1), "options": QUICK}
    with PolygonProvider(KEY, **{**fields, **changes}) as made:
        yield made


@contextmanager
def answering(
    *answers: object, **changes: object
) -> Iterator[tuple[PolygonProvider, ScriptedVendor]]:
    with scripted(*answers) as vendor, provider(vendor.url, **changes) as made:
        yield made, vendor


def page(rows: object = (ROW,), **changes: object) -> dict[str, object]:
    told = list(rows) if isinstance(rows, tuple) else rows
    count = len(told) if isinstance(told, list) else 0
    body = {
        "ticker": "AAPL",
        "adjusted": False,
        "resultsCount": count,
        "results": told,
        "status": "OK",
    }
    return {k: v for k, v in {**body, **changes}.items() if v != "absent"}


@pytest.fixture
def server() -> Iterator[PolygonServer]:
    with PolygonServer(keys=(KEY,)) as running:
        running.control.add_aggs("AAPL", days(4))
        running.control.add_aggs("X:BTCUSD", days(2))
        running.control.add_aggs("O:" + CALL, days(2))
        yield running


def test_it_is_a_provider():
    with provider("http://127.0.0.1:9") as made:
        port: MarketDataProvider = made
        assert port.name == "polygon"
        assert port.capabilities.adjustments == {Adjustment.RAW, Adjustment.SPLIT}
        assert port.capabilities.symbols_per_call == 1
        assert AssetClass.CRYPTO in port.capabilities.asset_classes


def test_bars_of_shares_coins_and_options_come_in_one_batch(server):
    with provider(server.url) as made:
        told = made.bars(request("AAPL", "BTC/USD", CALL))

    frame = told.bars.frame()
    sizes = frame.groupby("symbol", observed=True).size().to_dict()
    assert sizes == {"AAPL": 4, "BTC/USD": 2, CALL: 2}
    own = frame[frame["symbol"] == "AAPL"]
    assert own["close"].tolist() == [1.5, 2.5, 3.5, 4.5]
    assert own["timestamp"].tolist() == [FIRST + timedelta(days=n) for n in range(4)]
    assert set(frame["source"]) == {"polygon"}
    assert told.calls == 3
    assert not told.marks.any()


def test_every_page_is_followed_and_counted_and_next_url_keeps_to_our_host(server):
    options = replace(QUICK, page_size=3)
    with provider(server.url, options=options) as made:
        told = made.bars(request("AAPL"))

        assert told.calls == made.calls == 2
    assert told.bars.close.tolist() == [1.5, 2.5, 3.5, 4.5]
    assert told.bars.symbols == ("AAPL",)


def test_of_the_address_of_the_next_page_only_path_and_query_are_used():
    second = "https://evil.example/v2/aggs/ticker/AAPL/range/1/day/7/8?cursor=a%3D%3D&apiKey=x"
    with answering(page(next_url=second), page()) as (made, vendor):
        told = made.bars(request())

    assert len(told.bars) == told.calls == 2
    first, then = vendor.got
    assert first.path == f"/v2/aggs/ticker/AAPL/range/1/day/{FIRST_MS}/1706745599999"
    assert first.query == {"adjusted": "false", "sort": "asc", "limit": "50000"}
    assert (then.path, then.query) == ("/v2/aggs/ticker/AAPL/range/1/day/7/8", {"cursor": "a=="})
    assert {got.headers["authorization"] for got in vendor.got} == {f"Bearer {KEY}"}


def test_a_minute_that_was_still_forming_is_not_final_because_a_later_call_took_long():
    start = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    row = ROW | {"t": int(start.timestamp() * 1000)}
    asked = request(
        "AAPL", "MSFT", start=start, end=start + timedelta(hours=1), timeframe=Timeframe.MINUTE
    )
    with scripted(page((row,)), page((row,), ticker="MSFT")) as vendor:
        now = start.timestamp() + 20
        timing = Timing(wall=lambda: now + 45.0 * len(vendor.got))
        options = replace(QUICK, parallel=1)
        with provider(vendor.url, timing=timing, options=options) as made:
            told = made.bars(asked)

    assert told.received_at.timestamp() == now + 90
    assert told.bars.is_final.tolist() == [False, True]


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/v2/aggs/ticker/AAPL/range/1/day/7/8?cursor=a",
        "https://api.polygon.io/v2/aggs/ticker/AAPL/range/1 /day/7/8?cursor=a",
        "https://api.polygon.io/v2/aggs/ticker/AAPL/range/1/day/7/\ud800?cursor=a",
        "https://api.polygon.io/v2/aggs/ticker/AAPL/range/1/day/7/8?cursor=\ud800",
        7,
    ],
)
def test_an_address_of_the_next_page_that_cannot_be_asked_is_the_vendors_fault(url):
    with answering(page(next_url=url)) as (made, _), pytest.raises(AnswerRefused) as caught:
        made.bars(request())

    assert caught.value.reason is Reason.SCHEMA_DRIFT


def test_splits_are_taken_out_where_that_was_asked_for(server):
    split = {"ticker": "AAPL", "execution_date": "2024-01-05", "split_from": 1, "split_to": 2}
    server.control.add_splits([split])
    with provider(server.url) as made:
        raw = made.bars(request())
        adjusted = made.bars(request(adjustment=Adjustment.SPLIT))

    assert raw.bars.close.tolist() == [1.5, 2.5, 3.5, 4.5]
    assert adjusted.bars.close.tolist() == [0.75, 1.25, 1.75, 4.5]
    assert adjusted.bars.adjustment is Adjustment.SPLIT


def test_no_results_are_believed_if_the_count_says_so(server):
    with provider(server.url) as made:
        told = made.bars(request("NONE"))
        both = made.bars(request("NONE", "AAPL"))

    assert len(told.bars) == 0
    assert told.calls == 1
    assert set(both.bars.frame()["symbol"]) == {"AAPL"}


def test_a_delayed_answer_is_taken_and_its_bars_end_later():
    start = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    now = start + timedelta(minutes=5)
    timing = Timing(wall=now.timestamp)
    row = ROW | {"t": int(start.timestamp() * 1000)}
    asked = request(start=start, end=now, timeframe=Timeframe.MINUTE)
    with answering(page((row,)), page((row,), status="DELAYED"), timing=timing) as (made, _):
        prompt, late = made.bars(asked), made.bars(asked)

    assert prompt.bars.is_final.tolist() == [True]
    assert late.bars.is_final.tolist() == [False]
    assert names_of(int(late.marks[0])) == ("not_final",)


def test_the_first_millisecond_is_within_and_the_end_is_not(server):
    with provider(server.url) as made:
        told = made.bars(request(start=FIRST, end=FIRST + timedelta(days=2)))

    assert told.bars.time.tolist() == [
        int((FIRST + timedelta(days=n)).timestamp()) * 10**6 for n in (0, 1)
    ]


def test_a_429_is_waited_for_and_both_calls_are_counted(server):
    server.control.arm("rate_limit", path=AGGS, seconds=0.05)
    busy = Say({"error": "You've exceeded the maximum requests"}, 429, {"Retry-After": "0.05"})
    with provider(server.url) as made:
        told = made.bars(request())

        assert told.calls == made.calls == 2
    with answering(busy, page()) as (made, vendor):
        again = made.bars(request())

    assert len(told.bars) == 4
    assert again.calls == len(vendor.got) == 2


def test_the_free_plan_is_not_asked_more_often_than_it_allows():
    options = replace(QUICK, calls_per_minute=2, timeout_s=0.2)
    with answering(page(), options=options) as (made, vendor):
        made.bars(request())
        made.bars(request())
        with pytest.raises(DataError, match="rate limit left no turn") as caught:
            made.bars(request())

    assert len(vendor.got) == 2
    assert "polygon" in str(caught.value)


def test_a_gateway_that_fails_once_is_asked_again(server):
    server.control.arm("bad_gateway", path=AGGS)
    with provider(server.url) as made:
        told = made.bars(request())

    assert len(told.bars) == 4
    assert told.calls == 2


@pytest.mark.parametrize(
    ("fault", "status", "words", "calls"),
    [
        ({"kind": "unavailable", "seconds": 0}, "503", "another vendor", 3),
        ({"kind": "status", "status": 401}, "401", "check the key", 1),
        ({"kind": "status", "status": 403}, "403", "plan", 1),
        ({"kind": "status", "status": 404}, "404", "check the symbol", 1),
    ],
)
def test_a_no_names_vendor_path_status_and_what_to_do(server, fault, status, words, calls):
    server.control.arm(path=AGGS, count=-1, **fault)
    with provider(server.url) as made, pytest.raises(DataError) as caught:
        made.bars(request())

    said = str(caught.value)
    assert all(word in said for word in ("polygon", "/v2/aggs/ticker/AAPL", status, words))
    assert KEY not in said
    assert made.calls == calls


@pytest.mark.parametrize(
    ("fault", "reason", "calls"),
    [
        ({"kind": "html"}, Reason.NOT_JSON, 3),
        ({"kind": "truncated"}, Reason.NOT_JSON, 3),
        ({"kind": "lost_rows", "size": 2}, Reason.TRUNCATED, 3),
        ({"kind": "wrong_symbol", "to": "MSFT"}, Reason.WRONG_SYMBOL, 1),
        ({"kind": "renamed", "field": "results", "to": "data"}, Reason.TRUNCATED, 3),
        ({"kind": "value", "field": "adjusted", "value": True}, Reason.MIXED_ADJUSTMENT, 1),
        ({"kind": "dropped", "field": "status"}, Reason.SCHEMA_DRIFT, 1),
    ],
)
def test_a_lying_vendor_is_refused_whole_and_its_text_is_kept(server, fault, reason, calls):
    server.control.arm(path=AGGS, count=-1, **fault)
    with provider(server.url) as made:
        with pytest.raises(AnswerRefused) as caught:
            made.bars(request())

        assert made.calls == calls
        assert [refused.reason for refused in made.refused] == [reason] * calls
    assert caught.value.reason is reason
    assert caught.value.raw
    assert "/v2/aggs/ticker/AAPL" in caught.value.asked


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (page(None, resultsCount="absent"), Reason.SCHEMA_DRIFT),
        (page(None, resultsCount=3), Reason.TRUNCATED),
        (page(results="absent", resultsCount=3), Reason.TRUNCATED),
        (page(results="absent", resultsCount="absent"), Reason.SCHEMA_DRIFT),
        (page(resultsCount="absent"), Reason.SCHEMA_DRIFT),
        (page(resultsCount=2), Reason.TRUNCATED),
        (page({"a": 1}, resultsCount=1), Reason.SCHEMA_DRIFT),
        (page(status="ERROR", error="boom"), Reason.SCHEMA_DRIFT),
        (page(adjusted="absent"), Reason.MIXED_ADJUSTMENT),
        (page(ticker="absent"), Reason.WRONG_SYMBOL),
        (page(next_url="https://a.b/v2/aggs/ticker/MSFT/range/1/day/1/2"), Reason.SCHEMA_DRIFT),
        (page(next_url=7), Reason.SCHEMA_DRIFT),
        ([], Reason.SCHEMA_DRIFT),
    ],
)  # fmt: skip
def test_an_answer_that_contradicts_itself_is_refused(answer, reason):
    with answering(answer) as (made, _), pytest.raises(AnswerRefused) as caught:
        made.bars(request())

    assert caught.value.reason is reason


def test_without_results_and_with_a_count_of_nothing_there_are_no_rows():
    with answering(page(results="absent", resultsCount=0)) as (made, _):
        assert len(made.bars(request()).bars) == 0


def test_a_vendor_that_lies_once_is_asked_again(server):
    server.control.arm("truncated", path=AGGS)
    with provider(server.url) as made:
        told = made.bars(request())

        assert [refused.reason for refused in made.refused] == [Reason.NOT_JSON]
    assert len(told.bars) == 4
    assert told.calls == 2


def test_odd_rows_are_marked_with_their_text_and_their_neighbours_survive():
    rows = [
        ROW | {"c": "187.15"},
        ROW | {"c": "187,15"},
        {name: value for name, value in ROW.items() if name != "c"},
        ROW | {"t": "soon"},
        ROW | {"t": (FIRST_MS + 5 * DAY_MS) // 1000},
    ]
    odd = [{"t": FIRST_MS + n * DAY_MS, **row} for n, row in enumerate(rows, 1)]
    with answering(page((ROW, *odd))) as (made, _):
        told = made.bars(request())

    assert [names_of(int(mark)) for mark in told.marks] == [
        (),
        ("text_number",),
        ("locale_number",),
        ("close_missing",),
        ("wrong_zone",),
        (),
    ]
    assert told.bars.frame()["timestamp"].iloc[5] == FIRST + timedelta(days=5)
    assert '"c":"187,15"' in told.raw[2]


def test_what_polygon_does_not_have_is_refused_before_anything_is_asked():
    with answering(page()) as (made, vendor):
        with pytest.raises(InputError, match="no adjustment all"):
            made.bars(request(adjustment=Adjustment.ALL))
        with pytest.raises(InputError, match="no asset class perpetual"):
            made.bars(request("BTC/USDT-PERP"))

        assert vendor.got == []


def test_preferred_shares_and_options_are_named_as_polygon_names_them():
    with answering(
        page((), ticker="BACpK"), page((), ticker=f"O:{CALL}"), options=replace(QUICK, parallel=1)
    ) as (made, vendor):
        made.bars(request("BAC.PRK", CALL))

    assert [got.path.split("/")[4] for got in vendor.got] == ["BACpK", f"O:{CALL}"]


def test_quotes_are_exact_and_only_of_symbols_that_have_one(server):
    old = {"bid_price": 1, "ask_price": 2, "sip_timestamp": FIRST_MS * 10**6}
    new = {"bid_price": 187.01, "ask_price": 187.03, "sip_timestamp": FIRST_MS * 10**6 + 1500}
    server.control.add_quotes("AAPL", [old, new])
    server.control.add_option_snapshots("AAPL", [option("O:" + CALL)])
    with provider(server.url) as made:
        quotes = made.quotes(["AAPL", "BTC/USD", CALL, "NONE"])

        assert made.calls == 3  # one for each class
    assert set(quotes) == {"AAPL", CALL}  # a coin has no quote here
    assert (quotes["AAPL"].bid, quotes["AAPL"].ask) == (Decimal("187.01"), Decimal("187.03"))
    assert quotes["AAPL"].at == FIRST + timedelta(microseconds=1)
    assert (quotes[CALL].bid, quotes[CALL].at) == (Decimal("35.1"), FIRST)


@pytest.mark.parametrize(
    "quote",
    [
        {"p": 1, "t": FIRST_MS * 10**6},
        {"p": 1, "P": 2},
        {"p": 1, "P": 2, "t": 7},
        "nonsense",
    ],
)
def test_a_quote_that_cannot_be_read_is_refused(quote):
    with (
        answering(shots({"ticker": "AAPL", "lastQuote": quote})) as (made, _),
        pytest.raises(AnswerRefused) as caught,
    ):
        made.quotes(["AAPL"])

    assert caught.value.reason is Reason.SCHEMA_DRIFT


SNAPSHOTS = "/v2/snapshot/*"
NOW = datetime(2024, 1, 5, 20, tzinfo=UTC)
MINUTE_MS = int(datetime(2024, 1, 5, 19, 58, tzinfo=UTC).timestamp()) * 1000
DAY_BAR = {"o": 1, "h": 3, "l": 1, "c": 2, "v": 70, "vw": 2}
MINUTE_BAR = {"t": MINUTE_MS, "o": 2, "h": 2, "l": 2, "c": 2, "v": 7, "vw": 2, "n": 3, "av": 70}
ZEROS = dict.fromkeys(("o", "h", "l", "c", "v", "vw"), 0)


def shots(*told: object, status: str = "OK") -> dict[str, object]:
    return {"status": status, "count": len(told), "tickers": list(told)}


@pytest.fixture
def market(server: PolygonServer) -> PolygonServer:
    """Last minutes of 600 shares, of AAPL and of a coin, besides the days that the server has."""
    for n in range(600):
        server.control.add_aggs(f"S{n}", [MINUTE_BAR | {"c": n + 1}], 1, "minute")
    server.control.add_aggs("AAPL", [MINUTE_BAR], 1, "minute")
    server.control.add_aggs("X:BTCUSD", [MINUTE_BAR], 1, "minute")
    return server


def test_the_last_minutes_of_many_shares_take_few_calls(market):
    symbols = [f"S{n}" for n in range(600)]
    with provider(market.url, timing=Timing(wall=NOW.timestamp)) as made:
        told = made.latest([*symbols, "BTC/USD", "NONE"], Timeframe.MINUTE)

        assert told.calls == made.calls == 3  # 500 and 101 shares, and a coin
    assert told.bars.symbols == (*symbols, "BTC/USD")
    assert told.bars.close[:600].tolist() == [n + 1.0 for n in range(600)]
    assert set(told.bars.time.tolist()) == {MINUTE_MS * 1000}
    assert told.bars.is_final.all()
    assert told.bars.adjustment is Adjustment.RAW
    assert not told.marks.any()
    span = told.request
    assert (span.timeframe, span.start) == (Timeframe.MINUTE, NOW - timedelta(minutes=2))
    assert span.end == NOW + timedelta(microseconds=1)


def test_the_last_day_is_dated_by_the_last_minute_and_still_forms(market):
    with provider(market.url, timing=Timing(wall=NOW.timestamp)) as made:
        told = made.latest(["AAPL"], Timeframe.DAY)

    assert told.bars.frame()["timestamp"].tolist() == [datetime(2024, 1, 5, 5, tzinfo=UTC)]
    assert told.bars.close.tolist() == [4.5]
    assert names_of(int(told.marks[0])) == ("not_final",)


def test_a_delayed_plan_makes_the_last_minute_one_that_may_still_form():
    told = {"ticker": "AAPL", "min": MINUTE_BAR}
    timing = Timing(wall=NOW.timestamp)
    with answering(shots(told), shots(told, status="DELAYED"), timing=timing) as (made, _):
        prompt = made.latest(["AAPL"], Timeframe.MINUTE)
        late = made.latest(["AAPL"], Timeframe.MINUTE)

    assert prompt.bars.is_final.tolist() == [True]
    assert late.bars.is_final.tolist() == [False]


def test_zeros_are_no_bar_and_of_nothing_there_is_no_row():
    empty = {"ticker": "AAPL", "day": ZEROS, "prevDay": ZEROS, "min": ZEROS | {"t": 0}}
    with answering(shots(empty)) as (made, _):
        days = made.latest(["AAPL"], Timeframe.DAY)
        minutes = made.latest(["AAPL"], Timeframe.MINUTE)
        states = made.snapshots(["AAPL"])

    assert len(days.bars) == len(minutes.bars) == 0
    state = states["AAPL"]
    assert (state.day, state.previous, state.minute, state.quote) == (None, None, None, None)


@pytest.mark.parametrize(
    ("fault", "reason", "calls"),
    [
        ({"kind": "html"}, Reason.NOT_JSON, 3),
        ({"kind": "truncated"}, Reason.NOT_JSON, 3),
        ({"kind": "lost_rows", "size": 1}, Reason.TRUNCATED, 3),
        ({"kind": "wrong_symbol", "to": "MSFT"}, Reason.WRONG_SYMBOL, 1),
        ({"kind": "renamed", "field": "tickers", "to": "data"}, Reason.TRUNCATED, 3),
        ({"kind": "value", "field": "min", "value": "soon"}, Reason.SCHEMA_DRIFT, 1),
        ({"kind": "dropped", "field": "status"}, Reason.SCHEMA_DRIFT, 1),
    ],
)
def test_lies_about_the_present_are_refused_whole(market, fault, reason, calls):
    market.control.arm(path=SNAPSHOTS, count=-1, **fault)
    with provider(market.url) as made, pytest.raises(AnswerRefused) as caught:
        made.latest(["AAPL"], Timeframe.MINUTE)

    assert caught.value.reason is reason
    assert caught.value.raw
    assert made.calls == calls


def test_a_bar_of_a_day_that_cannot_be_dated_is_refused():
    with (
        answering(shots({"ticker": "AAPL", "day": DAY_BAR})) as (made, _),
        pytest.raises(AnswerRefused, match="cannot be told") as caught,
    ):
        made.latest(["AAPL"], Timeframe.DAY)

    assert caught.value.reason is Reason.SCHEMA_DRIFT


def test_last_bars_that_polygon_does_not_have_are_refused_before_anything_is_asked():
    with answering(shots()) as (made, vendor):
        with pytest.raises(InputError, match="1h"):
            made.latest(["AAPL"], Timeframe.HOUR)
        with pytest.raises(InputError, match="option"):
            made.latest([CALL], Timeframe.MINUTE)
        with pytest.raises(InputError, match="crypto"):
            made.latest(["BTC/USD"], Timeframe.DAY)
        with pytest.raises(InputError, match="each once"):
            made.latest(["AAPL", "AAPL"], Timeframe.DAY)

        assert vendor.got == []


def test_snapshots_tell_trade_quote_and_bars_of_each_class(market):
    at = {"sip_timestamp": MINUTE_MS * 10**6}
    market.control.add_quotes("AAPL", [{"bid_price": 187.01, "ask_price": 187.03, **at}])
    market.control.add_trades("AAPL", [{"price": 187.02, "size": 7, "id": "x", **at}])
    market.control.add_option_snapshots("AAPL", [option("O:" + CALL)])
    with provider(market.url) as made:
        told = made.snapshots(["AAPL", "BTC/USD", CALL, "NONE", "AAPL240119P00150000"])

    assert set(told) == {"AAPL", "BTC/USD", CALL}
    share, coin, call = told["AAPL"], told["BTC/USD"], told[CALL]
    assert (share.last, share.quote.mid) == (Decimal("187.02"), Decimal("187.02"))
    assert share.last_at == share.minute.at == NOW - timedelta(minutes=2)
    assert (share.day.close, share.day.at, share.previous.close) == (4.5, None, 3.5)
    assert (coin.quote, coin.minute.close, coin.day.close) == (None, 2.0, 2.5)
    assert (call.last, call.quote.ask, call.minute) == (Decimal("35.2"), Decimal("35.3"), None)
    assert np.isnan(call.day.open)


def option(ticker: str, **changes: object) -> dict[str, object]:
    return {
        "details": {"ticker": ticker, "strike_price": 150, "expiration_date": "2024-01-19"},
        "underlying_asset": {"price": 185.5, "ticker": "AAPL"},
        "open_interest": 1543,
        "implied_volatility": 0.31,
        "greeks": {"delta": 0.9, "gamma": 0.01, "theta": -0.05, "vega": 0.1},
        "last_quote": {"bid": 35.1, "ask": 35.3, "last_updated": FIRST_MS * 10**6},
        "last_trade": {"price": 35.2, "sip_timestamp": FIRST_MS * 10**6},
        "day": {"close": 35.2, "volume": 77},
        **changes,
    }


def test_the_chain_is_read_over_its_pages(server):
    put = "AAPL240119P00150000"
    server.control.add_option_snapshots("AAPL", [option("O:" + CALL), option("O:" + put)])
    with provider(server.url, options=replace(QUICK, page_size=1)) as made:
        first, second = made.chain("AAPL")

        assert made.calls == 2
    assert (first.symbol, second.symbol) == (CALL, put)
    assert (first.bid, first.ask, first.last, first.underlying_price) == (35.1, 35.3, 35.2, 185.5)
    assert (first.volume, first.open_interest, first.implied_volatility) == (77, 1543, 0.31)
    assert (first.delta, first.gamma, first.theta, first.vega) == (0.9, 0.01, -0.05, 0.1)
    assert first.at == FIRST


def test_an_option_without_a_trade_has_no_figures_and_one_on_another_share_is_refused():
    bare = {"details": {"ticker": "O:" + CALL}}
    other = option("O:" + CALL, underlying_asset={"ticker": "MSFT"})
    with answering({"status": "OK", "results": [bare]}) as (made, _):
        (snapshot,) = made.chain("AAPL")
    with (
        answering({"status": "OK", "results": [other]}) as (made, _),
        pytest.raises(AnswerRefused) as caught,
    ):
        made.chain("AAPL")

    assert np.isnan([snapshot.bid, snapshot.last, snapshot.delta, snapshot.open_interest]).all()
    assert caught.value.reason is Reason.WRONG_SYMBOL


def test_splits_and_dividends_come_by_their_ex_date(server):
    splits = [
        {"ticker": "AAPL", "execution_date": "2020-08-31", "split_from": 1, "split_to": 4},
        {"ticker": "AAPL", "execution_date": "2014-06-09", "split_from": 1, "split_to": 7},
        {"ticker": "GE", "execution_date": "2020-08-30", "split_from": 8, "split_to": 1},
    ]
    dividend = {
        "ticker": "AAPL",
        "cash_amount": 0.82,
        "currency": "USD",
        "ex_dividend_date": "2020-08-07",
    }
    server.control.add_splits(splits)
    server.control.add_dividends([dividend])
    with provider(server.url) as made:
        found = made.actions(["AAPL", "GE"], date(2020, 8, 1), date(2020, 8, 31))

        assert made.calls == 4
    assert [(a.symbol, a.kind, a.ratio, a.cash) for a in found] == [
        ("AAPL", "dividend", Decimal(1), Decimal("0.82")),
        ("GE", "split", Decimal("0.125"), Decimal(0)),
        ("AAPL", "split", Decimal(4), Decimal(0)),
    ]
    assert {a.source for a in found} == {"polygon"}
    assert all(a.seen_at.tzinfo is not None for a in found)


SPLIT_ROW = {"ticker": "AAPL", "split_to": 4, "split_from": 1, "execution_date": "2020-08-31"}
DIVIDEND_ROW = {"ticker": "AAPL", "cash_amount": 0.82, "ex_dividend_date": "2020-08-07"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (SPLIT_ROW | {"split_from": 0}, Reason.SCHEMA_DRIFT),
        (SPLIT_ROW | {"split_to": 0}, Reason.SCHEMA_DRIFT),
        (DIVIDEND_ROW | {"cash_amount": -0.82}, Reason.SCHEMA_DRIFT),
        ({"ticker": "AAPL", "split_to": 4, "split_from": 1}, Reason.SCHEMA_DRIFT),
        ({"ticker": "AAPL", "ex_dividend_date": "2020-08-07"}, Reason.SCHEMA_DRIFT),
        (
            {"ticker": "MSFT", "cash_amount": 1, "ex_dividend_date": "2020-08-07"},
            Reason.WRONG_SYMBOL,
        ),
    ],
)
def test_an_action_that_cannot_be_read_or_is_of_another_share_is_refused(row, reason):
    with (
        answering({"status": "OK", "results": [row]}) as (made, _),
        pytest.raises(AnswerRefused) as caught,
    ):
        made.actions(["AAPL"], date(2020, 8, 1), date(2020, 8, 31))

    assert caught.value.reason is reason


def test_news_of_two_symbols_comes_once_and_without_tricks(server):
    item = {
        "id": "abc",
        "title": "Apple\u202e beats\x1b[31m",
        "description": "two\nlines",
        "article_url": "https://example.com/a",
        "published_utc": "2024-01-03T10:00:00Z",
        "publisher": {"name": "The Paper"},
        "tickers": ["AAPL", "MSFT", "X:BTCUSD"],
    }
    late = item | {"id": "late", "published_utc": "2024-02-01T00:00:00Z"}
    server.control.add_news([item, late])
    with provider(server.url) as made:
        (told,) = made.news(["AAPL", "MSFT"], FIRST, END)

    assert (told.key, told.headline, told.summary) == ("abc", "Apple beats[31m", "two lines")
    assert told.source == "The Paper"
    assert told.symbols == ("AAPL", "MSFT", "BTC/USD")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "https://api.polygon.io.evil.example"}, "none that keys"),
        ({"base_url": "http://api.massive.com"}, "unencrypted"),
        ({"base_url": "https://api.massive.com/v2"}, "scheme and host only"),
        ({"delay_s": -1.0}, "delay_s"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, words):
    fields = {"base_url": "https://api.massive.com", "rng": random.Random(1)}
    with pytest.raises(ConfigError, match=words) as caught:
        PolygonProvider(KEY, **{**fields, **changes})

    assert KEY not in str(caught.value)


@pytest.mark.parametrize("host", ["https://api.polygon.io", "https://api.massive.com"])
def test_both_names_of_the_vendor_are_known(host):
    with provider(host) as made:
        assert host in repr(made)
        assert KEY not in repr(made)
    with pytest.raises(ConfigError, match="empty"):
        PolygonProvider("", base_url=host, rng=random.Random(1))
