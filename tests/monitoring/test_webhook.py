"""The webhook: what is sent, what counts as taken, and that it never takes long."""

import socket

import pytest

from alphalens.errors import ConfigError
from alphalens.monitoring.channels import NotDelivered, Notice
from alphalens.monitoring.webhook import WebhookChannel
from tests.waiting import PATIENCE_S

from .receiver import Receiver, receiving

NOTICE = Notice(
    seq=17,
    hash="5f",
    at="2024-01-02T21:00:00.000000Z",
    run_id="r1",
    cycle_id="c1",
    code="state_changed",
    severity="critical",
    message="trading is halted",
    values={"by": "ann"},
)


def _send(url, **more):
    channel = WebhookChannel(url, **{"timeout_s": 2.0, **more})
    try:
        channel.send(NOTICE)
    finally:
        channel.close()


def test_alert_is_posted_as_documented():
    with receiving() as (receiver, url):
        _send(f"{url}/hooks/abc%20d?token=t0ken&x=", headers={"Authorization": "Bearer k3y"})
    assert receiver.got == [
        {
            "version": 1,
            "seq": 17,
            "hash": "5f",
            "at": "2024-01-02T21:00:00.000000Z",
            "run_id": "r1",
            "cycle_id": "c1",
            "code": "state_changed",
            "severity": "critical",
            "message": "trading is halted",
            "values": {"by": "ann"},
            "text": "CRITICAL state_changed: trading is halted",
        }
    ]
    assert (receiver.keys, receiver.paths) == (["17"], ["/hooks/abc%20d?token=t0ken&x="])
    assert receiver.headers[0]["content-type"] == "application/json"
    assert receiver.headers[0]["authorization"] == "Bearer k3y"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_means_taken(status):
    with receiving(lambda payload: (status, "text/plain", b"")) as (receiver, url):
        _send(url)
    assert receiver.seqs == [17]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (429, "answered 429"),
        ((302, "text/plain", b""), "a redirect, which is not followed"),
        ((200, "text/html; charset=utf-8", b"<html>log in</html>"), "an HTML page"),
        ((200, "text/plain", b"x" * 70_000), "longer than 65536 bytes"),
    ],
)
def test_other_answers_are_no_delivery_and_are_asked_for_once(answer, message):
    with (
        receiving(lambda payload: answer) as (receiver, url),
        pytest.raises(NotDelivered, match=message),
    ):
        _send(url)
    assert (receiver.seqs, receiver.paths) == ([17], ["/"])


def test_nobody_there_is_no_delivery():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused
        with pytest.raises(NotDelivered, match="Nothing was sent"):
            _send(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_answer_that_never_comes_costs_the_timeout_and_no_more():
    with (
        receiving(lambda payload: Receiver.HANG) as (_, url),
        pytest.raises(NotDelivered, match="the deadline passed"),
    ):
        _send(url, timeout_s=0.2)


def test_closed_channel_delivers_nothing():
    channel = WebhookChannel("http://127.0.0.1:1")
    channel.close()
    channel.close()
    with pytest.raises(NotDelivered, match="closed"):
        channel.send(NOTICE)


def test_what_is_secret_in_the_address_is_in_no_message():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        channel = WebhookChannel(
            f"http://127.0.0.1:{port}/services/T0001/s3cr3t?token=t0ken",
            headers={"Authorization": "Bearer k3y-abc"},
            timeout_s=PATIENCE_S,
        )
        with pytest.raises(NotDelivered) as failed:
            channel.send(NOTICE)
        channel.close()
    said = f"{failed.value!r} {channel.name} {channel._transport!r}"
    for secret in ("s3cr3t", "T0001", "t0ken", "k3y-abc"):
        assert secret not in said


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://hooks.example.com/s3cr3t", "unencrypted"),
        ("ftp://hooks.example.com/s3cr3t", "an address is https://host"),
        ("hooks.example.com/s3cr3t", "an address is https://host"),
        ("https://user:s3cr3t@hooks.example.com/", "without a user"),
        ("https://hooks.example.com/x?s3cr3t", "cannot be read"),
        ("https://hooks.example.com/x?a=1&a=s3cr3t", "a key twice"),
        ("https://hooks.example.com/x#s3cr3t", "fragment"),
        ("https://[s3cr3t", "cannot be read"),
        ("", "an address is https://host"),
    ],
)
def test_address_that_cannot_be_used_is_refused_without_its_secrets(url, message):
    with pytest.raises(ConfigError, match=message) as refused:
        WebhookChannel(url)
    assert "s3cr3t" not in str(refused.value)


def test_timeout_must_be_positive():
    with pytest.raises(ConfigError, match="timeout_s is 0"):
        WebhookChannel("https://hooks.example.com/", timeout_s=0)
