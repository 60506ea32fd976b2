import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.errors import InputError
from alphalens.trading import Fill, Ledger, Side
from alphalens.trading.activities import CashFlow, CashKind, ChangeKind, PositionChange, Split
from alphalens.trading.corrections import Correction
from alphalens.trading.positions import EXACT

from .ledger_events import RATIOS, Reference, corrected, histories, marks, prices, quantities

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
OPENING = Decimal(100_000)
TINY = Decimal("1e-15")  # average cost is a quotient: it has a last digit
SYMBOLS = ("A", "B", "C")


@st.composite
def fill_lists(draw):
    parts = st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(list(Side)), quantities, prices)
    fees = st.decimals("0", "5", places=4)
    drawn = draw(st.lists(st.tuples(parts, fees), max_size=25))
    return [
        Fill(
            fill_id=f"f{number}",
            client_order_id=f"o{number}",
            symbol=symbol,
            side=side,
            quantity=quantity,
            price=price,
            fee=fee,
            at=T0,
        )
        for number, ((symbol, side, quantity, price), fee) in enumerate(drawn)
    ]


def book(*fills: Fill) -> Ledger:
    ledger = Ledger(OPENING)
    ledger.apply_all(fills)
    return ledger


def trade(signed: str, price: str, fill_id: str = "f", fee: str = "0") -> Fill:
    units = Decimal(signed)
    return Fill(
        fill_id=fill_id,
        client_order_id="o",
        symbol="A",
        side=Side.BUY if units > 0 else Side.SELL,
        quantity=abs(units),
        price=Decimal(price),
        fee=Decimal(fee),
        at=T0,
    )


@given(fill_lists())
def test_cash_is_opening_less_purchases_and_fees_plus_sales_exactly(fills):
    spent = sum((f.signed_quantity * f.price + f.fee for f in fills), Decimal(0))
    assert book(*fills).cash == OPENING - spent


@given(fill_lists(), st.lists(prices, min_size=3, max_size=3))
def test_cash_plus_positions_is_equity_and_its_change_is_the_profit(fills, last):
    ledger, marks = book(*fills), dict(zip(SYMBOLS, last, strict=True))
    value = sum((p.quantity * marks[s] for s, p in ledger.positions.items()), Decimal(0))
    assert ledger.equity(marks) == ledger.cash + value
    cost = sum((p.cost for p in ledger.positions.values()), Decimal(0))
    profit = ledger.realised + (value - cost) - ledger.fees
    assert abs(ledger.equity(marks) - OPENING - profit) < TINY


@given(fill_lists(), st.randoms(use_true_random=False))
def test_fills_in_any_order_and_repeated_give_the_same_cash_and_units(fills, random):
    shuffled = fills + fills[::2]
    random.shuffle(shuffled)
    one, other = book(*fills), book(*shuffled)
    assert one.cash == other.cash
    assert one.fees == other.fees
    assert {s: p.quantity for s, p in one.positions.items()} == {
        s: p.quantity for s, p in other.positions.items()
    }


@given(fill_lists(), st.lists(prices, min_size=3, max_size=3))
def test_profit_in_all_does_not_depend_on_the_order_of_the_fills(fills, last):
    marks = dict(zip(SYMBOLS, last, strict=True))
    assert book(*fills).equity(marks) == book(*reversed(fills)).equity(marks)


@given(fill_lists())
def test_position_closed_to_the_last_unit_has_no_cost_left(fills):
    ledger = book(*fills)
    for number, (symbol, position) in enumerate(ledger.positions.items()):
        side = Side.SELL if position.quantity > 0 else Side.BUY
        closing = replace(
            trade("1", "7", f"close{number}"),
            symbol=symbol,
            side=side,
            quantity=abs(position.quantity),
        )
        ledger.apply(closing)
    assert ledger.positions == {}
    assert abs(ledger.cash - OPENING - ledger.realised + ledger.fees) < TINY


@given(fill_lists(), st.lists(prices, min_size=3, max_size=3))
def test_gross_bounds_net(fills, last):
    gross, net = book(*fills).exposure(dict(zip(SYMBOLS, last, strict=True)))
    assert gross >= abs(net)


