"""Bars of the user's own files: which file has which symbol, and what is found in its cells."""

from __future__ import annotations

import gzip
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from alphalens.assets import AssetClass
from alphalens.data.bars import NO_TIME, Adjustment, Timeframe, micros
from alphalens.data.folder_provider import FolderProvider
from alphalens.data.port import BarRequest, MarketDataProvider
from alphalens.data.reasons import AnswerRefused, Reason, names_of
from alphalens.data.validation import Context, judge
from alphalens.errors import DataError, InputError, MissingExtra
from alphalens.trading.clock import VirtualClock

NOW = datetime(2024, 1, 31, tzinfo=UTC)
CLOCK = VirtualClock(NOW)
NEW_YORK = ZoneInfo("America/New_York")
HEAD = "Date,Open,High,Low,Close,Adj Close,Volume\n"
JAN_2 = "2024-01-02,99,102,98,100,50,1000\n"
JAN_3 = "2024-01-03,100,103,99,101,50.5,2000\n"
LONG = "ts,ticker,close\n2024-01-02,MSFT,370\n2024-01-02,brk-b,360\n2024-01-03,MSFT,371\n"


def folder(tmp_path: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


def provider(path: Path, **changes: object) -> FolderProvider:
    fields = {"timeframe": Timeframe.DAY, "adjustment": Adjustment.SPLIT, "clock": CLOCK}
    return FolderProvider(path, **{**fields, **changes})


def request(*symbols: str, **changes: object) -> BarRequest:
    fields = {"symbols": symbols or ("AAPL",), "start": datetime(2024, 1, 1, tzinfo=UTC)}
    fields |= {"end": NOW, "adjustment": Adjustment.SPLIT}
    return BarRequest(**{**fields, **changes})


def midnight(day: str) -> int:
    return micros(datetime.fromisoformat(day).replace(tzinfo=NEW_YORK))


def found_in(batch) -> list[tuple[str, ...]]:
    return [names_of(int(mark)) for mark in batch.marks]


def test_a_file_that_is_called_as_a_symbol_has_its_bars(tmp_path):
    source = provider(folder(tmp_path, {"AAPL.csv": HEAD + JAN_2 + JAN_3, "notes.txt": "x"}))

    port: MarketDataProvider = source
    batch = port.bars(request())

    bars = batch.bars
    assert (bars.symbols, bars.sources) == (("AAPL",), ("files",))
    assert bars.time.tolist() == [midnight("2024-01-02"), midnight("2024-01-03")]
    assert (bars.open.tolist(), bars.high.tolist()) == ([99, 100], [102, 103])
    assert (bars.low.tolist(), bars.close.tolist()) == ([98, 99], [100, 101])
    assert bars.volume.tolist() == [1000, 2000]
    assert bars.trades.tolist() == [-1, -1]
    assert bars.is_final.all()
    assert not batch.marks.any()
    assert json.loads(batch.raw[1])["Adj Close"] == "50.5"
    assert (batch.received_at, batch.calls, bars.adjustment) == (NOW, 0, Adjustment.SPLIT)


def test_it_has_what_the_caller_says_and_nothing_else(tmp_path):
    source = provider(folder(tmp_path, {"AAPL.csv": HEAD + JAN_2}))

    with pytest.raises(InputError, match="files has no adjustment raw; it has split"):
        source.bars(request(adjustment=Adjustment.RAW))
    with pytest.raises(InputError, match="files has no timeframe 1h; it has 1d"):
        source.bars(request(timeframe=Timeframe.HOUR))
    with pytest.raises(InputError, match="files has no asset class crypto"):
        source.bars(request("BTC/USD"))
    with pytest.raises(InputError, match="files has no quotes"):
        source.quotes(["AAPL"])


def test_the_span_is_kept_to(tmp_path):
    source = provider(folder(tmp_path, {"AAPL.csv": HEAD + JAN_2 + JAN_3}))
    third = datetime(2024, 1, 3, tzinfo=NEW_YORK)

    assert source.bars(request(end=third)).bars.close.tolist() == [100]
    assert source.bars(request(start=third)).bars.close.tolist() == [101]


@pytest.mark.parametrize("kind", ["csv", "gzip", "parquet", "parquet index"])
def test_every_format_gives_the_same_bars(tmp_path, kind):
    text = HEAD + JAN_2 + JAN_3
    frame = pd.DataFrame(
        {"Close": [100.0, 101.0], "Volume": [1000, 2000]},
        index=pd.DatetimeIndex(["2024-01-02", "2024-01-03"], name="Date"),
    )
    if kind == "csv":
        folder(tmp_path, {"AAPL.csv": text.replace(",", ";")})
    elif kind == "gzip":
        folder(tmp_path, {"AAPL.csv.gz": gzip.compress(text.encode())})
    elif kind == "parquet":
        frame.reset_index().to_parquet(tmp_path / "AAPL.parquet")
    else:
        frame.to_parquet(tmp_path / "AAPL.parquet")

    bars = provider(tmp_path).bars(request()).bars

    assert bars.time.tolist() == [midnight("2024-01-02"), midnight("2024-01-03")]
    assert bars.close.tolist() == [100, 101]
    assert bars.volume.tolist() == [1000, 2000]


def test_symbols_without_a_file_are_looked_for_in_the_long_ones(tmp_path):
    more = "date,symbol,close\n2024-01-04,MSFT,372\n2024-01-04,GE,99\n"
    files = {"AAPL.csv": HEAD + JAN_2, "one.csv": LONG, "two.csv.gz": gzip.compress(more.encode())}
    source = provider(folder(tmp_path, files))

    batch = source.bars(request("BRK.B", "MSFT", "AAPL"))

    rows = list(zip(batch.bars.frame()["symbol"], batch.bars.close.tolist(), strict=True))
    assert rows == [("AAPL", 100), ("MSFT", 370), ("MSFT", 371), ("BRK.B", 360), ("MSFT", 372)]
    assert found_in(batch) == [
        (),
        ("open_high_low_missing",),
        ("open_high_low_missing",),
        ("open_high_low_missing", "symbol_form"),
        ("open_high_low_missing",),
    ]
    assert json.loads(batch.raw[3]) == {"ts": "2024-01-02", "ticker": "brk-b", "close": "360"}
    assert source.symbols() == ("AAPL", "BRK.B", "GE", "MSFT")


def test_a_long_file_is_not_taken_for_the_symbol_it_is_called_as(tmp_path):
    source = provider(folder(tmp_path, {"PRICES.csv": LONG}))

    assert source.bars(request("MSFT")).bars.close.tolist() == [370, 371]
    with pytest.raises(AnswerRefused, match="'MSFT' stands in the file of PRICES") as refused:
        source.bars(request("PRICES"))
    assert refused.value.reason is Reason.WRONG_SYMBOL
    assert json.loads(refused.value.raw[0])["close"] == "370"


def test_one_file_is_enough(tmp_path):
    path = folder(tmp_path, {"long.csv": LONG, "AAPL.csv": HEAD + JAN_2})

    assert provider(path / "long.csv").bars(request("MSFT")).bars.close.tolist() == [370, 371]
    assert provider(path / "AAPL.csv").symbols() == ("AAPL",)
    with pytest.raises(DataError, match=r"nothing at .*AAPL\.csv has MSFT.*add MSFT\.csv"):
        provider(path / "AAPL.csv").bars(request("MSFT"))


def test_a_symbol_that_a_long_file_lacks_has_no_rows(tmp_path):
    batch = provider(folder(tmp_path, {"long.csv": LONG})).bars(request("NONE", "MSFT"))
    nothing = provider(tmp_path).bars(request("NONE"))

    judged = judge(batch, Context(now=NOW, classes=dict.fromkeys(("NONE", "MSFT"), EQUITY)))
    assert judged.report.empty == ("NONE",)
    assert (len(nothing.bars), len(nothing.marks), len(nothing.raw)) == (0, 0, 0)


EQUITY = AssetClass.EQUITY


def test_coins_are_named_with_a_dash_and_their_days_are_those_of_utc(tmp_path):
    files = {"BTC-USD.csv": "date,close\n2024-01-02,45000\n"}
    source = provider(folder(tmp_path, files), asset_class=AssetClass.CRYPTO)

    bars = source.bars(request("BTC/USD")).bars

    assert bars.time.tolist() == [micros(datetime(2024, 1, 2, tzinfo=UTC))]


def test_what_cells_hold_is_marked_and_never_left_out(tmp_path):
    rows = (
        '2024-01-02,99,102,98,"1,5",1,1000\n'
        "2024-01-03,,103,99,101,1,n/a\n"
        "2024-01-04,1,inf,1,,1,10\n"
        "soon,1,1,1,1,1,1\n"
        ",1,1,1,1,1,1\n"
        "2024-01-05,1,2,1,$2,1,1e3\n"
    )
    batch = provider(folder(tmp_path, {"AAPL.csv": HEAD + rows})).bars(request())

    assert found_in(batch) == [
        ("locale_number",),
        ("open_high_low_missing",),
        ("close_missing", "infinite"),
        ("wrong_zone",),
        ("wrong_zone",),
        ("locale_number",),
    ]
    bars = batch.bars
    assert bars.time[3:5].tolist() == [NO_TIME, NO_TIME]
    assert math.isnan(bars.volume[1])
    assert bars.volume[5] == 1000
    assert json.loads(batch.raw[5])["Close"] == "$2"
    assert '"soon"' in batch.raw[3]


def test_a_bad_row_goes_to_quarantine_and_its_neighbour_lives(tmp_path):
    rows = JAN_2 + '2024-01-03,100,103,99,"101,5",1,2000\n' + "2024-01-04,1,2,1,1e400,1,5\n"
    batch = provider(folder(tmp_path, {"AAPL.csv": HEAD + rows})).bars(request())

    judged = judge(batch, Context(now=NOW, classes={"AAPL": EQUITY}))

    assert judged.bars.close.tolist() == [100]
    assert [json.loads(raw)["Close"] for raw in judged.rejected.raw] == ["101,5", "1e400"]


def test_a_day_that_has_not_ended_is_not_final(tmp_path):
    batch = provider(
        folder(tmp_path, {"AAPL.csv": HEAD + JAN_2 + JAN_3}),
        clock=VirtualClock(datetime(2024, 1, 4, 4, tzinfo=UTC)),
    ).bars(request())

    assert batch.bars.is_final.tolist() == [True, False]
    assert found_in(batch) == [(), ("not_final",)]


MINUTE = "2024-01-02 09:30"
AT = micros(datetime(2024, 1, 2, 14, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "zone", "time", "found"),
    [
        (MINUTE, "America/New_York", AT, ()),
        (MINUTE, "", NO_TIME, ("no_time_zone",)),
        ("2024-01-02T14:30:00Z", "", AT, ()),
        ("2024-01-02 15:30:00+01:00", "America/New_York", AT, ()),
        ("1704205800", "", AT, ()),
        ("1704205800000", "America/New_York", AT, ()),
        ("170420580099999", "", NO_TIME, ("wrong_epoch",)),
        ("2023-11-05 01:30", "America/New_York", NO_TIME, ("wrong_zone",)),
        ("2023-03-12 02:30", "America/New_York", NO_TIME, ("wrong_zone",)),
    ],
)
def test_instants_within_days_need_a_zone(tmp_path, text, zone, time, found):
    files = {"AAPL.csv": f"time,open,high,low,close\n{text},1,1,1,1\n"}
    source = provider(folder(tmp_path, files), timeframe=Timeframe.MINUTE, zone=zone)

    batch = source.bars(request(timeframe=Timeframe.MINUTE))

    assert batch.bars.time.tolist() == [time]
    assert found_in(batch) == [found]


@pytest.mark.parametrize(
    ("instants", "zone", "time", "found"),
    [
        (pd.DatetimeIndex([MINUTE], tz="America/New_York"), "", AT, ()),
        (pd.DatetimeIndex([MINUTE]), "America/New_York", AT, ()),
        (pd.DatetimeIndex([MINUTE]), "", NO_TIME, ("no_time_zone",)),
        (pd.DatetimeIndex([pd.NaT]), "", NO_TIME, ("wrong_zone",)),
        (pd.DatetimeIndex([pd.NaT], tz="UTC"), "", NO_TIME, ("wrong_zone",)),
        (pd.Index([1704205800]), "", AT, ()),
    ],
)
def test_instants_of_a_parquet_file(tmp_path, instants, zone, time, found):
    prices = dict.fromkeys(("open", "high", "low", "close"), 1.0)
    pd.DataFrame({"ts": instants}).assign(**prices).to_parquet(tmp_path / "AAPL.pq")
    source = provider(tmp_path, timeframe=Timeframe.MINUTE, zone=zone)

    batch = source.bars(request(timeframe=Timeframe.MINUTE))

    assert batch.bars.time.tolist() == [time]
    assert found_in(batch) == [found]


def test_figures_of_a_parquet_file(tmp_path):
    frame = pd.DataFrame({"date": ["2024-01-02", "2024-01-03"], "close": [1.0, np.nan]})
    frame["open"], frame["high"] = [True, False], ["2", None]
    frame["low"], frame["trades"] = pd.array([1, None], "Int64"), [7, 8]
    frame.to_parquet(tmp_path / "AAPL.parquet")

    batch = provider(tmp_path).bars(request())

    assert found_in(batch) == [
        ("locale_number",),
        ("locale_number",),
    ]
    assert batch.bars.high[0] == 2
    assert batch.bars.trades.tolist() == [7, 8]


def test_other_dates_are_read_with_their_format_only(tmp_path):
    path = folder(tmp_path, {"AAPL.csv": "date,close\n03/01/2024,101\n31/31/2024,1\n"})

    batch = provider(path, date_format="%d/%m/%Y").bars(request())

    assert batch.bars.time.tolist() == [midnight("2024-01-03"), NO_TIME]
    assert not (provider(path).bars(request()).bars.time != NO_TIME).any()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no file at .* that ends in"),
        ({"AAPL.csv": "", "x.csv": LONG}, "the file is empty; correct the file"),
        ({"AAPL.csv": "<html></html>"}, "this is HTML or XML"),
        ({"AAPL.csv": HEAD + "2024-01-02,1\n"}, "line 2: 2 cells, where the header has 7"),
        ({"AAPL.csv": HEAD}, "0 rows and 7 columns are too few"),
        ({"AAPL.csv": "date,open\n2024-01-02,1\n"}, "schema_drift: there is no column of closes"),
        ({"AAPL.csv": "when,close\n2024-01-02,1\n"}, "no column of dates among 'when', 'close'"),
        ({"AAPL.csv": "date,close,Close\n2024-01-02,1,2\n"}, "2 columns are called close"),
        ({"long.csv": "date,symbol,close\n2024-01-02,,1\n"}, "1 rows have no symbol"),
        ({"AAPL.csv": HEAD + JAN_2, "aapl.csv.gz": b""}, "another file of AAPL"),
        ({"AAPL.parquet": b"date,close"}, "this is not a Parquet file"),
        ({"long.parquet": b"date,close"}, "long.parquet: cannot be read"),
        ({"long.csv.gz": b"no gzip"}, "long.csv.gz: cannot be read"),
        ({"long.csv": b"date,sym\xffbol\n"}, "long.csv: cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        provider(folder(tmp_path, files)).bars(request())


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file at"):
        provider(tmp_path / "nothing").bars(request())
    with pytest.raises(DataError, match="there is no file at"):
        provider(tmp_path / "nothing.csv").bars(request())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"my bars.csv": HEAD + JAN_2}, "my bars.csv is not called as a symbol of equity"),
        ({"long.csv": "date,symbol,close\n2024-01-02,A B,1\n"}, "'A B' is no equity symbol"),
    ],
)
def test_symbols_that_cannot_be_told_are_refused(tmp_path, files, message):
    with pytest.raises(DataError, match=message):
        provider(folder(tmp_path, files)).symbols()


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    pd.DataFrame({"date": ["2024-01-02"], "symbol": ["A"], "close": [1.0]}).to_parquet(
        tmp_path / "long.parquet"
    )
    monkeypatch.setattr("alphalens._optional.find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"alpha-lens\[cli\]"):
        provider(tmp_path).bars(request())


def judged_file(path: Path, symbols: tuple[str, ...], **changes: object):
    fields = {"timeframe": Timeframe.DAY, "adjustment": Adjustment.ALL}
    asset_class = changes.pop("asset_class", EQUITY)
    fields |= changes
    source = FolderProvider(path, **fields, asset_class=asset_class, clock=CLOCK)
    asked = BarRequest(symbols=symbols, start=datetime(1990, 1, 1, tzinfo=UTC), end=NOW, **fields)
    batch = source.bars(asked)
    return judge(batch, Context(now=NOW, classes=dict.fromkeys(symbols, asset_class)))


@pytest.mark.realdata
def test_known_misprints_of_a_real_set_end_in_quarantine_with_their_text(real_data):
    path = real_data / "us_equity_long_daily_2003_2017.parquet"
    judged = judged_file(path, ("SLG", "BXP", "AVB", "AAPL"))

    aside = judged.rejected.frame()
    days = aside["timestamp"].dt.tz_convert("America/New_York").dt.date.astype(str)
    misprints = aside["because"].str.contains("misprint")
    where = set(zip(aside["symbol"][misprints], days[misprints], strict=True))
    assert where == {
        ("SLG", "2014-03-04"),
        ("BXP", "2007-05-02"),
        ("AVB", "2010-09-16"),
        ("AVB", "2012-12-21"),
    }
    slg = aside[aside["symbol"] == "SLG"].iloc[0]
    assert '"close":"0.9161"' in slg["raw"]
    assert len(judged.bars) + len(judged.rejected) == judged.report.told > 13_000
    assert "AAPL" not in set(aside["symbol"])


@pytest.mark.realdata
def test_real_minutes_with_a_zone_and_hours_of_a_coin_are_kept(real_data):
    minutes = judged_file(
        real_data / "us_equity_minute_lean.parquet",
        ("AAPL", "SPY"),
        timeframe=Timeframe.MINUTE,
        adjustment=Adjustment.RAW,
    )
    hours = judged_file(
        real_data / "crypto_btcusd_coinbase_hourly_2017_2019.parquet",
        ("BTC/USD",),
        timeframe=Timeframe.HOUR,
        adjustment=Adjustment.RAW,
        asset_class=AssetClass.CRYPTO,
    )

    assert len(minutes.rejected) == 0
    assert Reason.OUT_OF_SESSION in minutes.report.counts  # extended hours, flagged
    assert (len(hours.bars), len(hours.rejected)) == (20_111, 0)
    assert hours.report.counts[Reason.SYMBOL_FORM] == 20_111
    assert hours.report.gaps == ()
