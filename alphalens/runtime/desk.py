"""A desk from settings: the venue they name, the journal, and a session that was started."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from alphalens.assets import Asset, AssetClass, Capability, capability
from alphalens.brokers.alpaca_broker import AlpacaBroker
from alphalens.brokers.base import Broker
from alphalens.brokers.paper_broker import PaperBroker
from alphalens.config import Settings
from alphalens.data.alpaca_stream import AlpacaDataStream
from alphalens.errors import BrokerError, ConfigError
from alphalens.execution import Journal, TradingSession
from alphalens.execution.halt import halt_file_of
from alphalens.execution.market import Permission
from alphalens.monitoring.alerts import AlertSender
from alphalens.monitoring.channels import Channel, LogChannel
from alphalens.monitoring.past_journal import journal_failures_told
from alphalens.monitoring.webhook import WebhookChannel
from alphalens.risk import enabled_classes
from alphalens.storage import open_engine
from alphalens.trading.clock import Clock, SystemClock

__all__ = ["open_desk", "open_quotes", "permission_of"]

_ANY_ACCOUNT = "paper"  # the default of the setting: no number was typed
_CONNECT_S = 10.0
_QUOTES = "wss://stream.data.alpaca.markets/v2/iex"
_TRADED = (AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO)


@contextmanager
def open_desk(
    settings: Settings,
    *,
    assets: Mapping[str, Asset],
    folder: Path,
    run_id: str,
    clock: Clock | None = None,
    broker: Broker | None = None,
) -> Iterator[TradingSession]:
    """Open the account that the settings name, and close everything at the end.

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

    Yields
    ------
    TradingSession
        Started: orders without a known outcome were looked up, and the books compared.

    Raises
    ------
    ConfigError
        If settings, host, account and flags do not agree; nothing is sent then.
    BrokerError
        If the venue does not answer.
    StorageError
        If the journal cannot be written, or another process writes it.
    """
    present = SystemClock() if clock is None else clock
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(
            journal_failures_told(
                partial(_channels, settings), present, run_id=run_id, secrets=settings.secrets()
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
            permission=permission_of(settings, venue),
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
    key, secret = _keys(settings)
    rng = random.Random()  # noqa: S311 - jitter of retries, nothing secret
    address = url or settings.alpaca_data_url or _QUOTES
    with AlpacaDataStream(key, secret, url=address, symbols=symbols, rng=rng) as stream:
        yield stream


def permission_of(settings: Settings, broker: Broker | None = None) -> Permission:
    """Return what the settings allow.

    Parameters
    ----------
    settings : Settings
        Flags and account number.
    broker : Broker, optional
        The venue; one with a host is asked whether that is for real money.
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
    )


@contextmanager
def _alerts(settings: Settings, place: str | Path, clock: Clock) -> Iterator[None]:
    """Deliver alerts to the log, and to the webhook if there is one, beside the order path."""
    engine = open_engine(place)
    try:
        with AlertSender(engine, _channels(settings), clock, secrets=settings.secrets()):
            yield
    finally:
        engine.dispose()


def _channels(settings: Settings) -> list[Channel]:
    hook = settings.alert_webhook_url.get_secret_value()
    return [LogChannel(), *([WebhookChannel(hook)] if hook else [])]


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
            store=folder / "venue.sqlite",
        )
        stack.callback(paper.close)
        return paper
    key, secret = _keys(settings)
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


def _keys(settings: Settings) -> tuple[str, str]:
    key = settings.alpaca_api_key.get_secret_value()
    secret = settings.alpaca_secret_key.get_secret_value()
    if not key or not secret:
        raise ConfigError(
            "Alpaca is asked, and ALPACA_API_KEY or ALPACA_SECRET_KEY is empty: put both into "
            ".env, or set ALPHALENS_VENUE=paper and show the venue prices of your own"
        )
    return key, secret
