"""The calendars that vendors tell, and where they are not ours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from alphalens.assets.calendars import sessions
from alphalens.data.alpaca_provider import AlpacaProvider
from alphalens.data.calendar_agreement import calendar_differences
from alphalens.data.polygon_provider import PolygonProvider
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import ConfigError, DataError, InputError
from alphalens.net import Timing
from alphalens.testing.alpaca_server import AlpacaServer

from .scripted_vendor import QUICK, Say, scripted

FIRST, LAST = date(2026, 11, 23), date(2026, 12, 31)
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
OURS = sessions("XNYS", FIRST, LAST)


def holiday(day: str, exchange: str = "NYSE", **more: str) -> dict[str, str]:
    return {"date": day, "exchange": exchange, "name": "x", "status": "closed", **more}


def early(day: str, closes: str = "18:00:00.000Z") -> dict[str, str]:
    hours = {"open": f"{day}T14:30:00.000Z", "close": f"{day}T{closes}"}
    return holiday(day, **{"status": "early-close", **hours})


#: As Polygon tells the rest of that year, other exchanges between.
HOLIDAYS = [
    holiday("2026-11-26"),
    holiday("2026-11-26", "NASDAQ"),
    early("2026-11-27"),
    holiday("2026-12-07", "OTC"),
    early("2026-12-24"),
    holiday("2026-12-25"),
    holiday("2027-01-01"),
]


@contextmanager
def polygon(*answers: object) -> Iterator[PolygonProvider]:
    timing = Timing(wall=NOW.timestamp)
    with (
        scripted(*answers) as vendor,
        PolygonProvider(
            "k", base_url=vendor.url, rng=random.Random(1), options=QUICK, timing=timing
        ) as made,
    ):
        yield made


@contextmanager
def alpaca(venue_url: str) -> Iterator[AlpacaProvider]:
    with AlpacaProvider(
        "key",
        "secret",
        base_url="http://127.0.0.1:9",
        venue_url=venue_url,
        rng=random.Random(1),
        options=QUICK,
    ) as made:
        yield made


def test_alpaca_tells_the_sessions_of_its_venue(tmp_path):
    with AlpacaServer(tmp_path / "venue.sqlite", keys=("key", "secret"), now=NOW) as server:
        with alpaca(server.rest_url) as provider:
            assert provider.sessions(FIRST, LAST) == OURS
            assert provider.calls == 1
        (asked,) = server.control.requests("GET")
    assert (asked["path"], asked["query"]) == (
        "/v2/calendar",
        "start=2026-11-23&end=2026-12-31",
    )


def test_polygon_tells_the_weekdays_that_are_no_holidays():
    with polygon(HOLIDAYS) as provider:
        assert provider.sessions(FIRST, LAST) == OURS


def test_alpaca_without_a_venue_has_no_calendar_and_another_host_gets_no_keys():
    with alpaca("") as provider:
        assert not provider.capabilities.sessions
        with pytest.raises(InputError, match="give venue_url"):
            provider.sessions(FIRST, LAST)
    with pytest.raises(ConfigError, match=r"api\.alpaca\.markets"), alpaca("https://evil.example"):
        pass


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 22), LAST, "must not be before 2026-11-23"),
        (LAST, FIRST, "nor after the last"),
        (FIRST, date(2027, 1, 2), "holidays up to 2027-01-01, and what comes after is not known"),
    ],
)
def test_polygon_refuses_days_of_which_it_does_not_tell(first, last, said):
    with polygon(HOLIDAYS) as provider, pytest.raises(InputError, match=said):
        provider.sessions(first, last)


@pytest.mark.parametrize(
    "body",
    [
        {"results": []},
        [holiday("2026-11-26", status="open")],
        [holiday("the 26th")],
        [holiday("2026-11-27", status="early-close")],
        [early("2026-11-27", "14:00:00.000Z")],
    ],
)
def test_holidays_that_cannot_be_read_are_refused(body):
    with polygon(body) as provider, pytest.raises(AnswerRefused) as refused:
        provider.sessions(FIRST, FIRST)
    assert refused.value.reason is Reason.SCHEMA_DRIFT


DAY = {"date": "2026-11-25", "open": "09:30", "close": "16:00"}


@pytest.mark.parametrize(
    "body",
    [
        {"calendar": []},
        [{**DAY, "open": 930}],
        [{**DAY, "close": "09:00"}],
        [DAY, {**DAY, "date": "2026-11-24"}],
        [{**DAY, "date": "2027-11-25"}],
    ],
)
def test_days_that_cannot_be_read_are_refused(body):
    with scripted(body) as vendor, alpaca(vendor.url) as provider:
        with pytest.raises(AnswerRefused) as refused:
            provider.sessions(FIRST, LAST)
        assert refused.value.reason is Reason.SCHEMA_DRIFT
        assert list(provider.refused) == [refused.value]


def test_venue_that_says_no_is_told():
    no = Say({"message": "forbidden."}, status=403)
    said = r"/v2/calendar: status 403, forbidden\.; check"
    with scripted(no) as vendor, alpaca(vendor.url) as made, pytest.raises(DataError, match=said):
        made.sessions(FIRST, LAST)


def test_differences_are_told_by_day_in_words():
    later = replace(OURS[3], close=OURS[3].close + timedelta(hours=3))
    holiday_there = replace(OURS[0], date=date(2026, 11, 26))
    told = [*OURS[:1], holiday_there, later, *OURS[5:]]
    assert calendar_differences(told, "XNYS", FIRST, LAST) == (
        "2026-11-24: closed there, open from 14:30 to 21:00 UTC here",
        "2026-11-25: closed there, open from 14:30 to 21:00 UTC here",
        "2026-11-26: open from 14:30 to 21:00 UTC there, closed here",
        "2026-11-27: open from 14:30 to 21:00 UTC there, open from 14:30 to 18:00 UTC here",
        "2026-11-30: closed there, open from 14:30 to 21:00 UTC here",
    )
    assert calendar_differences(OURS, "XNYS", FIRST, LAST) == ()