def test_fill_is_booked_once_per_id():
    ledger = Ledger(OPENING)
    fill = trade("10", "5")
    assert [ledger.apply(fill), ledger.apply(fill)] == [True, False]
    assert ledger.quantity("A") == 10
    assert ledger.apply_all([fill, trade("1", "5", "g")]) == 1


def test_same_id_with_other_contents_is_refused_and_changes_nothing():
    ledger = book(trade("10", "5"))
    with pytest.raises(InputError, match=r"booked as buy 10 A at 5 USD .* and now says buy 11 A"):
        ledger.apply(trade("11", "5"))
    assert ledger.quantity("A") == 10


def test_adding_to_a_position_averages_its_price_and_realises_nothing():
    position = book(trade("10", "5", "f1"), trade("10", "7", "f2")).positions["A"]
    assert (position.quantity, position.average_price, position.realised) == (20, 6, 0)


def test_reducing_a_position_realises_profit_at_average_cost():
    ledger = book(trade("10", "5", "f1"), trade("-4", "8", "f2", fee="1"))
    position = ledger.positions["A"]
    assert (position.quantity, position.average_price, position.realised) == (6, 5, 12)
    assert (ledger.realised, ledger.fees) == (12, 1)


def test_flip_closes_the_old_position_and_opens_the_rest_at_the_new_price():
    position = book(trade("10", "5", "f1"), trade("-15", "8", "f2")).positions["A"]
    assert (position.quantity, position.average_price, position.realised) == (-5, 8, 30)


def test_short_position_profits_from_a_fall():
    ledger = book(trade("-10", "8", "f1"), trade("10", "5", "f2"))
    assert ledger.positions == {}
    assert ledger.realised == 30
    assert ledger.cash == OPENING + 30


def test_flat_position_has_no_average_price():
    assert Ledger(OPENING).quantity("A") == 0
    assert book(trade("1", "5", "f1"), trade("-1", "5", "f2")).positions == {}


def test_equity_without_a_price_of_a_held_asset_is_refused():
    with pytest.raises(InputError, match="no price for A, which is held"):
        book(trade("1", "5")).equity({"B": Decimal(1)})


def test_positions_come_in_alphabetical_order():
    fills = [replace(trade("1", "5", s), symbol=s) for s in ("C", "A", "B")]
    assert list(book(*fills).positions) == ["A", "B", "C"]


def amounts(ledger: Ledger) -> object:
    """All that a ledger says of money and units, without what is nothing at all.

    An asset of which all was taken back stays in the books as an empty line.
    """
    balances = {currency: money for currency, money in ledger.balances.items() if money}
    lines = {
        symbol: (position.quantity, position.cost, position.realised)
        for symbol, position in ledger.all_positions.items()
    }
    lines = {symbol: line for symbol, line in lines.items() if any(line)}
    return balances, lines, ledger.fees, ledger.flows, ledger.brought_in


def total(profits) -> Decimal:
    with localcontext(EXACT):
        return sum((profit.total for profit in profits), Decimal(0))


@given(histories(), marks)
def test_reference_in_fractions_agrees(events, last):
    ledger, reference = Ledger.replay(OPENING, events), Reference(OPENING, events)
    for currency in ("USD", "EUR"):
        cash = ledger.balances.get(currency, Decimal(0))
        assert abs(Fraction(cash) - reference.cash[currency]) < TINY
    for symbol, position in ledger.all_positions.items():
        assert Fraction(position.quantity) == reference.units[symbol]
        assert abs(Fraction(position.cost) - reference.cost[symbol]) < TINY
        assert abs(Fraction(position.realised) - reference.realised[symbol]) < TINY
        profit = ledger.pnl(last)[symbol, position.currency]
        assert Fraction(profit.fees) == reference.fees[symbol]


