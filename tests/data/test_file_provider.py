"""Prices from the user's own files: both layouts, both formats, and every refusal."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalens.data.file_provider import FileProvider, read_prices
from alphalens.errors import InputError, MissingExtra

WIDE = "date,AAA,BBB\n2022-01-03,10.5,20\n2022-01-04,11,\n"
LONG = "Symbol,Date,Open,Close\nBBB,2022-01-03,1,20\nAAA,2022-01-03,1,10.5\nAAA,2022-01-04,1,11\n"


def write(tmp_path: Path, text: str | bytes, name: str = "prices.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def expected() -> pd.DataFrame:
    index = pd.DatetimeIndex(["2022-01-03 21:00", "2022-01-04 21:00"], tz="UTC", name="date")
    frame = pd.DataFrame({"AAA": [10.5, 11.0], "BBB": [20.0, np.nan]}, index=index)
    return frame.rename_axis(columns="asset")


@pytest.mark.parametrize("text", [WIDE, LONG, WIDE.replace(",", ";"), LONG.replace(",", "\t")])
def test_wide_and_long_csv_give_the_same_closes(tmp_path, text):
    history = read_prices(write(tmp_path, text))

    pd.testing.assert_frame_equal(history.closes, expected(), check_index_type=False)
    assert history.source == "prices.csv"


def test_a_first_column_without_a_name_is_the_date(tmp_path):
    path = write(tmp_path, WIDE.replace("date,", ",", 1))

    pd.testing.assert_frame_equal(read_prices(path).closes, expected(), check_index_type=False)


def test_gzip_and_byte_order_mark_are_read(tmp_path):
    path = write(tmp_path, gzip.compress(b"\xef\xbb\xbf" + WIDE.encode()), "prices.csv.gz")

    assert read_prices(path).closes.shape == (2, 2)


@pytest.mark.parametrize("layout", ["wide index", "wide column", "long columns", "long index"])
def test_parquet_layouts_give_the_same_closes(tmp_path, layout):
    days = pd.DatetimeIndex(["2022-01-03", "2022-01-04"], name="date")
    wide = pd.DataFrame({"AAA": [10.5, 11.0], "BBB": [20.0, np.nan]}, index=days)
    long = wide.melt(var_name="asset", value_name="close", ignore_index=False).dropna()
    long = long.set_index("asset", append=True)["close"]
    frames = {
        "wide index": wide.rename_axis(index=None),
        "wide column": wide.reset_index(),
        "long columns": long.reset_index(),
        "long index": long.rename_axis(index=[None, None]).to_frame(),
    }
    path = tmp_path / "prices.parquet"
    frames[layout].to_parquet(path)

    closes = read_prices(path).closes

    pd.testing.assert_frame_equal(closes, expected(), check_index_type=False)


def test_instants_with_offsets_are_kept_as_instants(tmp_path):
    text = "time,AAA\n2022-01-03T10:00:00+01:00,1\n2022-01-03T10:00:00Z,2\n"

    index = read_prices(write(tmp_path, text)).closes.index

    assert [str(instant) for instant in index] == [
        "2022-01-03 09:00:00+00:00",
        "2022-01-03 10:00:00+00:00",
    ]


def test_parquet_with_aware_instants_is_kept(tmp_path):
    index = pd.DatetimeIndex(["2022-01-03 21:00"], tz="UTC", name="timestamp")
    path = tmp_path / "prices.parquet"
    pd.DataFrame({"AAA": [1.0]}, index=index).to_parquet(path)

    assert read_prices(path).closes.index[0] == index[0]


def test_times_without_offset_are_in_the_given_zone(tmp_path):
    path = write(tmp_path, "datetime,AAA\n2022-01-03 09:30,1\n2022-01-03 10:30,2\n")

    index = read_prices(path, timezone="Europe/Berlin").closes.index

    assert str(index[0]) == "2022-01-03 08:30:00+00:00"


def test_other_dates_are_read_with_their_format_only(tmp_path):
    path = write(tmp_path, "date,AAA\n03/04/2022,1\n")

    with pytest.raises(InputError, match="line 2, column 'date': '03/04/2022' is not an ISO date"):
        read_prices(path)
    history = FileProvider(path, date_format="%d/%m/%Y").history()

    assert str(history.closes.index[0].date()) == "2022-04-03"


def test_unordered_rows_are_sorted_and_said_to_be(tmp_path):
    path = write(tmp_path, "date,AAA\n2022-01-04,2\n2022-01-03,1\n")

    history = read_prices(path, adjustment="all")

    assert history.closes["AAA"].tolist() == [1.0, 2.0]
    assert history.caveats == ("the rows were not in order of time; they were sorted",)


def test_caveats_tell_the_adjustment_and_the_price_column(tmp_path):
    text = "date,ticker,close,Adj Close\n2022-01-03,AAA,4,2\n"

    history = read_prices(write(tmp_path, text))

    assert history.closes["AAA"].tolist() == [2.0]
    assert "does not say" in history.caveats[0]
    assert "'Adj Close'" in history.caveats[1]


def test_blank_lines_at_the_end_are_no_rows(tmp_path):
    assert len(read_prices(write(tmp_path, WIDE + "\n\n")).closes) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (" \n \n", "the file is empty"),
        ("date,AAA\n", "0 rows and 2 columns are too few"),
        ("<!doctype html><html></html>", "this is HTML or XML"),
        (
            "date,AAA\n2022-01-03,1,2\n",
            "line 2: 3 cells, where the header has 2.*'2'.*quotes around",
        ),
        ("date,A,B\n2022-01-03,1,2\n2022-01-04,1\n", "line 3: 2 cells.*has 3: nothing for 'B'"),
        ("date,A,B\n2022-01-03,1,2\n2022-01", "line 3: 1 cell, where.*nothing for 'A'"),
        ('date,"A\nB",C\n2022-01-03,1\n', "line 3: 2 cells"),
        ('date,A\n2022-01-03,1\n2022-01-04,"1\n', "line 3: a quote is opened and never closed"),
        ("\ndate,A\n2022-01-03,1\n", "line 1: is blank"),
        ("date,A\n0001-01-01,1\n", "line 2, column 'date': '0001-01-01' is no date.*1800 to 2099"),
        ("date,A\n2022-01-03,1\n1799-12-31,1\n", "line 3, column 'date': '1799-12-31'.*1800"),
        ("date,A\n2100-01-01,1\n", "line 2, column 'date': '2100-01-01'.*to 2099"),
        ("time,A\n9999-01-01T10:00Z,1\n", "line 2, column 'time': '9999-01-01T10:00Z' is no date"),
        ("date,A\n2022-01-03,1e308\n", "line 2, column 'A': '1e308' is above.*1e[+]15"),
        ("date,A\n2022-01-03,1\n2022-01-04,1e-300\n", "line 3, column 'A': '1e-300' is below.*-15"),
        (
            "date,id,value\n2020-01-01,A,1\n2020-01-01,B,1\n",
            "line 3.*a second time; .*date: 'date', assets: 'id', 'value'.*asset or symbol",
        ),
        ("date,id,value\n2020-01-01,A,1\n", "'id': 'A' is not a number; .*asset or symbol"),
        ("day of trade,AAA\n2022-01-03,1\n", "no date column among 'day of trade', 'AAA'"),
        ("date,symbol,volume\n2022-01-03,A,1\n", "no price column"),
        ("date,open,high,low,close\n2022-01-03,1,1,1,1\n", "look like the bars of one asset"),
        ("date,AAA\n2022-01-03,abc\n2022-01-04,x\n", r"line 2, column 'AAA': 'abc'.*and 1 more"),
        ('date,AAA\n2022-01-03,"1,5"\n', "line 2, column 'AAA': '1,5' is not a number"),
        ("date,AAA\n2022-01-03,1\n2022-01-04,0\n", "line 3, column 'AAA': '0' is not a positive"),
        ("date,AAA\n2022-01-03,-1\n", "'-1' is not a positive price"),
        ("date,AAA\n2022-01-03,inf\n", "'inf' is not a finite price"),
        ("date,AAA\n2022-01,1\n", "line 2, column 'date': '2022-01' is not an ISO date"),
        ("date,AAA\n2022,1\n", "line 2, column 'date': '2022' is not an ISO date"),
        ("date,AAA\nyesterday,1\n", "line 2, column 'date': 'yesterday' is not an ISO date"),
        ("date,AAA\n2022-01-03,1\n\n2022-01-05,1\n", "line 3, column 'date': '' is not an ISO"),
        ("date,AAA\n2022-01-03,1\n2022-01-03,1\n", "line 3, column 'date'.*a second time"),
        ("date,AAA,AAA\n2022-01-03,1,2\n", "column 3 'AAA' appears a second time"),
        ("date,AAA,\n2022-01-03,1,2\n", "column 3 '' has no name"),
        ("date,AAA,BBB\n2022-01-03,1,\n", "column 'BBB' has no price at all"),
        ("date,asset,price\n2022-01-03,A,1\n2022-01-03,A,1\n", "line 3.*'A' has a second price"),
        ("date,asset,price\n2022-01-03,,1\n", "line 2, column 'asset': '' is no asset"),
        ("date,asset,price\n2022-01-03,A,1\n2022-01-03,B,\n", "asset 'B' has no price at all"),
        ("time,AAA\n2022-01-03T10:00Z,1\n2022-01-04,1\n", "line 3.*has no UTC offset"),
        ("time,AAA\n2022-11-06 01:30,1\n", "'2022-11-06 01:30' happens twice or never"),
        (b"date,AAA\n2022-01-03,\xff\n", "line 2: byte 0xff is not UTF-8"),
    ],
)
def test_unusable_csv_is_refused_where_it_stands(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_prices(write(tmp_path, text))


def test_many_columns_are_not_all_listed(tmp_path):
    header = ",".join(f"c{number}" for number in range(12))

    with pytest.raises(InputError, match="'c7' and 4 more"):
        read_prices(write(tmp_path, f"{header}\n" + ",".join("1" * 12) + "\n"))


def test_damaged_gzip_is_refused(tmp_path):
    whole = gzip.compress(WIDE.encode())

    with pytest.raises(InputError, match="damaged or cut short"):
        read_prices(write(tmp_path, whole[:-12], "prices.csv.gz"))
    with pytest.raises(InputError, match="cannot be read"):
        read_prices(write(tmp_path, WIDE, "prices.csv.gz"))


@pytest.mark.parametrize(
    ("content", "message"), [(b"date,AAA", "not a Parquet file"), (b"PAR1xx", "damaged")]
)
def test_damaged_parquet_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_prices(write(tmp_path, content, "prices.parquet"))


def test_numbers_in_place_of_dates_are_refused_with_their_row(tmp_path):
    path = tmp_path / "prices.parquet"
    pd.DataFrame({"date": [1641168000, 1641254400], "AAA": [1.0, 2.0]}).to_parquet(path)

    with pytest.raises(InputError, match="row 1, column 'date': '1641168000' is a number"):
        read_prices(path)


def test_absent_file_and_unknown_suffix_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.csv: cannot be read: No such file"):
        read_prices(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="must end in"):
        read_prices(tmp_path / "prices.xlsx")


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("alphalens._optional.find_spec", lambda name: None)

    with pytest.raises(MissingExtra, match=r"alpha-lens\[cli\]"):
        read_prices(write(tmp_path, b"PAR1", "prices.parquet"))


def test_earliest_and_latest_dates_and_prices_are_read(tmp_path):
    path = write(tmp_path, "date,A,B\n1800-01-02,1e-15,\n2099-12-31,1e15,1\n")

    assert read_prices(path).closes["A"].tolist() == [1e-15, 1e15]


def test_a_second_time_on_one_day_is_refused_with_its_line_where_daily_closes_are_wanted(tmp_path):
    text = "time,asset,close\n{0} 10:00,A,1\n{0} 10:00,B,1\n{0} 15:30,A,1\n{0} 15:30,B,1\n"
    path = write(tmp_path, text.format("2022-01-03"))

    assert len(read_prices(path).closes) == 2
    with pytest.raises(
        InputError,
        match=r"line 4, column 'time': '2022-01-03 15:30' is a second time on 2022-01-03 in "
        r"America/New_York, after line 2 \(and 1 more in this column\); daily closes",
    ):
        read_prices(path, is_daily=True)


def test_one_time_a_day_is_daily(tmp_path):
    path = write(tmp_path, "time,A\n2022-01-03 16:00,1\n2022-01-04 13:00,2\n")

    assert len(read_prices(path, is_daily=True).closes) == 2


def test_blank_lines_with_spaces_at_the_end_are_no_rows(tmp_path):
    assert len(read_prices(write(tmp_path, WIDE + "  \r\n \n")).closes) == 2
