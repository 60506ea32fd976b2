import os
import random
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from alphalens.brokers import PaperBroker
from alphalens.errors import ConfigError, OutcomeUnknown, StorageError
from alphalens.storage.sqlite import make_sqlite
from alphalens.trading import Bar, OrderStatus

from . import test_paper_broker
from .paper_day import CASH, Day, picture
from .test_paper_broker import DAY, T0, Venue

D = Decimal
PROGRAM = Path(__file__).with_name("paper_day.py")


@pytest.mark.parametrize("seed", range(3))
def test_venue_that_is_opened_again_says_what_it_said(tmp_path, seed):
    store = tmp_path / "venue.sqlite"
    day = Day(seed, store)
    for _ in range(120):
        day.call()
    said = picture(day.broker, day.sent)
    day.broker.close()
    assert picture(Day(seed, store).broker, day.sent) == said
    assert len(day.broker.fills()) > 5


def test_venue_that_is_opened_again_goes_on_as_if_nothing_had_been(tmp_path):
    def history(store: Path | None):
        venue = Venue(store=store, cash="100000")
        venue.send("a", "10")
        venue.next_day("101")
        if store is not None:
            venue.broker.close()
            clock = venue.clock
            venue = Venue(store=store, cash="100000", shown=False)
            venue.clock.advance_to(clock.now())
        venue.send("b", "5")
        venue.next_day("102")
        return list(venue.broker.fills()), venue.broker.account()

    assert history(tmp_path / "venue.sqlite") == history(None)


def test_file_is_for_its_owner_only(tmp_path):
    Venue(store=tmp_path / "venue.sqlite").broker.close()
    assert (tmp_path / "venue.sqlite").stat().st_mode & 0o777 == 0o600


def test_file_of_another_account_is_refused(tmp_path):
    Venue(store=tmp_path / "venue.sqlite").broker.close()
    with pytest.raises(ConfigError, match=r"belongs to paper account P1, opened with 10000 USD"):
        Venue(store=tmp_path / "venue.sqlite", cash="20000")


def test_file_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "venue.sqlite"
    Venue(store=path).broker.close()
    run_sql(path, "UPDATE venue SET version = 99")
    with pytest.raises(StorageError, match=r"version 99.*update the program"):
        Venue(store=path, shown=False)


def test_venue_that_was_taken_over_writes_no_more(tmp_path):
    first = Venue(store=tmp_path / "venue.sqlite")
    second = Venue(store=tmp_path / "venue.sqlite", shown=False)
    with pytest.raises(OutcomeUnknown, match="taken over by another process"):
        first.send("mine")
    second.send("theirs")
    assert first.broker.order("mine") is None
    assert first.broker.order("theirs").status is OrderStatus.ACCEPTED
    assert first.broker.connection().gaps > 0


def test_call_that_cannot_be_written_has_not_happened(tmp_path):
    path = tmp_path / "venue.sqlite"
    venue = Venue(store=path)
    venue.send("before")
    run_sql(path, "CREATE TRIGGER full BEFORE INSERT ON moves BEGIN SELECT RAISE(FAIL, 'x'); END")
    with pytest.raises(StorageError, match=r"venue\.sqlite"):
        venue.next_day("101")
    assert venue.broker.order("before").status is OrderStatus.ACCEPTED
    assert not venue.broker.fills()
    run_sql(path, "DROP TRIGGER full")
    (fill,) = venue.broker.on_bars([Bar(symbol="SPY", at=T0 + DAY, close=D(101))])
    assert fill.client_order_id == "before"


@pytest.mark.parametrize("seed", range(3))
def test_killed_venue_is_where_its_last_answer_was_or_one_call_further(tmp_path, seed):
    store = tmp_path / "venue.sqlite"
    answered = answers_until_killed(seed, store, at_least=random.Random(seed).randrange(30, 90))
    day = Day(seed)
    for _ in range(answered):
        day.call()
    allowed = [(picture(day.broker, day.sent), list(day.sent))]
    day.call()
    allowed.append((picture(day.broker, day.sent), list(day.sent)))
    broker = Day(seed, store).broker
    assert any(picture(broker, sent) == said for said, sent in allowed if known(broker, sent))
    assert broker.account().cash != CASH


def known(broker: PaperBroker, sent: list[str]) -> bool:
    return all(broker.order(name) is not None for name in sent)


def answers_until_killed(seed: int, store: Path, *, at_least: int) -> int:
    """Run the calls in a process, kill it after so many answers, return the last answer."""
    command = [sys.executable, str(PROGRAM), str(seed), str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as run:
        answers = []
        for line in run.stdout:
            answers.append(int(line))
            if len(answers) == at_least:
                run.send_signal(signal.SIGKILL)
    return answers[-1]


class TestConformanceOnAFile(test_paper_broker.TestConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.store = tmp_path / "venue.sqlite"

    def settings(self):
        return {"store": self.store}


def run_sql(path: Path, statement: str) -> None:
    engine = make_sqlite(sa.make_url(f"sqlite:///{path}"), is_read_only=False)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()
