"""Alpaca over its REST interface and its stream: shares, options, coins, paper and live."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

from alphalens.brokers._alpaca.history import History
from alphalens.brokers._alpaca.hosts import check_urls
from alphalens.brokers._alpaca.known import KnownOrders
from alphalens.brokers._alpaca.orders import Orders
from alphalens.brokers._alpaca.rest import AlpacaOptions, Rest
from alphalens.brokers._alpaca.updates import TradeUpdates
from alphalens.brokers._alpaca.wire import (
    account_from,
    market_values,
    positions_from,
    session_from,
    text,
)
from alphalens.brokers.base import (
    Account,
    Capabilities,
    Connection,
    VenueOrder,
    VenueSession,
    VenueUpdate,
)
from alphalens.errors import BrokerError, ConfigError, CredentialsRefused, OutcomeUnknown
from alphalens.net import LoopThread, Timing
from alphalens.net.capture import Exchange
from alphalens.net.endpoint import checked_headers
from alphalens.net.exact_json import mapping, rows
from alphalens.net.failures import Unreadable
from alphalens.trading.activities import Activity
from alphalens.trading.orders import Fill, OrderClass, OrderIntent, OrderType, TimeInForce

__all__ = ["AlpacaBroker", "AlpacaOptions"]

_CAPABILITIES = Capabilities(
    order_types=frozenset(OrderType),
    times_in_force=frozenset(TimeInForce),
    order_classes=frozenset(OrderClass),
    can_replace=True,
    can_short=True,
    has_stream=True,
)
_MACHINE = Timing()
_DEFAULTS = AlpacaOptions()


class AlpacaBroker:
    """The account behind a pair of keys.

    It satisfies `alphalens.brokers.base.Broker`. Everything runs on one loop thread of its own,
    so that the calls are synchronous wherever they are made from, a running event loop
    included, and each ends within its deadline.

    Parameters
    ----------
    key, secret : str
        Credentials; they are in no text that this object makes.
    base_url : str
        Scheme and host of the trading API. The host alone decides whether money is real.
    is_live : bool
        What the settings say; it must agree with the host.
    rng : Random
        Jitter of what is tried again.
    account_id : str
        Number that the account must have; needed when live. Empty: any.
    stream_url : str
        Address of the stream; empty: the one of the same host.
    options : AlpacaOptions
        How patient it is.
    timing : Timing
        Clocks and sleep.

    Raises
    ------
    ConfigError
        If credentials are missing, hosts and `is_live` do not agree, or a live account has no
        number. Also from the first call that moves the account, if its number is another.

    Notes
    -----
    Executions of exits and legs come under the client order ids that the venue made for them;
    `VenueOrder.parent` and `children` say whose they are. A multi-leg order itself has no
    executions, each leg has.
    """

    def __init__(
        self,
        key: str,
        secret: str,
        *,
        base_url: str,
        is_live: bool,
        rng: random.Random,
        account_id: str = "",
        stream_url: str = "",
        options: AlpacaOptions = _DEFAULTS,
        timing: Timing = _MACHINE,
    ) -> None:
        self._url, self._is_live = "", is_live  # a traceback may show one that was refused
        if not key or not secret:
            raise ConfigError("Alpaca needs a key and a secret, and one of them is empty")
        if is_live and not account_id:
            raise ConfigError("a live account needs its number, so that no other one is traded")
        checked_headers({"key": key, "secret": secret})
        self._url, stream = check_urls(base_url, stream_url, is_live=is_live)
        self._expected = account_id
        self._gate, self._is_checked, self._is_closed = threading.Lock(), False, False
        self._stood = Connection(is_up=False)  # the stream, when fills were last asked for
        self._loop = LoopThread("alpaca")
        known = KnownOrders()
        self._rest = Rest(
            self._url,
            key=key,
            secret=secret,
            loop=self._loop,
            rng=rng,
            options=options,
            timing=timing,
        )
        self._updates = TradeUpdates(
            stream,
            key=key,
            secret=secret,
            loop=self._loop,
            rng=rng,
            known=known,
            mute_after_s=options.mute_after_s,
            queue_size=options.queue_size,
            timing=timing,
        )
        self._orders = Orders(self._rest, known, self._updates)
        self._history = History(self._rest, self._orders, page_size=options.page_size)

    @property
    def is_live(self) -> bool:
        """Return whether its host is the one for real money."""
        return self._is_live

    def __repr__(self) -> str:
        return f"AlpacaBroker({self._url!r}, is_live={self._is_live})"

    def open(self) -> Self:
        """Start the stream, and return at once; REST works without it."""
        self._updates.open()
        return self

    def close(self) -> None:
        """End the stream and the thread; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._updates.close()
            self._rest.close()
            self._loop.close()

    def wait_until_up(self, timeout_s: float) -> bool:
        """Wait until the stream is up and return True, or False after `timeout_s` seconds."""
        return self._updates.wait_until_up(timeout_s)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue can do; an asset may take less."""
        return _CAPABILITIES

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The last requests with their answers as they came, without secrets."""
        return self._rest.captured.exchanges()

    def account(self) -> Account:
        """Return the account as the venue sees it now.

        Raises
        ------
        ConfigError
            If it is not the account that was expected.
        BrokerError
            If there is no answer, or it cannot be read.
        """
        body = self._checked_account()
        try:
            held = positions_from(self._listed_positions())
            prices = {symbol: price for symbol, (_, price) in held.items() if price is not None}
            return account_from(body, is_live=self._is_live, entry_prices=prices)
        except Unreadable as error:
            raise _unreadable("account", error) from error

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order once and return the venue's answer; see the port."""
        self._check_account()
        return self._orders.submit(intent)

    def cancel(self, client_order_id: str) -> None:
        """Ask for a cancel, before everything else that waits; see the port."""
        self._orders.cancel(client_order_id)

    def replace(self, client_order_id: str, intent: OrderIntent) -> VenueOrder:
        """Ask for a working order to be replaced; see the port."""
        self._check_account()
        return self._orders.replace(client_order_id, intent)

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return the order of that id, or None if the venue never saw it."""
        return self._orders.order(client_order_id)

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return every order that is not final, oldest first."""
        return self._orders.open_orders()

    def positions(self) -> Mapping[str, Decimal]:
        """Return signed units by symbol, flat ones left out.

        An empty list is believed only if the account itself says that nothing is held.

        Raises
        ------
        BrokerError
            If there is no answer, it cannot be read, or an empty one is not believed.
        """
        try:
            held = positions_from(self._listed_positions())
            if not held and (value := market_values(self._account_body())):
                raise BrokerError(
                    f"positions: the list is empty, and the account says that {value} is held; "
                    f"ask again"
                )
        except Unreadable as error:
            raise _unreadable("positions", error) from error
        return {symbol: quantity for symbol, (quantity, _) in held.items()}

    def fills(self, *, after: str = "") -> Sequence[Fill]:
        """Return executions in the venue's order, those after the fill of that id only."""
        before, self._stood = self._stood, self._updates.connection()
        heard = self._updates.heard
        fills = self._history.fills(after)
        is_new = any(not self._updates.has_told(fill.fill_id) for fill in fills)
        if is_new and before.is_up and before == self._stood:
            self._updates.expect(heard)
        return fills

    def activities(self, *, after: str = "") -> Sequence[Activity]:
        """Return what moved the book without an order, after the activity of that id only."""
        return self._history.activities(after)

    def updates(self) -> Sequence[VenueUpdate]:
        """Return what the stream has told since the last call, in order."""
        return self._updates.take()

    def connection(self) -> Connection:
        """Return how the stream stands; no network call."""
        return self._updates.connection()

    def reconnect(self, reason: str) -> None:
        """Drop the stream and connect anew."""
        self._updates.reconnect(reason)

    def session(self) -> VenueSession:
        """Return the venue's clock and its regular trading hours."""
        body = self._rest.get("/v2/clock", what="clock")
        try:
            return session_from(mapping(body, "clock"))
        except Unreadable as error:
            raise _unreadable("clock", error) from error

    def _check_account(self) -> None:
        """Make sure, once, that orders go to the account that was meant."""
        with self._gate:
            if self._is_checked or not self._expected:
                return
            try:
                self._checked_account()
            except CredentialsRefused:
                raise
            except BrokerError as error:
                raise OutcomeUnknown(
                    f"nothing was sent: the account's number could not be asked for: {error}"
                ) from error

    def _checked_account(self) -> Mapping[str, Any]:
        body = self._account_body()
        try:
            number = text(body, "account_number", is_needed=True)
        except Unreadable as error:
            raise _unreadable("account", error) from error
        if self._expected and number != self._expected:
            raise ConfigError(
                f"the keys belong to account {number}, and the settings say {self._expected}: "
                f"nothing was sent, correct the one that is wrong"
            )
        self._is_checked = True
        return body

    def _account_body(self) -> Mapping[str, Any]:
        body = self._rest.get("/v2/account", what="account")
        try:
            return mapping(body, "account")
        except Unreadable as error:
            raise _unreadable("account", error) from error

    def _listed_positions(self) -> Sequence[Mapping[str, Any]]:
        return rows(self._rest.get("/v2/positions", what="positions"), "positions")


def _unreadable(what: str, error: Unreadable) -> BrokerError:
    return BrokerError(f"{what}: the answer cannot be read: {error}; ask again")
