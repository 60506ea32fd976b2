"""Who may ask, for what, and how often."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import httpx
import pytest

from alphalens.testing.polygon_server import PolygonServer
from tests.waiting import PATIENCE_S

from .clients import BadResponse, RESTClient

PREVIOUS = "/v2/aggs/ticker/AAPL/prev"


@pytest.fixture
def http(server: PolygonServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as opened:
        yield opened


def test_key_in_the_header_or_in_the_query(http: httpx.Client) -> None:
    assert http.get(PREVIOUS, headers={"Authorization": "Bearer key"}).status_code == 200
    assert http.get(PREVIOUS, params={"apiKey": "key"}).status_code == 200


def test_no_key_and_an_unknown_one_are_401(http: httpx.Client) -> None:
    none, wrong = http.get(PREVIOUS), http.get(PREVIOUS, params={"apiKey": "lock"})

    assert (none.status_code, wrong.status_code) == (401, 401)
    assert none.json()["error"] == "API Key was not provided"
    assert wrong.json()["error"] == "Unknown API Key"
    assert wrong.json()["status"] == "ERROR"
    assert len(wrong.json()["request_id"]) == 32


def test_the_client_raises_a_401_as_text(server: PolygonServer) -> None:
    client = RESTClient("lock", base=server.url)

    with pytest.raises(BadResponse) as refused:
        client.get_previous_close_agg("AAPL")

    client.client.clear()
    assert json.loads(str(refused.value))["error"] == "Unknown API Key"


def test_what_the_plan_does_not_have_is_403(server: PolygonServer, client: RESTClient) -> None:
    server.control.forbid("/v3/quotes/")
    with pytest.raises(BadResponse, match="NOT_AUTHORIZED"):
        list(client.list_quotes("AAPL"))
    assert client.get_previous_close_agg("AAPL") == []

    server.control.allow_all()

    assert list(client.list_quotes("AAPL")) == []


def test_a_credential_never_goes_into_a_cursor(http: httpx.Client, server: PolygonServer) -> None:
    server.control.add_news([{"id": n, "tickers": [], "published_utc": "x"} for n in range(3)])

    told = http.get("/v2/reference/news", params={"apiKey": "key", "limit": 1}).json()
    cursor = told["next_url"].partition("?cursor=")[2]
    carried = json.loads(base64.urlsafe_b64decode(cursor))
    cursor = f"cursor={cursor}"

    assert carried["query"] == {"limit": "1"}
    assert http.get(f"/v2/reference/news?{cursor}").status_code == 401
    assert http.get(f"/v2/reference/news?{cursor}&apiKey=key").json()["results"][0]["id"] == 1


def test_rate_limit_is_of_each_key() -> None:
    with PolygonServer(keys=("one", "two"), rate_limit=5) as server:
        one = [httpx.get(f"{server.url}{PREVIOUS}?apiKey=one") for _ in range(6)]
        two = httpx.get(f"{server.url}{PREVIOUS}?apiKey=two")
        server.control.set_rate_limit(None)
        again = httpx.get(f"{server.url}{PREVIOUS}?apiKey=one")

    assert [answer.status_code for answer in one] == [200] * 5 + [429]
    assert one[5].json()["error"].startswith("You've exceeded the maximum requests per minute")
    assert (two.status_code, again.status_code) == (200, 200)


def test_an_unknown_path_is_404_in_plain_text(http: httpx.Client) -> None:
    answer = http.get("/v9/nowhere?apiKey=key")

    assert (answer.status_code, answer.text) == (404, "404 page not found\n")
