from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from alphalens.assets import Future
from alphalens.assets.contracts import FutureSymbol
from alphalens.errors import InputError

D = Decimal
MINI = {
    "symbol": "ESZ26",
    "tick": D("0.25"),
    "multiplier": D(50),
    "last_trade": date(2026, 12, 18),
}


def test_contract_is_what_its_symbol_says():
    mini = Future(**MINI)
    assert (mini.root, mini.month, mini.year) == ("ES", 12, 2026)
    assert (mini.calendar, mini.currency, mini.first_notice) == ("CME", "USD", None)


def test_tick_is_worth_its_part_of_the_multiplier():
    assert Future(**MINI).tick_value == D("12.50")
    note = Future(
        symbol="ZNH27", tick=D("0.015625"), multiplier=D(1000), last_trade=date(2027, 3, 22)
    )
    assert note.tick_value == D("15.625")
    assert note.round_price(D("110.51"), is_buy=True) == D("110.500000")
    assert note.round_price(D("110.51"), is_buy=False) == D("110.515625")


def test_price_below_zero_is_rounded_never_worse():
    oil = Future(symbol="CLK20", multiplier=D(1000), last_trade=date(2020, 4, 21))
    assert oil.round_price(D("-37.635"), is_buy=True) == D("-37.64")
    assert oil.round_price(D("-37.635"), is_buy=False) == D("-37.63")


def test_trading_ends_with_the_session_of_the_last_day():
    mini = Future(**MINI)
    assert mini.last_trading_instant() == datetime(2026, 12, 18, 22, 0, tzinfo=UTC)
    assert not mini.is_expired(datetime(2026, 12, 18, 21, 59, tzinfo=UTC))


def test_trading_may_end_before_the_close_of_the_last_day():
    bell = datetime(2026, 12, 18, 14, 30, tzinfo=UTC)
    mini = Future(**MINI, last_trade_at=bell)
    assert mini.last_trading_instant() == bell
    assert mini.is_expired(bell)


@pytest.mark.parametrize(
    ("symbol", "last_trade"),
    [
        ("NGG03", date(2003, 1, 29)),  # gas ends in the month before
        ("BZH27", date(2027, 1, 29)),  # oil of the North Sea in the second before
        ("ZQF27", date(2027, 1, 29)),
        ("TMSF27", date(2027, 2, 2)),  # power settled on the month's mean, after it
    ],
)
def test_last_day_may_lie_outside_the_contract_month(symbol, last_trade):
    assert Future(symbol=symbol, last_trade=last_trade).last_trade == last_trade


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"symbol": "ESZ6"}, "could be of any decade"),
        ({"symbol": "ESZ2026"}, "is not canonical: ESZ26"),
        ({"last_trade": date(2027, 2, 1)}, "must lie near the contract month 2026-12"),
        ({"last_trade": date(2026, 8, 31)}, "must lie near the contract month"),
        ({"last_trade": datetime(2026, 12, 18, tzinfo=UTC)}, "last_trade must be a date"),
        ({"last_trade": None}, "last_trade must be a date"),
        ({"first_notice": "2026-12-01"}, "first_notice must be a date"),
        ({"last_trade_at": datetime(2026, 12, 18, 14)}, "has no time zone"),
        ({"last_trade_at": datetime(2026, 12, 21, tzinfo=UTC)}, "must lie on last_trade"),
        ({"multiplier": D(0)}, "multiplier must be positive"),
    ],
)
def test_impossible_contract_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Future(**{**MINI, **wrong})


@pytest.mark.realdata
def test_every_listed_contract_of_two_decades_can_be_made(real_data: Path):
    listed = pd.read_parquet(real_data / "futures_expiry_calendar.parquet").dropna(subset="Year")
    listed = listed[listed["tick.prefix"].str.fullmatch(r"[A-Z]{1,5}")]
    assert len(listed) > 2500
    for row in listed.to_dict("records"):
        last = date.fromisoformat(row["Last.Trade"])
        name = FutureSymbol(root=row["tick.prefix"], month=int(row["Month"]), year=int(row["Year"]))
        made = Future(symbol=name.code, last_trade=last)
        assert made.symbol == f"{row['tick.prefix']}{row['Month.Letter']}{last_two(row['Year'])}"
        # 2003-08-16 in the file is a Saturday: trading ended on the Friday before it.
        assert 0 <= (last - made.last_trading_instant().date()).days <= 1


def last_two(year: float) -> str:
    return f"{int(year) % 100:02}"
