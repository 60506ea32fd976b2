from datetime import UTC, datetime, timedelta

import pytest

from alphalens.assets import AssetClass
from alphalens.errors import InputError
from alphalens.risk import enabled_classes

from .builders import CALL_100, CALL_110, D, intent, legs, sent, session

CLOSE = datetime(2024, 1, 2, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "crypto", "more"),
    [
        (False, False, set()),
        (True, False, {AssetClass.OPTION}),
        (False, True, {AssetClass.CRYPTO, AssetClass.PERPETUAL}),
    ],
)
def test_a_flag_enables_its_classes_and_no_other(options, crypto, more):
    always = {AssetClass.EQUITY, AssetClass.FUTURE}
    assert enabled_classes(options=options, crypto=crypto) == always | more


def test_open_order_tells_what_it_may_still_trade():
    assert sent(intent("10"), remaining="4").units == {"SPY": D(4)}
    spread = legs(("buy", CALL_100), ("sell", CALL_110), quantity="3")
    assert sent(spread, remaining="2").units == {CALL_100: D(2), CALL_110: D(-2)}
    assert not sent(intent("10"), remaining="0").is_open


def test_an_open_session_ends_at_its_close_though_nobody_said_so():
    hours = session(is_open=True)["XNYS"]
    assert hours.is_open_at(CLOSE - timedelta(seconds=1))
    assert not hours.is_open_at(CLOSE)
    assert not session(is_open=False)["XNYS"].is_open_at(CLOSE - timedelta(seconds=1))


@pytest.mark.parametrize("name", ["next_open", "next_close", "last_close"])
def test_hours_without_a_time_zone_are_refused(name):
    with pytest.raises(InputError, match=f"{name} .* has no time zone"):
        session(is_open=True, **{name: CLOSE.replace(tzinfo=None)})
