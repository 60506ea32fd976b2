"""Does our book agree with the venue's? Where not, nothing is invented: a person decides."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from alphalens.brokers.base import Broker
from alphalens.trading.ledger import Ledger

__all__ = ["Difference", "reconcile"]

_ZERO = Decimal(0)
_CENT = Decimal("0.01")  # a venue writes cash rounded; coins are traded in parts of a cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure on which our ledger and the venue disagree.

    Attributes
    ----------
    what : str
        ``cash`` or ``position``.
    symbol : str
        The asset; for cash the currency.
    ours, theirs : Decimal
        The two figures: money, or signed units.
    """

    what: str
    symbol: str
    ours: Decimal
    theirs: Decimal

    @property
    def message(self) -> str:
        """Return both figures and what to do."""
        return (
            f"{self.what} of {self.symbol}: our ledger says {self.ours}, the venue says "
            f"{self.theirs}. Find the missing executions or transfers, correct the record, then "
            f"resume"
        )


def reconcile(broker: Broker, ledger: Ledger) -> tuple[Difference, ...]:
    """Compare cash and every position with the venue's own word.

    Positions have to be equal. Cash may differ by less than a cent, which is how the venue
    writes it and no execution: that would show in a position too.

    Parameters
    ----------
    broker : Broker
        The venue.
    ledger : Ledger
        Our book, with every known execution applied.

    Returns
    -------
    tuple of Difference
        Positions by symbol, then cash; empty if the books agree.

    Raises
    ------
    BrokerError
        If the venue does not say: an error never means that the account is flat.
    """
    theirs = broker.positions()
    account = broker.account()
    differences = [
        Difference(
            what="position",
            symbol=symbol,
            ours=ledger.quantity(symbol),
            theirs=theirs.get(symbol, _ZERO),
        )
        for symbol in sorted({*ledger.positions, *theirs})
        if ledger.quantity(symbol) != theirs.get(symbol, _ZERO)
    ]
    if abs(ledger.cash - account.cash) >= _CENT:
        cash = Difference(
            what="cash", symbol=account.currency, ours=ledger.cash, theirs=account.cash
        )
        differences.append(cash)
    return tuple(differences)
