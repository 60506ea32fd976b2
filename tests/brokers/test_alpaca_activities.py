from datetime import UTC, datetime

import pytest

from alphalens.brokers._alpaca.activities import activity_from, is_pending, with_split_terms
from alphalens.net.failures import Unreadable
from alphalens.trading.activities import CashFlow, CashKind, ChangeKind, PositionChange, Split

from .alpaca_venue import CALL, D

MIDNIGHT = datetime(2026, 3, 2, 5, tzinfo=UTC)


def row(kind: str, **changes: object) -> dict:
    return {
        "id": "20260302000000000::a-1",
        "activity_type": kind,
        "date": "2026-03-02",
        "net_amount": "0",
        "description": "words",
        "status": "executed",
        **changes,
    }


@pytest.mark.parametrize(
    ("kind", "cash"),
    [
        ("DIV", CashKind.DIVIDEND),
        ("DIVNRA", CashKind.DIVIDEND),
        ("INT", CashKind.INTEREST),
        ("FEE", CashKind.FEE),
        ("PTC", CashKind.FEE),
        ("JNLC", CashKind.TRANSFER),
        ("CSW", CashKind.TRANSFER),
        ("CIL", CashKind.ADJUSTMENT),
        ("NEWKIND", CashKind.ADJUSTMENT),
    ],
)
def test_money_is_booked_by_kind_and_what_is_not_known_as_an_adjustment(kind, cash) -> None:
    read = activity_from(row(kind, net_amount="-1.23", symbol="SPY", qty="10"))
    assert read == CashFlow(
        activity_id="20260302000000000::a-1",
        kind=cash,
        amount=D("-1.23"),
        at=MIDNIGHT,
        symbol="SPY",
        note=f"{kind} words",
    )


def test_kind_that_moved_nothing_is_kept_as_a_note() -> None:
    read = activity_from(row("NEWKIND"))
    assert (read.amount, read.note) == (D(0), "NEWKIND words")


def test_unknown_kind_that_moved_units_is_refused() -> None:
    with pytest.raises(Unreadable, match=r"a-1 of kind NEWKIND.*3 units without money"):
        activity_from(row("NEWKIND", qty="3", symbol="SPY"))


def test_fee_in_a_coin_moves_units_and_no_money() -> None:
    read = activity_from(row("CFEE", symbol="ETHUSD", qty="-0.000195", price="1884.5"))
    assert read == PositionChange(
        activity_id="20260302000000000::a-1",
        symbol="ETH/USD",
        kind=ChangeKind.FEE,
        quantity=D("-0.000195"),
        price=D("1884.5"),
        at=MIDNIGHT,
        note="CFEE words",
    )


def test_fee_of_a_coin_in_dollars_moves_money() -> None:
    read = activity_from(row("CFEE", symbol="BTCUSD", net_amount="-0.25"))
    assert (read.kind, read.amount, read.symbol) == (CashKind.FEE, D("-0.25"), "BTC/USD")


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("OPEXP", ChangeKind.EXPIRY),
        ("OPASN", ChangeKind.ASSIGNMENT),
        ("OPEXC", ChangeKind.EXERCISE),
    ],
)
def test_option_goes_at_nothing(kind, change) -> None:
    read = activity_from(row(kind, symbol=CALL, qty="2", price="0"))
    assert (read.kind, read.quantity, read.price) == (change, D(2), D(0))
    assert read.multiplier == D(100)


def test_shares_come_at_the_strike_that_the_money_says() -> None:
    read = activity_from(row("OPTRD", symbol="AAPL", qty="-200", price="150", net_amount="30000"))
    assert (read.kind, read.quantity, read.price) == (ChangeKind.ASSIGNMENT, D(-200), D(150))
    odd = row("OPTRD", symbol="AAPL", qty="200", price="90", net_amount="-30000")
    assert activity_from(odd).price == D(150)
    exercised = activity_from({**odd, "description": "Option Exercise"})
    assert exercised.kind is ChangeKind.EXERCISE


def test_money_that_is_no_exact_price_is_refused() -> None:
    with pytest.raises(Unreadable, match="no exact price"):
        activity_from(row("OPTRD", symbol="AAPL", qty="3", net_amount="-10"))


def test_split_with_rates() -> None:
    details = {"old_rate": "1", "new_rate": "1.5", "old_qty": "10", "new_qty": "15"}
    comes = activity_from(row("SPLIT", symbol="SPY", qty="15", details=details))
    assert comes == Split(
        activity_id="20260302000000000::a-1", symbol="SPY", new=D("1.5"), old=D(1), at=MIDNIGHT
    )
    goes = activity_from(row("SPLIT", symbol="SPY", qty="-10", details=details))
    assert (type(goes), goes.amount) == (CashFlow, D(0))


def test_split_in_words_is_booked_once() -> None:
    words = "REMOVE, From QTY:10, To QTY:30, Position Value:1000.00"
    assert activity_from(row("SPLIT", symbol="SPY", qty="-10", description=words)).amount == 0
    read = activity_from(row("SPLIT", symbol="SPY", qty="30", description=words))
    assert (read.new, read.old) == (D(30), D(10))


@pytest.mark.parametrize(("goes", "comes"), [("-10", "40"), ("40", "-10")])
def test_split_in_two_bare_rows_is_booked_once(goes, comes) -> None:
    rows = [
        row("SPLIT", id="x::1", symbol="SPY", qty=goes),
        row("SPLIT", id="x::2", symbol="SPY", qty=comes),
    ]
    note, split = (activity_from(one) for one in with_split_terms(rows))
    assert note.amount == 0
    assert (split.activity_id, split.new, split.old) == (
        "x::2",
        abs(D(comes)),
        abs(D(goes)),
    )


def test_half_a_split_is_refused() -> None:
    rows = with_split_terms([row("SPLIT", symbol="SPY", qty="-10")])
    with pytest.raises(Unreadable, match="how many units came for how many"):
        activity_from(rows[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"date": None},
        {"date": "soon"},
        {"net_amount": "much"},
        {"net_amount": None},
        {"status": "canceled"},
        {"status": "correct"},
        {"activity_type": None},
    ],
)
def test_row_that_cannot_be_booked_is_refused(changes) -> None:
    with pytest.raises(Unreadable):
        activity_from(row("DIV", **{"net_amount": "1", **changes}))


def test_announced_row_is_told_from_a_booked_one() -> None:
    assert is_pending(row("CSD", status="queued"))
    assert not is_pending(row("CSD"))
