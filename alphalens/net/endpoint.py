"""Which addresses this package talks to, and which headers it sends them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from alphalens.errors import ConfigError

__all__ = ["checked_headers", "checked_host", "checked_url", "is_loopback"]

_PLAIN = {"http", "ws"}


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: ``localhost``, or an address of the loopback."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_url(url: str, *, schemes: tuple[str, str]) -> str:
    """Return a base address without its last slash.

    Parameters
    ----------
    url : str
        The address; it holds no user, query or fragment.
    schemes : tuple of str
        Those that are understood, such as ``("https", "http")``.

    Raises
    ------
    ConfigError
        If the address is none, or would send credentials unencrypted to another machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"an address cannot be read: {error}") from None
    if parts.scheme not in schemes or not host or "@" in parts.netloc:
        raise ConfigError(f"an address is {schemes[0]}://host, without a user; got {_bare(url)!r}")
    if parts.query or parts.fragment:
        raise ConfigError(f"an address holds no query and no fragment, got {_bare(url)!r}")
    if parts.scheme in _PLAIN and not is_loopback(host):
        raise ConfigError(
            f"{parts.scheme}://{host} would send the keys unencrypted; use {schemes[0]}:// "
            "(plain addresses are for this machine only)"
        )
    return url.rstrip("/")


def checked_host(
    url: str, *, schemes: tuple[str, str], hosts: Collection[str], owner: str, has_path: bool
) -> str:
    """Return an address that keys may be sent to: its host is one of `hosts`, or this machine.

    Parameters
    ----------
    url, schemes : str, tuple of str
        As `checked_url`.
    hosts : collection of str
        Whom the keys are for.
    owner : str
        Who gave the keys, for errors.
    has_path : bool
        Whether the address may name more than scheme and host.

    Raises
    ------
    ConfigError
        If it is another host, has a path and should not, or as `checked_url`.
    """
    address = checked_url(url, schemes=schemes)
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.path and not has_path:
        raise ConfigError(f"the address {address!r} is scheme and host only: leave {parts.path}")
    if host not in hosts and not is_loopback(host):
        raise ConfigError(
            f"host {host!r} is none that keys of {owner} are sent to: use one of "
            f"{', '.join(sorted(hosts))}, or a loopback address"
        )
    return address


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers that can be sent; an error names the header and never shows its value.

    Raises
    ------
    ConfigError
        If a value is empty, or holds a line break, a control character or a non-ASCII letter.
    """
    for name, value in headers.items():
        if not value or not (value.isascii() and value.isprintable()) or value != value.strip():
            raise ConfigError(
                f"the value of the header {name!r} is empty or holds a space at an end, a line "
                "break or a letter outside ASCII; correct the key in the settings"
            )
    return dict(headers)


def _bare(url: str) -> str:
    """Leave out whatever could be a password or a key."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}".partition("?")[0] if rest else scheme[:20]
