from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import Crypto, Perpetual
from alphalens.assets.calendars import is_open
from alphalens.errors import InputError

D = Decimal


def test_pair_is_priced_in_its_quote_and_open_around_the_clock():
    pair = Crypto(symbol="ETH/BTC", tick=D("0.00001"))
    assert (pair.base, pair.quote, pair.currency) == ("ETH", "BTC", "BTC")
    assert is_open(pair.calendar, datetime(2026, 12, 25, 4, tzinfo=UTC))
    assert pair.is_fractionable
    assert not pair.is_shortable
    assert not pair.is_marginable


def test_pair_lies_on_the_increments_of_its_venue_at_every_price():
    pair = Crypto(symbol="DOGE/USD", tick=D("0.00001"), lot=D("0.01"))
    assert pair.round_price(D("0.123456"), is_buy=True) == D("0.12345")
    assert pair.round_price(D("123.123456"), is_buy=False) == D("123.12346")
    assert pair.round_quantity(D("-7.6789")) == D("-7.67")


def test_nine_decimals_survive():
    pair = Crypto(symbol="BTC/USD")
    assert str(pair.round_quantity(D("0.1234567899"))) == "0.123456789"


@pytest.mark.parametrize("kind", [Crypto, Perpetual])
@pytest.mark.parametrize("symbol", ["BTCUSD", "btc/usd", "BTC/GBP", "BTC", ""])
def test_other_forms_of_the_symbol_are_refused(kind, symbol):
    with pytest.raises(InputError):
        kind(symbol=symbol)


def test_spot_and_perpetual_are_not_mistaken_for_each_other():
    with pytest.raises(InputError, match="is a perpetual"):
        Crypto(symbol="BTC/USDT-PERP")
    with pytest.raises(InputError, match="must end with -PERP"):
        Perpetual(symbol="BTC/USDT")


def test_perpetual_can_be_sold_short_and_never_ends():
    swap = Perpetual(symbol="BTC/USDT-PERP")
    assert (swap.base, swap.currency) == ("BTC", "USDT")
    assert swap.is_shortable
    assert swap.last_trading_instant() is None


@pytest.mark.parametrize(
    ("at", "funding"),
    [
        ("2026-03-01T00:00:00+00:00", "2026-03-01T08:00:00+00:00"),
        ("2026-03-01T07:59:59.999999+00:00", "2026-03-01T08:00:00+00:00"),
        ("2026-03-01T16:00:00+00:00", "2026-03-02T00:00:00+00:00"),
        ("2026-03-01T05:30:00+09:00", "2026-03-01T00:00:00+00:00"),
    ],
)
def test_funding_is_paid_every_eight_hours_from_midnight(at, funding):
    swap = Perpetual(symbol="BTC/USDT-PERP")
    assert swap.next_funding(datetime.fromisoformat(at)).isoformat() == funding


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from([1, 2, 4, 8, 24]),
    st.integers(-12, 12),
)
def test_next_funding_is_within_one_interval(at, hours, zone):
    swap = Perpetual(symbol="BTC/USDT-PERP", funding_interval=timedelta(hours=hours))
    at = at.replace(tzinfo=timezone(timedelta(hours=zone)))
    funding = swap.next_funding(at)
    assert timedelta(0) < funding - at <= swap.funding_interval
    assert swap.next_funding(funding - timedelta(microseconds=1)) == funding


@pytest.mark.parametrize("hours", [0, -8, 5, 48])
def test_interval_that_does_not_divide_the_day_is_refused(hours):
    with pytest.raises(InputError, match="funding_interval must divide a day"):
        Perpetual(symbol="BTC/USDT-PERP", funding_interval=timedelta(hours=hours))


def test_funding_after_an_instant_without_a_zone_is_refused():
    with pytest.raises(InputError, match="has no time zone"):
        Perpetual(symbol="BTC/USDT-PERP").next_funding(datetime(2026, 3, 1))