@given(histories())
def test_cash_is_opening_and_all_flows_to_the_digit_where_nothing_is_margined(events):
    events = [e for e in corrected(events) if getattr(e, "symbol", "") != "FUTURE"]
    moved = {"USD": Fraction(OPENING)}
    for event in events:
        if isinstance(event, CashFlow):
            paid = -Fraction(event.amount)
        elif isinstance(event, Fill):
            value = Fraction(event.signed_quantity) * Fraction(event.price)
            paid = value * Fraction(event.multiplier) + Fraction(event.fee)
        elif isinstance(event, Split) or event.kind in (ChangeKind.FEE, ChangeKind.TRANSFER):
            continue
        else:
            paid = Fraction(event.quantity) * Fraction(event.price) * Fraction(event.multiplier)
        moved[event.currency] = moved.get(event.currency, Fraction(0)) - paid
    balances = Ledger.replay(OPENING, events).balances
    assert {c: b for c, b in balances.items() if b} == {c: b for c, b in moved.items() if b}


@given(histories(), marks, prices)
def test_equity_is_opening_capital_and_profit_to_the_digit(events, last, rate):
    ledger = Ledger.replay(OPENING, events)
    profit = ledger.pnl_by_currency(last)
    transfers = ledger.flows.get(CashKind.TRANSFER, {})
    with localcontext(EXACT):
        explained = OPENING
        for currency, unit in (("USD", Decimal(1)), ("EUR", rate)):
            capital = ledger.brought_in.get(currency, 0) + transfers.get(currency, 0)
            earned = profit[currency].total if currency in profit else 0
            explained += (capital + earned) * unit
    assert ledger.equity(last, {"EUR": rate}) == explained
    assert total(profit.values()) == total(ledger.pnl(last).values())


@given(histories())
def test_replay_gives_the_same_state_and_a_repetition_changes_nothing(events):
    ledger = Ledger.replay(OPENING, events)
    before = ledger.snapshot()
    assert Ledger.replay(OPENING, events).snapshot() == before
    assert [ledger.record(event) for event in events] == [False] * len(events)
    assert ledger.snapshot() == before


@given(histories(), st.randoms(use_true_random=False))
def test_order_of_events_of_different_assets_makes_no_difference(events, random):
    events = corrected(events)
    queues = {}
    for event in events:
        queues.setdefault(event.symbol, []).append(event)
    turns = [event.symbol for event in events]
    random.shuffle(turns)
    mixed = [queues[symbol].pop(0) for symbol in turns]
    assert Ledger.replay(OPENING, mixed).snapshot() == Ledger.replay(OPENING, events).snapshot()


@given(histories(), st.data())
def test_snapshot_at_any_point_and_the_rest_is_the_whole(events, data):
    point = data.draw(st.integers(0, len(events)))
    text = json.dumps(Ledger.replay(OPENING, events[:point]).snapshot())
    resumed = Ledger.from_snapshot(json.loads(text))
    assert [resumed.record(event) for event in events[:point]] == [False] * point
    for event in events[point:]:
        assert resumed.record(event)
    assert resumed.snapshot() == Ledger.replay(OPENING, events).snapshot()


@given(histories(), st.data())
def test_texts_sealed_before_are_the_first_of_the_next_and_the_whole_comes_back(events, data):
    events = corrected(events)
    points = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=3)))
    ledger, kept, done = Ledger(OPENING), {"fills": (), "activities": ()}, 0
    for point in points:
        assert all(ledger.record(event) for event in events[done:point])
        done = point
        state, parts = ledger.sealed_snapshot()
        for name, texts in parts.items():
            assert texts[: len(kept[name])] == kept[name]
        kept = parts
        stored = json.loads(json.dumps({**state, **parts}))
        ledger = data.draw(st.sampled_from([ledger, Ledger.from_snapshot(stored)]))
    for event in events[done:]:
        assert ledger.record(event)
    assert [ledger.record(event) for event in events] == [False] * len(events)
    assert ledger.snapshot() == Ledger.replay(OPENING, events).snapshot()


