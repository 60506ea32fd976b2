from decimal import Decimal
from pathlib import Path

import pytest

from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.brokers.base import Broker, VenueUpdate
from alphalens.testing.alpaca_server import AlpacaServer
from alphalens.testing.conformance import BrokerConformance
from tests.waiting import PATIENCE_S, until

from .alpaca_venue import KEY, MONDAY, SECRET, adapter

CENT = Decimal("0.01")


class TestAlpacaBroker(BrokerConformance):
    """The adapter, its socket and the venue's own book pass the one suite of all brokers."""

    @pytest.fixture(autouse=True)
    def _venue(self, tmp_path: Path):
        with AlpacaServer(
            tmp_path / "venue.sqlite", now=MONDAY, seed=11, keys=(KEY, SECRET), rate_limit=None
        ) as self.server:
            self.control = self.server.control
            self._show(self.price, size=Decimal(0))
            self.brokers: list[AlpacaBroker] = []
            yield
            for broker in self.brokers:
                broker.close()

    def make_broker(self) -> Broker:
        broker = adapter(self.server).open()
        self.brokers.append(broker)
        assert broker.wait_until_up(PATIENCE_S)
        return broker

    def execute(self, broker: Broker) -> None:
        self._show(self.price, size=None)

    def set_price(self, broker: Broker, price: Decimal) -> None:
        self._show(price, size=None)

    def fill_partially(self, broker: Broker, quantity: Decimal) -> None:
        self._show(self.price, size=quantity)

    def _show(self, price: Decimal, *, size: Decimal | None) -> None:
        """Let the market trade that much at a price, and then nothing more."""
        self.control.advance(1)
        for offered in (size, Decimal(0)):
            self.control.set_quote(
                "SPY", price - CENT, price + CENT, bid_size=offered, ask_size=offered
            )

    def updates_of(self, broker: Broker) -> tuple[VenueUpdate, ...]:
        told: list[VenueUpdate] = []
        wanted = {fill.fill_id for fill in broker.fills()}

        def is_all_told() -> bool:
            told.extend(broker.updates())
            return wanted <= {update.fill.fill_id for update in told if update.fill}

        until(is_all_told)
        return tuple(told)
