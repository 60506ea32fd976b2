"""A desk from settings: the venue they name, the journal, and a session that was started."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType

from alphalens.assets import Asset, AssetClass, Capability, Option, capability
from alphalens.assets.calendars import CALENDARS
from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.brokers.base import Broker
from alphalens.brokers.margin import Financing
from alphalens.brokers.paper_broker import PaperBroker
from alphalens.config import Settings
from alphalens.data.alpaca_stream import AlpacaDataStream
from alphalens.errors import BrokerError, ConfigError
from alphalens.execution import Journal, TradingSession
from alphalens.execution.halt import halt_file_of
from alphalens.execution.market import Permission
from alphalens.monitoring.alerts import AlertSender
from alphalens.monitoring.past_journal import journal_failures_told
from alphalens.risk import enabled_classes
from alphalens.runtime.alerting import channels_of
from alphalens.storage import open_engine
from alphalens.trading.clock import Clock, SystemClock

__all__ = ["open_desk", "open_quotes", "permission_of"]

_ANY_ACCOUNT = "paper"  # the default of the setting: no number was typed
_CONNECT_S = 10.0
_MOST_NAMED = 5
_QUOTES = "wss://stream.data.alpaca.markets/v2/iex"
_TRADED = (AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO)
_IN_SECTORS = (AssetClass.EQUITY, AssetClass.OPTION)
_NONE: Mapping[str, str] = MappingProxyType({})


@contextmanager
def open_desk(
    settings: Settings,
    *,
    assets: Mapping[str, Asset],
    folder: Path,
    run_id: str,
    clock: Clock | None = None,
    broker: Broker | None = None,
    sectors: Mapping[str, str] = _NONE,
) -> Iterator[TradingSession]:
    """Open the account that the settings name, and close everything at the end.

    A paper venue keeps the hours of its assets if they all have the same, and charges for
    what is borrowed: `alphalens.brokers.Financing` at its defaults.

    Parameters
    ----------
    settings : Settings
        Venue, account number, keys, limits, flags, database.
    assets : Mapping of str to Asset
        What may be traded, by canonical symbol.
    folder : Path
        Where ``desk.sqlite`` is kept unless the settings name a database; a paper venue's own
        book is ``venue.sqlite`` there. Trading stops while the halt file exists: the one that
        the settings name, or ``desk.sqlite.halt``.
    run_id : str
        Written into each record.
    clock : Clock, optional
        The present; the machine's by default.
    broker : Broker, optional
        The venue; by default the one that the settings name.
    sectors : Mapping of str to str
        Sector by symbol, for the limit on sectors; an option without one is in that of its
        underlying.

    Yields
    ------
    TradingSession
        Started: orders without a known outcome were looked up, and the books compared.

    Raises
    ------
    ConfigError
        If settings, host, account and flags do not agree, or the settings limit sectors and a
        share or an option has none; nothing is sent then.
    BrokerError
        If the venue does not answer.
    StorageError
        If the journal cannot be written, or another process writes it.
    """
    present = SystemClock() if clock is None else clock
    known_sectors = _sectors_of(settings, assets, sectors)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(
            journal_failures_told(
                partial(channels_of, settings), present, run_id=run_id, secrets=settings.secrets()
            )
        )
        place = settings.database_url.get_secret_value() or folder / "desk.sqlite"
        engine = open_engine(place)
        stack.callback(engine.dispose)
        journal = stack.enter_context(Journal(engine, clock=present, run_id=run_id))
        venue = broker or _broker(settings, assets, folder, present, stack)
        session = TradingSession(
            journal=journal,
            broker=venue,
            limits=settings.limits,
            clock=present,
            assets=assets,
            permission=permission_of(settings, venue, sectors=known_sectors),
            halt_file=Path(settings.halt_file) if settings.halt_file else halt_file_of(place),
        )
        stack.enter_context(_alerts(settings, place, present))
        session.start()
        yield session


@contextmanager
def open_quotes(
    settings: Settings, symbols: Sequence[str], *, url: str = ""
) -> Iterator[AlpacaDataStream]:
    """Open the present quotes and trading halts of some shares, with the keys of the settings.

    The paper venue trades on them as well as Alpaca does: give them to `run_desk`.

    Parameters
    ----------
    settings : Settings
        Alpaca's key and secret.
    symbols : sequence of str
        Canonical symbols.
    url : str
        Address of the stream; by default that of the settings, or of the exchange IEX, which
        every account has.

    Yields
    ------
    AlpacaDataStream
        Connecting, or connected. One that cannot connect says why; the desk trades nothing
        on quotes that are missing.

    Raises
    ------
    ConfigError
        If a key is missing, or the address is neither Alpaca's nor of this machine.
    InputError
        If Alpaca has no name for a symbol.
    """
    key, secret = _keys(
        settings,
        "quotes come from Alpaca, also for ALPHALENS_VENUE=paper",
        "or give run_desk a feed of your own",
    )
    rng = random.Random()  # noqa: S311 - jitter of retries, nothing secret
    address = url or settings.alpaca_data_url or _QUOTES
    with AlpacaDataStream(key, secret, url=address, symbols=symbols, rng=rng) as stream:
        yield stream


def permission_of(
    settings: Settings, broker: Broker | None = None, *, sectors: Mapping[str, str] = _NONE
) -> Permission:
    """Return what the settings allow.

    Parameters
    ----------
    settings : Settings
        Flags and account number.
    broker : Broker, optional
        The venue; one with a host is asked whether that is for real money.
    sectors : Mapping of str to str
        Sector by symbol, for the limit on sectors.
    """
    is_alpaca = isinstance(broker, AlpacaBroker)
    return Permission(
        is_live_enabled=settings.enable_live_trading,
        account_number="" if settings.account == _ANY_ACCOUNT else settings.account,
        is_live_host=broker.is_live if isinstance(broker, AlpacaBroker) else None,
        classes=enabled_classes(
            options=settings.enable_options_trading, crypto=settings.enable_crypto_trading
        ),
        capabilities=_capabilities("alpaca" if is_alpaca else "paper"),
        sectors=sectors,
    )


def _sectors_of(
    settings: Settings, assets: Mapping[str, Asset], sectors: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the sectors as given and those of options; refuse a limit that cannot be judged."""
    shares = {s: a.underlying for s, a in assets.items() if isinstance(a, Option)}
    inherited = {s: sectors[share] for s, share in shares.items() if share in sectors}
    known = {**inherited, **sectors}
    limit = settings.limits.max_sector
    missing = sorted(
        s for s, asset in assets.items() if asset.asset_class in _IN_SECTORS and not known.get(s)
    )
    if limit is not None and missing:
        raise ConfigError(
            f"ALPHALENS_LIMIT_MAX_SECTOR is {limit} and {len(missing)} of {len(assets)} assets "
            f"have no sector: {', '.join(missing[:_MOST_NAMED])}"
            f"{', ...' if len(missing) > _MOST_NAMED else ''}; give open_desk their sectors, or "
            f"set the limit to none"
        )
    return known


