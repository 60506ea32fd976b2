"""What an account amounts to: money by currency, holdings by symbol, flows by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from alphalens.trading.activities import CashFlow, CashKind
from alphalens.trading.codec import from_jsonable, to_jsonable
from alphalens.trading.positions import Holding, exactly

__all__ = ["Figures"]

_ZERO = Decimal(0)


class Figures:
    """The figures of a ledger, without the memory of what they came from.

    Attributes
    ----------
    balances : dict
        Money by currency; every currency of a holding is there.
    holdings : dict
        By symbol, flat ones too.
    flows : dict
        Sums of cash flows by kind and currency.
    income : dict
        Sums of those that are no transfers, by symbol (empty for none) and currency.
    """

    __slots__ = ("balances", "flows", "holdings", "income")

    def __init__(self, cash: Decimal, currency: str) -> None:
        self.balances: dict[str, Decimal] = {currency: cash}
        self.holdings: dict[str, Holding] = {}
        self.flows: dict[CashKind, dict[str, Decimal]] = {}
        self.income: dict[tuple[str, str], Decimal] = {}

    def book_flow(self, flow: CashFlow) -> None:
        """Book money that was no trade; `EXACT` has to be the context."""
        currency, key = flow.currency, (flow.symbol, flow.currency)
        flows = self.flows.get(flow.kind, {})
        total = flows.get(currency, _ZERO) + flow.amount
        income = self.income.get(key, _ZERO) + flow.amount
        self.balances[currency] = self.balances.get(currency, _ZERO) + flow.amount
        self.flows[flow.kind] = {**flows, currency: total}
        if flow.kind is not CashKind.TRANSFER:
            self.income[key] = income

    def replace(self, holdings: Iterable[Holding]) -> None:
        """Put holdings in the place of those of their symbols, and move the money by it."""
        balances, rebuilt = dict(self.balances), list(holdings)
        for holding in rebuilt:
            balances[holding.currency] += holding.cash - self.holdings[holding.symbol].cash
        self.balances = balances
        self.holdings.update({holding.symbol: holding for holding in rebuilt})

    def brought_in(self) -> dict[str, Decimal]:
        """Return by currency the value of units that came without being paid for."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        with exactly("what was brought in"):
            for holding in self.holdings.values():
                found[holding.currency] += holding.brought_in
        return {currency: value for currency, value in sorted(found.items()) if value}

    def realised(self, currency: str) -> Decimal:
        """Return the profit realised in a currency, before fees."""
        with exactly("the realised profit"):
            return sum((h.realised for h in self._of(currency)), _ZERO)

    def fees(self, currency: str) -> Decimal:
        """Return the fees paid in a currency, with executions or in coin."""
        with exactly("the fees"):
            return sum((h.fees for h in self._of(currency)), _ZERO)

    def _of(self, currency: str) -> Iterable[Holding]:
        return (h for h in self.holdings.values() if h.currency == currency)

    def to_plain(self) -> dict[str, object]:
        """Return them as plain JSON."""
        return {
            "balances": to_jsonable(self.balances),
            "holdings": [to_jsonable(h) for _, h in sorted(self.holdings.items())],
            "flows": to_jsonable({str(kind): flows for kind, flows in self.flows.items()}),
            "income": [[*key, to_jsonable(value)] for key, value in sorted(self.income.items())],
        }

    def restore(self, plain: Mapping[str, Any]) -> None:  # Any: plain JSON
        """Take the figures that `to_plain` wrote in the place of all there are."""
        self.balances = {c: Decimal(b) for c, b in plain["balances"].items()}
        holdings = [from_jsonable(Holding, one) for one in plain["holdings"]]
        self.holdings = {holding.symbol: holding for holding in holdings}
        self.flows = {
            CashKind(kind): {c: Decimal(v) for c, v in flows.items()}
            for kind, flows in plain["flows"].items()
        }
        self.income = {(s, c): Decimal(v) for s, c, v in plain["income"]}
