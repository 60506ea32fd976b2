"""Alpaca's market data: against the loopback Alpaca, and against answers that it never gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.reasons import AnswerRefused, Reason, names_of
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.net import Timing
from alphalens.testing.alpaca_data_server import AlpacaDataServer
from alphalens.testing.alpaca_server import AlpacaServer

from .scripted_vendor import QUICK, Say, ScriptedVendor, scripted

KEY, SECRET = "PKTEST", "secret-of-the-test"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
FIRST = datetime(2026, 2, 23, 5, tzinfo=UTC)
DAYS = 4
CALL = "AAPL260320C00100000"
ROW = {"t": "2026-02-23T05:00:00Z", "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10, "n": 3, "vw": 1.2}


def request(*symbols: str, **changes: object) -> BarRequest:
    fields = {"symbols": symbols or ("AAPL",), "start": FIRST, "end": NOW}
    return BarRequest(**{**fields, **changes})


@contextmanager
def provider(url: str, **changes: object) -> Iterator[AlpacaProvider]:
    fields = {"base_url": url, "rng": random.Random(1), "options": QUICK}
    with AlpacaProvider(KEY, SECRET, **{**fields, **changes}) as made:
        yield made


@contextmanager
def answering(
    *answers: object, **changes: object
) -> Iterator[tuple[AlpacaProvider, ScriptedVendor]]:
    with scripted(*answers) as vendor, provider(vendor.url, **changes) as made:
        yield made, vendor


def page(bars: object, token: object = None) -> dict[str, object]:
    return {"bars": bars, "next_page_token": token}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AlpacaServer]:
    with AlpacaServer(
        tmp_path / "venue.sqlite", keys=(KEY, SECRET), now=NOW, rate_limit=None
    ) as running:
        for symbol in ("AAPL", "BRK.B", "BTC/USD", CALL):
            for day in range(DAYS):
                running.control.bar(
                    symbol,
                    100 + day,
                    102 + day,
                    99 + day,
                    101 + day,
                    1000,
                    time=FIRST + timedelta(days=day),
                    timeframe="1Day",
                    match=False,
                )
        yield running


@pytest.fixture
def host() -> Iterator[AlpacaDataServer]:
    """The data host, whose rows are given as its wire has them."""
    with AlpacaDataServer(keys=(KEY, SECRET), now=NOW) as running:
        yield running


def data_calls(server: AlpacaServer) -> int:
    return len(server.control.requests("GET"))


def test_it_is_a_provider():
    with provider("http://127.0.0.1:9") as made:
        port: MarketDataProvider = made
        assert port.name == "alpaca"
        assert port.capabilities.timeframes == frozenset(Timeframe)
        assert port.capabilities.adjustments == frozenset(Adjustment)
        assert AssetClass.OPTION in port.capabilities.asset_classes


def test_bars_of_shares_coins_and_options_come_in_one_batch(server):
    asked = request("AAPL", "BTC/USD", CALL, "BRK.B")
    with provider(server.data_url) as made:
        told = made.bars(asked)

    frame = told.bars.frame()
    assert len(frame) == 4 * DAYS
    assert told.calls == data_calls(server) == 3  # one for each class
    for symbol in asked.symbols:
        own = frame[frame["symbol"] == symbol]
        assert own["close"].tolist() == [101.0, 102.0, 103.0, 104.0]
        assert own["timestamp"].iloc[0] == FIRST
        assert own["trades"].tolist() == [10] * DAYS
    assert set(frame["source"]) == {"alpaca"}
    assert frame["is_final"].all()
    assert not told.marks.any()


def test_a_page_that_splits_a_symbol_loses_nothing_and_each_page_is_a_call(server):
    options = replace(QUICK, page_size=3)
    with provider(server.data_url, options=options) as made:
        told = made.bars(request("AAPL", "BRK.B"))

        assert told.calls == made.calls == data_calls(server) == 3  # 8 rows by 3
    frame = told.bars.frame()
    assert frame.groupby("symbol", observed=True).size().to_dict() == {"AAPL": 4, "BRK.B": 4}
    assert frame["timestamp"].tolist() == [FIRST + timedelta(days=d) for d in range(4)] * 2
    assert told.bars.symbols == ("AAPL", "BRK.B")


def test_start_is_within_and_end_is_not(server):
    asked = request(start=FIRST, end=FIRST + timedelta(days=2))
    with provider(server.data_url) as made:
        told = made.bars(asked)

    assert told.bars.frame()["timestamp"].tolist() == [FIRST, FIRST + timedelta(days=1)]


def test_a_symbol_without_bars_is_no_error_and_an_empty_answer_has_no_rows(server):
    with provider(server.data_url) as made:
        some = made.bars(request("AAPL", "NONE"))
        none = made.bars(request("NONE"))

    assert set(some.bars.frame()["symbol"]) == {"AAPL"}
    assert len(none.bars) == 0
    assert none.calls == 1


def test_what_is_asked_for_stands_in_the_query():
    with answering(page({}), feed="delayed_sip") as (made, vendor):
        made.bars(request("BRK.B", timeframe=Timeframe.MINUTES_15, adjustment=Adjustment.ALL))

        assert made.capabilities.delay_s == 900
    (got,) = vendor.got
    assert got.path == "/v2/stocks/bars"
    assert got.query == {
        "symbols": "BRK.B",
        "timeframe": "15Min",
        "start": "2026-02-23T05:00:00Z",
        "end": "2026-03-02T14:59:59.999999Z",
        "limit": "10000",
        "sort": "asc",
        "adjustment": "all",
        "feed": "delayed_sip",
    }
    assert got.headers["apca-api-key-id"] == KEY
    assert got.headers["apca-api-secret-key"] == SECRET


def test_many_symbols_are_asked_for_in_calls_of_a_size_that_the_vendor_takes():
    symbols = tuple(f"S{n:03}" for n in range(450))
    with answering(page({})) as (made, vendor):
        told = made.bars(request(*symbols))

        most = made.capabilities.symbols_per_call
    assert told.calls == 3
    asked = [got.query["symbols"].split(",") for got in vendor.got]
    assert sorted(s for some in asked for s in some) == sorted(symbols)
    assert max(map(len, asked)) <= most


def test_a_429_is_waited_for_and_both_calls_are_counted():
    busy = Say({"message": "too many requests."}, 429, {"Retry-After": "0.05"})
    with answering(busy, page({"AAPL": [ROW]})) as (made, vendor):
        told = made.bars(request())

        assert len(vendor.got) == told.calls == made.calls == 2
    assert len(told.bars) == 1


def test_the_rate_limit_of_the_venue_itself_is_obeyed(server):
    server.control.arm("rate_limit", path="/v2/stocks/bars")
    server.control.arm("server_error", path="/v2/stocks/bars")
    options = replace(QUICK, timeout_s=0.5)
    with provider(server.data_url, options=options) as made, pytest.raises(DataError) as caught:
        made.bars(request())

    # The venue's reset is up to a minute away: nothing more is asked within the deadline.
    assert data_calls(server) == 1
    assert "429" in str(caught.value)
    assert "calls_per_minute" in str(caught.value)


def test_a_server_fault_passes_and_is_counted(server):
    server.control.arm("server_error", path="/v2/stocks/bars")
    with provider(server.data_url) as made:
        told = made.bars(request())

    assert len(told.bars) == DAYS
    assert told.calls == data_calls(server) == 2


def test_a_server_fault_that_stays_names_vendor_path_status_and_what_to_do(server):
    server.control.arm("server_error", path="/v2/stocks/bars", count=-1)
    with provider(server.data_url) as made, pytest.raises(DataError) as caught:
        made.bars(request())

    said = str(caught.value)
    assert all(word in said for word in ("alpaca", "/v2/stocks/bars", "500", "another vendor"))
    assert data_calls(server) == QUICK.retry.attempts


def test_refused_keys_are_not_tried_again_and_not_shown(server):
    server.control.arm("unauthorized", path="/v2/stocks/bars")
    with provider(server.data_url) as made, pytest.raises(DataError, match="check the key") as hit:
        made.bars(request())

    assert SECRET not in str(hit.value)
    assert data_calls(server) == 1


def test_half_an_answer_is_asked_for_again(server):
    server.control.arm("malformed", path="/v2/stocks/bars")
    with provider(server.data_url) as made:
        told = made.bars(request())

        (refused,) = made.refused
    assert len(told.bars) == DAYS
    assert told.calls == 2
    assert refused.reason is Reason.NOT_JSON
    assert refused.raw[0].startswith('{"bars"')


@pytest.mark.parametrize(
    ("answer", "reason", "calls"),
    [
        ("<html>nginx</html>", Reason.NOT_JSON, 3),
        ('{"bars": {"AAPL": [{"t": "2026-0', Reason.NOT_JSON, 3),
        ("", Reason.NOT_JSON, 3),
        (b"\xff\xfe\x00", Reason.NOT_JSON, 3),
        ({"bars": {"AAPL": [ROW]}}, Reason.TRUNCATED, 3),
        ([], Reason.SCHEMA_DRIFT, 1),
        ({"next_page_token": None}, Reason.SCHEMA_DRIFT, 1),
        (page(None), Reason.SCHEMA_DRIFT, 1),
        (page([]), Reason.SCHEMA_DRIFT, 1),
        (page({"AAPL": None}), Reason.SCHEMA_DRIFT, 1),
        (page({"AAPL": []}, 7), Reason.SCHEMA_DRIFT, 1),
        (page({"AAPL": []}, "\ud800"), Reason.SCHEMA_DRIFT, 1),
        (page({"MSFT": [ROW]}), Reason.WRONG_SYMBOL, 1),
        (page({"AAPL": [ROW], "MSFT": [ROW]}), Reason.WRONG_SYMBOL, 1),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_whole_and_kept(answer, reason, calls):
    with answering(answer) as (made, vendor), pytest.raises(AnswerRefused) as caught:
        made.bars(request())

    refused = caught.value
    assert refused.reason is reason
    assert refused.vendor == "alpaca"
    assert refused.asked.startswith("/v2/stocks/bars?symbols=AAPL")
    assert refused.raw == (Say(answer).content.decode(errors="replace"),)
    assert all(w in str(refused) for w in ("alpaca", "/v2/stocks/bars", "200", "another vendor"))
    assert len(vendor.got) == made.calls == calls


def test_an_answer_kept_holds_no_key():
    echo = {"message": f"hello {SECRET}"}
    with answering(echo) as (made, _), pytest.raises(AnswerRefused) as caught:
        made.bars(request())

    assert "hello" in caught.value.raw[0]
    assert SECRET not in caught.value.raw[0] + str(caught.value)


def test_a_page_token_that_comes_back_ends_the_walk():
    with answering(page({"AAPL": [ROW]}, "again")) as (made, vendor):
        with pytest.raises(AnswerRefused, match="there already") as caught:
            made.bars(request())

        assert caught.value.reason is Reason.TRUNCATED
        assert len(vendor.got) == 2


def test_odd_rows_are_marked_with_their_text_and_their_neighbours_survive():
    rows = [
        ROW,
        ROW | {"t": "2026-02-24T05:00:00Z", "c": "187.15"},
        ROW | {"t": "2026-02-25T05:00:00Z", "c": "1,5"},
        {name: ROW[name] for name in ("t", "o", "h", "l", "v")},
        ROW | {"t": "2026-02-27T05:00:00"},
    ]
    text = '{"bars":{"AAPL":%s},"next_page_token":null}'
    with answering(text % str(rows).replace("'", '"')) as (made, _):
        told = made.bars(request())

    assert [names_of(int(mark)) for mark in told.marks] == [
        (),
        ("text_number",),
        ("locale_number",),
        ("close_missing",),
        ("no_time_zone",),
    ]
    assert told.bars.close[:2].tolist() == [1.5, 187.15]
    assert '"c":"1,5"' in told.raw[2]


def test_json_that_knows_infinity_is_read_and_marked():
    body = '{"bars":{"AAPL":[{"t":"2026-02-23T05:00:00Z","o":1,"h":Infinity,"l":1,"c":NaN,"v":1}]}'
    with answering(body + ',"next_page_token":null}') as (made, _):
        told = made.bars(request())

    assert names_of(int(told.marks[0])) == ("close_missing", "infinite")


def test_a_symbol_in_another_form_is_read_and_marked():
    with answering(page({"BRK-B": [ROW]})) as (made, _):
        told = made.bars(request("BRK.B"))

    assert told.bars.symbols == ("BRK.B",)
    assert names_of(int(told.marks[0])) == ("symbol_form",)


def test_what_alpaca_does_not_have_is_refused_before_anything_is_asked():
    with answering(page({})) as (made, vendor):
        with pytest.raises(InputError, match="raw bars of options"):
            made.bars(request(CALL, adjustment=Adjustment.SPLIT))
        with pytest.raises(InputError, match="perpetual"):
            made.bars(request("BTC/USDT-PERP"))

        assert vendor.got == []


def test_quotes_are_exact_and_only_of_symbols_that_have_one(server):
    server.control.set_quote("AAPL", "100.1", "100.13")
    server.control.set_quote("BTC/USD", "60000", "60001.5")
    with provider(server.data_url) as made:
        quotes = made.quotes(["AAPL", "BTC/USD", "NONE"])

    assert set(quotes) == {"AAPL", "BTC/USD"}
    assert (quotes["AAPL"].bid, quotes["AAPL"].ask) == (Decimal("100.1"), Decimal("100.13"))
    assert NOW <= quotes["AAPL"].at < NOW + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("quotes", "reason"),
    [
        ({"AAPL": {"t": "2026-03-02T15:00:00Z", "bp": 1}}, Reason.SCHEMA_DRIFT),
        ({"AAPL": {"t": "soon", "bp": 1, "ap": 2}}, Reason.SCHEMA_DRIFT),
        ({"MSFT": {"t": "2026-03-02T15:00:00Z", "bp": 1, "ap": 2}}, Reason.WRONG_SYMBOL),
    ],
)
def test_a_quote_that_cannot_be_read_is_refused(quotes, reason):
    with answering({"quotes": quotes}) as (made, _), pytest.raises(AnswerRefused) as caught:
        made.quotes(["AAPL"])

    assert caught.value.reason is reason


def test_the_chain_has_what_is_told_and_nothing_else(server):
    server.control.set_quote(CALL, "3.1", "3.3")
    server.control.trade(CALL, "3.2")
    with provider(server.data_url) as made:
        (snapshot,) = made.chain("AAPL")

    assert (snapshot.symbol, snapshot.underlying) == (CALL, "AAPL")
    assert (snapshot.bid, snapshot.ask, snapshot.last) == (3.1, 3.3, 3.2)
    assert snapshot.volume == 1000
    assert np.isnan([snapshot.open_interest, snapshot.delta, snapshot.underlying_price]).all()


def test_a_chain_of_two_pages_has_greeks_and_a_strange_option_is_refused():
    state = {
        "latestQuote": {"t": "2026-03-02T15:00:00.5Z", "bp": 1, "ap": 2},
        "impliedVolatility": 0.31,
        "greeks": {"delta": 0.5, "gamma": 0.1, "theta": -0.2, "vega": 0.3},
    }
    pages = (
        {"snapshots": {CALL: state}, "next_page_token": "two"},
        {"snapshots": {"AAPL1260320C00100000": {}}, "next_page_token": None},
    )
    with answering(*pages, option_feed="opra") as (made, vendor):
        first, second = made.chain("AAPL")
    with (
        answering({"snapshots": {"TSLA260320C00100000": {}}, "next_page_token": None}) as (
            made,
            _,
        ),
        pytest.raises(AnswerRefused) as caught,
    ):
        made.chain("AAPL")

    assert vendor.got[0].path == "/v1beta1/options/snapshots/AAPL"
    assert vendor.got[0].query == {"feed": "opra", "limit": "1000"}
    assert vendor.got[1].query["page_token"] == "two"
    assert (first.implied_volatility, first.delta, first.theta) == (0.31, 0.5, -0.2)
    assert first.at == datetime(2026, 3, 2, 15, 0, 0, 500_000, tzinfo=UTC)
    assert np.isnan(second.bid)
    assert caught.value.reason is Reason.WRONG_SYMBOL


def test_corporate_actions_of_every_kind():
    day = {"ex_date": "2024-06-10", "process_date": "2024-06-10"}
    groups = {
        "forward_splits": [{"symbol": "NVDA", "new_rate": 10, "old_rate": 1, **day}],
        "reverse_splits": [{"symbol": "GE", "new_rate": 1, "old_rate": 8, **day}],
        "stock_dividends": [{"symbol": "SD", "rate": 0.05, **day}],
        "cash_dividends": [
            {"symbol": "AAPL", "rate": 0.25, **day},
            {"symbol": "AAPL", "rate": 0.24, "ex_date": "2024-05-09", "process_date": "2024-06-01"},
        ],
        "spin_offs": [
            {"source_symbol": "EBAY", "source_rate": 1, "new_symbol": "PYPL", "new_rate": 1, **day}
        ],
        "cash_mergers": [{"acquiree_symbol": "VMW", "rate": 142.5, "effective_date": "2024-06-11"}],
        "stock_and_cash_mergers": [
            {
                "acquirer_symbol": "AVGO",
                "acquirer_rate": 0.252,
                "acquiree_symbol": "VMWB",
                "acquiree_rate": 1,
                "cash_rate": 71.25,
                "effective_date": "2024-06-12",
            }
        ],
        "name_changes": [{"old_symbol": "FB", "new_symbol": "META", "process_date": "2024-06-13"}],
        "worthless_removals": [{"symbol": "GONE", "process_date": "2024-06-14"}],
    }
    body = {"corporate_actions": groups, "next_page_token": None}
    first, last = date(2024, 6, 1), date(2024, 6, 30)
    asked = ["NVDA", "GE", "SD", "AAPL", "PYPL", "VMW", "AVGO", "META", "GONE"]
    with answering(body) as (made, vendor):
        told = made.actions(asked, first, last)

    assert [action.ex_date for action in told] == sorted(action.ex_date for action in told)
    assert len(told) == 9  # the dividend of May is another month's
    found = {action.symbol: action for action in told}
    assert {s: (a.kind, a.ratio, a.cash, a.new_symbol) for s, a in found.items()} == {
        "NVDA": ("split", Decimal(10), Decimal(0), ""),
        "GE": ("split", Decimal("0.125"), Decimal(0), ""),
        "SD": ("split", Decimal("1.05"), Decimal(0), ""),
        "AAPL": ("dividend", Decimal(1), Decimal("0.25"), ""),
        "EBAY": ("spin_off", Decimal(1), Decimal(0), "PYPL"),
        "VMW": ("merger", Decimal(0), Decimal("142.5"), ""),
        "VMWB": ("merger", Decimal("0.252"), Decimal("71.25"), "AVGO"),
        "FB": ("rename", Decimal(1), Decimal(0), "META"),
        "GONE": ("delisting", Decimal(1), Decimal(0), ""),
    }
    assert found["FB"].ex_date == date(2024, 6, 13)
    assert found["NVDA"].source == "alpaca"
    query = vendor.got[0].query
    assert query["start"] <= "2024-06-01"
    assert query["end"] > "2024-07-30"  # a dividend is processed when it is paid


@pytest.mark.parametrize(
    "groups",
    [
        {"forward_splits": [{"symbol": "NVDA", "new_rate": 10, "ex_date": "2024-06-10"}]},
        {
            "forward_splits": [
                {"symbol": "N", "new_rate": 1, "old_rate": 0, "ex_date": "2024-06-10"}
            ]
        },
        {
            "reverse_splits": [
                {"symbol": "NVDA", "new_rate": 0, "old_rate": 1, "ex_date": "2024-06-10"}
            ]
        },
        {"cash_dividends": [{"symbol": "NVDA", "rate": -0.25, "ex_date": "2024-06-10"}]},
        {"cash_dividends": [{"symbol": "AAPL", "rate": 0.25, "ex_date": "10.6.2024"}]},
        {"lotteries": [{"symbol": "AAPL"}]},
        {"cash_dividends": None},
    ],
)
def test_an_action_that_cannot_be_read_is_refused(groups):
    body = {"corporate_actions": groups, "next_page_token": None}
    with answering(body) as (made, _), pytest.raises(AnswerRefused) as caught:
        made.actions(["NVDA"], date(2024, 6, 1), date(2024, 6, 30))

    assert caught.value.reason is Reason.SCHEMA_DRIFT


def test_an_action_of_another_share_is_refused_whole():
    split = {"new_rate": 10, "old_rate": 1, "ex_date": "2024-06-10"}
    groups = {"forward_splits": [split | {"symbol": "NVDA"}, split | {"symbol": "GE"}]}
    body = {"corporate_actions": groups, "next_page_token": None}
    with answering(body) as (made, _), pytest.raises(AnswerRefused, match="'GE'") as caught:
        made.actions(["NVDA"], date(2024, 6, 1), date(2024, 6, 30))

    assert caught.value.reason is Reason.WRONG_SYMBOL


def test_news_is_text_without_tricks_and_each_piece_comes_once():
    item = {
        "id": 24843171,
        "headline": "Apple\u202e beats\x1b[31m",
        "summary": "",
        "url": "https://example.com/a",
        "source": "benzinga",
        "created_at": "2026-03-01T10:00:00Z",
        "symbols": ["AAPL", "BTCUSD"],
    }
    pages = (
        {"news": [item], "next_page_token": "x"},
        {
            "news": [item, item | {"id": 2, "created_at": "2026-02-28T10:00:00Z"}],
            "next_page_token": None,
        },
    )
    with answering(*pages) as (made, vendor):
        older, newer = made.news(["AAPL", "BTC/USD"], FIRST, NOW)

    assert (older.key, newer.key) == ("2", "24843171")
    assert newer.headline == "Apple beats[31m"
    assert newer.symbols == ("AAPL", "BTC/USD")
    assert vendor.got[0].query["symbols"] == "AAPL,BTCUSD"
    assert vendor.got[0].query["end"] == "2026-03-02T14:59:59.999999Z"


LATEST = "/v2/stocks/bars/latest"
SNAPSHOTS = "/v2/stocks/snapshots"
MINUTE = ROW | {"t": "2026-03-02T14:58:00Z"}
TODAY = ROW | {"t": "2026-03-02T05:00:00Z"}
STANDING = Timing(wall=NOW.timestamp)


def test_the_last_minutes_of_many_symbols_take_few_calls(host):
    shares = [f"S{n}" for n in range(450)]
    for n, symbol in enumerate(shares):
        host.control.add_bars(symbol, [MINUTE | {"c": 9.0}, MINUTE | {"c": n + 1}], "1Min")
    host.control.add_bars("BTC/USD", [MINUTE], "1Min")
    host.control.add_bars(CALL, [MINUTE | {"c": 5}], "1Min")
    with provider(host.url, timing=STANDING) as made:
        told = made.latest([*shares, "BTC/USD", CALL, "NONE"], Timeframe.MINUTE)

        assert told.calls == made.calls == 5  # 451 shares by 200, a coin, an option
    assert told.bars.symbols == (*shares, "BTC/USD", CALL)
    assert told.bars.close[:450].tolist() == [n + 1.0 for n in range(450)]
    assert told.bars.close[450:].tolist() == [1.5, 5.0]
    assert told.bars.is_final.all()
    assert not told.marks.any()
    assert told.request.start == NOW - timedelta(minutes=2)
    assert told.request.end == NOW + timedelta(microseconds=1)
    paths = {r["path"] for r in host.control.requests()}
    assert paths == {
        LATEST, "/v1beta3/crypto/us/latest/bars", "/v1beta1/options/snapshots",
    }  # fmt: skip


def test_the_last_days_stand_in_snapshots_and_still_form(host):
    for symbol in ("AAPL", "BTC/USD", CALL):
        host.control.add_bars(symbol, [ROW, TODAY | {"c": 2}])
    host.control.add_quotes("QUIET", [{"t": "2026-03-02T14:00:00Z", "bp": 1, "ap": 2}])
    with provider(host.url, timing=STANDING) as made:
        told = made.latest(["AAPL", "BTC/USD", CALL, "QUIET"], Timeframe.DAY)

    frame = told.bars.frame()
    assert frame["symbol"].tolist() == ["AAPL", "BTC/USD", CALL]
    assert frame["close"].tolist() == [2.0, 2.0, 2.0]
    assert {names_of(int(mark)) for mark in told.marks} == {("not_final",)}


def test_on_a_delayed_feed_the_last_minute_may_still_form(host):
    host.control.add_bars("AAPL", [MINUTE], "1Min")
    with provider(host.url, timing=STANDING, feed="delayed_sip") as made:
        told = made.latest(["AAPL"], Timeframe.MINUTE)

    assert told.bars.is_final.tolist() == [False]
    (asked,) = host.control.requests(LATEST)
    assert asked["query"] == "symbols=AAPL&feed=delayed_sip"


def test_snapshots_tell_trade_quote_and_bars_of_each_class(host):
    for symbol in ("AAPL", "BTC/USD", CALL):
        host.control.add_bars(symbol, [ROW, TODAY])
        host.control.add_quotes(symbol, [{"t": "2026-03-02T14:59:59Z", "bp": 1.1, "ap": 1.3}])
    host.control.add_trades("AAPL", [{"t": "2026-03-02T14:59:58Z", "p": 1.25, "s": 7}])
    with provider(host.url) as made:
        told = made.snapshots(["AAPL", "BTC/USD", CALL, "NONE"])

        assert made.calls == 3
    assert set(told) == {"AAPL", "BTC/USD", CALL}
    share = told["AAPL"]
    assert (share.last, share.last_at) == (Decimal("1.25"), NOW - timedelta(seconds=2))
    assert share.quote.mid == Decimal("1.2")
    assert (share.day.close, share.day.at) == (1.5, datetime(2026, 3, 2, 5, tzinfo=UTC))
    assert (share.previous.at, share.minute) == (FIRST, None)
    assert (told[CALL].last, told["BTC/USD"].quote.ask) == (None, Decimal("1.3"))


def test_snapshots_of_options_come_in_pages(host):
    calls = [f"AAPL260320C{strike:05}000" for strike in range(1, 121)]
    for symbol in calls:
        host.control.add_bars(symbol, [TODAY])
    with provider(host.url, options=replace(QUICK, page_size=50)) as made:
        told = made.snapshots(calls)

        assert made.calls == 3
    assert list(told) == calls


def test_a_symbol_that_is_null_has_no_snapshot():
    with answering({"AAPL": {}, "GONE": None}) as (made, _):
        told = made.snapshots(["AAPL", "GONE"])
        bars = made.latest(["AAPL", "GONE"], Timeframe.DAY)

    assert list(told) == ["AAPL"]
    assert (told["AAPL"].quote, told["AAPL"].last) == (None, None)
    assert len(bars.bars) == 0


@pytest.mark.parametrize(
    ("fault", "reason", "calls"),
    [
        ({"kind": "html"}, Reason.NOT_JSON, 3),
        ({"kind": "truncated"}, Reason.NOT_JSON, 3),
        ({"kind": "wrong_symbol", "to": "MSFT"}, Reason.WRONG_SYMBOL, 1),
        ({"kind": "renamed", "field": "bars", "to": "data"}, Reason.SCHEMA_DRIFT, 1),
    ],
)
def test_lies_about_the_last_minute_are_refused_whole(host, fault, reason, calls):
    host.control.add_bars("AAPL", [MINUTE], "1Min")
    host.control.arm(path=LATEST, count=-1, **fault)
    with provider(host.url) as made, pytest.raises(AnswerRefused) as caught:
        made.latest(["AAPL"], Timeframe.MINUTE)

    assert caught.value.reason is reason
    assert caught.value.raw
    assert made.calls == calls


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "wrong_symbol", "to": "MSFT"}, Reason.WRONG_SYMBOL),
        ({"kind": "value", "field": "dailyBar", "value": "soon"}, Reason.SCHEMA_DRIFT),
        ({"kind": "dropped", "field": "bp"}, Reason.SCHEMA_DRIFT),
        ({"kind": "value", "field": "t", "value": "soon"}, Reason.SCHEMA_DRIFT),
        ({"kind": "status", "status": 200, "body": {"message": "busy"}}, Reason.WRONG_SYMBOL),
    ],
)
def test_lies_about_the_present_are_refused_whole(host, fault, reason):
    host.control.add_bars("AAPL", [TODAY])
    host.control.add_quotes("AAPL", [{"t": "2026-03-02T14:59:59Z", "bp": 1.1, "ap": 1.3}])
    host.control.arm(path=SNAPSHOTS, count=-1, **fault)
    with provider(host.url) as made, pytest.raises(AnswerRefused) as caught:
        made.snapshots(["AAPL"])

    assert caught.value.reason is reason


def test_rows_that_drift_are_marked_and_their_neighbours_survive(host):
    host.control.add_bars("AAPL", [MINUTE | {"c": "187,15"}], "1Min")
    host.control.add_bars("MSFT", [MINUTE], "1Min")
    with provider(host.url, timing=STANDING) as made:
        told = made.latest(["AAPL", "MSFT"], Timeframe.MINUTE)

    assert [names_of(int(mark)) for mark in told.marks] == [("locale_number",), ()]
    assert told.bars.close[1] == 1.5
    assert '"c":"187,15"' in told.raw[0]


def test_last_bars_that_alpaca_does_not_have_are_refused_before_anything_is_asked():
    with answering({}) as (made, vendor):
        with pytest.raises(InputError, match="1h"):
            made.latest(["AAPL"], Timeframe.HOUR)
        with pytest.raises(InputError, match="each once"):
            made.latest([], Timeframe.DAY)

        assert vendor.got == []


def test_actions_of_the_host_are_found_by_ex_date_whenever_they_were_processed(host):
    dividend = {"symbol": "AAPL", "rate": 0.25, "ex_date": "2026-02-09"}
    host.control.announce(
        "cash_dividends",
        [
            dividend | {"process_date": "2026-03-15"},
            dividend | {"rate": 0.24, "ex_date": "2026-05-09", "process_date": "2026-05-20"},
            {"symbol": "MSFT", "rate": 9, "ex_date": "2026-02-09", "process_date": "2026-02-10"},
        ],
    )
    split = {"symbol": "NVDA", "new_rate": 10, "old_rate": 1}
    day = {"process_date": "2026-02-10", "ex_date": "2026-02-10"}
    host.control.announce("forward_splits", [split | day])
    rights = {"source_symbol": "AAPL", "new_symbol": "X", "rate": 1}
    host.control.announce("rights_distributions", [rights | day])
    options = replace(QUICK, page_size=1)
    with provider(host.url, options=options) as made:
        told = made.actions(["AAPL", "NVDA"], date(2026, 2, 1), date(2026, 2, 28))

        assert made.calls == 3  # two pages with a row that counts, and the dividend of May
    assert [(a.symbol, a.kind, a.ratio, a.cash) for a in told] == [
        ("AAPL", "dividend", Decimal(1), Decimal("0.25")),
        ("NVDA", "split", Decimal(10), Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("fault", "reason", "calls"),
    [
        ({"kind": "truncated"}, Reason.NOT_JSON, 3),
        ({"kind": "lost_rows"}, Reason.TRUNCATED, 3),
        ({"kind": "renamed", "field": "rate", "to": "cash"}, Reason.SCHEMA_DRIFT, 1),
        ({"kind": "renamed", "field": "cash_dividends", "to": "gifts"}, Reason.SCHEMA_DRIFT, 1),
    ],
)
def test_lies_about_actions_are_refused_whole(host, fault, reason, calls):
    dividend = {"symbol": "AAPL", "rate": 0.25, "ex_date": "2026-02-09"}
    host.control.announce("cash_dividends", [dividend | {"process_date": "2026-02-15"}])
    host.control.arm(path="/v1/corporate-actions", count=-1, **fault)
    with provider(host.url) as made, pytest.raises(AnswerRefused) as caught:
        made.actions(["AAPL"], date(2026, 2, 1), date(2026, 2, 28))

    assert caught.value.reason is reason
    assert made.calls == calls


def article(key: int, at: str, **changes: object) -> dict[str, object]:
    told = {"id": key, "headline": f"No. {key}", "summary": "", "url": "", "source": "benzinga"}
    return told | {"created_at": at, "updated_at": at, "symbols": ["AAPL", "BTCUSD"], **changes}


def test_news_of_the_host_within_a_span_the_oldest_first_over_its_pages(host):
    host.control.add_news(
        [article(n, f"2026-02-28T10:{n:02}:00Z") for n in range(3)]
        + [
            article(7, "2026-02-28T10:30:00Z", symbols=["MSFT"]),
            article(8, "2026-02-28T10:30:00Z", created_at="2026-01-01T10:00:00Z"),
            article(9, NOW.isoformat()),
        ]
    )
    with provider(host.url, options=replace(QUICK, page_size=2)) as made:
        told = made.news(["AAPL", "BTC/USD"], FIRST, NOW)

        assert made.calls == 2
    assert [item.key for item in told] == ["0", "1", "2"]  # an old one was only changed
    assert told[0].symbols == ("AAPL", "BTC/USD")


def test_a_rate_limit_of_the_host_is_waited_for_and_a_slow_answer_ends_in_time(host):
    host.control.add_bars("AAPL", [MINUTE], "1Min")
    host.control.arm("rate_limit", seconds=0.05)
    with provider(host.url) as made:
        assert made.latest(["AAPL"], Timeframe.MINUTE).calls == 2
    host.control.arm("drip", seconds=30, count=-1)
    with (
        provider(host.url, options=replace(QUICK, timeout_s=0.3)) as made,
        pytest.raises(DataError, match="another vendor"),
    ):
        made.latest(["AAPL"], Timeframe.MINUTE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "https://data.alpaca.markets.evil.example"}, "none that keys"),
        ({"base_url": "http://data.alpaca.markets"}, "unencrypted"),
        ({"base_url": "https://data.alpaca.markets/v2"}, "scheme and host only"),
        ({"feed": "gossip"}, "gossip"),
        ({"option_feed": "sip"}, "sip"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, words):
    fields = {"base_url": "https://data.alpaca.markets", "rng": random.Random(1)}
    with pytest.raises(ConfigError, match=words) as caught:
        AlpacaProvider(KEY, SECRET, **{**fields, **changes})

    assert SECRET not in str(caught.value)


def test_an_empty_key_is_refused_and_a_closed_provider_says_so():
    with pytest.raises(ConfigError, match="empty"):
        AlpacaProvider("", SECRET, base_url="https://data.alpaca.markets", rng=random.Random(1))
    made = AlpacaProvider(KEY, SECRET, base_url="http://127.0.0.1:9", rng=random.Random(1))
    made.close()
    made.close()
    assert SECRET not in repr(made)
    with pytest.raises(DataError, match="closed"):
        made.bars(request())
