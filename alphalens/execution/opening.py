"""Taking up trading: whose account it is, what is there before us, and whether the books agree."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from alphalens.assets.base import Asset
from alphalens.brokers.base import Account, Broker
from alphalens.errors import BrokerError, ConfigError
from alphalens.execution.books import Books
from alphalens.execution.intake import Intake
from alphalens.execution.market import Market, Permission
from alphalens.risk import RiskLimits
from alphalens.trading.events import EventKind

__all__ = ["open_books"]

_TRIES = 3


def open_books(
    *,
    books: Books,
    broker: Broker,
    market: Market,
    intake: Intake,
    permission: Permission,
    limits: RiskLimits,
    assets: Mapping[str, Asset],
) -> bool:
    """Journal the start of a run; return whether the journal held an earlier one.

    At the first start the positions, the cash and the orders that work at the venue are taken
    over as they are: they are somebody else's until a person claims them. What was executed
    before counts as part of the opening position.

    Raises
    ------
    ConfigError
        If the account is another than the journal's, or may not be traded (`Permission`).
    BrokerError
        If the venue does not say, or its figures change while they are being read.
    """
    account, is_resumed = market.refresh(), not books.is_new
    permission.check(account)
    if is_resumed and account.account_id != books.account_id:
        raise ConfigError(
            f"the journal belongs to account {books.account_id}, the venue says "
            f"{account.account_id}: give each account a journal of its own"
        )
    payload = {
        "account_id": account.account_id,
        "opening_cash": account.cash,
        "currency": account.currency,
        "is_live": account.is_live,
        "is_resumed": is_resumed,
        "limits": limits,
    }
    opening = {} if is_resumed else _opening(broker, account, assets)
    books.write(EventKind.RUN_STARTED, {**_NOTHING, **payload, **opening})
    if not is_resumed:
        intake.adopt_open_orders()
    return is_resumed


_NOTHING: dict[str, object] = {
    "opening_positions": [],
    "fills_cursor": "",
    "activities_cursor": "",
}


def _opening(broker: Broker, account: Account, assets: Mapping[str, Asset]) -> dict[str, object]:
    """Read positions, cash and the ends of the lists at one moment of the account."""
    for _ in range(_TRIES):
        before = _cursors(broker)
        positions = broker.positions()
        cash = broker.account().cash
        if _cursors(broker) == before:
            held = [
                {
                    "symbol": symbol,
                    "quantity": quantity,
                    "price": _entry_price(account, symbol),
                    "multiplier": _multiplier(assets, symbol),
                }
                for symbol, quantity in sorted(positions.items())
            ]
            return {
                "opening_cash": cash,
                "opening_positions": held,
                "fills_cursor": before[0],
                "activities_cursor": before[1],
            }
    raise BrokerError(
        f"account {account.account_id} was traded while its positions were read, {_TRIES} times: "
        f"stop whoever trades it, then start again"
    )


def _cursors(broker: Broker) -> tuple[str, str]:
    fills, activities = broker.fills(), broker.activities()
    return (
        fills[-1].fill_id if fills else "",
        activities[-1].activity_id if activities else "",
    )


def _entry_price(account: Account, symbol: str) -> Decimal:
    price = account.entry_prices.get(symbol)
    if price is None:
        raise BrokerError(
            f"account {account.account_id} holds {symbol} and the venue does not say what was "
            f"paid for it: its profit cannot be told; close it at the venue, then start"
        )
    return price


def _multiplier(assets: Mapping[str, Asset], symbol: str) -> Decimal:
    asset = assets.get(symbol)
    return Decimal(1) if asset is None else asset.multiplier
