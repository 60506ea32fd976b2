import json

import pytest

from alphalens.brokers._alpaca.refusals import (
    error_of,
    is_id_taken,
    is_no_such_order,
    message_of,
    order_error,
)
from alphalens.errors import BrokerError, CredentialsRefused, OrderRejected, OutcomeUnknown
from alphalens.net import Response


def answer(status: int, body: object) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(status=status, headers={}, body=text.encode(), elapsed_s=0.0)


@pytest.mark.parametrize(
    ("status", "code", "message", "name"),
    [
        (403, 40310000, "insufficient buying power", "insufficient_buying_power"),
        (403, 40310000, "insufficient day trading buying power", "insufficient_buying_power"),
        (
            403,
            40310000,
            "insufficient qty available for order (requested: 9, available: 0)",
            "insufficient_quantity",
        ),
        (403, 40310000, "potential wash trade detected. use complex orders", "wash_trade"),
        (403, 40310000, "account is not allowed to short", "short_not_allowed"),
        (
            403,
            40310000,
            "cannot open a short sell while a long buy order is open",
            "short_not_allowed",
        ),
        (422, 42210000, 'asset "X" cannot be sold short', "not_shortable"),
        (422, 42210000, "fractional orders cannot be sold short", "not_shortable"),
        (403, 40310000, "requested asset is not fractionable", "not_fractionable"),
        (422, 42210000, "fractional orders must be DAY orders", "fraction_not_allowed"),
        (
            422,
            42210000,
            "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing",
            "sub_penny",
        ),
        (422, 42210000, "stop_loss.stop_price must be <= base_price - 0.01", "exit_too_close"),
        (403, 40310000, "cost basis must be >= minimal amount of order 1", "min_notional"),
        (422, 42210000, 'asset "X" is not tradable', "not_tradable"),
        (422, 42210000, 'asset "X" not found', "unknown_symbol"),
        (403, 40310000, "new orders are rejected by user request", "suspended"),
        (
            403,
            40310000,
            "account not eligible to trade uncovered option contracts",
            "uncovered_option",
        ),
        (
            422,
            42210000,
            "options market orders are only allowed during market hours",
            "market_closed",
        ),
        (
            422,
            42210000,
            "crypto orders not allowed for advanced order_class: otoco",
            "class_not_allowed",
        ),
        (422, 42210000, "something that nobody has seen", "42210000"),
    ],
)
def test_definite_no_has_a_short_name(status, code, message, name) -> None:
    error = order_error(answer(status, {"code": code, "message": message}), "order x")
    assert isinstance(error, OrderRejected)
    assert (error.code, error.details["message"]) == (name, message)
    assert message.split(" (")[0] in str(error)


def test_details_name_the_order_in_the_way() -> None:
    body = {
        "code": 40310000,
        "message": "potential wash trade detected. use complex orders",
        "existing_order_id": "61e6",
        "reject_reason": "opposite side limit order exists",
        "related_orders": ["61e6"],
    }
    error = order_error(answer(403, body), "order x")
    assert error.details["existing_order_id"] == "61e6"
    assert error.details["status"] == "403"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"message": "unauthorized."}),
        (401, {"code": 40110000, "message": "request is not authorized"}),
        (403, {"message": "forbidden."}),
        (403, "<html>403</html>"),
    ],
)
def test_keys_that_are_refused(status, body) -> None:
    assert isinstance(order_error(answer(status, body), "order x"), CredentialsRefused)
    assert isinstance(error_of(answer(status, body), "clock"), CredentialsRefused)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"code": 42910000, "message": "rate limit exceeded"}),
        (500, {"code": 50010000, "message": "internal server error occurred"}),
        (502, "<html>Bad Gateway</html>"),
        (504, {"code": 50410000, "message": "request timed out"}),
        (408, {"code": 40810000, "message": "timeout"}),
        (302, ""),
        (404, "<html>404</html>"),
        (422, "<html>422</html>"),
        (422, {"message": "no code"}),
        (400, "[]"),
    ],
)
def test_everything_else_leaves_doubt(status, body) -> None:
    assert isinstance(order_error(answer(status, body), "order x"), OutcomeUnknown)


def test_question_without_an_answer_is_a_plain_error() -> None:
    error = error_of(answer(500, "x"), "clock")
    assert type(error) is BrokerError
    assert "clock" in str(error)


def test_taken_id_and_missing_order_are_told_by_code() -> None:
    taken = {"code": 40010001, "message": "client_order_id must be unique"}
    assert is_id_taken(answer(422, taken))
    assert is_id_taken(answer(409, ""))
    assert not is_id_taken(answer(422, {"code": 42210000, "message": "x"}))
    assert is_no_such_order(answer(404, {"code": 40410000, "message": "order not found"}))
    assert not is_no_such_order(answer(404, "<html>no such page</html>"))


def test_replacement_of_an_order_that_is_not_there() -> None:
    body = {"code": 40410000, "message": "order not found for 61e6"}
    error = order_error(answer(404, body), "replacement", is_replace=True)
    assert error.code == "unknown_order"


def test_message_is_one_short_line() -> None:
    assert message_of(answer(502, "<html>\n  " + "x" * 500)) == "<html> " + "x" * 193
