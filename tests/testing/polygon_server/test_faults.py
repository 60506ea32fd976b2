"""What goes wrong on the wire, and what the vendor's own client makes of it."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from urllib3.exceptions import MaxRetryError, ProtocolError

from alphalens.testing.polygon_server import PolygonControl, PolygonServer
from tests.waiting import PATIENCE_S

from .clients import RESTClient

Rows = list[dict[str, Any]]
PATH = "/v2/aggs/ticker/AAPL/range/1/day/2024-01-01/2024-01-31"
AGGS = "/v2/aggs/*"
#: Of a client that waits a moment for an answer, and as long as it takes for the connection.
GIVES_UP = httpx.Timeout(PATIENCE_S, read=0.2)


def closes(client: RESTClient, **options: Any) -> list[float]:
    found = client.list_aggs("AAPL", 1, "day", "2024-01-01", "2024-01-31", **options)
    return [agg.close for agg in found]


def get(server: PolygonServer, **options: Any) -> httpx.Response:
    return httpx.get(f"{server.url}{PATH}?apiKey=key", **options)


@pytest.mark.parametrize(
    ("kind", "fields", "status"),
    [
        ("rate_limit", {"seconds": 2}, 429),
        ("server_error", {}, 500),
        ("bad_gateway", {}, 502),
        ("unavailable", {"seconds": 0.5}, 503),
        ("status", {"status": 418, "body": {"message": "tea"}}, 418),
    ],
)
def test_refusals(
    server: PolygonServer, week: Rows, kind: str, fields: dict[str, Any], status: int
) -> None:
    server.control.arm(kind, **fields)

    answer, next_one = get(server), get(server)

    assert answer.status_code == status
    told = f"{fields['seconds']:g}" if "seconds" in fields else None
    assert answer.headers.get("Retry-After") == told
    assert next_one.status_code == 200
    assert [r["status"] for r in server.control.requests()] == [status, 200]


def test_the_client_gets_over_one_429_and_gives_up_on_four(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.arm("rate_limit", seconds=0)
    assert closes(client) == [100, 101, 102, 103, 104]

    control.arm("rate_limit", seconds=0, count=4)

    with pytest.raises(MaxRetryError):
        closes(client)
    assert control.armed() == []


@pytest.mark.parametrize("kind", ["html", "truncated"])
def test_what_is_no_json_is_no_rows_to_the_client(
    client: RESTClient, server: PolygonServer, week: Rows, kind: str
) -> None:
    server.control.arm(kind, count=2)

    assert closes(client) == []
    answer = get(server)

    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()


def test_a_cut_body_is_shorter_than_it_says(server: PolygonServer, week: Rows) -> None:
    server.control.arm("cut")

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        get(server)


def test_a_cut_body_makes_the_client_try_again(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.arm("cut", count=-1)

    with pytest.raises((MaxRetryError, ProtocolError)):
        closes(client)


def test_a_reset_connection_is_tried_again(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.arm("refuse")

    assert len(closes(client)) == 5
    assert [r["status"] for r in control.requests()] == [None, 200]


def test_a_body_that_drips_outlasts_a_timeout_between_bytes(
    server: PolygonServer, week: Rows
) -> None:
    server.control.arm("drip", seconds=1.2)

    began = time.monotonic()
    answer = get(server, timeout=1.0)  # of silence, and the drip is never silent so long

    assert time.monotonic() - began > 1.1
    assert answer.json()["resultsCount"] == 5


def test_delay_and_latency(server: PolygonServer, week: Rows) -> None:
    server.control.arm("delay", seconds=PATIENCE_S)
    with pytest.raises(httpx.ReadTimeout):
        get(server, timeout=GIVES_UP)
    server.control.set_latency(0.05)

    began = time.monotonic()
    answer = get(server)

    assert time.monotonic() - began >= 0.05
    assert answer.status_code == 200


def test_no_answer_at_all(server: PolygonServer, week: Rows) -> None:
    server.control.arm("hang")

    with pytest.raises(httpx.ReadTimeout):
        get(server, timeout=GIVES_UP)


def test_a_padded_body_is_still_json(server: PolygonServer, week: Rows) -> None:
    server.control.arm("padded", size=100_000)

    answer = get(server)

    assert len(answer.content) > 100_000
    assert answer.json()["resultsCount"] == 5


def test_a_renamed_a_dropped_and_a_changed_field(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.arm("renamed", field="c", to="close")
    assert closes(client) == [None] * 5
    control.arm("dropped", field="results")
    assert closes(client) == []

    control.arm("value", field="c", value="1,5")

    assert closes(client) == ["1,5"] * 5


def test_a_wrong_symbol(server: PolygonServer, week: Rows) -> None:
    server.control.arm("wrong_symbol", to="MSFT")

    assert get(server).json()["ticker"] == "MSFT"


def test_no_rows_in_the_vendors_shape(server: PolygonServer, week: Rows) -> None:
    server.control.add_news([{"id": "a", "tickers": [], "published_utc": "x"}])
    server.control.arm("empty", count=2)

    bars = get(server).json()
    news = httpx.get(f"{server.url}/v2/reference/news?apiKey=key").json()

    assert "results" not in bars
    assert bars["resultsCount"] == 0
    assert news["results"] == []


def test_lost_rows_leave_the_count_and_take_the_next_page(
    client: RESTClient, server: PolygonServer, week: Rows
) -> None:
    server.control.arm("lost_rows")
    assert closes(client, limit=3) == [100, 101]

    server.control.arm("lost_rows", size=2)
    told = get(server).json()

    assert (told["resultsCount"], len(told["results"])) == (5, 3)


def test_only_some_paths_only_the_nth_and_only_so_often(server: PolygonServer, week: Rows) -> None:
    server.control.arm("server_error", path="/v3/*")
    server.control.arm("server_error", path=AGGS, nth=2, count=2)

    statuses = [get(server).status_code for _ in range(4)]

    assert statuses == [200, 500, 500, 200]
    assert [fault["path"] for fault in server.control.armed()] == ["/v3/*"]
    server.control.disarm()
    assert server.control.armed() == []


def test_an_unknown_fault_is_refused(control: PolygonControl) -> None:
    with pytest.raises(ValueError, match="no fault 'bad_luck'; known are"):
        control.arm("bad_luck")


def test_down_and_up_again(server: PolygonServer, week: Rows) -> None:
    server.down()
    with pytest.raises(httpx.ConnectError):
        get(server)

    server.up()

    assert get(server).status_code == 200
