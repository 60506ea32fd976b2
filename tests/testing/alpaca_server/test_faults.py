"""What goes wrong on the wire, and what the book says afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import MarketOrderRequest
from pydantic import ValidationError
from websockets.sync.client import connect

from alphalens.testing.alpaca_server import AlpacaServer, Control
from alphalens.testing.alpaca_server.faults import Fault, FaultBox
from tests.waiting import PATIENCE_S, until

Build = Callable[..., dict[str, Any]]
KEYS = {"APCA-API-KEY-ID": "PKTEST", "APCA-API-SECRET-KEY": "secret"}
REST = {"type": "limit", "limit_price": "90"}
#: Of a client that waits a moment for an answer, and as long as it takes for the connection.
GIVES_UP = httpx.Timeout(PATIENCE_S, read=0.2)


@pytest.fixture
def http(server: AlpacaServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.rest_url, headers=KEYS, timeout=PATIENCE_S) as opened:
        yield opened


def post(http: httpx.Client, order: dict[str, Any], **options: Any) -> httpx.Response:
    return http.post("/v2/orders", json=order, **options)


def outcome(control: Control, client_order_id: str) -> tuple[int, int]:
    """Return how many POSTs the venue acted on, and how many orders there are."""
    reached = [r for r in control.requests("POST", client_order_id) if r["reached"]]
    return len(reached), len(control.orders())


@pytest.mark.parametrize(
    ("kind", "status"), [("accept_504", 504), ("accept_502", 502), ("malformed", 200)]
)
def test_accepted_and_answered_badly(
    http: httpx.Client, control: Control, order: Build, kind: str, status: int
) -> None:
    control.arm(kind, method="POST", path="/v2/orders")

    answer = post(http, order(client_order_id="a"))

    assert answer.status_code == status
    if kind != "accept_504":
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    assert outcome(control, "a") == (1, 1)


@pytest.mark.parametrize(
    ("kind", "error", "expected"),
    [
        ("close", httpx.RemoteProtocolError, (1, 1)),
        ("hang", httpx.ReadTimeout, (1, 1)),
        ("hang_before", httpx.ReadTimeout, (0, 0)),
        ("refuse", httpx.ReadError, (0, 0)),
    ],
)
def test_no_answer_at_all(
    http: httpx.Client,
    control: Control,
    order: Build,
    kind: str,
    error: type[Exception],
    expected: tuple[int, int],
) -> None:
    control.arm(kind, method="POST")

    with pytest.raises(error):
        post(http, order(client_order_id="a"), timeout=GIVES_UP)

    until(lambda: control.requests("POST", "a"))
    assert outcome(control, "a") == expected
    (request,) = control.requests("POST", "a")
    assert (request["status"], request["fault"]) == (None, kind)


@pytest.mark.parametrize(
    ("kind", "fields", "status", "body"),
    [
        (
            "server_error",
            {},
            500,
            '{"code": 50010000, "message": "internal server error occurred"}',
        ),
        ("rate_limit", {}, 429, '{"code": 42910000, "message": "rate limit exceeded"}'),
        ("unauthorized", {}, 401, '{"message": "unauthorized."}'),
        ("forbidden", {}, 403, '{"code": 40310000, "message": "forbidden."}'),
        ("status", {"status": 418, "body": {"message": "tea"}}, 418, '{"message": "tea"}'),
        ("empty", {}, 200, "[]"),
    ],
)
def test_refused_before_the_venue_acts(
    http: httpx.Client,
    control: Control,
    order: Build,
    kind: str,
    fields: dict[str, Any],
    status: int,
    body: str,
) -> None:
    control.arm(kind, method="POST", **fields)

    answer = post(http, order(client_order_id="a"))

    assert (answer.status_code, answer.text) == (status, body)
    assert outcome(control, "a") == (0, 0)
    assert int(answer.headers["X-Ratelimit-Reset"]) > 0
    assert post(http, order(client_order_id="a")).status_code == 200


def test_bad_gateway_is_html(http: httpx.Client, control: Control) -> None:
    control.arm("bad_gateway")

    answer = http.get("/v2/clock")

    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<html>")


@pytest.mark.parametrize(("kind", "orders"), [("delay", 1), ("delay_before", 0)])
def test_slow_answers_act_before_or_after_the_wait(
    http: httpx.Client, control: Control, order: Build, kind: str, orders: int
) -> None:
    control.arm(kind, method="POST", seconds=PATIENCE_S)

    with pytest.raises(httpx.ReadTimeout):
        post(http, order(), timeout=GIVES_UP)

    assert len(control.orders()) == orders


def test_positions_empty_by_error(http: httpx.Client, control: Control, order: Build) -> None:
    post(http, order())
    control.arm("empty", path="/v2/positions")

    assert http.get("/v2/positions").json() == []
    assert len(http.get("/v2/positions").json()) == 1


def test_the_nth_request_of_one_order(http: httpx.Client, control: Control, order: Build) -> None:
    control.arm("server_error", method="POST", client_order_id="b", nth=2, count=2)

    codes = [post(http, order(client_order_id=c)).status_code for c in "abbbb"]

    assert codes == [200, 200, 500, 500, 422]
    assert control.armed() == []


def test_disarm_takes_everything_back(http: httpx.Client, control: Control) -> None:
    control.arm("server_error", count=-1)
    assert http.get("/v2/clock").status_code == 500
    control.disarm()
    assert http.get("/v2/clock").status_code == 200


def test_unknown_kinds_and_their_names() -> None:
    box = FaultBox()

    with pytest.raises(ValueError, match="no fault 'earthquake'; known are accept_502"):
        box.arm(Fault(kind="earthquake"))
    with pytest.raises(ValueError, match="no fault 'hang'; known are drop"):
        box.arm_event(Fault(kind="hang"))


def test_an_unknown_status_breaks_the_vendors_model(
    client: TradingClient, control: Control
) -> None:
    control.arm("unknown_status", method="POST")
    request = MarketOrderRequest(symbol="AAPL", qty=1, side="buy", time_in_force="day")

    with pytest.raises(ValidationError):
        client.submit_order(request)

    assert len(control.orders()) == 1


def test_the_vendors_retry_of_a_504_is_a_duplicate(client: TradingClient, control: Control) -> None:
    client._retry_wait = 0
    control.arm("accept_504", method="POST")
    request = MarketOrderRequest(
        symbol="AAPL", qty=1, side="buy", time_in_force="day", client_order_id="a"
    )

    with pytest.raises(APIError) as refused:
        client.submit_order(request)

    assert refused.value.code == 40010001
    assert outcome(control, "a") == (2, 1)


def test_instants_with_nine_decimals_and_an_offset(
    http: httpx.Client, control: Control, order: Build
) -> None:
    control.arm("nanoseconds", method="POST")

    made = post(http, order()).json()

    assert made["submitted_at"].startswith("2026-03-02T10:00:00.")
    assert made["submitted_at"].endswith("123-05:00")


def test_events_come_before_the_answer_only_on_demand(
    server: AlpacaServer, http: httpx.Client, control: Control, order: Build
) -> None:
    with connect(server.stream_url) as line:
        for message in (
            {"action": "authenticate", "data": {"key_id": "PKTEST", "secret_key": "secret"}},
            {"action": "listen", "data": {"streams": ["trade_updates"]}},
        ):
            line.send(json.dumps(message))
            line.recv(timeout=PATIENCE_S)
        control.arm("hang", method="POST")
        with pytest.raises(httpx.ReadTimeout):
            post(http, order(), timeout=GIVES_UP)
        assert json.loads(line.recv(timeout=PATIENCE_S))["data"]["event"] == "new"


@pytest.mark.parametrize("kind", ["pend", "fill"])
def test_a_cancel_that_does_not_cancel(
    http: httpx.Client, control: Control, order: Build, kind: str
) -> None:
    made = post(http, order(**REST)).json()
    control.arm(kind, method="DELETE")

    assert http.delete(f"/v2/orders/{made['id']}").status_code == 204

    expected = {"pend": "pending_cancel", "fill": "filled"}[kind]
    assert control.order(made["id"])["status"] == expected
    again = http.delete(f"/v2/orders/{made['id']}")
    assert (again.status_code, again.json()["code"]) == (422, 42210000)
    if kind == "pend":
        assert control.release_cancel(made["id"])["status"] == "canceled"


def test_the_old_order_fills_before_its_replacement(
    http: httpx.Client, control: Control, order: Build
) -> None:
    old = post(http, order(**REST)).json()
    control.arm("fill", method="PATCH")

    new = http.patch(f"/v2/orders/{old['id']}", json={"limit_price": "91"})

    assert (new.status_code, new.json()["replaces"]) == (200, old["id"])
    assert control.order(old["id"])["status"] == "filled"
    assert control.order(new.json()["id"])["status"] == "rejected"
    assert control.state()["positions"] == {"AAPL": "10"}


def test_a_pending_replacement_is_released(
    http: httpx.Client, control: Control, order: Build
) -> None:
    old = post(http, order(**REST)).json()
    control.arm("pend", method="PATCH")

    new = http.patch(f"/v2/orders/{old['id']}", json={"limit_price": "91"}).json()

    assert control.order(old["id"])["status"] == "pending_replace"
    assert http.delete(f"/v2/orders/{old['id']}").status_code == 422
    assert control.release_replace(old["id"])["id"] == new["id"]


def test_requests_over_the_limit_are_429(http: httpx.Client, control: Control) -> None:
    control.set_rate_limit(3)

    answers = [http.get("/v2/clock") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    left = [answer.headers["X-Ratelimit-Remaining"] for answer in answers]
    assert left == ["2", "1", "0", "0"]


def test_a_closed_port_refuses_and_opens_again(server: AlpacaServer, http: httpx.Client) -> None:
    assert http.get("/v2/clock").status_code == 200
    server.down()
    with pytest.raises(httpx.ConnectError):
        http.get("/v2/clock")

    server.up()

    assert http.get("/v2/clock").status_code == 200


@pytest.mark.parametrize(("body", "status"), [(b"{half", 400), (b"[]", 400), (b'{"qty": {}}', 422)])
def test_bodies_that_are_no_order(http: httpx.Client, body: bytes, status: int) -> None:
    assert http.post("/v2/orders", content=body).status_code == status


def test_queries_that_make_no_sense_are_4xx(http: httpx.Client) -> None:
    for path in (
        "/v2/orders?limit=many",
        "/v2/orders?after=yesterday",
        "/v2/orders?status=lost",
        "/v2/account/activities?page_size=1000",
        "/v2/account/activities?page_token=nobody",
        "/v2/account/portfolio/history?period=1Q",
        "/v2/account/portfolio/history?period=1D&start=2026-03-01&end=2026-03-02",
        "/v2/stocks/bars?timeframe=1Day",
        "/v2/positions/AAPL",
        "/v2/nothing",
    ):
        assert 400 <= http.get(path).status_code < 500, path


def test_a_fault_does_not_slow_the_others_down(
    server: AlpacaServer, http: httpx.Client, control: Control
) -> None:
    control.arm("hang", path="/v2/account")
    with pytest.raises(httpx.ReadTimeout):
        http.get("/v2/account", timeout=GIVES_UP)

    assert http.get("/v2/clock").status_code == 200  # while the other one still hangs
