import pytest

from alphalens.brokers._alpaca.hosts import check_urls
from alphalens.errors import ConfigError

LIVE, PAPER = "https://api.alpaca.markets", "https://paper-api.alpaca.markets"


@pytest.mark.parametrize(
    ("url", "is_live"),
    [
        (LIVE, True),
        ("https://API.alpaca.markets", True),
        (PAPER, False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://localhost", False),
    ],
)
def test_host_alone_decides(url: str, is_live: bool) -> None:
    assert check_urls(url, "", is_live=is_live)[0] == url
    with pytest.raises(ConfigError, match="the account is said to be"):
        check_urls(url, "", is_live=not is_live)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alpaca.markets.evil.example",
        "https://broker-api.alpaca.markets",
        "https://10.0.0.1",
    ],
)
def test_unknown_host_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="none that keys of Alpaca are sent to"):
        check_urls(url, "", is_live=False)


@pytest.mark.parametrize(("url", "is_live"), [(LIVE, False), (PAPER, True)])
def test_flag_and_host_that_disagree_are_both_named(url: str, is_live: bool) -> None:
    with pytest.raises(ConfigError) as caught:
        check_urls(url, "", is_live=is_live)
    said = str(caught.value)
    assert ("live" if is_live else "paper") in said
    assert url.removeprefix("https://") in said


def test_stream_is_of_the_same_host_and_encrypted() -> None:
    base, stream = check_urls(PAPER + "/", "", is_live=False)
    assert (base, stream) == (PAPER, "wss://paper-api.alpaca.markets/stream")


def test_live_stream_beside_a_paper_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="the live host"):
        check_urls(PAPER, "wss://api.alpaca.markets/stream", is_live=False)


@pytest.mark.parametrize(
    "url", ["http://paper-api.alpaca.markets", "ftp://127.0.0.1", "https://u:p@127.0.0.1"]
)
def test_address_that_would_show_the_keys_or_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        check_urls(url, "", is_live=False)


def test_path_in_the_base_is_refused() -> None:
    with pytest.raises(ConfigError, match="leave /v2"):
        check_urls(PAPER + "/v2", "", is_live=False)
