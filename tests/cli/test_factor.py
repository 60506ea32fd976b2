"""``alphalens factor``: the user's own file in, a tear sheet out, errors that say where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alphalens.cli import factor, main
from alphalens.cli.output import ExitCode
from alphalens.errors import InputError
from alphalens.tears import TearSheet


@pytest.fixture(scope="module")
def closes() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    days = pd.bdate_range("2020-01-01", periods=340, name="date")
    levels = 50 * np.exp(rng.normal(0, 0.01, (340, 15)).cumsum(axis=0))
    return pd.DataFrame(levels, days, [f"S{i:02d}" for i in range(15)]).round(4)


def _factor(prices: Path, *words: str) -> int:
    out = prices.with_suffix(".json")
    return main(["factor", str(prices), "--out", str(out), "--factor", "momentum_3_1", *words])


def test_wide_and_long_csv_give_the_same_sheet(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    wide, long = tmp_path / "wide.csv", tmp_path / "long.csv"
    closes.to_csv(wide)
    closes.stack().rename_axis(["date", "symbol"]).rename("close").reset_index().to_csv(
        long, index=False
    )
    assert _factor(wide, "--json") == 0
    of_wide = json.loads(capsys.readouterr().out)
    assert _factor(long, "--json") == 0
    of_long = json.loads(capsys.readouterr().out)
    assert of_wide["ic_mean"] == of_long["ic_mean"]
    assert set(of_wide["ic_mean"]) == {"1D", "5D", "10D"}


def test_the_figures_are_those_of_the_library(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    from alphalens import performance, utils

    path = tmp_path / "prices.csv"
    closes.to_csv(path)
    assert _factor(path, "--json", "--periods", "2") == 0
    told = json.loads(capsys.readouterr().out)
    factor = (closes.shift(21) / closes.shift(63) - 1).stack().dropna()
    data = utils.get_clean_factor_and_forward_returns(factor, closes, periods=(2,))
    ic = performance.factor_information_coefficient(data)["2D"].mean()
    assert told["ic_mean"]["2D"] == pytest.approx(ic, abs=1e-9)
    assert told["rows"] == len(data)


def test_html_report_names_source_and_loss(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path, out = tmp_path / "prices.csv", tmp_path / "sheet.html"
    closes.to_csv(path)
    assert main(["factor", str(path), "--factor", "reversal_1", "--out", str(out)]) == 0
    page = out.read_text()
    assert "prices.csv" in page
    assert "entries from factor data" in page
    assert 'src="http' not in page
    assert f"written: {out}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("2020-01-06,", "not-a-date,"), ["not-a-date"]),
        (("2020-01-06,", "2020-01-03,"), ["2020-01-03"]),
    ],
)
def test_a_bad_cell_is_named_with_file_and_row(
    tmp_path: Path,
    closes: pd.DataFrame,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    words: list[str],
):
    path = tmp_path / "prices.csv"
    closes.to_csv(path)
    path.write_text(path.read_text().replace(*change, 1))
    assert _factor(path) == ExitCode.USER
    said = capsys.readouterr().err
    for word in ["prices.csv", *words]:
        assert word in said


def test_a_bad_number_is_named_with_column_and_row(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "prices.csv"
    texts = closes.astype(str)
    texts.iloc[4, 2] = "12,5x"
    texts.to_csv(path)
    assert _factor(path) == ExitCode.USER
    said = capsys.readouterr().err
    assert "12,5x" in said
    assert "S02" in said
    assert "6" in said  # the line in the file: a header and four rows before it


def test_unknown_factor_and_short_history_are_refused(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "prices.csv"
    closes.iloc[:100].to_csv(path)
    assert main(["factor", str(path), "--factor", "momentun_12_1"]) == ExitCode.USER
    assert "momentum" in capsys.readouterr().err
    assert main(["factor", str(path), "--factor", "momentum_12_1"]) == ExitCode.USER
    assert "has 100" in capsys.readouterr().err


def test_one_asset_is_refused_in_one_line(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "one.csv"
    closes.iloc[:, :1].to_csv(path)
    assert _factor(path) == ExitCode.USER
    assert "one.csv" in capsys.readouterr().err


def test_other_dates_are_read_by_the_format_that_is_given(tmp_path: Path, closes: pd.DataFrame):
    path = tmp_path / "prices.csv"
    closes.set_axis(closes.index.strftime("%d.%m.%Y")).rename_axis("date").to_csv(path)
    assert _factor(path, "--date-format", "%d.%m.%Y", "--quiet") == 0


def test_out_makes_its_folder_and_refuses_to_be_a_folder(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path, out = tmp_path / "prices.csv", tmp_path / "new" / "sheet.json"
    closes.to_csv(path)
    words = ["factor", str(path), "--factor", "reversal_1", "--out"]
    assert main([*words, str(out)]) == 0
    assert out.is_file()
    (tmp_path / "taken.json").mkdir()
    assert main([*words, str(tmp_path / "taken.json")]) == ExitCode.USER
    assert "taken.json is a folder: name a file in it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("r.docx", "the suffix is .docx, use one of .html, .pdf, .png, .json"),
        ("report", "the suffix is missing, use one of"),
        (".", "is a folder: name a file in it, such as report.html"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_prices_are_read(
    out: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["factor", str(tmp_path / "absent.csv"), "--out", out]) == ExitCode.USER
    said = capsys.readouterr().err
    assert f"--out {out}" in said
    assert words in said


def test_the_suffixes_are_those_that_a_sheet_can_be_saved_as(tmp_path: Path):
    with pytest.raises(InputError) as caught:
        TearSheet(title="none").save(tmp_path / "sheet.docx")
    assert str(caught.value).endswith(f"use one of {', '.join(factor._SUFFIXES)}")


def test_two_times_on_one_day_are_refused_with_line_and_column(
    tmp_path: Path, closes: pd.DataFrame, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "prices.csv"
    closes.set_axis(pd.date_range("2020-01-01 10:00", periods=340, freq="3h", name="time")).to_csv(
        path
    )
    assert _factor(path) == ExitCode.USER
    said = capsys.readouterr().err
    assert "prices.csv, line 3, column 'time': '2020-01-01 13:00:00' is a second time" in said
