"""Health: each check has its bad case, and what could not be asked is unknown."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from alphalens.errors import BrokerError
from alphalens.monitoring import check_health
from alphalens.monitoring.health_check import HealthReport, data_age
from alphalens.trading.orders import Fill, Side

DAY = timedelta(days=1)


def health(paper):
    now = paper.clock.now()
    report = check_health(paper.session, data_at=now, now=now, max_data_age=DAY)
    return report, {check.name: check for check in report.checks}


def test_a_fresh_desk_is_ok_in_all_four_respects(paper):
    report, checks = health(paper)

    assert list(checks) == ["data", "books", "record", "state"]
    assert (report.status, report.problems) == ("ok", ())
    assert checks["record"].value == f"{paper.session.journal.length} records"


@pytest.mark.parametrize(
    ("age", "status"),
    [(timedelta(0), "ok"), (DAY, "ok"), (DAY * 2, "critical"), (-DAY, "critical")],
)
def test_data_must_be_neither_old_nor_from_the_future(paper, age, status):
    now = paper.clock.now()

    assert data_age(now - age, now=now, limit=DAY).status == status


def test_no_data_is_critical(paper):
    assert data_age(None, now=paper.clock.now(), limit=DAY).status == "critical"


def test_a_position_the_venue_does_not_know_is_critical(paper):
    paper.session.ledger.apply(
        Fill(
            fill_id="ghost",
            client_order_id="al-x",
            symbol="S00",
            side=Side.BUY,
            quantity=Decimal(5),
            price=Decimal(100),
            at=paper.clock.now(),
        )
    )

    report, checks = health(paper)

    assert report.status == checks["books"].status == "critical"
    assert "S00" in checks["books"].message


def test_a_silent_venue_is_unknown_not_ok(paper, monkeypatch):
    def silent():
        raise BrokerError("no answer")

    monkeypatch.setattr(paper.venue, "positions", silent)

    report, checks = health(paper)

    assert report.status == checks["books"].status == "unknown"
    assert "no answer" in checks["books"].message


def test_a_changed_record_is_critical_and_named(paper):
    with paper.session.journal.engine.begin() as connection:
        connection.execute(sa.text("UPDATE journal SET payload = '{}' WHERE seq = 1"))

    report, checks = health(paper)

    assert report.status == checks["record"].status == "critical"
    assert "record 1" in checks["record"].message


def test_reducing_warns_and_halted_is_critical(paper):
    paper.session.reduce(by="t", reason="r")
    assert health(paper)[1]["state"].status == "warning"

    paper.session.halt(by="t", reason="r")
    assert health(paper)[1]["state"].status == "critical"


def test_nothing_checked_is_unknown(paper):
    assert HealthReport(at=paper.clock.now(), checks=()).status == "unknown"
