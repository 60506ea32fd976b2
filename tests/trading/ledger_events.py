"""Random events of an account, and a plain reference of what they amount to.

The reference keeps fractions, knows no rounding but the cut of a split, has no running state
that could go wrong, and takes a correction as what it means: an edited list of events.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from hypothesis import strategies as st

from alphalens.trading import Fill, Side
from alphalens.trading.activities import CashFlow, CashKind, ChangeKind, PositionChange, Split
from alphalens.trading.corrections import Correction

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Terms:
    currency: str = "USD"
    multiplier: int = 1
    is_margined: bool = False


#: A share, a share in euros, an option, a future.
TERMS = {
    "SHARE": Terms(),
    "EURO": Terms("EUR"),
    "OPTION": Terms(multiplier=100),
    "FUTURE": Terms(multiplier=50, is_margined=True),
}
RATIOS = [(2, 1), (3, 2), (1, 4), (1, 3), (1, 10)]
quantities = st.decimals("0.001", "1000", places=3)
prices = st.decimals("0.01", "1000", places=2)
marks = st.fixed_dictionaries(dict.fromkeys(TERMS, prices))


def fill(name, symbol, side, quantity, price, fee=Decimal(0), *, is_synthetic=False):
    terms = TERMS[symbol]
    return Fill(
        fill_id=name,
        client_order_id="o",
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        fee=fee,
        at=T0,
        multiplier=Decimal(terms.multiplier),
        currency=terms.currency,
        is_margined=terms.is_margined,
        is_synthetic=is_synthetic,
    )


def change(name, symbol, kind, units, price):
    terms = TERMS[symbol]
    return PositionChange(
        activity_id=name,
        symbol=symbol,
        kind=kind,
        quantity=units,
        price=price,
        at=T0,
        multiplier=Decimal(terms.multiplier),
        currency=terms.currency,
    )


@st.composite
def histories(draw, *, longest=15):
    """Events that a ledger takes: fills, inferred ones and their corrections, activities."""
    events, inferred = [], []
    for number in range(draw(st.integers(0, longest))):
        symbol, name = draw(st.sampled_from(list(TERMS))), f"e{number}"
        what = draw(st.sampled_from(["fill"] * 4 + ["inferred", "flow", "split", "change", "true"]))
        side, price = draw(st.sampled_from(list(Side))), draw(prices)
        quantity, fee = draw(quantities), draw(st.decimals("-1", "5", places=4))
        if what in ("fill", "inferred"):
            made = fill(name, symbol, side, quantity, price, fee, is_synthetic=what == "inferred")
            events.append(made)
            inferred += [made] if made.is_synthetic else []
        elif what == "flow":
            kind = draw(st.sampled_from(list(CashKind)))
            owner = draw(st.sampled_from(["", symbol]))
            currency = draw(st.sampled_from(["USD", "EUR"]))
            flow = CashFlow(
                activity_id=name, kind=kind, amount=fee, at=T0, currency=currency, symbol=owner
            )
            events.append(flow)
        elif what == "split" and not TERMS[symbol].is_margined:
            new, old = map(Decimal, draw(st.sampled_from(RATIOS)))
            events.append(Split(activity_id=name, symbol=symbol, new=new, old=old, at=T0))
        elif what == "change" and not TERMS[symbol].is_margined:
            kind = draw(st.sampled_from(list(ChangeKind)))
            events.append(change(name, symbol, kind, side.sign * quantity, price))
        elif what == "true" and inferred:
            wrong = inferred.pop(draw(st.integers(0, len(inferred) - 1)))
            names = [wrong.fill_id, f"{name}b"][: draw(st.integers(0, 2))]
            right = [fill(n, wrong.symbol, wrong.side, quantity, price, fee) for n in names]
            events.append(Correction(removed=(wrong.fill_id,), fills=tuple(right)))
    return events


def corrected(events):
    """The list of events without corrections, as if the truth had been known at once."""
    plain = []
    for event in events:
        if not isinstance(event, Correction):
            plain.append(event)
            continue
        ids = [getattr(e, "fill_id", None) for e in plain]
        place = min(ids.index(name) for name in event.removed)
        rest = [e for e, name in zip(plain, ids, strict=True) if name not in event.removed]
        plain = [*rest[:place], *event.fills, *rest[place:]]
    return plain


class Reference:
    """Cash, units, cost and profit, computed anew from the first event on."""

    def __init__(self, opening, events):
        self.cash = defaultdict(Fraction, USD=Fraction(opening))
        self.units, self.cost, self.realised, self.fees = (defaultdict(Fraction) for _ in range(4))
        for event in corrected(events):
            if isinstance(event, CashFlow):
                self.cash[event.currency] += Fraction(event.amount)
            elif isinstance(event, Split):
                self.split(event)
            elif isinstance(event, Fill):
                fee = Fraction(event.fee)
                self.fees[event.symbol] += fee
                self.cash[event.currency] -= fee
                self.trade(event, event.side.sign * Fraction(event.quantity), is_paid=True)
            else:
                self.change(event)

    def split(self, event):
        exact = self.units[event.symbol] * Fraction(event.new) / Fraction(event.old)
        cut = Fraction(int(exact * 10**9), 10**9)
        if not cut:
            self.realised[event.symbol] -= self.cost.pop(event.symbol, 0)
        self.units[event.symbol] = cut

    def change(self, event):
        units = Fraction(event.quantity)
        is_fee = event.kind is ChangeKind.FEE
        if is_fee:
            self.fees[event.symbol] -= units * Fraction(event.price) * Fraction(event.multiplier)
        self.trade(event, units, is_paid=not is_fee and event.kind is not ChangeKind.TRANSFER)

    def trade(self, event, units, *, is_paid):
        symbol = event.symbol
        each = Fraction(event.price) * TERMS[symbol].multiplier
        held = self.units[symbol]
        closing = max(-abs(held), -abs(units)) * (1 if held > 0 else -1) if held * units < 0 else 0
        average = self.cost[symbol] / held if held else 0
        gain = -closing * (each - average)
        self.realised[symbol] += gain
        self.cost[symbol] += closing * average + (units - closing) * each
        self.units[symbol] += units
        if is_paid:
            paid = -gain if TERMS[symbol].is_margined else units * each
            self.cash[event.currency] -= paid
