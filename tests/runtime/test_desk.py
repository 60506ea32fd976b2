"""A desk opened from settings: the paper venue with its own file, and the loopback Alpaca."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.assets import Crypto, Equity, Option, OptionKind
from alphalens.config import load_settings
from alphalens.errors import AuditError, ConfigError, StorageError
from alphalens.risk import ReasonCode
from alphalens.runtime import open_desk
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import OrderIntent, OrderStatus, Quote, Side, VirtualClock
from alphalens.trading.orders import client_order_id
from tests.monitoring.receiver import receiving

ASSETS = {"AAPL": Equity(symbol="AAPL")}
COIN = Crypto(symbol="BTC/USD", tick=Decimal("0.01"), lot=Decimal("0.0001"))
IN_SESSION = datetime(2024, 1, 2, 15, tzinfo=UTC)
AFTER_HOURS = datetime(2024, 1, 2, 22, tzinfo=UTC)
SECTORS = {"AAPL": "technology", "MSFT": "technology", "NVDA": "technology", "XOM": "energy"}


def settings(**changes: str):
    return load_settings(env_file=None, environ={}, overrides=changes)


def buy(session, units=3, symbol="AAPL", side=Side.BUY) -> OrderIntent:
    account = session.account_id
    return OrderIntent(
        client_order_id=client_order_id(account, "c1", f"{symbol}:open"),
        account=account,
        cycle_id="c1",
        symbol=symbol,
        side=side,
        quantity=Decimal(units),
        reference_price=Decimal(100),
        created_at=session.clock.now(),
    )


@pytest.fixture
def venue(tmp_path):
    now = datetime.now(UTC)
    with AlpacaServer(
        tmp_path / "alpaca.sqlite", now=now, ticking=True, always_open=True
    ) as server:
        server.control.set_quote("AAPL", "99.98", "100")
        yield server


def of_the_venue(server, **changes: str):
    return settings(
        ALPHALENS_VENUE="alpaca",
        ALPHALENS_ALPACA_BASE_URL=server.rest_url,
        ALPHALENS_ALPACA_STREAM_URL=server.stream_url,
        ALPACA_API_KEY="PKTEST",
        ALPACA_SECRET_KEY="secret",
        **changes,
    )


def test_order_goes_through_the_venue_that_the_settings_name(tmp_path, venue):
    with open_desk(of_the_venue(venue), assets=ASSETS, folder=tmp_path, run_id="r") as session:
        session.mark({"AAPL": Decimal(100)})
        (order,) = session.submit([buy(session)])
        for _ in range(500):
            session.collect_fills()
            if session.order(order.client_order_id).status is OrderStatus.FILLED:
                break
            time.sleep(0.01)
        assert session.ledger.quantity("AAPL") == 3
    assert (tmp_path / "desk.sqlite").stat().st_mode & 0o077 == 0


def test_account_number_that_was_typed_must_be_the_one_that_answers(tmp_path, venue):
    other = of_the_venue(venue, ALPHALENS_ACCOUNT="PA999")
    desk = open_desk(other, assets=ASSETS, folder=tmp_path, run_id="r")
    with pytest.raises(ConfigError, match="PA999"), desk:
        raise AssertionError("the desk should not have opened")


def test_live_flag_with_a_paper_host_is_refused(tmp_path, venue):
    live = of_the_venue(venue, ENABLE_LIVE_TRADING="true", ALPHALENS_ACCOUNT="PA1")
    desk = open_desk(live, assets=ASSETS, folder=tmp_path, run_id="r")
    with pytest.raises(ConfigError, match="live"), desk:
        raise AssertionError("the desk should not have opened")


def test_missing_keys_are_named(tmp_path):
    desk = open_desk(settings(ALPHALENS_VENUE="alpaca"), assets=ASSETS, folder=tmp_path, run_id="r")
    with pytest.raises(ConfigError, match="ALPACA_API_KEY"), desk:
        raise AssertionError("the desk should not have opened")


def test_paper_desk_goes_on_where_it_stopped(tmp_path):
    for expected in (False, True):
        with open_desk(settings(), assets=ASSETS, folder=tmp_path, run_id="r") as session:
            started = session.journal.records()[-1].payload
            assert session.ledger.cash == 1_000_000
        assert started.get("is_resumed", expected) is expected
    assert (tmp_path / "venue.sqlite").exists()


def test_second_desk_on_the_same_journal_is_refused(tmp_path):
    with (
        open_desk(settings(), assets=ASSETS, folder=tmp_path, run_id="r"),
        pytest.raises(StorageError, match="is written by"),
        open_desk(settings(), assets=ASSETS, folder=tmp_path, run_id="r"),
    ):
        raise AssertionError("the second desk should not have opened")


def test_journal_that_was_changed_is_told_to_the_webhook(tmp_path):
    with open_desk(settings(), assets=ASSETS, folder=tmp_path, run_id="r"):
        pass
    with closing(sqlite3.connect(tmp_path / "desk.sqlite")) as file, file:
        file.execute("UPDATE journal SET payload = '{}' WHERE seq = 1")
    with receiving() as (hook, url):
        told = settings(ALPHALENS_ALERT_WEBHOOK_URL=url)
        desk = open_desk(told, assets=ASSETS, folder=tmp_path, run_id="r2")
        with pytest.raises(AuditError, match="record 1"), desk:
            raise AssertionError("the desk should not have opened")
    (alert,) = hook.got
    assert (alert["code"], alert["seq"], alert["severity"]) == ("audit_broken", 0, "critical")
    assert "record 1" in alert["message"]


def shown(session, *symbols) -> None:
    """Show the paper venue a quote of each, and mark the book by it."""
    at = session.clock.now()
    session.broker.on_quotes(
        Quote(symbol=symbol, at=at, bid=Decimal("99.98"), ask=Decimal(100)) for symbol in symbols
    )
    session.mark(dict.fromkeys(symbols, Decimal(100)))


def at_noon(tmp_path, assets=ASSETS, at=IN_SESSION, sectors=None, **changes: str):
    return open_desk(
        settings(**changes),
        assets=assets,
        folder=tmp_path,
        run_id="r",
        clock=VirtualClock(at),
        **({} if sectors is None else {"sectors": sectors}),
    )


def test_limit_on_sectors_bites_by_the_sectors_that_are_given(tmp_path):
    assets = {symbol: Equity(symbol=symbol) for symbol in SECTORS}
    with at_noon(tmp_path, assets, sectors=SECTORS, ALPHALENS_LIMIT_MAX_SECTOR="0.10") as session:
        shown(session, *SECTORS)
        orders = session.submit([buy(session, 400, symbol) for symbol in SECTORS])
        third = orders[2]
    refused = {order.intent.symbol for order in orders if order.status is OrderStatus.REFUSED}
    assert refused == {"NVDA"}
    assert [reason.code for reason in third.reasons] == [ReasonCode.MAX_SECTOR]
    assert "technology" in third.reasons[0].message


def test_limit_on_sectors_without_the_sectors_is_refused(tmp_path):
    call = Option.contract(
        underlying="XOM", expiry=date(2027, 1, 15), kind=OptionKind.CALL, strike=Decimal(100)
    )
    assets = {symbol: Equity(symbol=symbol) for symbol in SECTORS}
    assets |= {COIN.symbol: COIN, call.symbol: call}
    known = {**SECTORS, "MSFT": ""}
    desk = at_noon(tmp_path, assets, sectors=known, ALPHALENS_LIMIT_MAX_SECTOR="0.10")
    with pytest.raises(ConfigError, match=r"1 of 6 assets have no sector: MSFT; give"), desk:
        raise AssertionError("the desk should not have opened")
    del known["XOM"]
    desk = at_noon(tmp_path, assets, sectors=known, ALPHALENS_LIMIT_MAX_SECTOR="0.10")
    with pytest.raises(ConfigError, match=r"no sector: MSFT, XOM, XOM27"), desk:
        raise AssertionError("the desk should not have opened")
    with at_noon(tmp_path, assets, sectors=known) as session:
        assert session.permission.sectors == known


def test_option_is_in_the_sector_of_its_underlying(tmp_path):
    call = Option.contract(
        underlying="XOM", expiry=date(2027, 1, 15), kind=OptionKind.CALL, strike=Decimal(100)
    )
    with at_noon(
        tmp_path, {call.symbol: call}, sectors=SECTORS, ALPHALENS_LIMIT_MAX_SECTOR="0.10"
    ) as session:
        assert session.permission.sectors[call.symbol] == "energy"


@pytest.mark.parametrize(
    ("at", "expected"),
    [(IN_SESSION, OrderStatus.FILLED), (AFTER_HOURS, OrderStatus.REFUSED)],
)
def test_paper_desk_keeps_the_hours_of_its_shares(tmp_path, at, expected):
    listed = {**ASSETS, "MSFT": Equity(symbol="MSFT", calendar="XNAS")}
    with at_noon(tmp_path, listed, at) as session:
        shown(session, *listed)
        (order,) = session.submit([buy(session)])
        session.collect_fills()
        order = session.order(order.client_order_id)
    assert order.status is expected
    closed = [ReasonCode.SESSION_CLOSED] if expected is OrderStatus.REFUSED else []
    assert [reason.code for reason in order.reasons] == closed


def test_paper_desk_with_coins_beside_shares_keeps_no_hours(tmp_path):
    with at_noon(tmp_path, {**ASSETS, COIN.symbol: COIN}, AFTER_HOURS) as session:
        assert session.broker.session() is None
        shown(session, "AAPL")
        session.submit([buy(session)])
        session.collect_fills()
        assert session.ledger.quantity("AAPL") == 3


def test_paper_desk_of_coins_alone_is_always_open(tmp_path):
    with at_noon(tmp_path, {COIN.symbol: COIN}, AFTER_HOURS) as session:
        told = session.broker.session()
    assert (told.calendar, told.is_open) == ("24/7", True)


def test_paper_desk_charges_for_what_it_has_sold_short(tmp_path):
    with at_noon(tmp_path) as session:
        shown(session, "AAPL")
        session.submit([buy(session, 360, side=Side.SELL)])
        session.collect_fills()
        before = session.ledger.cash
        session.clock.advance_to(IN_SESSION + timedelta(days=1))
        shown(session, "AAPL")
        session.collect_fills()
        paid = before - session.ledger.cash
    assert session.ledger.quantity("AAPL") == -360
    assert Decimal("0.99") < paid < Decimal("1.01")  # 36,000 at 1 % a year of 360 days
