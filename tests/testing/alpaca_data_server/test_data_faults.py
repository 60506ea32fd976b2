"""What goes wrong on the wire of the data host, and what the vendor's own client makes of it."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockSnapshotRequest
from alpaca.data.timeframe import TimeFrame

from alphalens.testing.alpaca_data_server import AlpacaDataControl, AlpacaDataServer
from tests.waiting import PATIENCE_S

from .conftest import bar

HEADERS = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "secret"}
BARS = "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2026-01-01T00:00:00Z"
LATEST = "/v2/stocks/bars/latest?symbols=AAPL"
SNAPSHOTS = "/v2/stocks/snapshots?symbols=AAPL"
NEWS = "/v1beta1/news"
ACTIONS = "/v1/corporate-actions"
ARTICLE = {"id": 1, "updated_at": "2026-03-02T14:00:00Z", "symbols": ["A", "B"]}


def get(server: AlpacaDataServer, path: str = BARS) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", headers=HEADERS, timeout=PATIENCE_S)


def closes(stocks: StockHistoricalDataClient) -> list[float]:
    asked = {"symbol_or_symbols": "AAPL", "timeframe": TimeFrame.Day, "start": "2026-01-01"}
    found = stocks.get_stock_bars(StockBarsRequest(**asked))
    return [row.close for row in found.data.get("AAPL", [])]


@pytest.mark.parametrize(
    ("kind", "fields", "status"),
    [
        ("rate_limit", {"seconds": 2}, 429),
        ("server_error", {}, 500),
        ("bad_gateway", {}, 502),
        ("unavailable", {"seconds": 0.5}, 503),
        ("status", {"status": 403}, 403),
        ("status", {"status": 418, "body": {"message": "tea"}}, 418),
    ],
)
def test_refusals(server: AlpacaDataServer, kind: str, fields: dict[str, Any], status: int) -> None:
    server.control.arm(kind, **fields)

    answer, next_one = get(server), get(server)

    told = f"{fields['seconds']:g}" if "seconds" in fields else None
    assert (answer.status_code, next_one.status_code) == (status, 200)
    assert answer.headers.get("Retry-After") == told
    assert [r["status"] for r in server.control.requests()] == [status, 200]


def test_the_client_tells_the_status_and_the_words(
    stocks: StockHistoricalDataClient, control: AlpacaDataControl
) -> None:
    control.arm("status", status=403)

    with pytest.raises(APIError, match=r"forbidden\.") as refused:
        closes(stocks)

    assert refused.value.status_code == 403
    assert closes(stocks) == [101, 101]


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_what_is_no_json_is_no_json(server: AlpacaDataServer, kind: str) -> None:
    server.control.arm(kind)

    answer = get(server)

    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_a_cut_body_is_shorter_than_it_says_and_a_dripping_one_is_slow(
    server: AlpacaDataServer,
) -> None:
    server.control.arm("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        get(server)
    server.control.arm("drip", seconds=0.2)
    began = time.monotonic()

    answer = get(server)

    assert len(answer.json()["bars"]["AAPL"]) == 2
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    ("fault", "row"),
    [
        ({"kind": "renamed", "field": "c", "to": "close"}, {"close": 101.0}),
        ({"kind": "value", "field": "c", "value": "1,5"}, {"c": "1,5"}),
        ({"kind": "dropped", "field": "c"}, {}),
    ],
)
def test_a_schema_that_drifts(
    server: AlpacaDataServer, fault: dict[str, Any], row: dict[str, Any]
) -> None:
    server.control.arm(**fault)

    told = get(server, LATEST).json()["bars"]["AAPL"]

    rest = {name: value for name, value in bar().items() if name != "c"}
    assert told == rest | row


@pytest.mark.parametrize("path", [BARS, LATEST, SNAPSHOTS])
def test_another_symbol_stands_in_the_place_of_the_one(server: AlpacaDataServer, path: str) -> None:
    right = get(server, path).json()
    server.control.arm("wrong_symbol", to="MSFT")

    wrong = get(server, path).json()

    told, was = wrong.get("bars", wrong), right.get("bars", right)
    assert told == {"MSFT": was["AAPL"]}


def test_the_client_takes_bars_of_a_symbol_that_nobody_asked_for(
    stocks: StockHistoricalDataClient, control: AlpacaDataControl
) -> None:
    control.arm("wrong_symbol", to="MSFT")

    shots = stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))

    assert list(shots) == ["MSFT"]


@pytest.mark.parametrize(
    ("path", "empty"),
    [
        (BARS, {"bars": {}, "next_page_token": None}),
        (LATEST, {"bars": {}}),
        (SNAPSHOTS, {}),
        (NEWS, {"news": [], "next_page_token": None}),
        (ACTIONS, {"corporate_actions": {}, "next_page_token": None}),
    ],
)
def test_an_answer_without_rows(server: AlpacaDataServer, path: str, empty: dict[str, Any]) -> None:
    server.control.arm("empty")

    assert get(server, path).json() == empty


def test_lost_rows_take_the_mark_of_the_next_page_with_them(server: AlpacaDataServer) -> None:
    split = {"symbol": "NVDA", "process_date": "2026-03-02"}
    server.control.announce("forward_splits", [split, split])
    server.control.add_news(
        [{"id": 1, "updated_at": "2026-03-02T14:00:00Z", "symbols": ["A", "B"]}]
    )
    server.control.arm("lost_rows", size=1, count=4)

    bars, shots = get(server).json(), get(server, SNAPSHOTS).json()
    actions, news = get(server, ACTIONS).json(), get(server, NEWS).json()

    assert (len(bars["bars"]["AAPL"]), "next_page_token" in bars) == (1, False)
    assert shots == {}
    assert actions == {"corporate_actions": {"forward_splits": [split]}}
    assert news == {"news": []}


def test_news_and_actions_of_another_symbol(server: AlpacaDataServer) -> None:
    row = {"source_symbol": "EBAY", "new_symbol": "PYPL", "process_date": "2026-03-02"}
    server.control.announce("spin_offs", [row])
    server.control.add_news(
        [{"id": 1, "updated_at": "2026-03-02T14:00:00Z", "symbols": ["A", "B"]}]
    )
    server.control.arm("wrong_symbol", to="MSFT", count=2)

    (action,) = get(server, ACTIONS).json()["corporate_actions"]["spin_offs"]
    (item,) = get(server, NEWS).json()["news"]

    assert (action["source_symbol"], action["new_symbol"]) == ("MSFT", "MSFT")
    assert item["symbols"] == ["MSFT"]