def test_sealed_texts_have_each_id_once_and_no_more_than_is_new():
    ledger, count = book(trade("1", "5", "f0")), 10_001
    (first,) = ledger.sealed_snapshot()[1]["fills"]
    ledger.apply_all(trade("1", "5", f"n{number}") for number in range(count))
    again, *more = ledger.sealed_snapshot()[1]["fills"]
    assert again == first
    assert [len(json.loads(text)["known"]) for text in more] == [10_000, 1]
    assert ledger.sealed_snapshot()[1]["fills"] == (first, *more)


def test_conflict_is_found_over_sealed_texts():
    state, parts = book(trade("10", "5")).sealed_snapshot()
    resumed = Ledger.from_snapshot({**state, **parts})
    assert not resumed.apply(trade("10.0", "5"))
    with pytest.raises(InputError, match="fill f was booked as other figures"):
        resumed.apply(trade("11", "5"))


@given(histories())
def test_corrected_book_is_the_book_of_who_knew_the_truth_at_once(events):
    truth = Ledger.replay(OPENING, corrected(events))
    assert amounts(Ledger.replay(OPENING, events)) == amounts(truth)


@given(histories(), st.sampled_from(RATIOS), marks)
def test_split_leaves_cost_cash_and_profit_as_they_were(events, ratio, last):
    ledger = Ledger.replay(OPENING, events)
    before, cash = ledger.all_positions, ledger.balances
    earned = ledger.pnl(last)
    new, old = map(Decimal, ratio)
    ledger.book(Split(activity_id="s", symbol="SHARE", new=new, old=old, at=T0))
    held = ledger.quantity("SHARE")
    assert ledger.balances == cash
    if not before.get("SHARE") or not before["SHARE"].quantity or not held:
        return
    share = before["SHARE"]
    exact = Fraction(share.quantity) * Fraction(new) / Fraction(old)
    assert 0 <= (exact - Fraction(held)) * (1 if exact > 0 else -1) < Fraction(1, 10**9)
    after = ledger.all_positions["SHARE"]
    assert (after.cost, after.realised) == (share.cost, share.realised)
    price = Fraction(last["SHARE"]) * Fraction(old) / Fraction(new)
    unrealised = Fraction(held) * price - Fraction(after.cost)
    difference = unrealised - Fraction(earned["SHARE", "USD"].unrealised)
    assert abs(difference) <= price / 10**9
    assert difference == 0 or exact != Fraction(held)


def flow(kind: CashKind, amount: str, name: str = "c", **more) -> CashFlow:
    return CashFlow(activity_id=name, kind=kind, amount=Decimal(amount), at=T0, **more)


def moved(units: str, price: str, kind=ChangeKind.ASSIGNMENT, **more) -> PositionChange:
    fields = {"activity_id": "a", "symbol": "A", "at": T0, "kind": kind}
    return PositionChange(quantity=Decimal(units), price=Decimal(price), **fields | more)


def split(new: int, old: int, name: str = "s") -> Split:
    return Split(activity_id=name, symbol="A", new=Decimal(new), old=Decimal(old), at=T0)


def test_dividend_of_a_short_position_is_a_cash_entry_and_no_fill():
    ledger = book(trade("-10", "5"))
    assert ledger.book(flow(CashKind.DIVIDEND, "-2.5", symbol="A"))
    assert ledger.cash == OPENING + Decimal("47.5")
    assert ledger.quantity("A") == -10
    assert ledger.flows == {CashKind.DIVIDEND: {"USD": Decimal("-2.5")}}
    assert ledger.pnl({"A": Decimal(5)})["A", "USD"].income == Decimal("-2.5")


def test_flows_are_kept_apart_by_kind_and_currency_and_transfers_are_no_profit():
    ledger = Ledger(OPENING)
    for number, kind in enumerate([*CashKind, CashKind.FUNDING]):
        ledger.book(flow(kind, f"{number + 1}", f"c{number}"))
    ledger.book(flow(CashKind.INTEREST, "7", "e", currency="EUR"))
    assert ledger.flows[CashKind.FUNDING] == {"USD": Decimal(5 + 8)}
    assert ledger.flows[CashKind.INTEREST] == {"USD": Decimal(2), "EUR": Decimal(7)}
    assert ledger.balances == {"EUR": Decimal(7), "USD": OPENING + 36}
    income = ledger.pnl({})["", "USD"].income
    assert income == 36 - ledger.flows[CashKind.TRANSFER]["USD"]
    assert ledger.fees == 0


