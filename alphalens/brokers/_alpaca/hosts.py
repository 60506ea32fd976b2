"""Which host moves real money."""

from __future__ import annotations

from urllib.parse import urlsplit

from alphalens.data.alpaca_hosts import LIVE_HOST, VENUE_HOSTS
from alphalens.errors import ConfigError
from alphalens.net.endpoint import checked_host

__all__ = ["check_urls"]

_STREAM_PATH = "/stream"


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
    base = checked_host(
        base_url, schemes=("https", "http"), hosts=VENUE_HOSTS, owner="Alpaca", has_path=False
    )
    parts = urlsplit(base)
    scheme = "wss" if parts.scheme == "https" else "ws"
    stream = checked_host(
        stream_url or f"{scheme}://{parts.netloc}{_STREAM_PATH}",
        schemes=("wss", "ws"),
        hosts=VENUE_HOSTS,
        owner="Alpaca",
        has_path=True,
    )
    for url in (base, stream):
        if (urlsplit(url).hostname == LIVE_HOST) is not is_live:
            raise ConfigError(
                f"the account is said to be {'live' if is_live else 'paper'}, and "
                f"{urlsplit(url).hostname} is {'a paper' if is_live else 'the live'} host: "
                f"correct the one that is wrong"
            )
    return base, stream
