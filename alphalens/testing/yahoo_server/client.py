"""The vendor's own client, yfinance, pointed at the loopback vendor and at nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter


class _Detour(HTTPAdapter):
    """Sends what is meant for any host to one address; the host is told in the header."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = urlsplit(url)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float | None, float | None] | None = None,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> requests.Response:
        """Send a request; the answer is the one of the address that was asked for."""
        asked = urlsplit(str(request.url))
        sent = request.copy()
        sent.url = urlunsplit(asked._replace(scheme=self._to.scheme, netloc=self._to.netloc))
        sent.headers["Host"] = asked.netloc
        answer = super().send(sent, stream, timeout, verify, cert, proxies)
        answer.request, answer.url = request, str(request.url)
        return answer


def loopback_session(url: str) -> requests.Session:
    """Return a session for yfinance that reaches the vendor at `url`, whatever host it asks for."""
    session = requests.Session()
    session.trust_env = False
    detour = _Detour(url)
    session.mount("https://", detour)
    session.mount("http://", detour)
    return session


@contextmanager
def loopback_yfinance(url: str, cache: Path) -> Iterator[requests.Session]:
    """Let yfinance know nothing of earlier use, keep its files in `cache`, and raise its errors.

    It holds one session, one cookie and one crumb for the process, and remembers time zones and
    answers; all of that is new inside, and gone afterwards.
    """
    from yfinance import set_tz_cache_location
    from yfinance.config import YfConfig

    set_tz_cache_location(str(cache))
    _forget()
    hidden = YfConfig.debug.hide_exceptions
    YfConfig.debug.hide_exceptions = False
    try:
        with loopback_session(url) as session:
            yield session
    finally:
        YfConfig.debug.hide_exceptions = hidden
        _forget()
        set_tz_cache_location(str(cache))  # closes the files


def _forget() -> None:
    from yfinance import cache
    from yfinance.data import SingletonMeta, YfData

    SingletonMeta._instances.clear()
    YfData.cache_get.cache_clear()
    cache._TzCacheManager._tz_cache = None
    cache._CookieCacheManager._Cookie_cache = None
    cache._ISINCacheManager._isin_cache = None
