"""A desk opened from settings: the paper venue with its own file, and the loopback Alpaca."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alphalens.assets import Equity
from alphalens.config import load_settings
from alphalens.errors import AuditError, ConfigError, StorageError
from alphalens.runtime import open_desk
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import OrderIntent, OrderStatus, Side
from alphalens.trading.orders import client_order_id
from tests.monitoring.receiver import receiving

ASSETS = {"AAPL": Equity(symbol="AAPL")}


def settings(**changes: str):
    return load_settings(env_file=None, environ={}, overrides=changes)


def buy(session, units=3) -> OrderIntent:
    account = session.account_id
    return OrderIntent(
        client_order_id=client_order_id(account, "c1", "AAPL:open"),
        account=account,
        cycle_id="c1",
        symbol="AAPL",
        side=Side.BUY,
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
