"""Yahoo's market data: through yfinance, against the loopback Yahoo."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import yfinance

from alphalens.assets import AssetClass
from alphalens.data._vendors.yahoo_session import Declined
from alphalens.data.bars import NO_TIME, Adjustment, Timeframe, micros
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.reasons import AnswerRefused, Reason, names_of
from alphalens.data.validation import Context, judge
from alphalens.data.yahoo_provider import YahooProvider
from alphalens.errors import ConfigError, DataError, InputError, MissingExtra
from alphalens.net import NotSent, RetryPolicy, Timing
from alphalens.testing.yahoo_server import YahooControl, YahooServer
from alphalens.testing.yahoo_server.client import loopback_session, loopback_yfinance

from .scripted_vendor import QUICK, Say, scripted

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2024, 1, 9, 22, tzinfo=UTC)  # Tuesday, 17:00 in New York
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08")
FIRST, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 9, 5, tzinfo=UTC)
OPENING = 1704724200  # 2024-01-08 09:30 in New York
CHART, OPTIONS = "/v8/finance/chart/*", "/v7/finance/options/*"


@pytest.fixture
def server() -> Iterator[YahooServer]:
    with YahooServer(now=NOW) as running:
        yield running


@pytest.fixture
def control(server: YahooServer) -> YahooControl:
    return server.control


@pytest.fixture
def provider(server: YahooServer) -> Iterator[YahooProvider]:
    with made(server) as opened:
        yield opened


@pytest.fixture
def week(control: YahooControl) -> None:
    """Five daily bars of AAPL, closing at 100 to 104."""
    control.add_bars("AAPL", [bar(day, 100.0 + number) for number, day in enumerate(DAYS)])


def made(server: YahooServer, **changes: object) -> YahooProvider:
    fields = {
        "rng": random.Random(1),
        "session": loopback_session(server.url),
        "options": QUICK,
        "timing": Timing(wall=NOW.timestamp),
    }
    return YahooProvider(**{**fields, **changes})


def bar(day: str, close: float | None, **changes: object) -> dict[str, object]:
    middle = 0 if close is None else close
    row = {"day": day, "open": middle - 1, "high": middle + 2, "low": middle - 2, "close": close}
    return row | {"volume": 1000} | changes


def request(*symbols: str, **changes: object) -> BarRequest:
    fields = {"symbols": symbols or ("AAPL",), "start": FIRST, "end": END}
    return BarRequest(**{**fields, "adjustment": Adjustment.SPLIT, **changes})


def midnight(day: str) -> int:
    return micros(datetime.fromisoformat(day).replace(tzinfo=NEW_YORK))


def test_it_is_a_provider_and_says_what_it_can_do(provider):
    port: MarketDataProvider = provider
    assert port.name == "yahoo"
    able = port.capabilities
    assert able.timeframes == frozenset(Timeframe)
    assert able.adjustments == frozenset(Adjustment)
    assert able.asset_classes == {AssetClass.EQUITY, AssetClass.CRYPTO}
    assert (able.actions, able.chains, able.quotes, able.news) == (True, True, False, False)
    assert able.symbols_per_call == 1
    for ask in (
        lambda: port.quotes(["AAPL"]),
        lambda: port.news(["AAPL"], FIRST, END),
        lambda: port.latest(["AAPL"], Timeframe.DAY),
        lambda: port.snapshots(["AAPL"]),
    ):
        with pytest.raises(InputError, match=r"yahoo has no .*asked for AAPL"):
            ask()


def test_days_begin_at_midnight_of_the_exchange_and_keep_their_text(provider, week):
    batch = provider.bars(request())

    bars = batch.bars
    assert bars.time.tolist() == [midnight(day) for day in DAYS]
    assert bars.open.tolist() == [99, 100, 101, 102, 103]
    assert bars.high.tolist() == [102, 103, 104, 105, 106]
    assert bars.low.tolist() == [98, 99, 100, 101, 102]
    assert bars.close.tolist() == [100, 101, 102, 103, 104]
    assert bars.volume.tolist() == [1000] * 5
    assert np.isnan(bars.vwap).all()
    assert bars.trades.tolist() == [-1] * 5
    assert bars.is_final.all()
    assert not batch.marks.any()
    assert (bars.sources, bars.adjustment) == (("yahoo",), Adjustment.SPLIT)
    assert batch.raw[0] == (
        '{"timestamp":1704205800,"open":99.0,"high":102.0,"low":98.0,"close":100.0,'
        '"volume":1000,"adjclose":100.0}'
    )
    assert batch.received_at == NOW


def test_the_span_is_by_the_begin_of_a_day_not_by_its_opening(provider, week):
    begin = datetime(2024, 1, 4, 5, tzinfo=UTC)  # midnight in New York, before the opening
    within = provider.bars(request(start=begin, end=begin + timedelta(seconds=1)))
    after = provider.bars(request(start=begin + timedelta(seconds=1), end=END))

    assert within.bars.close.tolist() == [102]
    assert after.bars.close.tolist() == [103, 104]


# yfinance 1.7 calls pandas in ways that pandas 3 warns about; the provider does not read by it.
@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_yfinance_reads_the_same_from_the_same_server(server, control, week, tmp_path):
    control.add_split("AAPL", DAYS[3], 4, 1)
    control.add_dividend("AAPL", DAYS[1], 10)
    with made(server) as provider:
        split = provider.bars(request()).bars
        whole = provider.bars(request(adjustment=Adjustment.ALL)).bars
    with loopback_yfinance(server.url, tmp_path) as session:
        theirs = yfinance.Ticker("AAPL", session=session)
        span = {"start": "2024-01-01", "end": "2024-01-09"}
        plain = theirs.history(**span, auto_adjust=False)
        adjusted = theirs.history(**span, auto_adjust=True)

    for ours, frame in ((split, plain), (whole, adjusted)):
        assert ours.time.tolist() == frame.index.as_unit("us").asi8.tolist()
        for name in ("open", "high", "low", "close", "volume"):
            assert getattr(ours, name) == pytest.approx(frame[name.title()].to_numpy())


@pytest.mark.parametrize(
    ("adjustment", "close", "volume"),
    [
        (Adjustment.RAW, [100, 101, 102, 103, 104], [1000] * 5),
        (Adjustment.SPLIT, [25, 25.25, 25.5, 103, 104], [4000, 4000, 4000, 1000, 1000]),
        (Adjustment.ALL, [22.5, 25.25, 25.5, 103, 104], [4000, 4000, 4000, 1000, 1000]),
    ],
)
def test_each_adjustment(provider, control, week, adjustment, close, volume):
    control.add_split("AAPL", DAYS[3], 4, 1)
    control.add_dividend("AAPL", DAYS[1], 10)

    batch = provider.bars(request(adjustment=adjustment))

    assert batch.bars.close.tolist() == pytest.approx(close)
    assert batch.bars.volume.tolist() == volume
    ratio = (batch.bars.high / batch.bars.close).tolist()
    assert ratio == pytest.approx([102 / 100, 103 / 101, 104 / 102, 105 / 103, 106 / 104])
    assert batch.bars.adjustment is adjustment
    assert '"close":25.0' in batch.raw[0]


def test_raw_bars_know_the_splits_after_their_span(provider, control, week):
    control.add_split("AAPL", DAYS[3], 7, 1)
    control.add_split("AAPL", DAYS[4], 1, 2)
    end = datetime(2024, 1, 4, tzinfo=UTC)

    batch = provider.bars(request(adjustment=Adjustment.RAW, end=end))

    assert batch.bars.close.tolist() == pytest.approx([100, 101])
    assert batch.bars.volume.tolist() == [1000, 1000]
    assert len(control.requests(CHART)) == 2


def test_raw_minutes_know_the_splits_after_them(provider, control, week):
    minutes = [
        {"timestamp": OPENING + at, "open": 8, "high": 8, "low": 8, "close": 8, "volume": 10}
        for at in (0, 60)
    ]
    control.add_bars("AAPL", minutes, "1m")
    control.add_bars("AAPL", [bar("2024-01-09", 4)])
    control.add_split("AAPL", "2024-01-09", 2, 1)
    start = datetime(2024, 1, 8, 14, tzinfo=UTC)

    asked = request(start=start, end=END, timeframe=Timeframe.MINUTE, adjustment=Adjustment.RAW)
    raw = provider.bars(asked).bars
    split = provider.bars(replace(asked, adjustment=Adjustment.SPLIT)).bars

    assert raw.time.tolist() == [OPENING * 10**6, (OPENING + 60) * 10**6]
    assert (raw.close.tolist(), raw.volume.tolist()) == ([8, 8], [10, 10])
    assert (split.close.tolist(), split.volume.tolist()) == ([4, 4], [20, 20])


def test_within_days_there_is_no_adjusted_close(provider):
    with pytest.raises(InputError, match="yahoo adjusts bars of 5m for splits only"):
        provider.bars(request(timeframe=Timeframe.MINUTES_5, adjustment=Adjustment.ALL))


@pytest.mark.parametrize("timeframe", [frame for frame in Timeframe if not frame.is_daily])
def test_every_length_has_its_interval(provider, control, week, timeframe):
    row = {"timestamp": OPENING, "open": 1, "high": 2, "low": 1, "close": 2, "volume": 5}
    control.add_bars("AAPL", [row], str(timeframe))

    batch = provider.bars(request(start=FIRST + timedelta(days=6), timeframe=timeframe))

    assert batch.bars.time.tolist() == [OPENING * 10**6]
    assert batch.bars.timeframe is timeframe
    assert f"interval={timeframe}" in control.requests(CHART)[-1]["query"]


def test_a_running_day_is_not_final_and_begins_at_midnight(provider, server, control, week):
    control.add_bars("AAPL", [bar("2024-01-09", 105)])
    control.set_now("2024-01-09T16:00:30Z")
    midday = datetime(2024, 1, 9, 16, 0, 30, tzinfo=UTC)

    with made(server, timing=Timing(wall=midday.timestamp)) as provider:
        batch = provider.bars(request(end=midday))

    assert batch.bars.time[-1] == midnight("2024-01-09")
    assert batch.bars.is_final.tolist() == [True] * 5 + [False]
    assert names_of(int(batch.marks[-1])) == ("not_final",)
    assert '"timestamp":1704816030' in batch.raw[-1]


def test_several_symbols_and_forms(provider, control, week):
    control.add_symbol("BTC-USD", instrument="CRYPTOCURRENCY", zone="UTC", opens="00:00")
    control.add_bars("BTC-USD", [bar(DAYS[0], 45_000)])
    control.add_bars("BRK-B", [bar(DAYS[0], 360)])

    batch = provider.bars(request("BRK.B", "BTC/USD", "AAPL"))

    assert batch.bars.symbols == ("BRK.B", "BTC/USD", "AAPL")
    assert batch.bars.codes.tolist() == [0, 1, 2, 2, 2, 2, 2]
    assert batch.bars.time[1] == micros(datetime(2024, 1, 2, tzinfo=UTC))
    assert batch.bars.time[0] == midnight(DAYS[0])


def test_a_span_before_the_first_bar_is_empty_and_so_is_a_weekend(provider, week):
    start = datetime(2020, 1, 1, tzinfo=UTC)
    early = provider.bars(request(start=start, end=start + timedelta(days=30)))
    start = datetime(2024, 1, 6, 5, tzinfo=UTC)
    weekend = provider.bars(request(start=start, end=start + timedelta(days=1)))

    assert len(early.bars) == len(weekend.bars) == 0


@pytest.mark.parametrize("end", ["unknown", "delisted"])
def test_a_symbol_that_is_not_there_is_an_error_that_names_it(provider, control, week, end):
    if end == "delisted":
        control.delist("AAPL")
    symbol = "NOBODY" if end == "unknown" else "AAPL"

    with pytest.raises(Declined, match=f"chart/{symbol}: status 404, No data found.*symbol"):
        provider.bars(request(symbol))

    assert len(control.requests(CHART)) == 1  # no second try, no other cookies
    assert not control.requests("/consent")


def test_a_null_row_is_marked_and_its_neighbours_live(provider, control):
    nothing = {"day": DAYS[1], "open": None, "high": None, "low": None, "close": None}
    rows = [bar(DAYS[0], 100), nothing | {"volume": None}, bar(DAYS[2], 101, volume=None)]
    control.add_bars("AAPL", rows)

    batch = provider.bars(request())

    found = [names_of(int(mark)) for mark in batch.marks]
    assert found == [(), ("close_missing", "open_high_low_missing"), ()]
    assert math.isnan(batch.bars.volume[2])
    judged = judge(batch, Context(now=NOW, classes={"AAPL": AssetClass.EQUITY}))
    assert judged.bars.close.tolist() == [100, 101]
    assert '"close":null' in judged.rejected.raw[0]


def test_odd_cells_are_marked(provider, control):
    odd = {"timestamp": "soon", "open": 1, "high": 2, "low": 1, "close": "1,5", "volume": 1}
    control.add_bars("AAPL", [bar(DAYS[0], 100, volume="1000"), odd])

    batch = provider.bars(request())

    assert batch.bars.time.tolist() == [midnight(DAYS[0]), NO_TIME]
    assert batch.bars.volume.tolist() == [1000, 1]
    assert names_of(int(batch.marks[0])) == ("text_number",)
    assert names_of(int(batch.marks[1])) == ("locale_number", "wrong_zone")


def test_a_missing_adjusted_close_is_a_missing_close(provider, control):
    control.add_bars("AAPL", [bar(DAYS[0], 100), bar(DAYS[1], 101, adjclose=None)])

    batch = provider.bars(request(adjustment=Adjustment.ALL))

    assert names_of(int(batch.marks[1])) == ("close_missing",)
    assert math.isnan(batch.bars.open[1])
    assert batch.bars.open[0] == 99


@pytest.mark.parametrize(
    ("fault", "fields", "reason"),
    [
        ("wrong_symbol", {"to": "MSFT"}, Reason.WRONG_SYMBOL),
        ("html", {}, Reason.NOT_JSON),
        ("truncated", {}, Reason.NOT_JSON),
        ("renamed", {"field": "close", "to": "last"}, Reason.SCHEMA_DRIFT),
        ("dropped", {"field": "indicators"}, Reason.SCHEMA_DRIFT),
        ("dropped", {"field": "timestamp"}, Reason.TRUNCATED),
        ("value", {"field": "volume", "value": [1000]}, Reason.TRUNCATED),
        ("value", {"field": "currency", "value": "GBp"}, Reason.WRONG_CURRENCY),
        ("value", {"field": "dataGranularity", "value": "1wk"}, Reason.SCHEMA_DRIFT),
        ("value", {"field": "exchangeTimezoneName", "value": "Mars"}, Reason.SCHEMA_DRIFT),
        ("value", {"field": "result", "value": []}, Reason.SCHEMA_DRIFT),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_and_kept(
    provider, control, week, fault, fields, reason
):
    control.arm(fault, path=CHART, count=-1, **fields)

    with pytest.raises(AnswerRefused) as refused:
        provider.bars(request())

    assert refused.value.reason is reason
    assert refused.value.vendor == "yahoo"
    assert refused.value.raw[0]
    assert provider.refused[-1] is refused.value
    tries = 3 if reason in (Reason.NOT_JSON, Reason.TRUNCATED) else 1
    assert len(control.requests(CHART)) == tries


@pytest.mark.parametrize("fault", ["html", "truncated", "server_error", "unavailable", "refuse"])
def test_what_passes_is_asked_for_again(provider, control, week, fault):
    control.arm(fault, path=CHART)

    assert len(provider.bars(request()).bars) == 5
    assert len(control.requests(CHART)) == 2


@pytest.mark.parametrize(("fault", "words"), [("server_error", "status 500"), ("refuse", "answer")])
def test_what_does_not_pass_is_an_error(provider, control, week, fault, words):
    control.arm(fault, path=CHART, count=-1)

    with pytest.raises(DataError, match=f"yahoo /v8/finance/chart/AAPL: .*{words}"):
        provider.bars(request())

    assert len(control.requests(CHART)) == 3


def test_a_split_that_is_none_is_refused(provider, control, week):
    control.add_split("AAPL", DAYS[3], 2, 1)
    control.arm("value", path=CHART, field="numerator", value=0, count=-1)

    with pytest.raises(AnswerRefused, match="a split of 0 for 1 is none"):
        provider.bars(request())


def test_a_dividend_below_zero_is_refused(provider, control, week):
    control.add_dividend("AAPL", DAYS[3], 0.25)
    control.arm("value", path=CHART, field="amount", value=-0.25, count=-1)

    with pytest.raises(AnswerRefused, match=r"a dividend of -0\.25 is none"):
        provider.bars(request())


def test_a_rate_limit_ends_the_call_and_holds_the_next_one_back(server, control, week):
    slept: list[float] = []
    present = [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        present[0] += seconds

    timing = Timing(monotonic=lambda: present[0], wall=NOW.timestamp, sleep=sleep)
    control.arm("rate_limit", path=CHART, seconds=30)
    with made(server, timing=timing, options=replace(QUICK, timeout_s=60.0)) as provider:
        with pytest.raises(Declined, match="status 429, Too Many Requests; ask less often"):
            provider.bars(request())
        assert len(control.requests(CHART)) == 1
        before = present[0]

        assert len(provider.bars(request()).bars) == 5

    assert present[0] - before >= 30


def test_a_pause_longer_than_the_deadline_is_an_error_and_nothing_is_sent(server, control, week):
    control.arm("rate_limit", path=CHART, seconds=30)
    with made(server, options=replace(QUICK, timeout_s=0.3)) as provider:
        with pytest.raises(Declined, match="429"):
            provider.bars(request())
        control.forget_requests()

        with pytest.raises(DataError, match=r"not sent: 10000 calls a minute left no turn.*0\.3 s"):
            provider.bars(request())

    assert control.requests() == []


def test_a_limit_on_crumbs_does_not_end_the_bars(provider, control, week):
    control.arm("rate_limit", path="/v1/test/getcrumb", seconds=0.01, count=1)

    assert len(provider.bars(request()).bars) == 5


def test_calls_are_spread_and_all_of_them_counted(server, control, week):
    slept: list[float] = []
    present = [0.0]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        present[0] += seconds

    timing = Timing(monotonic=lambda: present[0], wall=NOW.timestamp, sleep=sleep)
    options = replace(QUICK, calls_per_minute=60, timeout_s=600.0)
    with made(server, timing=timing, options=options) as provider:
        first = provider.bars(request())
        second = provider.bars(request())
        total = provider.calls

    seen = len(control.requests())
    assert total == seen == first.calls + second.calls
    assert second.calls == 1  # the cookie and the crumb are kept
    assert present[0] == pytest.approx(seen - 1, abs=0.01)


def test_no_other_user_of_yfinance_is_disturbed_and_no_file_is_written(
    server, control, week, tmp_path, monkeypatch
):
    from yfinance.data import SingletonMeta

    monkeypatch.setattr("yfinance.cache._CookieDBManager._cache_dir", str(tmp_path / "files"))
    monkeypatch.setattr("yfinance.cache._TzDBManager._cache_dir", str(tmp_path / "files"))
    before = dict(SingletonMeta._instances)
    with made(server) as one, made(server) as other:
        one.bars(request())
        other.bars(request())

        assert one._yahoo._door is not other._yahoo._door

    assert SingletonMeta._instances == before
    assert not (tmp_path / "files").exists()


def test_without_a_session_yfinance_chooses_one(server):
    provider = YahooProvider(rng=random.Random(1), options=QUICK)

    chosen = provider._yahoo._session
    provider.close()

    assert type(chosen).__module__.split(".")[0] in {"curl_cffi", "requests"}


def test_a_session_that_looks_like_a_browser_is_carried_too(server, control, week):
    """What yfinance takes by itself, sent to this machine in place of Yahoo."""
    from curl_cffi.requests import Session

    class Detour(Session):
        def request(self, method, url, **options):
            path = url.removeprefix("https://").partition("/")[2]
            return super().request(method, f"{server.url}/{path}", **options)

    with made(server, session=Detour(impersonate="chrome")) as provider:
        assert provider.bars(request()).bars.close.tolist() == [100, 101, 102, 103, 104]
        control.arm("rate_limit", path=CHART)
        with pytest.raises(Declined, match="429"):
            provider.bars(request())
        control.arm("refuse", path=CHART, count=-1)
        with pytest.raises(DataError, match="no answer"):
            provider.bars(request())


def test_nobody_but_yahoo_is_asked(provider):
    with provider._yahoo.errand(), pytest.raises(NotSent, match=r"example\.com is not Yahoo's"):
        provider._yahoo._request("GET", "https://example.com/v8/")


def test_a_slow_drip_ends_with_the_deadline(server, control):
    rows = [{"timestamp": OPENING + 60 * n, "close": 1.25, "volume": 5} for n in range(300)]
    control.add_bars("AAPL", rows, "1m")
    control.arm("drip", path=CHART, seconds=4, count=-1)
    asked = request(start=datetime(2024, 1, 8, 14, tzinfo=UTC), timeframe=Timeframe.MINUTE)
    options = replace(QUICK, timeout_s=0.5, retry=RetryPolicy(attempts=1))
    dripped = pytest.raises(DataError, match="bytes came before the deadline")
    with made(server, options=options) as provider, dripped:
        provider.bars(asked)


def test_another_call_waits_its_turn_and_not_for_ever(server, control, week):
    told: list[DataError] = []
    options = replace(QUICK, timeout_s=0.1)
    with made(server, options=options) as provider, provider._yahoo.errand():

        def ask() -> None:
            try:
                provider.bars(request())
            except DataError as error:
                told.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert "another call kept the session for 0.1 s" in str(told[0])


def test_a_vendor_that_fails_again_and_again_is_left_alone(server, control, week):
    control.arm("server_error", path=CHART, count=-1)
    options = replace(QUICK, breaker_failures=3, breaker_pause_s=60.0)
    with made(server, options=options) as provider:
        with pytest.raises(DataError, match="status 500"):
            provider.bars(request())
        control.forget_requests()
        with pytest.raises(DataError, match="failed 3 times in a row"):
            provider.bars(request())

    assert control.requests() == []


def test_the_listener_is_told(server, control, week):
    heard: list[tuple[str, object]] = []

    class Listener:
        def answered(self, vendor, *, took_s):
            heard.append((vendor, took_s >= 0))

        def failed(self, vendor, error):
            heard.append((vendor, type(error)))

    with made(server, listener=Listener()) as provider:
        provider.bars(request())
        with pytest.raises(DataError):
            provider.bars(request("NOBODY"))

    assert heard == [("yahoo", True), ("yahoo", Declined)]


def test_closed_is_closed(server, week):
    provider = made(server)
    provider.close()
    provider.close()

    with pytest.raises(DataError, match="session is closed"):
        provider.bars(request())


def test_actions_as_they_were(provider, control, week):
    control.add_split("AAPL", DAYS[3], 3, 2)
    control.add_split("AAPL", DAYS[4], 7, 1)
    control.add_dividend("AAPL", DAYS[1], 2.1)
    control.add_dividend("AAPL", DAYS[4], 0.5)

    paid, three_for_two, *last = provider.actions(["AAPL"], date(2024, 1, 3), date(2024, 1, 8))

    assert (paid.kind, paid.ex_date, paid.ratio) == ("dividend", date(2024, 1, 3), 1)
    assert paid.cash == pytest.approx(Decimal("2.1"))
    assert (three_for_two.kind, three_for_two.ratio) == ("split", Decimal("1.5"))
    assert [(a.kind, a.ratio, a.cash) for a in last] == [
        ("split", 7, 0),
        ("dividend", 1, Decimal("0.5")),
    ]
    assert {a.ex_date for a in last} == {date(2024, 1, 8)}
    assert (paid.seen_at, paid.source, paid.symbol) == (NOW, "yahoo", "AAPL")
    assert provider.actions(["AAPL"], date(2024, 1, 4), date(2024, 1, 4)) == ()


def contract(strike: float, **changes: object) -> dict[str, object]:
    row = {"contractSymbol": f"AAPL240119C{strike * 1000:08.0f}", "strike": strike}
    row |= {"lastTradeDate": 1704816000, "lastPrice": 1.5, "bid": 1.4, "ask": 1.6, "volume": 10}
    return row | {"openInterest": 100, "impliedVolatility": 0.3, "currency": "USD"} | changes


def test_the_chain_of_all_expirations(provider, control):
    put = contract(180, contractSymbol="AAPL240119P00180000", bid=0, volume=None)
    control.add_options("AAPL", "2024-01-19", [contract(180), contract(190)], [put])
    far = contract(200, contractSymbol="AAPL240216C00200000")
    del far["lastTradeDate"]
    control.add_options("AAPL", "2024-02-16", [far], [])
    control.set_quote("AAPL", {"regularMarketPrice": 185.5})

    one, _, put, last = provider.chain("AAPL")

    assert (one.symbol, one.underlying, one.bid, one.ask, one.last) == (
        "AAPL240119C00180000",
        "AAPL",
        1.4,
        1.6,
        1.5,
    )
    assert one.at == datetime(2024, 1, 9, 16, tzinfo=UTC)
    assert (one.underlying_price, one.implied_volatility, one.open_interest) == (185.5, 0.3, 100)
    assert math.isnan(one.delta)
    assert (put.bid, math.isnan(put.volume)) == (0, True)
    assert (last.symbol, last.at) == ("AAPL240216C00200000", NOW)


@pytest.mark.parametrize(
    ("fault", "fields", "reason"),
    [
        ("empty", {}, Reason.EMPTY),
        ("wrong_symbol", {"to": "MSFT"}, Reason.WRONG_SYMBOL),
        ("html", {}, Reason.NOT_JSON),
        ("value", {"field": "currency", "value": "EUR"}, Reason.WRONG_CURRENCY),
        ("value", {"field": "contractSymbol", "value": "MSFT240119C00180000"}, Reason.WRONG_SYMBOL),
        ("value", {"field": "expirationDate", "value": 1}, Reason.TRUNCATED),
        ("value", {"field": "expirationDates", "value": ["soon"]}, Reason.SCHEMA_DRIFT),
        ("dropped", {"field": "calls"}, Reason.SCHEMA_DRIFT),
    ],
)
def test_a_chain_that_cannot_be_used_is_refused(provider, control, fault, fields, reason):
    control.add_options("AAPL", "2024-01-19", [contract(180)], [])
    control.arm(fault, path=OPTIONS, count=-1, **fields)

    with pytest.raises(AnswerRefused) as refused:
        provider.chain("AAPL")

    assert refused.value.reason is reason


def test_a_chain_of_nobody_is_an_error(provider):
    with pytest.raises(AnswerRefused, match="Yahoo knows no NOBODY"):
        provider.chain("NOBODY")


def test_a_forgotten_visitor_gets_new_cookies(provider, control):
    control.add_options("AAPL", "2024-01-19", [contract(180)], [])
    assert len(provider.chain("AAPL")) == 1
    control.forget_visitors()
    with pytest.raises(Declined, match="status 401, Invalid"):
        provider.chain("AAPL")
    control.forget_requests()

    assert len(provider.chain("AAPL")) == 1

    assert {r["status"] for r in control.requests(OPTIONS)} == {200}


def test_a_page_of_consent_without_its_token_is_an_error(provider, control):
    control.arm("server_error", path="/", count=-1)
    control.arm(
        "status", path="/consent", status=200, body="<input name=csrfToken value=a>", count=-1
    )

    with pytest.raises(DataError, match="yfinance could not read a page of cookies or consent"):
        provider.chain("AAPL")


def test_without_yfinance_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("alphalens._optional.find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"alpha-lens\[yahoo\]"):
        YahooProvider(rng=random.Random(1))


def test_another_way_of_keeping_cookies_is_refused(monkeypatch):
    monkeypatch.delattr("yfinance.data.YfData._load_cookie_curlCffi")

    with pytest.raises(ConfigError, match=r"yfinance .* another way than 1\.7 \(no _load_cookie"):
        YahooProvider(rng=random.Random(1))


def test_bars_of_long_ago(provider, control):
    """Before 1990 the size of an epoch does not tell its unit, and Yahoo's is known."""
    control.add_bars("IBM", [bar("1969-12-31", 3.5), bar("1970-01-02", 3.6), bar("1989-12-29", 7)])

    batch = provider.bars(request("IBM", start=datetime(1962, 1, 1, tzinfo=UTC)))

    days = ["1969-12-31", "1970-01-02", "1989-12-29"]
    assert batch.bars.time.tolist() == [midnight(day) for day in days]
    assert not batch.marks.any()


