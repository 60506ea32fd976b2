"""A desk that runs by itself over both websockets of the loopback venue."""

import time
from datetime import timedelta
from decimal import Decimal

import pytest

from alphalens.assets import Equity
from alphalens.config import load_settings
from alphalens.errors import ConfigError
from alphalens.risk import ReasonCode
from alphalens.runtime import LoopPace, open_desk, open_quotes, run_desk
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.trading import OrderIntent, Side
from alphalens.trading.orders import client_order_id
from tests.faults.desk import OPEN, VenueTime
from tests.waiting import PATIENCE_S

ASSETS = {"AAPL": Equity(symbol="AAPL")}
STALE, HALTED = {ReasonCode.STALE_PRICE}, {ReasonCode.SYMBOL_HALTED}
QUICK = LoopPace(turn_s=0.01)


@pytest.fixture
def venue(tmp_path):
    with AlpacaServer(tmp_path / "alpaca.sqlite", now=OPEN, rate_limit=None) as server:
        yield server


def settings(venue: AlpacaServer):
    return load_settings(
        env_file=None,
        environ={},
        overrides={
            "ALPHALENS_VENUE": "alpaca",
            "ALPHALENS_ALPACA_BASE_URL": venue.rest_url,
            "ALPHALENS_ALPACA_STREAM_URL": venue.stream_url,
            "ALPHALENS_ALPACA_DATA_URL": venue.data_stream_url,
            "ALPACA_API_KEY": "PKTEST",
            "ALPACA_SECRET_KEY": "secret",
            "ALPHALENS_LIMIT_DUPLICATE_WINDOW_S": "none",
        },
    )


class Buyer:
    """Tries to buy in every step; `then` does something to the venue after each outcome."""

    def __init__(self, then) -> None:
        self.outcomes, self._then = [], list(then)

    def __call__(self, session) -> None:
        name = str(len(session.journal.records()))
        intent = OrderIntent(
            client_order_id=client_order_id(session.account_id, "c1", name),
            account=session.account_id,
            cycle_id="c1",
            symbol="AAPL",
            side=Side.BUY,
            quantity=Decimal(1),
            reference_price=Decimal(100),
            created_at=session.clock.now(),
        )
        (order,) = session.submit([intent])
        outcome = {reason.code for reason in order.reasons} or {order.status.value}
        if outcome != (self.outcomes or [None])[-1]:
            self.outcomes.append(outcome)
            if self._then:
                self._then.pop(0)()


def test_gate_of_a_desk_left_alone_judges_by_live_quotes_and_halts(venue, tmp_path):
    def quote(_: float) -> None:
        venue.control.set_quote("AAPL", "99.98", "100")
        time.sleep(0.01)

    def falls_mute() -> None:
        venue.control.mute_data()
        venue.control.advance(901)

    def is_halted() -> None:
        venue.control.mute_data(on=False)
        quote(0)
        venue.control.halt("AAPL")

    buyer = Buyer([falls_mute, is_halted, lambda: venue.control.resume("AAPL")])
    until = time.monotonic() + PATIENCE_S
    given = settings(venue)
    with (
        open_quotes(given, ["AAPL"]) as feed,
        open_desk(
            given, assets=ASSETS, folder=tmp_path, run_id="r", clock=VenueTime(venue)
        ) as session,
    ):
        assert feed.wait_until_up(PATIENCE_S)
        quote(0)
        run_desk(
            session,
            step=buyer,
            every=timedelta(seconds=0.02),
            feed=feed,
            pace=QUICK,
            stop=lambda: len(buyer.outcomes) >= 4 or time.monotonic() > until,
            sleep=quote,
        )
        codes = [outcome for outcome in buyer.outcomes if outcome != {ReasonCode.NO_PRICE}]
        bought = sum(order["status"] == "filled" for order in venue.control.orders())
        while session.ledger.quantity("AAPL") < bought and time.monotonic() < until:
            quote(0)  # the last execution may be on its way
            session.collect_fills()
        assert session.ledger.quantity("AAPL") == bought
        assert session.reconcile() == ()
    assert codes[1:3] == [STALE, HALTED]
    assert codes[0] == codes[3] == {"accepted"}


def test_halt_that_was_lifted_while_the_stream_was_lost_does_not_stay(venue, tmp_path):
    def quote(_: float) -> None:
        venue.control.set_quote("AAPL", "99.98", "100")
        time.sleep(0.01)

    def is_lifted_unheard() -> None:
        venue.control.mute_data()
        venue.control.resume("AAPL")
        venue.control.drop_data_stream()
        venue.control.mute_data(on=False)

    buyer = Buyer([lambda: venue.control.halt("AAPL"), is_lifted_unheard])
    until = time.monotonic() + PATIENCE_S
    given = settings(venue)
    with (
        open_quotes(given, ["AAPL"]) as feed,
        open_desk(
            given, assets=ASSETS, folder=tmp_path, run_id="r", clock=VenueTime(venue)
        ) as session,
    ):
        assert feed.wait_until_up(PATIENCE_S)
        run_desk(
            session,
            step=buyer,
            every=timedelta(seconds=0.02),
            feed=feed,
            pace=QUICK,
            stop=lambda: len(buyer.outcomes) >= 3 or time.monotonic() > until,
            sleep=quote,
        )
        (alert,) = [one for one in session.journal.alerts() if one.code == "halts_forgotten"]
    assert buyer.outcomes == [{"accepted"}, HALTED, {"accepted"}]
    assert "AAPL" in alert.message


def test_quotes_need_keys_and_an_address_that_keys_may_go_to(venue):
    without = load_settings(env_file=None, environ={}, overrides={})
    why = r"quotes come from Alpaca, also for ALPHALENS_VENUE=paper, and ALPACA_API_KEY .* feed of"
    with pytest.raises(ConfigError, match=why), open_quotes(without, ["AAPL"]):
        raise AssertionError("a feed without keys should not have opened")
    other = open_quotes(settings(venue), ["AAPL"], url="wss://quotes.example/v2/iex")
    with pytest.raises(ConfigError, match=r"quotes\.example"), other:
        raise AssertionError("a feed of a stranger should not have opened")
