"""The checks' context: from the catalogue, the store and the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from alphalens.assets import AssetClass, Equity, Future
from alphalens.data.catalog import Catalog
from alphalens.data.context_maker import ContextMaker
from alphalens.data.port import CorporateAction
from alphalens.data.validation import Life

from .pipeline_desk import MIDNIGHTS, NOW, open_desk, request, walk


@pytest.fixture
def desk(tmp_path):
    with open_desk(f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path) as desk:
        desk.tell("AAPL", walk())
        yield desk


def test_catalogue_tells_what_the_letters_do_not():
    future = Future(
        symbol="ESZ26",
        calendar="CME",
        tick=Decimal("0.25"),
        multiplier=Decimal(50),
        last_trade=date(2026, 12, 18),
    )
    lives = {"FB": Life(first=date(2012, 5, 18))}
    catalog = Catalog.of([Equity(symbol="SPY"), future], lives=lives)
    assert catalog.class_of("ESZ26") is AssetClass.FUTURE
    assert catalog.class_of("ESH27") is AssetClass.EQUITY  # by its form, for nobody said better
    assert catalog.calendars["ESZ26"] == "CME"
    assert catalog.ticks == {"SPY": 0.01, "ESZ26": 0.25}
    assert catalog.lives == lives
    assert catalog.may_be_negative == ({"ESZ26"} if future.has_negative_prices else set())


def test_context_has_what_the_catalogue_and_the_actions_know(desk):
    told = CorporateAction(
        symbol="AAPL", kind="split", ex_date=MIDNIGHTS[3].date(), seen_at=NOW, source="x"
    )
    asked = []

    def actions(symbols, at):
        asked.append((symbols, at))
        return (told,)

    kept = []
    maker = ContextMaker(
        desk.store,
        clock=desk.clock,
        catalog=Catalog(ticks={"AAPL": 0.5}, calendars={"AAPL": "XNAS"}),
        actions=actions,
        keep_actions=kept.append,
    )
    context = maker(desk.provider().bars(request()))
    assert (context.tick_of("AAPL"), context.calendar_of("AAPL")) == (0.5, "XNAS")
    assert context.known_of("AAPL") == (told,)
    assert asked == [(("AAPL",), NOW)]
    assert context.stored is None
    maker.keep_actions([])
    maker.keep_actions([told])
    assert kept == [[told]]
    desk.wait(hours=1)
    later = maker.with_actions(context, [told])
    assert (later.actions, later.now) == ((told, told), NOW + timedelta(hours=1))


def test_answer_in_another_currency_than_the_series_is_named_so(desk):
    pipeline = desk.pipeline()
    pipeline.fetch(request(last=19))
    batch = desk.provider().bars(request(first=20))
    batch = replace(batch, bars=replace(batch.bars, currency="EUR"))
    context = ContextMaker(desk.store, clock=desk.clock)(batch)
    assert context.stored is None
    assert context.currency_of("AAPL") == "USD"
    assert context.class_of("AAPL") is AssetClass.EQUITY


def test_symbols_that_nobody_asked_for_have_a_class_too(desk):
    batch = desk.provider().bars(request())
    batch = replace(batch, bars=replace(batch.bars, symbols=("BTC/USD",)))
    context = ContextMaker(desk.store, clock=desk.clock)(batch)
    assert context.class_of("BTC/USD") is AssetClass.CRYPTO
