"""Single values of a vendor's JSON: figures, days, instants and the parts of an object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alphalens.assets.calendars import Session
from alphalens.assets.contracts import OccSymbol
from alphalens.data._vendors.cells import instants
from alphalens.data._vendors.reading import Unfit
from alphalens.data.bars import NO_TIME
from alphalens.data.port import CorporateAction
from alphalens.data.reasons import Reason
from alphalens.errors import InputError
from alphalens.net.exact_json import decimal, mapping
from alphalens.net.failures import Unreadable

__all__ = ["contract_of", "day", "figure", "local_session", "member", "moment", "sound"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEW_YORK = ZoneInfo("America/New_York")
_OPEN, _CLOSE = time(9, 30), time(16)  # of an ordinary day


def contract_of(text: str, underlying: str) -> str:
    """Return the canonical symbol of an option that a vendor says is one on `underlying`.

    A root may be longer than the share's symbol: ``AAPL1`` after an action, ``SPXW`` for weeks.

    Raises
    ------
    Unfit
        If it is no option's symbol, or one on something else.

    Examples
    --------
    >>> contract_of("BRKB250117P00190000", "BRK.B")
    'BRKB250117P00190000'
    """
    try:
        contract = OccSymbol.parse(text)
    except InputError as error:
        raise Unfit(Reason.WRONG_SYMBOL, str(error)) from error
    if not contract.root.startswith(underlying.replace(".", "")):
        raise Unfit(Reason.WRONG_SYMBOL, f"{text} is no option on {underlying}")
    return contract.compact


def figure(row: Mapping[str, Any], key: str) -> float:
    """Return a number as a float, NaN if the vendor does not tell it.

    Raises
    ------
    Unreadable
        If it is told and is no number.

    Examples
    --------
    >>> figure({"price": "1.5"}, "price"), figure({}, "price")
    (1.5, nan)
    """
    value = row.get(key)
    return math.nan if value is None else float(decimal(value, key))


def member(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object within an object, empty if it is not there.

    Raises
    ------
    Unreadable
        If it is there and is no object.
    """
    value = row.get(key)
    return {} if value is None else mapping(value, key)


def day(row: Mapping[str, Any], key: str) -> date:
    """Return a date that was written ``2024-01-31``.

    Raises
    ------
    Unreadable
        If it is none.
    """
    value = row.get(key)
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Unreadable(f"{key} should be a date like 2024-01-31, got {value!r}") from None


def local_session(day: date, opens: time = _OPEN, closes: time = _CLOSE) -> Session:
    """Return a session of the US exchanges, by the clock of New York.

    Raises
    ------
    Unreadable
        If it closes before it opens.

    Examples
    --------
    >>> half = local_session(date(2026, 11, 27), closes=time(13))
    >>> half.close.isoformat(), half.is_half_day
    ('2026-11-27T18:00:00+00:00', True)
    """
    if not opens < closes:
        raise Unreadable(f"the session of {day} opens at {opens} and closes at {closes}")
    return Session(
        date=day,
        open=datetime.combine(day, opens, _NEW_YORK).astimezone(UTC),
        close=datetime.combine(day, closes, _NEW_YORK).astimezone(UTC),
        is_half_day=closes < _CLOSE,
    )


def moment(row: Mapping[str, Any], key: str) -> datetime | None:
    """Return an instant, as RFC 3339 text or an epoch of any unit; None if it is not told.

    Raises
    ------
    Unreadable
        If it is told and is none.

    Examples
    --------
    >>> moment({"t": 1704171600000000000}, "t").isoformat()
    '2024-01-02T05:00:00+00:00'
    """
    value = row.get(key)
    if value is None:
        return None
    time = int(instants([value])[0][0])
    if time == NO_TIME:
        raise Unreadable(f"{key} should be an instant from 1990 to 2100, got {value!r}")
    return _EPOCH + timedelta(microseconds=time)


def sound(action: CorporateAction) -> CorporateAction:
    """Return an action whose figures can be true.

    Raises
    ------
    Unreadable
        If they cannot: kept, it would spoil every price before it.
    """
    if action.flaw:
        raise Unreadable(f"{action.symbol}, {action.ex_date}: {action.flaw}")
    return action