def test_activity_is_booked_once_per_id_and_refused_with_other_figures():
    ledger = Ledger(OPENING)
    assert [ledger.book(flow(CashKind.FEE, "-1")), ledger.book(flow(CashKind.FEE, "-1"))] == [
        True,
        False,
    ]
    assert not ledger.book(flow(CashKind.FEE, "-1.00", note="said again in other words"))
    with pytest.raises(InputError, match=r"activity c was booked as CashFlow .*amount -1.* says"):
        ledger.book(flow(CashKind.FEE, "-2"))
    with pytest.raises(InputError, match="now says Split of symbol A, new 2, old 1"):
        ledger.book(split(2, 1, "c"))
    assert ledger.cash == OPENING - 1


def test_option_counts_a_hundred_times_in_cash_cost_and_profit():
    ledger = book(replace(trade("2", "1.5", fee="1"), multiplier=Decimal(100)))
    position = ledger.positions["A"]
    assert (position.cost, position.average_price) == (300, Decimal("1.5"))
    assert ledger.cash == OPENING - 301
    assert ledger.exposure({"A": Decimal(2)}) == (400, 400)
    profit = ledger.pnl({"A": Decimal(2)})["A", "USD"]
    assert (profit.unrealised, profit.fees, profit.total) == (100, 1, 99)


def test_assigned_short_put_goes_at_zero_and_the_shares_come_at_the_strike():
    ledger = book(replace(trade("-1", "3"), symbol="PUT", multiplier=Decimal(100)))
    ledger.book(moved("1", "0", symbol="PUT", activity_id="a1"))
    ledger.book(moved("100", "190", symbol="A", activity_id="a2"))
    assert list(ledger.positions) == ["A"]
    assert ledger.realised == 300
    assert ledger.cash == OPENING + 300 - 19_000


def test_worthless_expiry_loses_the_premium_and_moves_no_cash():
    ledger = book(replace(trade("1", "3"), multiplier=Decimal(100)))
    cash = ledger.cash
    ledger.book(moved("-1", "0", ChangeKind.EXPIRY))
    assert (ledger.cash, ledger.realised, ledger.positions) == (cash, -300, {})


@pytest.mark.parametrize(("price", "fees", "realised"), [("40", "4", "1"), ("0", "0", "-3")])
def test_fee_in_coin_takes_units_and_no_cash(price, fees, realised):
    ledger = book(trade("10", "30"))
    ledger.book(moved("-0.1", price, ChangeKind.FEE))
    assert ledger.cash == OPENING - 300
    assert ledger.quantity("A") == Decimal("9.9")
    assert (ledger.fees, ledger.realised) == (Decimal(fees), Decimal(realised))
    assert ledger.equity({"A": Decimal(40)}) == OPENING - 300 + 396


def test_transfer_of_units_moves_no_cash_and_is_no_profit():
    ledger = Ledger(OPENING)
    ledger.book(moved("10", "5", ChangeKind.TRANSFER))
    assert (ledger.cash, ledger.brought_in) == (OPENING, {"USD": Decimal(50)})
    assert total(ledger.pnl({"A": Decimal(6)}).values()) == 10
    ledger.book(moved("-4", "6", ChangeKind.TRANSFER, activity_id="b"))
    assert (ledger.cash, ledger.realised, ledger.brought_in) == (OPENING, 4, {"USD": Decimal(26)})


def test_future_moves_cash_only_by_fees_and_by_realised_profit():
    terms = {"is_margined": True, "multiplier": Decimal(50)}
    ledger = book(replace(trade("2", "5000", "f1", fee="4"), **terms))
    assert ledger.cash == OPENING - 4
    assert ledger.equity({"A": Decimal(5010)}) == OPENING - 4 + 1000
    assert ledger.exposure({"A": Decimal(5010)}) == (501_000, 501_000)
    ledger.apply(replace(trade("-3", "5020", "f2", fee="6"), **terms))
    assert (ledger.cash, ledger.realised) == (OPENING - 10 + 2000, 2000)
    assert ledger.equity({"A": Decimal(5020)}) == ledger.cash
    ledger.book(moved("1", "5000", ChangeKind.EXPIRY, multiplier=Decimal(50)))
    assert (ledger.cash, ledger.positions) == (OPENING - 10 + 2000 + 1000, {})


