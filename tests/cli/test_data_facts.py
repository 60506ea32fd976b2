"""Facts kept by command: out of files and from a vendor, counted, and known from when they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from alphalens.cli import main
from alphalens.cli.output import ExitCode
from alphalens.data.continuous import chain_closes, chained
from alphalens.data.fact_store import FactStore
from alphalens.data.futures_chain import RollBefore
from alphalens.data.port import BarRequest
from alphalens.data.reasons import names_of
from alphalens.data.store import BarStore
from alphalens.storage import open_engine
from alphalens.testing.polygon_server import PolygonServer

SECRET = "hunter2-very-secret"
OIL = {"tick": Decimal("0.01"), "multiplier": Decimal(1000), "calendar": "NYMEX"}


@pytest.fixture(autouse=True)
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "ALPACA_SECRET_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPHALENS_MARKET_DATA_VENDORS", "alpaca,polygon")


@pytest.fixture
def data(capsys):
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["data", *words])
        said = capsys.readouterr()
        assert SECRET not in said.out + said.err
        return code, said.out, said.err

    return run


@pytest.fixture
def store():
    engines = []

    def opened() -> FactStore:
        engines.append(open_engine(Path("market.sqlite"), is_read_only=True))
        return FactStore(engines[-1])

    yield opened
    for engine in engines:
        engine.dispose()


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_actions_are_known_from_the_day_after_they_were_seen(data, store):
    file = write("a.csv", "symbol,kind,ex_date,ratio,seen\nA,split,2020-01-06,2,2020-01-02\n")
    code, out, _ = data("load", "actions", file)
    assert (code, out) == (0, "1 rows: 1 new actions, in market.sqlite\n")
    known = [
        len(store().as_of(datetime(2020, 1, day, 15, tzinfo=UTC)).actions(["A"])) for day in (2, 3)
    ]
    assert known == [0, 1]
    code, out, _ = data("load", "actions", file, "--json")
    assert json.loads(out) == {
        "database": "market.sqlite",
        "file": "a.csv",
        "kind": "actions",
        "left_out": [],
        "new": 0,
        "refused": 0,
        "rows": 1,
        "source": "a.csv",
    }


def test_members_have_an_index(data, store):
    file = write("m.csv", "ticker,start_date,end_date\nA,2019-01-02,\nB,2019-01-02,2020-01-02\n")
    code, _, err = data("load", "members", file)
    assert (code, "name the index with --index" in err) == (ExitCode.USER, True)
    assert not Path("market.sqlite").exists()
    code, out, _ = data("load", "members", file, "--index", "BIG", "--source", "desk")
    assert (code, out) == (0, "2 rows: 2 new intervals, in market.sqlite\n")
    assert store().as_of(datetime(2020, 1, 2, 15, tzinfo=UTC)).members("BIG") == {"A"}
    text = Path(file).read_text(encoding="utf-8").replace("2020-01-02", "2020-01-03")
    code, _, err = data("load", "members", write("n.csv", text), "--index", "BIG")
    assert code == ExitCode.USER
    assert "B left BIG on 2020-01-02, and now is told to have left it on 2020-01-03" in err


FILINGS = """collected,symbol,end_date,doc_type,assets
2016-02-01,GMCR,2015-12-26,10-Q,3931453000
2016-06-01,TGLS,2013-12-31,10-K,7
2016-03-01,NRG,2016-12-31,10-K,32882000000
"""


def test_fundamentals_are_kept_by_when_they_were_seen_and_impossible_ones_set_aside(data, store):
    code, out, err = data("load", "fundamentals", write("f.csv", FILINGS), "--source", "filings")
    assert code == 0
    assert out.splitlines() == [
        "3 rows: 2 new figures, 1 rows in quarantine, in market.sqlite",
        "not read, for they hold no figures: doc_type",
    ]
    assert "load fundamentals: 1 of 1" in err
    may, june = (datetime(2016, month, 2, 15, tzinfo=UTC) for month in (5, 6))
    known = [store().as_of(at).latest("assets", ["TGLS", "NRG"]).tolist() for at in (may, june)]
    assert [[x == x for x in row] for row in known] == [[False, False], [True, False]]
    (aside,) = BarStore(store()._engine).quarantined().to_dict("records")
    assert (aside["symbol"], json.loads(aside["raw"])["assets"]) == ("NRG", 32882000000.0)


def test_status_counts_facts_and_what_is_aside(data):
    data("load", "fundamentals", write("f.csv", FILINGS), "--source", "filings")
    data("load", "members", write("m.csv", "symbol,start,end\nA,2019-01-02,\n"), "--index", "BIG")
    code, out, _ = data("status")
    assert code == 0
    for line in (
        "figures: 2 of 2 symbols, from filings",
        "members of BIG: 1 symbols in 1 intervals, 1 of them now",
        "quarantine: 1 rows of filings that are no bars",
    ):
        assert line in out.splitlines()
    told = json.loads(data("status", "--json")[1])
    assert told["facts"]["figures"] == [{"source": "filings", "rows": 2, "symbols": 2}]
    assert told["facts"]["actions"] == []
    assert (told["not_bars"], told["series"]) == ({"filings": 1}, [])


EXPIRIES = """contract,last_trade,first_notice
CLK20,2020-04-21,2020-04-23
CLM20,2020-05-19,2020-05-21
"""
SETTLES = """date,contract,settle
2020-04-16,CLK20,19.87
2020-04-16,CLM20,25.53
2020-04-17,CLK20,18.27
2020-04-17,CLM20,25.03
2020-04-20,CLK20,-37.63
2020-04-20,CLM20,20.43
2020-04-22,CLK20,13.78
2020-04-22,CLM20,0.00
"""


def test_futures_are_bars_and_terms_and_what_cannot_be_is_set_aside(data, store):
    write("e.csv", EXPIRIES)
    words = ("load", "futures", write("s.csv", SETTLES), "--expiries", "e.csv")
    words = (*words, "--calendar", "NYMEX", "--below-zero", "CL")
    code, out, _ = data(*words)
    assert (code, out) == (
        0,
        "8 rows: 6 new settles, 2 rows in quarantine, in market.sqlite\n",
    )
    facts = store()
    now = datetime.now(UTC) + timedelta(days=1)
    chain = facts.as_of(now).chain("CL", **OIL)
    assert chain.symbols == ("CLK20", "CLM20")
    start, end = (datetime(2020, month, 1, tzinfo=UTC) for month in (4, 6))
    closes = chain_closes(BarStore(facts._engine), chain, start, end, as_of=now)
    found = chained(chain, closes, RollBefore(sessions=0), as_of=now)
    assert found.prices.tolist() == [19.87, 18.27, -37.63]  # which was true
    aside = BarStore(facts._engine).quarantined().sort_values("symbol")
    assert aside["symbol"].tolist() == ["CLK20", "CLM20"]  # after its last day; zero
    assert json.loads(data(*words, "--json")[1])["new"] == 0


def test_settle_below_zero_needs_leave(data, store):
    write("e.csv", EXPIRIES)
    words = ("load", "futures", write("s.csv", SETTLES), "--expiries", "e.csv")
    told = json.loads(data(*words, "--below-zero", "NG", "--json")[1])
    assert (told["new"], told["refused"]) == (5, 3)
    aside = BarStore(store()._engine).quarantined()
    reasons = [names_of(int(marks)) for marks in aside["marks"]]
    assert ("price_not_positive",) in reasons
    code, _, err = data("load", "members", "s.csv", "--index", "X", "--below-zero", "CL")
    assert code == 2
    assert "--below-zero is for futures" in err


def test_settle_of_a_day_without_trading_or_of_a_day_to_come_is_found(data, store):
    ends = datetime.now(UTC) + timedelta(days=200)
    write("e.csv", f"contract,last_trade\nCLK20,2020-04-21\nCLZ30,{ends:%Y-%m-%d}\n")
    ahead = datetime.now(UTC) + timedelta(days=9)
    ahead += timedelta(days=2 * (ahead.weekday() > 4))
    rows = "day,contract,settle\n2020-04-09,CLK20,22.76\n2020-04-12,CLK20,22.8\n"
    rows += f"2020-04-10,CLK20,22.7\n{ahead:%Y-%m-%d},CLZ30,60\n"
    code, out, _ = data("load", "futures", write("s.csv", rows), "--expiries", "e.csv")
    assert (code, out) == (0, "4 rows: 2 new settles, 2 rows in quarantine, in market.sqlite\n")
    bars = BarStore(store()._engine)
    aside = bars.quarantined().sort_values("symbol")
    assert aside["symbol"].tolist() == ["CLK20", "CLZ30"]
    reasons = [names_of(int(marks)) for marks in aside["marks"]]
    assert reasons == [("out_of_session",), ("in_the_future",)]
    start, end = (datetime(2020, month, 1, tzinfo=UTC) for month in (4, 5))
    _, marks = bars.read_marked(BarRequest(symbols=("CLK20",), start=start, end=end))
    flags = [names_of(int(mark)) for mark in marks]  # the second is of Good Friday
    bare = "open_high_low_missing"
    assert flags == [(bare,), (bare, "out_of_session")]


def test_file_that_is_not_there_is_a_wrong_call_of_check_as_of_load(data):
    for words in (("check", "none.csv"), ("load", "actions", "none.csv")):
        code, _, err = data(*words)
        assert (code, "none.csv" in err) == (ExitCode.USER, True), err


def test_split_that_is_known_explains_a_step_in_a_file(data):
    days = ["2014-06-04", "2014-06-05", "2014-06-06", "2014-06-09", "2014-06-10", "2014-06-11"]
    closes = [644.82, 647.35, 645.57, 93.70, 94.25, 93.86]
    rows = [f"{day},AAPL,{p},{p},{p},{p},1000000" for day, p in zip(days, closes, strict=True)]
    write("bars.csv", "\n".join(["date,symbol,open,high,low,close,volume", *rows]))
    code, out, _ = data("check", "bars.csv", "--timeframe", "1d")
    assert (code, "3 reject: " in out) == (ExitCode.OPERATOR, True), out
    write("a.csv", "symbol,kind,ex_date,seen,ratio\nAAPL,split,2014-06-09,2014-04-23,7\n")
    assert data("load", "actions", "a.csv")[0] == 0
    code, out, _ = data("check", "bars.csv", "--timeframe", "1d", "--database", "market.sqlite")
    assert (code, "6 good, 0 to be rejected" in out) == (0, True), out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("actions", "a.csv", "--index", "X"), "--index is for members, and actions are loaded"),
        (("actions", "a.csv", "--roots", "CL"), "--roots is for futures"),
        (("members", "a.csv", "--index", "X", "--seen", "2020-01-02"), "--seen has no effect"),
        (("actions", "a.csv"), "line 2, column 'kind': 'bonus' is none of split"),
        (("actions", "none.csv"), "none.csv: cannot be read: No such file"),
        (("actions", "a.csv", "--columns", "kind=x"), "kind=x: there is no such column"),
    ],
)
def test_wrong_call_or_file_is_told_and_nothing_is_written(data, words, said):
    write("a.csv", "symbol,kind,ex_date,seen\nA,bonus,2020-01-06,2020-01-02\n")
    code, _, err = data("load", *words)
    assert (code, said in err) == (ExitCode.USER, True), err
    path = Path("market.sqlite")
    if path.exists():
        engine = open_engine(path, is_read_only=True)
        assert not any(FactStore(engine).counts().values())
        engine.dispose()


def test_wrong_words_are_refused_by_the_parser(data, capsys):
    for words in (("--columns", "kind"), ("--seen", "yesterday")):
        with pytest.raises(SystemExit) as ended:
            data("load", "actions", "a.csv", *words)
        assert ended.value.code == ExitCode.USER
    assert "a day such as 2024-01-31" in capsys.readouterr().err


@pytest.fixture
def server(monkeypatch):
    with PolygonServer(keys=(SECRET,)) as running:
        monkeypatch.setenv("ALPHALENS_POLYGON_BASE_URL", running.url)
        monkeypatch.setenv("ALPHALENS_POLYGON_CALLS_PER_MINUTE", "10000")
        monkeypatch.setenv("POLYGON_API_KEY", SECRET)
        split = {"ticker": "NVDA", "execution_date": "2024-06-10", "split_from": 1, "split_to": 10}
        running.control.add_splits([split])
        dividend = {"ticker": "KO", "ex_dividend_date": "2024-06-14", "cash_amount": 0.485}
        running.control.add_dividends([dividend])
        yield running


SPAN = ("--start", "2024-01-01", "--end", "2024-12-31")


@pytest.mark.usefixtures("server")
def test_actions_of_a_vendor_are_known_from_now_on(data, store):
    code, out, err = data("actions", "NVDA", "KO", *SPAN)
    assert (code, out) == (0, "polygon told 2 actions of 2 symbols, 2 new\n")
    assert "alpaca is left out" in err
    assert "actions: 2 of 2" in err
    now = datetime.now(UTC)
    known = store().as_of(now + timedelta(hours=1)).actions(["NVDA", "KO"])
    assert [(one.symbol, one.kind, one.source) for one in known] == [
        ("KO", "dividend", "polygon"),
        ("NVDA", "split", "polygon"),
    ]
    assert store().as_of(now - timedelta(hours=1)).actions(["NVDA", "KO"]) == ()
    assert json.loads(data("actions", "NVDA", *SPAN, "--json")[1])["new"] == 0


def test_vendor_that_fails_is_told_and_no_other_is_asked(data, server):
    server.control.arm("html", path="/v3/reference/*", count=100)
    code, out, err = data("actions", "NVDA", *SPAN)
    assert (code, out) == (
        ExitCode.OPERATOR,
        "polygon told 0 actions of 1 symbols, 0 new; nothing of 1 symbols, ask again\n",
    )
    assert "not_json" in err
    code, _, err = data("actions", "NVDA", "--start", "2025-01-01", "--end", "2024-01-01")
    assert (code, "must not be after the last" in err) == (ExitCode.USER, True)


def test_vendor_without_actions_is_a_wrong_call(data):
    code, _, err = data("actions", "AAPL", *SPAN, "--vendors", "sample")
    assert (code, "none of sample has corporate actions" in err) == (ExitCode.USER, True)


@pytest.mark.realdata
def test_real_sets_are_kept_and_end_where_they_should(data, store, real_data):
    """Filings of which one came after 878 days, the index, oil below zero, a split as revised."""
    filings = pd.read_parquet(real_data / "us_fundamentals_pit_2015_2017.parquet")
    late = filings["collected"] - filings["end_date"]
    worst = filings.loc[late.idxmax()]
    some = filings[filings["symbol"].isin([worst["symbol"], "NFLX"]) | (late < pd.Timedelta(0))]
    some.to_parquet("filings.parquet")
    told = json.loads(data("load", "fundamentals", "filings.parquet", "--json")[1])
    assert (told["rows"], told["refused"]) == (len(some), int((late < pd.Timedelta(0)).sum()))
    seen, ended = worst["collected"], worst["end_date"]
    assert (seen - ended).days == 878
    for days, is_known in ((0, False), (5, True)):
        at = (seen + pd.Timedelta(days=days)).to_pydatetime().replace(hour=21, tzinfo=UTC)
        reports = store().as_of(at).reports(["assets"], [str(worst["symbol"])])
        assert (ended in reports["period"].tolist()) is is_known

    index = str(real_data / "sp500_membership_intervals.parquet")
    assert data("load", "members", index, "--index", "SP500")[0] == 0
    before, after = (datetime(2020, 12, day, 15, tzinfo=UTC) for day in (18, 21))
    known = [store().as_of(at).members("SP500") for at in (before, after)]
    assert ["TSLA" in members for members in known] == [False, True]

    revised = pd.read_parquet(real_data / "us_corporate_actions_2015_2017.parquet")
    split = revised[(revised["symbol"] == "NFLX") & (revised["kind"] == "split_like")]
    ratio = (1.0 / split["adj_factor"]).round(6)
    ex_date = split["last_cum_date"] + pd.offsets.BDay()
    actions = split.assign(kind="split", ratio=ratio, ex_date=ex_date)
    actions[["symbol", "kind", "ex_date", "ratio", "seen"]].to_csv("splits.csv", index=False)
    assert data("load", "actions", "splits.csv")[0] == 0
    (netflix,) = store().as_of(datetime(2015, 8, 1, tzinfo=UTC)).actions(["NFLX"])
    assert (netflix.ex_date.isoformat(), netflix.ratio) == ("2015-07-14", 7)
    assert store().as_of(datetime(2015, 7, 15, 13, tzinfo=UTC)).actions(["NFLX"]) == ()

    settles = pd.read_parquet(real_data / "futures_energy_curves_2007_2025.parquet")
    oil = settles[(settles["root"] == "CL") & settles["date"].between("2020-03-01", "2020-04-30")]
    oil[oil["n"] <= 3].to_parquet("oil.parquet")
    words = ("--expiries", str(real_data / "futures_expiry_calendar.parquet"), "--roots", "CL")
    words = (*words, "--below-zero", "CL")
    told = json.loads(data("load", "futures", "oil.parquet", *words, "--json")[1])
    assert (told["rows"], told["refused"]) == (told["new"], 0)
    closes = BarStore(store()._engine).panel(
        ["CLK20"],
        datetime(2020, 4, 1, tzinfo=UTC),
        datetime(2020, 5, 1, tzinfo=UTC),
        "close",
    )
    assert closes["CLK20"].min() == -37.63
