import pytest

from alphalens.errors import ConfigError
from alphalens.net.endpoint import checked_headers, checked_host, checked_url, is_loopback

SCHEMES = ("https", "http")


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com/v2/", "http://127.0.0.1:80", "http://[::1]:8", "http://localhost"],
)
def test_encrypted_addresses_and_this_machine_are_taken(url):
    assert checked_url(url, schemes=SCHEMES) == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://api.example.com", "unencrypted"),
        ("http://127.0.0.1.example.com", "unencrypted"),
        ("ftp://example.com", "https://host"),
        ("example.com", "https://host"),
        ("https://", "https://host"),
        ("https://example.com/?key=s3cret", "no query"),
        ("https://user:s3cret@example.com", "without a user"),
        ("https://example.com:port", "cannot be read"),
    ],
)
def test_other_addresses_are_refused_without_showing_a_secret(url, says):
    with pytest.raises(ConfigError, match=says) as caught:
        checked_url(url, schemes=SCHEMES)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "s3cret\n", " s3cret", "s3crét", "s3\x00cret"])
def test_a_header_that_cannot_be_sent_is_named_and_its_value_is_not(value):
    with pytest.raises(ConfigError, match="'X-Key'") as caught:
        checked_headers({"X-Key": value})
    assert "s3" not in str(caught.value)


def test_only_this_machine_is_loopback():
    assert is_loopback("127.8.9.1")
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("localhost.example.com")


def test_keys_go_to_their_owners_hosts_or_to_this_machine():
    def checked(url, *, has_path=False):
        hosts = ("a.example", "b.example")
        return checked_host(url, schemes=SCHEMES, hosts=hosts, owner="Shop", has_path=has_path)

    assert checked("https://b.example/") == "https://b.example"
    assert checked("http://127.0.0.1:9") == "http://127.0.0.1:9"
    assert checked("https://a.example/feed", has_path=True) == "https://a.example/feed"
    with pytest.raises(ConfigError, match=r"keys of Shop are sent to: use one of a.example"):
        checked("https://c.example")
    with pytest.raises(ConfigError, match="leave /feed"):
        checked("https://a.example/feed")
