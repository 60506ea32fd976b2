"""What was held at the end, and the proof that the money adds up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from alphalens.errors import AuditError
from alphalens.reports.book import book_frame, check_accounts
from alphalens.reports.facts import RunFacts
from alphalens.trading.events import EventKind


def test_opening_cash_profit_and_fees_give_the_recorded_equity(facts: RunFacts) -> None:
    accounts = check_accounts(facts)

    assert abs(accounts.explained - facts.marks[-1].equity) < Decimal("1e-9")
    assert accounts.fees == sum(fill.fee for fill in facts.fills)
    assert accounts.cash == facts.marks[-1].cash


def test_a_missing_fill_is_an_audit_error_with_the_difference(facts: RunFacts) -> None:
    first = facts.of_kind(EventKind.FILL)[0]
    broken = replace(facts, records=tuple(r for r in facts.records if r is not first))

    with pytest.raises(AuditError, match=r"do not add up: the last mark says cash .* USD"):
        check_accounts(broken)


def test_a_wrong_equity_is_an_audit_error_even_if_the_cash_is_right(facts: RunFacts) -> None:
    last = replace(facts.marks[-1], equity=facts.marks[-1].equity + Decimal("0.01"))

    with pytest.raises(AuditError, match=r"equity .* a difference of 0\.01"):
        check_accounts(replace(facts, marks=(*facts.marks[:-1], last)))


def test_before_the_first_mark_the_book_is_the_opening_balance(facts: RunFacts) -> None:
    empty = replace(facts, marks=(), fills=(), last_prices={}, records=facts.records[:1])

    accounts = check_accounts(empty)

    assert accounts.equity == accounts.explained == facts.opening_cash
    assert book_frame(empty).empty


def test_values_weights_and_profits_of_the_book_add_up(facts: RunFacts) -> None:
    book, accounts = book_frame(facts), check_accounts(facts)

    assert book["value"].sum() == pytest.approx(float(accounts.equity - accounts.cash))
    assert book["unrealised"].sum() == pytest.approx(float(accounts.unrealised))
    assert book["realised"].sum() == pytest.approx(float(accounts.realised))
    assert (book["quantity"] * book["last_price"]).dropna().tolist() == pytest.approx(
        book["value"][book["quantity"] != 0].tolist()
    )


def test_closed_positions_come_last_without_a_price(facts: RunFacts) -> None:
    book = book_frame(facts)

    closed = book[book["quantity"] == 0]
    assert list(closed.index) == list(book.index[-len(closed) :]) == ["AAA", "DDD"]
    assert closed["last_price"].isna().all()
    assert book["value"].iloc[: -len(closed)].is_monotonic_decreasing


def test_fills_after_the_last_mark_wait_for_the_next(facts: RunFacts) -> None:
    later = replace(facts.fills[-1], fill_id="later")
    grown = replace(facts, fills=(*facts.fills, later), fills_since_mark=1)

    assert grown.booked == facts.fills
    assert book_frame(grown).equals(book_frame(facts))
