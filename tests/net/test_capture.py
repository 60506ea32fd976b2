import base64
import json
from urllib.parse import urlencode

import pytest

from alphalens.errors import ConfigError
from alphalens.net import CaptureRing, Redactor
from alphalens.net.capture import Exchange

SECRET = 's3cr+t/"é\\x'


def exchange(number):
    return Exchange(
        method="GET", path=f"/{number}", sent="", received="", status=200, elapsed_s=0.1
    )


@pytest.mark.parametrize(
    "text", [SECRET, urlencode({"k": SECRET}), json.dumps({"k": SECRET}), f"<{SECRET}{SECRET}>"]
)
def test_a_secret_goes_in_every_form_it_may_travel_in(text):
    shown = Redactor.of([SECRET])(text)
    assert "***" in shown
    assert "s3cr" not in shown


def test_the_longer_of_two_secrets_goes_whole():
    assert Redactor.of(["abc", "abcdef"])("abcdef abc") == "*** ***"


def test_the_token_of_an_authorization_is_secret_without_its_scheme():
    token = base64.b64encode(b"key:secret").decode()
    redact = Redactor.of_headers({"Authorization": f"Basic {token}"}, more=["secret"])
    assert redact(f"sent {token} and secret") == "sent *** and ***"
    assert redact("Basic facts") == "Basic facts"


def test_nothing_secret_leaves_texts_alone_and_the_redactor_shows_nothing():
    assert Redactor.of(["", "  "])("as it is") == "as it is"
    assert SECRET not in repr(Redactor.of([SECRET]))


def test_a_ring_keeps_the_last_ones_in_order():
    ring = CaptureRing(size=2)
    for number in range(4):
        ring(exchange(number))
    assert [kept.path for kept in ring.exchanges()] == ["/2", "/3"]
    with pytest.raises(ConfigError, match="size=0"):
        CaptureRing(size=0)
