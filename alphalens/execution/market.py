"""What the gate is told of the world outside the books: the account, the hours, the quotes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from alphalens.assets import calendars
from alphalens.assets.base import Asset
from alphalens.assets.kinds import AssetClass
from alphalens.assets.venues import Capability
from alphalens.brokers.base import Account, Broker
from alphalens.errors import ConfigError
from alphalens.risk import BookView, MarketSession, VenueFacts, enabled_classes
from alphalens.trading.clock import Clock
from alphalens.trading.market import Quote, TradingStatus

__all__ = ["Market", "Permission"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What the owner of the account allows; everything but paper shares has to be asked for.

    Attributes
    ----------
    is_live_enabled : bool
        The feature flag ``ENABLE_LIVE_TRADING``.
    account_number : str
        The account number as a person typed it; live trading needs it.
    is_live_host : bool or None
        Whether the venue's host is the one for real money; None where there is no host.
    classes : frozenset of AssetClass
        What may be traded.
    capabilities : Mapping of AssetClass to Capability
        Which orders the venue takes of each class; one that is left out is not checked.
    sectors : Mapping of str to str
        Sector of each symbol, for the limit on sectors.
    """

    is_live_enabled: bool = False
    account_number: str = ""
    is_live_host: bool | None = None
    classes: frozenset[AssetClass] = enabled_classes(options=False, crypto=False)
    capabilities: Mapping[AssetClass, Capability] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)

    def check(self, account: Account) -> None:
        """Refuse an account that flag, host and typed number do not agree on.

        Raises
        ------
        ConfigError
            Naming what disagrees; nothing is sent then.
        """
        what = f"account {account.account_id}"
        if self.account_number and account.account_id != self.account_number:
            raise ConfigError(
                f"{what} answers, the settings name {self.account_number}: correct the account "
                f"number or the keys"
            )
        if self.is_live_host is not None and self.is_live_host is not account.is_live:
            raise ConfigError(
                f"{what} is {_money(account.is_live)}, the host is for "
                f"{_money(self.is_live_host)}: give keys and host of the same kind"
            )
        if self.is_live_enabled and not account.is_live:
            raise ConfigError(
                f"{what} is paper and ENABLE_LIVE_TRADING is true: set it to false for a paper "
                f"account, or give host and keys of the account that is meant"
            )
        if account.is_live and not self.is_live_enabled:
            raise ConfigError(
                f"{what} moves real money and ENABLE_LIVE_TRADING is false: set it to true to "
                f"trade it, or give the keys of a paper account"
            )
        if account.is_live and not self.account_number:
            raise ConfigError(
                f"{what} moves real money: type its number into the settings, so that no other "
                f"account is traded by mistake"
            )


class Market:
    """Quotes, halts, hours, buying power and the venue's clock, as far as they are known.

    A venue that tells its hours tells those of one market. An asset of another is judged by
    the hours of its own calendar; where the venue tells none, no hours are judged.

    Parameters
    ----------
    broker : Broker
        Asked by `refresh`.
    clock : Clock
        The present.
    permission : Permission
        What the owner allows.
    """

    def __init__(self, *, broker: Broker, clock: Clock, permission: Permission) -> None:
        self._broker, self._clock, self._permission = broker, clock, permission
        self._quotes: dict[str, Quote] = {}
        self._halted: set[str] = set()
        self._told: tuple[str, MarketSession] | None = None  # a calendar, and its hours
        self._computed: dict[str, tuple[datetime, MarketSession]] = {}  # since when they hold
        self._skew_s: Decimal | None = None
        self._account: Account | None = None
        self.asked_at: datetime | None = None  # when the venue last told of the account

    def on_quote(self, quote: Quote) -> None:
        """Take a quote; the gate compares prices with the last one of each symbol."""
        self._quotes[quote.symbol] = quote

    def on_status(self, symbol: str, *, is_halted: bool) -> None:
        """Take the news that trading of a symbol is halted, or goes on."""
        if is_halted:
            self._halted.add(symbol)
        else:
            self._halted.discard(symbol)

    def forget_halts(self) -> frozenset[str]:
        """Forget which symbols are halted, and return them: nobody heard whether they still are.

        For a stream that was lost: it does not tell again what it told meanwhile, so that a
        halt lifted then would stay for ever. A halt that is told later counts again.
        """
        forgotten = frozenset(self._halted)
        self._halted.clear()
        return forgotten

    def take(self, readings: Iterable[Quote | TradingStatus]) -> None:
        """Take what a stream of market data has told, in its order.

        A status whose code says nothing about halts changes nothing.
        """
        for reading in readings:
            if isinstance(reading, Quote):
                self.on_quote(reading)
            elif reading.is_halted is not None:
                self.on_status(reading.symbol, is_halted=reading.is_halted)

    def refresh(self) -> Account:
        """Ask the venue for account, hours and clock.

        Raises
        ------
        BrokerError
            If the venue does not say.
        """
        self._account = self._broker.account()
        self.asked_at = self._clock.now()
        told = self._broker.session()
        if told is not None:
            self._skew_s = Decimal(str((self.asked_at - told.at).total_seconds()))
            hours = MarketSession(
                is_open=told.is_open, next_open=told.next_open, next_close=told.next_close
            )
            self._told = (told.calendar, hours)
        return self._account

    def venue_now(self) -> datetime:
        """Return the present by the venue's clock, as far as the difference was measured."""
        return self._clock.now() - self._ahead

    @property
    def _ahead(self) -> timedelta:
        return timedelta(0) if self._skew_s is None else timedelta(seconds=float(self._skew_s))

    def complete(self, view: BookView) -> BookView:
        """Return what the gate sees of the books, with what is known of the market.

        Prices were marked by our clock; the gate compares instants of the venue's.
        """
        account, permission = self._account, self._permission
        return replace(
            view,
            venue=None if account is None else self._facts(account),
            enabled_classes=permission.classes,
            capabilities=permission.capabilities,
            sectors=permission.sectors,
            sessions=self._sessions(view.assets),
            quotes=dict(self._quotes),
            price_times={symbol: at - self._ahead for symbol, at in view.price_times.items()},
            halted=frozenset(self._halted),
            clock_skew_s=self._skew_s,
            buying_power=None if account is None else account.buying_power,
        )

    def _sessions(self, assets: Mapping[str, Asset]) -> dict[str, MarketSession]:
        """Return the hours of each calendar that something here is traded by."""
        if self._told is None:
            return {}
        names = {asset.calendar for asset in assets.values()} - {calendars.ALWAYS_OPEN}
        return {name: self._hours(name) for name in names}

    def _hours(self, calendar: str) -> MarketSession:
        """Return the venue's word on a market, or what its calendar says until that changes."""
        source, now = calendars.CALENDARS[calendar], self.venue_now()
        if self._told is not None and source == calendars.CALENDARS[self._told[0]]:
            return self._told[1]
        since, known = self._computed.get(source, (now, None))
        if known is None or not since <= now < min(known.next_open, known.next_close):
            known = MarketSession(
                is_open=calendars.is_open(calendar, now),
                next_open=calendars.next_open(calendar, now),
                next_close=calendars.next_close(calendar, now),
            )
            self._computed[source] = (now, known)
        return known

    def _facts(self, account: Account) -> VenueFacts:
        permission = self._permission
        return VenueFacts(
            account_id=account.account_id,
            expected_account=permission.account_number,
            is_live=account.is_live,
            is_live_host=permission.is_live_host,
            is_flagged_live=permission.is_live_enabled,
            is_blocked=account.is_blocked,
        )


def _money(is_live: bool) -> str:
    return "real money" if is_live else "paper"
