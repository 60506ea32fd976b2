"""Which host moves real money."""

from __future__ import annotations

from urllib.parse import urlsplit

from alphalens.errors import ConfigError
from alphalens.net.endpoint import checked_url, is_loopback

__all__ = ["check_urls", "is_live_url"]

LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"
_STREAM_PATH = "/stream"


def is_live_url(url: str) -> bool:
    """Return whether orders sent to `url` move real money: its host alone decides.

    Raises
    ------
    ConfigError
        If the host is neither of Alpaca's two nor this machine.

    Examples
    --------
    >>> is_live_url("https://paper-api.alpaca.markets")
    False
    """
    host = (urlsplit(url).hostname or "").lower()
    if host in (LIVE_HOST, PAPER_HOST):
        return host == LIVE_HOST
    if is_loopback(host):
        return False
    raise ConfigError(
        f"host {host!r} is not one that orders are sent to: use {PAPER_HOST} (paper), "
        f"{LIVE_HOST} (live) or a loopback address"
    )


def check_urls(base_url: str, stream_url: str, *, is_live: bool) -> tuple[str, str]:
    """Return the addresses of REST and stream, after both were found to agree with `is_live`.

    Parameters
    ----------
    base_url : str
        Scheme and host of the trading API, without a path.
    stream_url : str
        Address of the stream; empty: the one of the same host.
    is_live : bool
        What the settings say.

    Raises
    ------
    ConfigError
        If an address cannot be read, would send keys unencrypted, names an unknown host, or
        one of the other kind.
    """
    base = checked_url(base_url, schemes=("https", "http"))
    parts = urlsplit(base)
    if parts.path:
        raise ConfigError(f"base_url {base!r} should be scheme and host only: leave {parts.path}")
    scheme = "wss" if parts.scheme == "https" else "ws"
    stream = checked_url(
        stream_url or f"{scheme}://{parts.netloc}{_STREAM_PATH}", schemes=("wss", "ws")
    )
    for url in (base, stream):
        if is_live_url(url) is not is_live:
            raise ConfigError(
                f"the account is said to be {'live' if is_live else 'paper'}, and "
                f"{urlsplit(url).hostname} is {'a paper' if is_live else 'the live'} host: "
                f"correct the one that is wrong"
            )
    return base, stream