def test_redirections_are_counted():
    meta = {"symbol": "AAPL", "currency": "USD", "dataGranularity": "1d"}
    meta |= {"exchangeTimezoneName": "America/New_York"}
    chart = {"chart": {"result": [{"meta": meta, "indicators": {"quote": [{}]}}]}}
    moved = Say(status=302, headers={"Location": "https://query1.finance.yahoo.com/v8/elsewhere"})
    home = Say("home")  # it gives no cookie, and is asked twice for one
    with scripted(home, home, Say("crumb"), moved, Say(chart)) as vendor:
        fields = {"rng": random.Random(1), "options": QUICK}
        with YahooProvider(session=loopback_session(vendor.url), **fields) as provider:
            batch = provider.bars(request())

    assert batch.calls == len(vendor.got) == 5


def test_an_endless_answer_is_cut_off(provider, week, monkeypatch):
    monkeypatch.setattr("alphalens.data._vendors.yahoo_session._MAX_BODY_BYTES", 200)

    with pytest.raises(DataError, match="the answer is longer than 200 bytes"):
        provider.bars(request())


def test_what_yahoo_no_longer_keeps_is_said_in_its_words(provider, week):
    start = datetime(2023, 6, 1, tzinfo=UTC)

    with pytest.raises(Declined, match=r"status 422, .*must be within the last 60 days.*correct"):
        provider.bars(request(start=start, timeframe=Timeframe.MINUTES_5))


def test_odd_parts_of_an_event_are_refused(provider, control, week):
    control.add_dividend("AAPL", DAYS[1], 10)
    control.arm("value", path=CHART, field="date", value="soon", count=-1)

    with pytest.raises(AnswerRefused, match="the date of an event should be seconds, got 'soon'"):
        provider.actions(["AAPL"], date(2024, 1, 1), date(2024, 1, 9))
