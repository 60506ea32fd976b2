"""What is asked of a vendor, and what is refused before anything is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alphalens.data.asks import Ask, RestOptions, can_give
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.port import BarRequest, DataCapabilities
from alphalens.errors import ConfigError, InputError


def test_an_ask_is_told_as_its_address():
    assert str(Ask(path="/v1/bars")) == "/v1/bars"
    assert str(Ask(path="/v1/bars", params={"s": "BTC/USD"})) == "/v1/bars?s=BTC%2FUSD"


def test_what_a_vendor_does_not_have_names_what_it_has():
    start = datetime(2024, 1, 2, tzinfo=UTC)
    asked = BarRequest(
        symbols=("AAPL",),
        start=start,
        end=start + timedelta(days=1),
        timeframe=Timeframe.HOUR,
        adjustment=Adjustment.ALL,
    )
    has = DataCapabilities(
        timeframes=frozenset(Timeframe),
        adjustments=frozenset({Adjustment.RAW}),
        asset_classes=frozenset(),
        calls_per_minute=1,
    )
    with pytest.raises(InputError, match="shop has no adjustment all; it has raw"):
        can_give(asked, has, set(), "shop")
    can_give(replace(asked, adjustment=Adjustment.RAW), has, set(), "shop")


@pytest.mark.parametrize(
    "changes",
    [{"calls_per_minute": 0}, {"timeout_s": -1.0}, {"parallel": 0}, {"page_size": -1}],
)
def test_options_that_could_never_work_are_refused(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        RestOptions(**changes)
