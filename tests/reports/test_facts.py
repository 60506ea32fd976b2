"""A run as its journal tells it."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa

from alphalens.errors import AuditError, InputError
from alphalens.execution import JournalReader
from alphalens.reports.facts import RunFacts, read_run
from alphalens.risk import TradingState
from alphalens.storage import open_engine
from alphalens.storage.schema import orders

from .small_run import CASH, SYMBOLS, SmallRun


def test_the_header_of_a_run_is_what_its_start_recorded(facts: RunFacts) -> None:
    assert (facts.account, facts.currency, facts.opening_cash) == ("P-1", "USD", CASH)
    assert facts.run_ids == ("run-small",)
    assert facts.limits["max_order"] == "0.2"
    assert not facts.is_live
    assert facts.is_finished


def test_length_and_head_are_those_of_the_journal(finished: SmallRun, facts: RunFacts) -> None:
    assert facts.length == len(facts.records) == finished.session.journal.length
    assert facts.head == finished.session.journal.head


def test_orders_folded_from_the_records_are_those_of_the_table(
    finished: SmallRun, facts: RunFacts
) -> None:
    table = {o.client_order_id: o for o in finished.session.journal.orders()}

    assert {o.client_order_id: o for o in facts.orders} == table


def test_a_changed_order_table_does_not_change_the_report(fresh: SmallRun) -> None:
    before = read_run(JournalReader(fresh.engine)).orders
    with fresh.engine.begin() as connection:
        connection.execute(orders.update().values(status="refused"))

    assert read_run(JournalReader(fresh.engine)).orders == before


def test_fills_marks_and_alerts_are_those_of_the_tables(
    finished: SmallRun, facts: RunFacts
) -> None:
    journal = finished.session.journal

    assert facts.fills == journal.fills()
    assert facts.marks == journal.marks()
    assert facts.alerts == journal.alerts()


def test_the_prices_of_the_marks_are_the_closes(finished: SmallRun, facts: RunFacts) -> None:
    assert list(facts.prices.columns) == list(SYMBOLS)
    assert (facts.prices.to_numpy() == finished.closes.to_numpy()).all()
    assert facts.last_prices["AAA"] == Decimal(str(finished.closes["AAA"].iloc[-1]))
    assert facts.price_times["AAA"] == facts.marks[-1].at


def test_the_replayed_ledger_is_the_session_s(finished: SmallRun, facts: RunFacts) -> None:
    ledger = facts.ledger()

    assert ledger.cash == finished.session.ledger.cash
    assert ledger.positions == finished.session.ledger.positions


def test_a_halt_is_the_state_of_the_run(fresh: SmallRun) -> None:
    fresh.session.start()
    fresh.session.halt(by="r.ortiz", reason="looking into it")

    assert read_run(JournalReader(fresh.engine)).state is TradingState.HALTED


def test_a_changed_record_is_an_audit_error_that_names_it(fresh: SmallRun) -> None:
    with fresh.engine.begin() as connection:
        connection.execute(sa.text("UPDATE journal SET payload = '{}' WHERE seq = 3"))

    with pytest.raises(AuditError, match="record 3"):
        read_run(JournalReader(fresh.engine))


def test_an_empty_journal_is_refused_with_what_to_do() -> None:
    engine = open_engine("sqlite://")

    with pytest.raises(InputError, match=r"no run has begun.*alphalens demo"):
        read_run(JournalReader(engine))
    engine.dispose()