def test_book_in_two_currencies_is_told_in_the_accounts_own():
    ledger = book(replace(trade("10", "5", fee="1"), currency="EUR"))
    assert ledger.balances == {"EUR": Decimal(-51), "USD": OPENING}
    assert (ledger.cash, ledger.fees, ledger.realised) == (OPENING, 0, 0)
    assert ledger.equity({"A": Decimal(7)}, {"EUR": Decimal("1.1")}) == OPENING + Decimal("20.9")
    assert ledger.exposure({"A": Decimal(7)}, {"EUR": Decimal("1.1")}) == (77, 77)
    assert ledger.pnl_by_currency({"A": Decimal(7)})["EUR"].total == 19


@pytest.mark.parametrize("rates", [None, {}, {"EUR": Decimal("NaN")}, {"EUR": Decimal(0)}])
def test_equity_without_a_rate_that_counts_is_refused(rates):
    ledger = book(replace(trade("10", "5"), currency="EUR"))
    with pytest.raises(InputError, match="EUR cannot be told in USD: the rate is"):
        ledger.equity({"A": Decimal(7)}, rates)
    assert ledger.equity({"A": Decimal(5)}, rates) == OPENING  # 50 paid, 50 there: nothing to tell


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"currency": "EUR"}, "A is booked in USD, this is in EUR"),
        ({"multiplier": Decimal(100)}, "held with multiplier 1, margined False, this says 100"),
        ({"is_margined": True}, "this says 1, True"),
    ],
)
def test_fill_of_other_terms_than_what_is_held_is_refused(more, words):
    ledger = book(trade("10", "5"))
    before = ledger.snapshot()
    with pytest.raises(InputError, match=words):
        ledger.apply(replace(trade("1", "5", "g"), **more))
    assert ledger.snapshot() == before


def test_flat_asset_may_come_back_with_another_multiplier():
    ledger = book(trade("1", "5", "f1"), trade("-1", "6", "f2"))
    ledger.apply(replace(trade("1", "5", "f3"), multiplier=Decimal(10)))
    assert (ledger.positions["A"].cost, ledger.realised) == (50, 1)


@pytest.mark.parametrize(
    ("held", "new", "old", "left"),
    [("10", 4, 1, "40"), ("10", 1, 3, "3.333333333"), ("-10", 1, 3, "-3.333333333")],
)
def test_split_changes_units_towards_zero_and_keeps_the_cost(held, new, old, left):
    ledger = book(trade(held, "6"))
    ledger.book(split(new, old))
    position = ledger.positions["A"]
    assert position.quantity == Decimal(left)
    assert position.cost == Decimal(held) * 6


def test_cash_in_lieu_ends_the_fraction_that_a_reverse_split_left():
    ledger = book(trade("10", "6"))
    ledger.book(split(1, 3))
    ledger.book(moved("-0.333333333", "18", ChangeKind.ADJUSTMENT))
    assert ledger.quantity("A") == 3
    assert abs(ledger.equity({"A": Decimal(18)}) - OPENING) < Decimal("1e-7")


def test_position_that_a_split_leaves_no_unit_of_is_a_loss():
    ledger = book(trade("0.000000002", "6"))
    ledger.book(split(1, 10))
    assert ledger.positions == {}
    assert ledger.realised == Decimal("-0.000000012")
    assert ledger.equity({}) == OPENING + ledger.realised


def test_split_of_what_was_never_booked_is_only_remembered():
    ledger = Ledger(OPENING)
    assert [ledger.book(split(2, 1)), ledger.book(split(2, 1))] == [True, False]
    assert ledger.all_positions == {}


