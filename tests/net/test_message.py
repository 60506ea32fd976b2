from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.net import Ambiguous, Request, Response


def response(body, status=200):
    return Response(status=status, headers={}, body=body, elapsed_s=0.0)


@pytest.mark.parametrize(
    "path", ["v2/orders", "//".strip("/"), "/a?b=c", "/a#b", "/a b", "/a\r\nb"]
)
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(InputError, match="begins with /"):
        Request(method="GET", path=path)


def test_unknown_methods_and_deadlines_without_time_are_refused():
    with pytest.raises(InputError, match="'get'"):
        Request(method="get", path="/")
    with pytest.raises(InputError, match="deadline_s is 0"):
        Request(method="GET", path="/", deadline_s=0)


def test_a_request_and_an_answer_show_no_contents():
    request = Request(
        method="POST", path="/", params={"apiKey": "s3cret"}, body="s3cret", headers={"k": "s3cret"}
    )
    assert "s3cret" not in repr(request) + repr(response(b"s3cret"))


def test_numbers_stay_exact():
    read = response(b'{"p": 0.1, "n": 12345678901234567890, "e": 1e-9}').json()
    assert read == {"p": Decimal("0.1"), "n": 12345678901234567890, "e": Decimal("1e-9")}


@pytest.mark.parametrize(
    "body",
    [b"<html>502</html>", b"", b'{"a":', b"NaN", b"-Infinity", b"\xff\xfe\x00", b"[" * 99999],
)
def test_a_body_that_is_no_json_leaves_the_outcome_open(body):
    with pytest.raises(Ambiguous, match=f"status 200 with {len(body)} bytes is no JSON"):
        response(body).json()


def test_text_never_fails():
    assert response(b"\xffok").text == "\ufffdok"
