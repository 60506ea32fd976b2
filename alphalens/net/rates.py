"""What a server says of its rate limit, read from the headers of an answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

__all__ = ["Rates", "read_rates"]

_EPOCHS_BEGIN = 1e9  # a reset below this cannot be an instant: it counts seconds from now
_EPOCHS_ARE_MS = 1e11


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """One reading of the rate headers; None where the server said nothing that can be read.

    Attributes
    ----------
    limit, remaining : int, optional
        Calls of one window, and those left of it.
    window : float, optional
        The server's own number for the end of the window; two answers of one window agree.
    resets_in_s : float, optional
        Seconds until that end, not below 0.
    retry_after_s : float, optional
        Seconds that the server asks to wait, not below 0.
    """

    limit: int | None = None
    remaining: int | None = None
    window: float | None = None
    resets_in_s: float | None = None
    retry_after_s: float | None = None

    @property
    def pause_s(self) -> float | None:
        """Seconds until another call makes sense, by what the server said; None if nothing."""
        if self.retry_after_s is not None:
            return self.retry_after_s
        return None if self.remaining else self.resets_in_s


def read_rates(headers: Mapping[str, str], *, wall_s: float) -> Rates:
    """Read ``X-Ratelimit-Limit``, ``-Remaining`` and ``-Reset``, and ``Retry-After``.

    The server's own ``Date`` is taken as the present where it is there, so that a wrong clock
    on this machine does not turn a pause of a second into one of a minute.

    Parameters
    ----------
    headers : Mapping of str to str
        Names in lower case.
    wall_s : float
        This machine's seconds since 1970, used where the answer has no date.

    Returns
    -------
    Rates
        What cannot be read is None, never an error: these headers are advice.

    Examples
    --------
    >>> rates = read_rates({"retry-after": "3"}, wall_s=0.0)
    >>> rates.pause_s
    3.0
    """
    present_s = _instant(headers.get("date"))
    now_s = wall_s if present_s is None else present_s
    window = _number(headers.get("x-ratelimit-reset"))
    return Rates(
        limit=_count(headers.get("x-ratelimit-limit")),
        remaining=_count(headers.get("x-ratelimit-remaining")),
        window=window,
        resets_in_s=None if window is None else _seconds_until(window, now_s),
        retry_after_s=_retry_after(headers.get("retry-after"), now_s),
    )


def _seconds_until(reset: float, now_s: float) -> float:
    if reset < _EPOCHS_BEGIN:
        return reset
    return max(0.0, (reset / 1000 if reset > _EPOCHS_ARE_MS else reset) - now_s)


def _retry_after(text: str | None, now_s: float) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    instant = _instant(text)
    return None if instant is None else max(0.0, instant - now_s)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _count(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _instant(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