@contextmanager
def _alerts(settings: Settings, place: str | Path, clock: Clock) -> Iterator[None]:
    """Deliver alerts to the log, and to the webhook if there is one, beside the order path."""
    engine = open_engine(place)
    try:
        with AlertSender(engine, channels_of(settings), clock, secrets=settings.secrets()):
            yield
    finally:
        engine.dispose()


def _capabilities(venue: str) -> Mapping[AssetClass, Capability]:
    return {kind: capability(venue, kind) for kind in _TRADED}


def _broker(
    settings: Settings,
    assets: Mapping[str, Asset],
    folder: Path,
    clock: Clock,
    stack: ExitStack,
) -> Broker:
    if settings.venue == "paper":
        paper = PaperBroker(
            account_id=settings.account,
            cash=settings.paper_cash,
            clock=clock,
            assets=assets,
            financing=Financing(),
            calendar=_shared_calendar(assets),
            store=folder / "venue.sqlite",
        )
        stack.callback(paper.close)
        return paper
    key, secret = _keys(
        settings,
        "ALPHALENS_VENUE is alpaca",
        "or set ALPHALENS_VENUE=paper and show the venue prices of your own",
    )
    account = "" if settings.account == _ANY_ACCOUNT else settings.account
    broker = stack.enter_context(
        AlpacaBroker(
            key,
            secret,
            base_url=settings.alpaca_base_url,
            stream_url=settings.alpaca_stream_url,
            is_live=settings.enable_live_trading,
            account_id=account,
            rng=random.Random(),  # noqa: S311 - jitter of retries, nothing secret
        )
    )
    if not broker.wait_until_up(_CONNECT_S):
        raise BrokerError(
            f"the stream of {settings.alpaca_base_url} is not up after {_CONNECT_S:.0f} s: "
            f"{broker.connection().problem or 'no reason given'}; look at network and keys"
        )
    return broker


def _shared_calendar(assets: Mapping[str, Asset]) -> str:
    """Return the calendar that all assets have; none if their markets keep different hours."""
    by_hours = {CALENDARS[asset.calendar]: asset.calendar for asset in assets.values()}
    return next(iter(by_hours.values())) if len(by_hours) == 1 else ""


def _keys(settings: Settings, why: str, otherwise: str) -> tuple[str, str]:
    key = settings.alpaca_api_key.get_secret_value()
    secret = settings.alpaca_secret_key.get_secret_value()
    if not key or not secret:
        raise ConfigError(
            f"{why}, and ALPACA_API_KEY or ALPACA_SECRET_KEY is empty: put both into .env, "
            f"{otherwise}"
        )
    return key, secret
