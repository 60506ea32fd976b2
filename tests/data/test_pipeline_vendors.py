"""Who is asked, in which order, and what is kept of answers that nobody can use."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from alphalens.assets import AssetClass
from alphalens.assets.symbols import class_by_form
from alphalens.data._intake.routing import routes
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.pipeline import Pipeline
from alphalens.data.port import DataCapabilities
from alphalens.errors import DataError, InputError

from .pipeline_desk import NOW, closes_of, open_desk, request, walk


@pytest.fixture
def desk(tmp_path):
    with open_desk(f"sqlite:///{tmp_path / 'market.sqlite'}", tmp_path) as desk:
        desk.tell("AAPL", walk())
        yield desk


def vendor(name, *classes, adjustments=(Adjustment.RAW,)):
    able = DataCapabilities(
        timeframes=frozenset({Timeframe.DAY}),
        adjustments=frozenset(adjustments),
        asset_classes=frozenset(classes),
        calls_per_minute=1,
    )
    return SimpleNamespace(name=name, capabilities=able)


def test_each_symbol_goes_to_the_vendors_that_have_its_class():
    shares = vendor("shares", AssetClass.EQUITY)
    coins = vendor("coins", AssetClass.CRYPTO)
    both = vendor("both", AssetClass.EQUITY, AssetClass.CRYPTO)
    found = routes([shares, coins, both], request("AAPL", "BTC/USD", "MSFT"), class_by_form)
    assert [(r.request.symbols, [v.name for v in r.vendors]) for r in found] == [
        (("AAPL", "MSFT"), ["shares", "both"]),
        (("BTC/USD",), ["coins", "both"]),
    ]


def test_what_none_has_is_named_with_every_vendor_and_nobody_is_asked(desk):
    alpaca, server = desk.alpaca({})
    pipeline = desk.pipeline(alpaca)
    with pytest.raises(InputError, match=r"none of polygon, alpaca has .* BTC/USDT-PERP .*perpet"):
        pipeline.bars(request("AAPL", "BTC/USDT-PERP"))
    assert desk.calls() == []
    assert server.control.requests("GET") == []


def test_adjustment_that_the_first_lacks_comes_whole_from_the_second(desk):
    alpaca, _ = desk.alpaca({"AAPL": walk(start=50.0)})
    pipeline = desk.pipeline(alpaca)
    wanted = request("AAPL", last=4, adjustment=Adjustment.ALL)
    assert pipeline.bars(wanted).sources == ("alpaca",)
    assert pipeline.bars(request("AAPL", last=4)).sources == ("polygon",)
    assert closes_of(desk.store, wanted) == walk(start=50.0)[:5]


def test_refused_answer_that_may_pass_is_kept_and_asked_for_once_more(desk):
    desk.polygon.control.arm("wrong_symbol", path="/v2/aggs/*", to="TSLA")
    pipeline = desk.pipeline()
    assert closes_of(pipeline._store, request()) == []
    assert pipeline.bars(request()).close.tolist() == walk()
    (kept,) = pipeline.record.refusals().itertuples()
    assert (kept.vendor, kept.reason, kept.at) == ("polygon", "wrong_symbol", NOW)
    assert json.loads(kept.raw[0])["ticker"] == "TSLA"
    assert len(desk.calls()) == 2


def test_answer_refused_twice_leads_to_the_next_vendor_and_both_are_kept(desk):
    alpaca, _ = desk.alpaca({"AAPL": walk()})
    desk.polygon.control.arm("wrong_symbol", path="/v2/aggs/*", to="TSLA", count=9)
    pipeline = desk.pipeline(alpaca)
    bars = pipeline.bars(request())
    assert bars.sources == ("alpaca",)
    assert len(bars) == len(walk())
    assert len(desk.calls()) == 2
    assert pipeline.record.refusals()["reason"].tolist() == ["wrong_symbol"] * 2
    fallbacks = {feed.vendor: feed.fallbacks for feed in desk.monitor.report().vendors}
    assert fallbacks["polygon"] == 1


def test_page_that_is_no_json_is_kept_as_it_came(desk):
    desk.polygon.control.arm("html", path="/v2/aggs/*", count=100)
    pipeline = desk.pipeline()
    with pytest.raises(DataError, match=r"no vendor gave 1 symbols .* polygon: "):
        pipeline.bars(request())
    kept = pipeline.record.refusals()
    assert kept["reason"].tolist() == ["not_json"]
    assert "<html" in kept["raw"][0][0].lower()
    assert len(pipeline.record.refusals(since=NOW)) == 1
    assert len(pipeline.record.refusals(since=NOW.replace(hour=15))) == 0


class Only:
    """A vendor of whose classes a desk uses one."""

    def __init__(self, inner, kind):
        self.inner, self.name = inner, inner.name
        self.capabilities = replace(inner.capabilities, asset_classes=frozenset({kind}))

    def bars(self, wanted):
        return self.inner.bars(wanted)


def test_failure_of_one_vendor_keeps_what_the_other_gave_of_the_request(desk):
    alpaca, _ = desk.alpaca({"BTC/USD": walk()})
    shares, coins = Only(desk.provider(), AssetClass.EQUITY), Only(alpaca, AssetClass.CRYPTO)
    pipeline = Pipeline([shares, coins], desk.store, clock=desk.clock, listener=desk.monitor)
    desk.polygon.control.arm("server_error", path="/v2/aggs/*", count=100)
    with pytest.raises(DataError, match=r"no vendor gave 1 symbols .* polygon: "):
        pipeline.bars(request("AAPL", "BTC/USD"))
    assert list(desk.store.missing(request("AAPL", "BTC/USD"))) == ["AAPL"]


def test_symbol_that_a_vendor_cannot_name_goes_to_the_next(desk):
    class Picky(Only):
        def bars(self, wanted):
            raise InputError("no name for it")

    first, second = Picky(desk.provider(), AssetClass.EQUITY), desk.provider()
    pipeline = Pipeline([first, second], desk.store, clock=desk.clock)
    assert pipeline.bars(request()).close.tolist() == walk()
    alone = Pipeline([first], desk.store, clock=desk.clock)
    with pytest.raises(InputError, match="polygon: no name for it"):
        alone.bars(request("MSFT"))
