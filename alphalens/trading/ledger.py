"""The books: fills and activities in, positions, cash and profit out; exact and replayable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, DecimalException, localcontext
from typing import Any

from alphalens.errors import InputError
from alphalens.trading.activities import Activity, CashFlow, CashKind, Split
from alphalens.trading.codec import to_jsonable
from alphalens.trading.corrections import Correction, History
from alphalens.trading.figures import Figures
from alphalens.trading.orders import Fill
from alphalens.trading.positions import EXACT, Holding, Position, Trade, exactly, is_figure, unkept
from alphalens.trading.seen import Seen
from alphalens.trading.valuation import Prices, Profit, Rates, equity, exposure, profits

__all__ = ["Correction", "Event", "Ledger", "Position", "Profit"]

_ZERO = Decimal(0)
_SNAPSHOT_VERSION = 1

Event = Fill | Activity | Correction


class Ledger:
    """Cash, positions and profit of one account.

    A fold over events: the same events in the same order give the same state, to the digit,
    and an event is booked once per id. The order of events of different assets makes no
    difference. Everything is exact but two quotients, whose rounding `positions` declares.
    An event that is refused changes nothing. At any time and prices ::

        equity = opening + brought_in + transfers + profit

    holds to the digit in each currency, the profit being `Profit.total`.

    Parameters
    ----------
    cash : Decimal
        Opening balance in `currency`.
    currency : str
        The account's own currency, in which cash and equity are told.

    Raises
    ------
    InputError
        If `cash` is no finite Decimal.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from alphalens.trading.orders import Side
    >>> books = Ledger(Decimal(1000))
    >>> books.apply(Fill(fill_id="f1", client_order_id="o1", symbol="A", side=Side.BUY,
    ...                  quantity=Decimal(10), price=Decimal(5), fee=Decimal("0.5"),
    ...                  at=datetime(2024, 1, 2, 15, tzinfo=UTC)))
    True
    >>> books.cash, books.equity({"A": Decimal(6)})
    (Decimal('949.5'), Decimal('1009.5'))
    """

    def __init__(self, cash: Decimal, currency: str = "USD") -> None:
        if not is_figure(cash):
            raise InputError(f"the opening balance must be a finite Decimal, got {cash!r}")
        self.currency = currency
        self.opening = cash
        self._figures = Figures(cash, currency)
        self._fills, self._activities = Seen(), Seen()
        self._histories: dict[str, History] = {}

    @classmethod
    def replay(cls, cash: Decimal, events: Iterable[Event], currency: str = "USD") -> Ledger:
        """Return the ledger that has booked `events`, in their order; raises as `record`."""
        ledger = cls(cash, currency)
        for event in events:
            ledger.record(event)
        return ledger

    def record(self, event: Event) -> bool:
        """Book an event of any kind; see `apply`, `book` and `correct`."""
        if isinstance(event, Fill):
            return self.apply(event)
        return self.correct(event) if isinstance(event, Correction) else self.book(event)

    def apply(self, fill: Fill) -> bool:
        """Book a fill and return True, or return False if it was booked before.

        A true execution with the id and the figures of an inferred one confirms it.

        Raises
        ------
        InputError
            If a fill of the same id but with other figures was booked before, if currency,
            multiplier or margining is not that of the position, or if a figure cannot be
            kept exactly.
        """
        with localcontext(EXACT):
            return self._apply(fill)

    def apply_all(self, fills: Iterable[Fill]) -> int:
        """Book every fill and return how many were new; raises as `apply`, at the fill."""
        prepared = tuple(fills)  # whatever makes the fills has to compute in its own context
        with localcontext(EXACT):
            return sum(map(self._apply, prepared))

    def book(self, activity: Activity) -> bool:
        """Book what was no execution and return True, or False if it was booked before.

        Raises
        ------
        InputError
            As `apply`.
        """
        name = activity.activity_id
        if name in self._activities.known:
            self._activities.check(name, activity)
            return False
        with exactly(f"activity {name}"):
            if isinstance(activity, CashFlow):
                self._figures.book_flow(activity)
            else:
                self._move(activity)
        self._activities.add(name, activity)
        return True

    def has_booked(self, activity_id: str) -> bool:
        """Return whether an activity of that id was booked."""
        return activity_id in self._activities.known

    def correct(self, correction: Correction) -> bool:
        """Book true fills in the place of inferred ones; return False if that was done before.

        Afterwards the book is what it would be had the true fills been booked there and then.
        What was booked in the asset since the first inferred fill is kept for that, in a
        snapshot too, until nothing inferred is left. Only inferred fills can be removed: an
        execution that the venue takes back comes as a `PositionChange`.

        Raises
        ------
        InputError
            If a removed id is no inferred fill, or a fill is of an asset of which none is
            removed; and as `apply`.
        """
        removed, fills = self._open_part(correction)
        if not removed and not fills:
            return False
        by_symbol: dict[str, list[Fill]] = {fill.symbol: [] for fill in removed.values()}
        for fill in fills:
            if fill.symbol not in by_symbol:
                raise InputError(
                    f"fill {fill.fill_id} of {fill.symbol} has no inferred fill to take the place "
                    f"of in this correction: book it as a fill of its own"
                )
            by_symbol[fill.symbol].append(fill)
        with exactly(f"correction of {', '.join(removed)}"):
            rebuilt = {
                symbol: self._histories[symbol].without(removed.keys(), true)
                for symbol, true in by_symbol.items()
            }
            self._figures.replace(holding for holding, _ in rebuilt.values())
        for symbol, (_, history) in rebuilt.items():
            del self._histories[symbol]
            if history is not None:
                self._histories[symbol] = history
        self._fills.take_back(removed.values())
        for fill in fills:
            self._fills.add(fill.fill_id, fill)
        return True

    def open_position(
        self,
        symbol: str,
        quantity: Decimal,
        price: Decimal,
        *,
        multiplier: Decimal = Decimal(1),
        currency: str = "",
        is_margined: bool = False,
    ) -> None:
        """Take over a position that was there before the first event; no cash moves.

        Parameters
        ----------
        symbol : str
            Canonical symbol, of which nothing was booked yet.
        quantity : Decimal
            Signed units, not 0.
        price : Decimal
            What one unit had cost on average, or its value at the start if that is not known.
        multiplier, is_margined
            As of a `Fill`.
        currency : str
            Empty for the account's own.

        Raises
        ------
        InputError
            If something of `symbol` was booked before, or a figure is none.
        """
        if symbol in self._figures.holdings:
            raise InputError(
                f"{symbol} was booked before: a position can only be opened before its first event"
            )
        opened = Holding(
            symbol=symbol,
            currency=currency or self.currency,
            multiplier=multiplier,
            is_margined=is_margined,
        )
        with exactly(f"opening position {symbol}"):
            opened.bring(quantity, price)
        self._figures.balances.setdefault(opened.currency, _ZERO)
        self._figures.holdings[symbol] = opened

    @property
    def cash(self) -> Decimal:
        """Return the balance in the account's currency, which is exact."""
        return self._figures.balances[self.currency]

    @property
    def balances(self) -> Mapping[str, Decimal]:
        """Return the balance in each currency that was ever moved, in alphabetical order."""
        return dict(sorted(self._figures.balances.items()))

    @property
    def flows(self) -> Mapping[CashKind, Mapping[str, Decimal]]:
        """Return the sum of the cash flows by kind and currency; positive was received."""
        return {
            kind: dict(self._figures.flows[kind])
            for kind in CashKind
            if kind in self._figures.flows
        }

    @property
    def brought_in(self) -> Mapping[str, Decimal]:
        """Return by currency the value, at their price, of units that came without payment.

        Opening positions and transfers are among them; what was taken away counts negative.
        """
        return self._figures.brought_in()

    @property
    def fees(self) -> Decimal:
        """Return the fees paid in the account's currency, with executions or in coin."""
        return self._figures.fees(self.currency)

    @property
    def realised(self) -> Decimal:
        """Return the profit realised in the account's currency, before fees."""
        return self._figures.realised(self.currency)

    @property
    def positions(self) -> Mapping[str, Position]:
        """Return the positions that are not flat, by symbol, in alphabetical order."""
        return {s: p for s, p in self.all_positions.items() if p.quantity}

    @property
    def all_positions(self) -> Mapping[str, Position]:
        """Return the positions, flat ones too, by symbol, in alphabetical order."""
        return {
            symbol: holding.position for symbol, holding in sorted(self._figures.holdings.items())
        }

    @property
    def inferred(self) -> frozenset[str]:
        """Return the ids of the inferred fills that nothing has replaced or confirmed yet."""
        return frozenset(self._open_inferred())

    def quantity(self, symbol: str) -> Decimal:
        """Return the units held of `symbol`; 0 if none."""
        holding = self._figures.holdings.get(symbol)
        return holding.quantity if holding else _ZERO

    def pnl(self, prices: Prices) -> Mapping[tuple[str, str], Profit]:
        """Return the profit by symbol and currency, of flat assets too.

        Flows that belong to no asset stand under the symbol ``""``.

        Raises
        ------
        InputError
            If a held asset has no price: the value would be invented.
        """
        return profits(self._figures.holdings.values(), self._figures.income, prices)

    def pnl_by_currency(self, prices: Prices) -> Mapping[str, Profit]:
        """Return the profit by currency; raises as `pnl`."""
        found: dict[str, Profit] = {}
        for (_, currency), profit in self.pnl(prices).items():
            found[currency] = found.get(currency, Profit()) + profit
        return found

    def equity(self, prices: Prices, rates: Rates | None = None) -> Decimal:
        """Return cash plus what every position is worth, in the account's currency.

        Parameters
        ----------
        prices : Mapping of str to Decimal
            Price of one unit of each held asset, in its currency.
        rates : Mapping of str to Decimal, optional
            Units of the account's currency for one unit of another.

        Raises
        ------
        InputError
            If a held asset has no price, or a currency that counts has no rate: the value
            would be invented.
        """
        return equity(
            self._figures.holdings.values(), self._figures.balances, prices, self.currency, rates
        )

    def exposure(self, prices: Prices, rates: Rates | None = None) -> tuple[Decimal, Decimal]:
        """Return (gross, net) value of the positions, margined ones in full; as `equity`."""
        return exposure(self._figures.holdings.values(), prices, self.currency, rates)

    def snapshot(self) -> dict[str, object]:
        """Return the whole state as plain JSON, the ids of what was booked included."""
        return {
            **self._state(),
            "fills": self._fills.to_plain(),
            "activities": self._activities.to_plain(),
        }

    def sealed_snapshot(self) -> tuple[dict[str, object], dict[str, tuple[str, ...]]]:
        """Return the state without the ids, and the ids as texts that are never written again.

        The ids of all that was ever booked only grow. Of the texts of each kind those of the
        last call are the first ones of the next, so that each has to be stored once.

        Returns
        -------
        tuple of dict and dict
            Plain JSON, and by name (``"fills"``, ``"activities"``) the texts; `from_snapshot`
            reads both in one mapping.
        """
        parts = {"fills": self._fills.seal(), "activities": self._activities.seal()}
        return self._state(), parts

    def _state(self) -> dict[str, object]:
        return {
            "version": _SNAPSHOT_VERSION,
            "currency": self.currency,
            "opening": to_jsonable(self.opening),
            "figures": self._figures.to_plain(),
            "histories": {s: h.to_plain() for s, h in sorted(self._histories.items())},
        }

    @classmethod
    def from_snapshot(cls, snapshot: Mapping[str, Any]) -> Ledger:  # Any: plain JSON
        """Return the ledger that a snapshot was taken of; it goes on as that one would.

        Parameters
        ----------
        snapshot : Mapping
            From `snapshot`, or both parts of `sealed_snapshot` in one.

        Raises
        ------
        InputError
            If the snapshot is of another version or cannot be read.
        """
        version = snapshot.get("version")
        if version != _SNAPSHOT_VERSION:
            raise InputError(
                f"the ledger's snapshot is of version {version}, this program reads "
                f"{_SNAPSHOT_VERSION}: replay the journal from its start instead"
            )
        try:
            return cls._read(snapshot)
        except (KeyError, TypeError, AttributeError, ArithmeticError, ValueError) as error:
            raise InputError(
                f"the ledger's snapshot cannot be read ({error!r}): replay the journal from its "
                f"start instead"
            ) from error

    @classmethod
    def _read(cls, snapshot: Mapping[str, Any]) -> Ledger:  # Any: plain JSON
        ledger = cls(Decimal(snapshot["opening"]), snapshot["currency"])
        ledger._figures.restore(snapshot["figures"])
        ledger._fills = _seen_from(snapshot["fills"])
        ledger._activities = _seen_from(snapshot["activities"])
        ledger._histories = {s: History.from_plain(h) for s, h in snapshot["histories"].items()}
        return ledger

    def _apply(self, fill: Fill) -> bool:
        """Book a fill; `EXACT` has to be the context."""
        name, symbol = fill.fill_id, fill.symbol
        if name in self._fills.known:
            return self._again(fill)
        holding = self._figures.holdings.get(symbol)
        try:
            if holding is None or fill.is_synthetic or symbol in self._histories:
                self._move(fill)
            else:
                balances, currency = self._figures.balances, holding.currency
                balances[currency] = holding.fill(fill, balances[currency])
        except DecimalException as error:
            raise unkept(f"fill {name}") from error
        self._fills.add(name, fill)
        return True

    def _again(self, fill: Fill) -> bool:
        """Check a fill whose id is known, and let a true one confirm an inferred one."""
        self._fills.check(fill.fill_id, fill)
        history = self._histories.get(fill.symbol)
        if history and not fill.is_synthetic and fill.fill_id in history.inferred:
            self.correct(Correction(removed=(fill.fill_id,), fills=(fill,)))
        return False

    def _move(self, event: Trade) -> None:
        """Book what moves units, in its asset's holding and in the balance."""
        symbol = event.symbol
        holding = self._figures.holdings.get(symbol)
        if holding is None:
            if isinstance(event, Split):
                return
            holding = Holding(symbol=symbol, currency=event.currency)
        history = self._histories.get(symbol)
        if history is None and isinstance(event, Fill) and event.is_synthetic:
            history = History(holding.copy())
        currency = holding.currency
        self._figures.balances[currency] = holding.feed(
            event, self._figures.balances.get(currency, _ZERO)
        )
        self._figures.holdings[symbol] = holding
        if history is not None:
            history.events.append(event)
            self._histories[symbol] = history

    def _open_inferred(self) -> dict[str, Fill]:
        return {n: f for history in self._histories.values() for n, f in history.inferred.items()}

    def _open_part(self, correction: Correction) -> tuple[dict[str, Fill], list[Fill]]:
        """Return what of a correction is still to be done: fills to remove, fills to book."""
        inferred = self._open_inferred()
        given = {fill.fill_id: fill for fill in correction.fills}
        removed = {}
        for name in correction.removed:
            if name in inferred and given.get(name) != inferred[name]:
                removed[name] = inferred[name]
            elif name not in inferred and not self._fills.was_taken_back(name):
                raise InputError(
                    f"fill {name} cannot be removed: no inferred fill of this id was booked; "
                    f"an execution that the venue takes back is a PositionChange"
                )
        fills = []
        for name, fill in given.items():
            if name in removed or name not in self._fills.known:
                fills.append(fill)
            else:
                self._fills.check(name, fill)
        return removed, fills


def _seen_from(stored: Any) -> Seen:  # Any: plain JSON
    return Seen.from_plain(stored) if isinstance(stored, Mapping) else Seen.from_sealed(stored)