def test_opening_position_moves_no_cash_and_is_the_start_of_its_profit():
    ledger = Ledger(OPENING)
    ledger.open_position("A", Decimal(-10), Decimal(5))
    ledger.open_position("B", Decimal(2), Decimal(3), multiplier=Decimal(100), currency="EUR")
    ledger.open_position("C", Decimal(1), Decimal(9), is_margined=True)
    assert ledger.balances == {"EUR": Decimal(0), "USD": OPENING}
    assert ledger.brought_in == {"EUR": Decimal(600), "USD": Decimal(-50)}
    prices = {"A": Decimal(4), "B": Decimal(3), "C": Decimal(10)}
    assert ledger.pnl_by_currency(prices)["USD"].total == 11
    assert ledger.equity(prices, {"EUR": Decimal(2)}) == OPENING - 40 + 1200 + 1
    assert Ledger.from_snapshot(ledger.snapshot()).snapshot() == ledger.snapshot()


@pytest.mark.parametrize(
    "given",
    [
        {"quantity": Decimal(0)},
        {"quantity": Decimal("NaN")},
        {"quantity": 1.5},
        {"price": Decimal("Infinity")},
        {"multiplier": Decimal(0)},
        {"symbol": "A"},
    ],
)
def test_opening_position_of_nothing_or_after_the_start_is_refused(given):
    ledger = book(trade("1", "5"))
    before = ledger.snapshot()
    with pytest.raises(InputError):
        ledger.open_position(**{"symbol": "Z", "quantity": Decimal(1), "price": Decimal(1)} | given)
    assert ledger.snapshot() == before


@pytest.mark.parametrize("cash", [Decimal("NaN"), Decimal("Infinity"), 100.0, "100"])
def test_opening_balance_that_is_no_finite_decimal_is_refused(cash):
    with pytest.raises(InputError, match="opening balance must be a finite Decimal"):
        Ledger(cash)


@pytest.mark.parametrize("figure", [{"price": Decimal("1E-300")}, {"quantity": Decimal("1E+300")}])
def test_figure_that_cannot_be_kept_exactly_is_refused_and_changes_nothing(figure):
    ledger = book(trade("10", "5"))
    before = ledger.snapshot()
    for symbol in ("A", "B"):
        with pytest.raises(InputError, match="keep at most 200 digits"):
            ledger.apply(replace(trade("1", "5", "g"), symbol=symbol, **figure))
    with pytest.raises(InputError, match="activity c: the books are exact"):
        ledger.book(flow(CashKind.FEE, "1E-300"))
    assert ledger.snapshot() == before


def test_arithmetic_of_the_caller_does_not_reach_the_books():
    fill = trade("1.23456", "7.65432")
    with localcontext() as context:
        context.prec = 3
        ledger = book(fill)
    assert ledger.cash == OPENING - Decimal("1.23456") * Decimal("7.65432")


def test_arithmetic_of_the_books_does_not_reach_what_makes_the_fills():
    third = (trade("1", str(Decimal(10) / Decimal(3)), f"f{i}") for i in range(2))
    assert Ledger(OPENING).apply_all(third) == 2


@pytest.mark.parametrize("price", [None, Decimal("NaN"), Decimal("Infinity")])
def test_value_at_a_price_that_is_none_is_refused(price):
    prices = {} if price is None else {"A": price}
    ledger = book(trade("1", "5"))
    for value in (ledger.equity, ledger.exposure, ledger.pnl):
        with pytest.raises(InputError, match=r"no price.* for A, which is held"):
            value(prices)


def inferred(signed: str, price: str, name: str) -> Fill:
    return replace(trade(signed, price, name), is_synthetic=True)


def test_true_fills_take_the_place_of_the_inferred_one():
    ledger = book(trade("2", "5", "o:2"), inferred("6", "6", "o:8"), trade("-8", "9", "x"))
    assert ledger.inferred == {"o:8"}
    true = (trade("3", "6", "o:5"), trade("3", "5.8", "o:8"))
    assert ledger.correct(Correction(removed=("o:8",), fills=true))
    assert ledger.inferred == frozenset()
    assert ledger.realised == 72 - (10 + 18 + Decimal("17.4"))
    assert ledger.cash == OPENING + ledger.realised
    assert not ledger.correct(Correction(removed=("o:8",), fills=true))
    assert not ledger.apply(inferred("6", "6", "o:8"))
    assert ledger.cash == OPENING + ledger.realised


