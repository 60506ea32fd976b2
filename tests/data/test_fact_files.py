"""Facts out of files: found by name, read to the last cell, refused with the place of the fault."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import pytest

from alphalens.data.fact_files import read_actions, read_members, read_reports
from alphalens.data.futures_files import read_contracts, read_settles
from alphalens.errors import InputError


@pytest.fixture
def file(tmp_path):
    def make(text: str, name: str = "facts.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make


ACTIONS = """symbol,kind,ex_date,ratio,cash,new_symbol,announced
brk-b,split,2010-01-21,50,,,2009-11-03
AAPL,Dividend,2020-02-07,,0.77,,2020-01-28
FB,rename,2022-06-09,,,META,2022-05-31
"""


def test_actions_are_read_with_what_is_not_told_left_as_nothing(file):
    split, dividend, rename = read_actions(file(ACTIONS), source="desk")
    assert (split.symbol, split.kind, split.ratio, split.cash) == ("BRK.B", "split", 50, 0)
    assert split.seen_at == datetime(2009, 11, 4, 14, 30, tzinfo=UTC)  # the open after that day
    assert (dividend.kind, dividend.cash, dividend.currency) == ("dividend", Decimal("0.77"), "USD")
    assert (rename.new_symbol, rename.ex_date) == ("META", date(2022, 6, 9))


def test_actions_with_instants_are_known_from_them_on(file):
    text = "ticker,type,execution_date,ratio,seen\nA,split,2020-01-02,2,2019-12-30T16:05:00-05:00\n"
    (split,) = read_actions(file(text), source="desk")
    assert split.seen_at == datetime(2019, 12, 30, 21, 5, tzinfo=UTC)


def test_day_for_all_of_them_is_taken_where_no_column_says_it(file):
    text = "symbol,kind,ex_date,ratio\nA,split,2020-01-02,2\n"
    with pytest.raises(InputError, match=r"no column 'seen' or .* --columns seen=COLUMN"):
        read_actions(file(text), source="desk")
    (split,) = read_actions(file(text), source="desk", seen=date(2020, 1, 10))
    assert split.seen_at == datetime(2020, 1, 13, 14, 30, tzinfo=UTC)


def test_columns_may_be_called_otherwise(file):
    path = file("Aktie;Art;Ex Tag;ratio;seen\nA;split;2020-01-02;2;2019-12-30\n")
    names = {"symbol": "aktie", "kind": "ART", "ex_date": "ex tag"}
    assert read_actions(path, source="desk", names=names)[0].symbol == "A"
    with pytest.raises(InputError, match=r"kind=Typ: there is no such column, it has 'Aktie'"):
        read_actions(path, source="desk", names={**names, "kind": "Typ"})


@pytest.mark.parametrize(
    ("was", "wrong", "said"),
    [
        ("2020-02-07", "07/02/2020", r"line 3, column 'ex_date': '07/02/2020' is no day such as"),
        ("2020-02-07", "2020-02-07T10:00", "column 'ex_date'.*is an instant, and a day such as"),
        ("Dividend", "bonus", "line 3, column 'kind': 'bonus' is none of split, dividend"),
        ("0.77", "0,77 $", "line 3: 8 cells"),
        ("0.77", "x", "line 3, column 'cash': 'x' is not a number"),
        ("50,", "inf,", "line 2, column 'ratio': 'inf' is not a number"),
        ("AAPL", "", "line 3, column 'symbol': '' is no symbol"),
        ("2020-01-28", "2020-01-28T10:00", "line 3, column 'announced'.* has no zone"),
        ("2020-01-28", "2020-01", "line 3, column 'announced': '2020-01' is no day such as"),
        ("2020-01-28", "2020", "line 3, column 'announced': '2020' is no day such as"),
        ("50,", "0,", "line 2, column 'kind': a split of 0 new units for one old one is none"),
        ("50,", "-2,", "line 2, column 'kind': a split of -2 new units"),
        ("50,", ",", "line 2, column 'kind': a split needs its ratio"),
        ("0.77", "-0.77", "line 3, column 'kind': a dividend that pays -0.77 for one unit"),
        ("0.77", "", "line 3, column 'kind': a dividend needs its cash"),
        ("2020-01-28", "2020-01-28T10:00Z", "line 2, column 'announced'.* names no zone, although"),
    ],
)
def test_cell_that_cannot_be_read_is_named(file, was, wrong, said):
    assert was in ACTIONS
    with pytest.raises(InputError, match=said):
        read_actions(file(ACTIONS.replace(was, wrong)), source="desk")


def test_actions_without_a_column_of_their_size_are_named(file):
    path = file("symbol,kind,ex_date,seen\nA,delisting,2020-01-06,2020-01-02\n")
    assert read_actions(path, source="desk")[0].kind == "delisting"
    path = file("symbol,kind,ex_date,seen\nA,split,2020-01-06,2020-01-02\n")
    with pytest.raises(InputError, match="line 2, column 'kind': a split needs its ratio"):
        read_actions(path, source="desk")


def test_members_are_read_and_an_interval_that_cannot_be_is_named(file):
    text = "ticker,start_date,end_date\nAAL,1996-01-02,1997-01-15\nA,2000-06-05,\n"
    told = read_members(file(text))
    assert told["symbol"].tolist() == ["AAL", "A"]
    assert told["start"].tolist() == [pd.Timestamp("1996-01-02"), pd.Timestamp("2000-06-05")]
    assert told["end"].isna().tolist() == [False, True]
    wrong = text.replace("1997", "1995")
    said = r"line 2, column 'end_date': ends on 1995-01-15, and began on 1996-01-02: correct"
    with pytest.raises(InputError, match=said):
        read_members(file(wrong))
    with pytest.raises(InputError, match="no column 'start' or 'start_date', it has 'a', 'b'"):
        read_members(file("a,b\n1,2\n"))


REPORTS = """collected,symbol,end_date,amend,doc_type,net_income,assets
2016-02-01,GMCR,2015-12-26,True,10-Q,104497000,3931453000
2016-02-01,KO,2015-12-31,False,10-K,,90093000000
,PEP,2015-12-26,False,10-K,1,2
"""


def test_reports_have_the_columns_of_numbers_and_say_what_they_left_out(file):
    told = read_reports(file(REPORTS))
    assert list(told.table.columns) == ["symbol", "period", "seen", "net_income", "assets"]
    assert told.left_out == ("amend", "doc_type")
    assert told.table["net_income"].isna().tolist() == [False, True, False]
    assert told.table["seen"].isna().tolist() == [False, False, True]  # the store refuses it
    some = read_reports(file(REPORTS), items=["assets"])
    assert list(some.table.columns)[3:] == ["assets"]
    assert "net_income" in some.left_out


def test_reports_of_one_day_or_without_figures(file):
    text = "symbol,period,eps\nA,2015-12-31,1.5\n"
    told = read_reports(file(text), seen=date(2016, 2, 1))
    assert told.table["seen"].tolist() == [pd.Timestamp("2016-02-01")]
    with pytest.raises(InputError, match="no column holds figures"):
        read_reports(file("symbol,period,seen\nA,2015-12-31,2016-01-01\n"))
    with pytest.raises(InputError, match=r"line 2, column 'eps': '1.5x' is not a number"):
        read_reports(file(text.replace("1.5", "1.5x")), seen=date(2016, 2, 1), items=["eps"])


def test_compressed_and_parquet_files_say_the_same(file, tmp_path):
    plain = file(REPORTS)
    packed = tmp_path / "facts.csv.gz"
    packed.write_bytes(gzip.compress(REPORTS.encode()))
    columns = pd.read_csv(plain, parse_dates=["collected", "end_date"])
    columns.astype({"symbol": "category"}).to_parquet(tmp_path / "facts.parquet")
    first, *others = (read_reports(p) for p in (plain, packed, tmp_path / "facts.parquet"))
    for other in others:
        pd.testing.assert_frame_equal(first.table, other.table, check_dtype=False)
        assert other.left_out == first.left_out


def test_row_numbers_of_a_frame_that_was_cut_are_no_column(tmp_path):
    rows = {"symbol": ["A", "B"], "period": "2015-12-31", "seen": "2016-02-01", "eps": [1.0, 2.0]}
    pd.DataFrame(rows).iloc[[1]].to_parquet(tmp_path / "cut.parquet")
    told = read_reports(tmp_path / "cut.parquet")
    assert list(told.table.columns) == ["symbol", "period", "seen", "eps"]
    assert (told.table["eps"].tolist(), told.left_out) == ([2.0], ())


EXPIRIES = """cmdty,tick.prefix,Last.Trade,First.Notice,Year,Month
cmewti,CL,2020-04-21,2020-04-23,2020,5
cmewti,CL,2020-05-19,2020-05-21,2020,6
cmebrent,BZ,2024-11-29,2024-12-02,2025,2
cmebrent,BZ,2024-12-30,2024-12-31,2025,2
"""
SETTLES = """date,root,n,settle
2020-04-20,CL,1,-37.63
2020-04-20,CL,2,20.43
2020-04-21,CL,1,10.01
2020-04-22,CL,1,13.78
"""


def test_ranks_are_turned_into_contracts_by_the_day(file):
    expiries = read_contracts(file(EXPIRIES, "expiries.csv"), roots=["CL"])
    assert expiries["symbol"].tolist() == ["CLK20", "CLM20"]
    told = read_settles(file(SETTLES), expiries, roots=["CL"])
    assert told.table["contract"].tolist() == ["CLK20", "CLM20", "CLK20", "CLM20"]
    assert told.table["rank"].tolist() == [1, 2, 1, 1]
    assert told.contracts["seen"].tolist() == [pd.Timestamp("2020-04-19")] * 2
    late = read_settles(file(SETTLES), expiries, roots=["CL"], seen=date(2020, 1, 2))
    assert late.contracts["seen"].tolist() == [pd.Timestamp("2020-01-02")] * 2


def test_contracts_are_ranked_by_the_day(file):
    expiries = "contract,last_trade,seen\nCLK20,2020-04-21,2019-01-02\nCLM2020,2020-05-19,\n"
    rows = "day,contract,close\n2020-04-20,CLM20,20.43\n2020-04-20,CLK20,-37.63\n"
    told = read_settles(
        file(rows), read_contracts(file(expiries, "expiries.csv")), seen=date(2019, 6, 3)
    )
    assert told.table[["contract", "rank"]].values.tolist() == [["CLM20", 2], ["CLK20", 1]]
    assert told.contracts["seen"].dt.strftime("%Y-%m-%d").tolist() == ["2019-01-02", "2019-06-03"]
    assert told.contracts["first_notice"].isna().all()


def test_contract_that_the_calendar_lacks_or_tells_twice_is_named(file):
    expiries = file(EXPIRIES, "expiries.csv")
    said = r"line 5, column 'Last.Trade': BZG25 has another last day before: .* --roots"
    with pytest.raises(InputError, match=said):
        read_contracts(expiries)
    known = read_contracts(expiries, roots=["CL"])
    rows = SETTLES + "2020-05-20,CL,1,30.0\n2020-05-20,NG,1,1.8\n"
    said = r"line 6, column 'n': .* of 'CL' on 2020-05-20 \(and 1 more\).*--expiries.*--roots"
    with pytest.raises(InputError, match=said):
        read_settles(file(rows), known)
    with pytest.raises(InputError, match=r"line 2, column 'contract': 'AAPL' is no futures symbol"):
        read_settles(file("day,contract,settle\n2020-04-20,AAPL,1\n"), known)


@pytest.mark.parametrize("rank", ["", "0", "-1", "1.5"])
def test_rank_that_is_none_names_no_contract(file, rank):
    known = read_contracts(file(EXPIRIES, "expiries.csv"), roots=["CL"])
    rows = f"date,root,n,settle\n2020-04-22,CL,{rank},10.0\n"
    with pytest.raises(InputError, match="line 2, column 'n': the calendar of contracts has none"):
        read_settles(file(rows), known)


@pytest.mark.parametrize(
    ("was", "wrong", "said"),
    [
        ("2020,5", ",5", "line 2, column 'Month': year nan and month 5 name no contract"),
        ("2020,5", "2020,5.5", "line 2, column 'Month': year 2020 and month 5.5 name no"),
        ("2020,5", "2020,13", "line 2, column 'Month': CL: the month must be 1 to 12, got 13"),
    ],
)
def test_contract_that_is_none_is_named_with_its_place(file, was, wrong, said):
    with pytest.raises(InputError, match=said):
        read_contracts(file(EXPIRIES.replace(was, wrong)), roots=["CL"])


def test_product_that_a_file_lacks_is_named(file):
    expiries = file(EXPIRIES, "expiries.csv")
    with pytest.raises(InputError, match=r"expiries.csv: no row is of XX: it has BZ, CL"):
        read_contracts(expiries, roots=["CL", "XX"])
    known = read_contracts(expiries, roots=["CL"])
    with pytest.raises(InputError, match=r"no row is of BZ: it has CL"):
        read_settles(file(SETTLES), known, roots=["CL", "BZ"])
    rows = file("day,contract,settle\n2020-04-20,CLK20,1\n")
    with pytest.raises(InputError, match=r"no row is of NG: it has CL"):
        read_settles(rows, known, roots=["NG"])
