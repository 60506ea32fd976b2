"""What was held at the end, and the proof that the money adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from alphalens.errors import AuditError
from alphalens.reports.facts import RunFacts
from alphalens.trading.activities import CashKind
from alphalens.trading.ledger import Position, Profit

__all__ = ["Accounts", "book_frame", "check_accounts"]

_ZERO = Decimal(0)
#: Rounding that 28 digits may leave, in the account's currency; a cent would be an error.
_NO_PROFIT = Profit()
_TOLERANCE = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounting identity of a run at its last mark, in the account's currency.

    ``opening_cash + realised + unrealised - fees = equity``, where the left side is replayed
    from the fills and `equity` is what the desk itself recorded.

    Attributes
    ----------
    opening_cash, realised, unrealised, fees : Decimal
        Opening balance; profit of what was sold and of what is held, both before fees; fees.
    income : Decimal
        Dividends, interest, funding and the like, less what borrowing cost.
    brought_in : Decimal
        Worth of the positions that were there at the start, and of transfers since.
    cash, equity : Decimal
        Balance and worth of the book, as recorded by the last mark.
    """

    opening_cash: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    cash: Decimal
    equity: Decimal
    income: Decimal = _ZERO
    brought_in: Decimal = _ZERO

    @property
    def explained(self) -> Decimal:
        """Return what the equity has to be by the fills and activities."""
        profit = self.realised + self.unrealised - self.fees + self.income
        return self.opening_cash + self.brought_in + profit


def check_accounts(facts: RunFacts) -> Accounts:
    """Return the accounting identity at the last mark, after proving it.

    Parameters
    ----------
    facts : RunFacts
        A run; before its first mark the book is the opening balance.

    Raises
    ------
    AuditError
        If the recorded cash or equity is not what the recorded fills and prices give.
    InputError
        If the last mark has no price for an asset that is held.
    """
    books = facts.ledger()
    profit = books.pnl_by_currency(facts.last_prices).get(books.currency, _NO_PROFIT)
    transfers = books.flows.get(CashKind.TRANSFER, {}).get(books.currency, _ZERO)
    mark = facts.marks[-1] if facts.marks else None
    accounts = Accounts(
        opening_cash=facts.opening_cash,
        realised=profit.realised,
        unrealised=profit.unrealised,
        fees=profit.fees,
        income=profit.income,
        brought_in=books.brought_in.get(books.currency, _ZERO) + transfers,
        cash=mark.cash if mark else facts.opening_cash,
        equity=mark.equity if mark else facts.opening_cash,
    )
    for name, recorded, explained in (
        ("cash", accounts.cash, books.cash),
        ("equity", accounts.equity, accounts.explained),
    ):
        if abs(recorded - explained) > _TOLERANCE:
            raise AuditError(
                f"the books do not add up: the last mark says {name} {recorded}, the fills and "
                f"prices give {explained}, a difference of {recorded - explained} "
                f"{facts.currency}; find the fill that is missing or booked twice"
            )
    return accounts


def book_frame(facts: RunFacts) -> pd.DataFrame:
    """Return the positions at the last mark, and those that were closed before.

    Parameters
    ----------
    facts : RunFacts
        A run.

    Returns
    -------
    DataFrame
        Index ``symbol``; columns ``quantity``, ``average_price``, ``last_price``, ``value``,
        ``weight`` (fraction of equity), ``unrealised``, ``realised`` (before fees), float64 in
        the account's currency. Longs first, the largest on top; NaN prices for a closed
        position.
    """
    equity = facts.marks[-1].equity if facts.marks else facts.opening_cash
    rows = {
        symbol: _line(position, facts.last_prices, equity)
        for symbol, position in facts.ledger().all_positions.items()
    }
    columns = (
        "quantity",
        "average_price",
        "last_price",
        "value",
        "weight",
        "unrealised",
        "realised",
    )
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(columns), dtype=float)
    frame.index.name = "symbol"
    order = frame.assign(is_closed=frame["quantity"] == 0.0, name=frame.index.astype(str))
    order = order.sort_values(["is_closed", "value", "name"], ascending=[True, False, True])
    return frame.loc[order.index]


def _line(position: Position, prices: Mapping[str, Decimal], equity: Decimal) -> list[float]:
    if not position.quantity:
        nothing = float("nan")
        return [0.0, nothing, nothing, 0.0, 0.0, 0.0, float(position.realised)]
    price = prices[position.symbol]
    value = position.quantity * price * position.multiplier
    return [
        float(position.quantity),
        float(position.average_price),
        float(price),
        float(value),
        float(value / equity),
        float(value - position.cost),
        float(position.realised),
    ]