def test_true_fill_of_the_same_figures_confirms_the_inferred_one():
    ledger = book(inferred("6", "6", "o:6"))
    assert not ledger.apply(trade("6", "6.0", "o:6"))
    assert ledger.inferred == frozenset()
    assert ledger.quantity("A") == 6


def test_true_fill_of_other_figures_is_refused_until_a_correction_comes():
    ledger = book(inferred("6", "6", "o:6"))
    with pytest.raises(InputError, match=r"fill o:6 was booked as buy 6 A at 6 .* says buy 5 A"):
        ledger.apply(trade("5", "6", "o:6"))


def test_better_inference_under_the_same_id_takes_its_place_once():
    ledger = book(inferred("6", "6", "o:8"))
    better = Correction(removed=("o:8",), fills=(inferred("5", "6", "o:8"),))
    assert [ledger.correct(better), ledger.correct(better)] == [True, False]
    assert (ledger.quantity("A"), ledger.inferred) == (5, {"o:8"})


def test_true_fill_that_came_by_itself_is_not_booked_again_by_the_correction():
    ledger = book(inferred("6", "6", "o:6"), trade("3", "6", "o:3"))
    true = (trade("3", "6", "o:3"), trade("3", "7", "o:6"))
    ledger.correct(Correction(removed=("o:6",), fills=true))
    assert ledger.quantity("A") == 6
    assert ledger.cash == OPENING - 18 - 21


def test_correction_over_a_snapshot_works():
    ledger = book(inferred("6", "6", "o:6"), trade("-6", "9", "x"))
    resumed = Ledger.from_snapshot(json.loads(json.dumps(ledger.snapshot())))
    assert resumed.correct(Correction(removed=("o:6",), fills=(trade("5", "7", "o:5"),)))
    assert (resumed.quantity("A"), resumed.realised) == (-1, 10)


@pytest.mark.parametrize(
    ("removed", "words"), [("o:2", "no inferred fill of this id"), ("new", "cannot be removed")]
)
def test_correction_of_what_was_not_inferred_is_refused_and_changes_nothing(removed, words):
    ledger = book(trade("2", "5", "o:2"), inferred("6", "6", "o:8"))
    before = ledger.snapshot()
    with pytest.raises(InputError, match=words):
        ledger.correct(Correction(removed=("o:8", removed)))
    other = replace(trade("1", "1", "b"), symbol="B")
    with pytest.raises(InputError, match="of B has no inferred fill to take the place of"):
        ledger.correct(Correction(removed=("o:8",), fills=(other,)))
    with pytest.raises(InputError, match="correction of o:8"):
        ledger.correct(Correction(removed=("o:8",), fills=(trade("1E+300", "1", "z"),)))
    assert ledger.snapshot() == before


def test_fill_under_an_id_that_was_taken_back_is_refused():
    ledger = book(inferred("6", "6", "o:8"))
    ledger.correct(Correction(removed=("o:8",), fills=(trade("6", "5", "o:6"),)))
    with pytest.raises(InputError, match="fill o:8 was booked as inferred, and taken back"):
        ledger.apply(trade("2", "5", "o:8"))


def test_conflict_is_found_over_a_snapshot():
    resumed = Ledger.from_snapshot(book(trade("10", "5")).snapshot())
    assert not resumed.apply(trade("10.0", "5"))
    with pytest.raises(InputError, match="fill f was booked as other figures"):
        resumed.apply(trade("11", "5"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [({"version": 2}, "of version 2"), ({"figures": {}}, "cannot be read"), ({"fills": 1}, "")],
)
def test_snapshot_that_cannot_be_read_is_refused(damage, words):
    with pytest.raises(InputError, match=f"{words}.*replay the journal"):
        Ledger.from_snapshot(Ledger(OPENING).snapshot() | damage)
