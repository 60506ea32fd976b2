"""Tear sheets as users call them: what is shown, printed, returned and saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from alphalens import _tables, plotting, tears, utils
from alphalens._tear_sheet import _text_figures
from alphalens.errors import InputError
from alphalens.tears import GridFigure, SheetPart, TearSheet

from .test_sheets import make_factor_data


class Show:
    """Stands in for pyplot's show and notes the titles on the figures open at each call."""

    def __init__(self) -> None:
        self.titles: list[list[str]] = []

    def __call__(self, *_: Any, **__: Any) -> None:
        figures = [plt.figure(number) for number in plt.get_fignums()]
        self.titles.append([ax.get_title() for figure in figures for ax in figure.axes])


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    stand_in = Show()
    monkeypatch.setattr(plt, "show", stand_in)
    return stand_in


@pytest.fixture(scope="module")
def fd() -> pd.DataFrame:
    return make_factor_data()


@pytest.fixture(scope="module")
def growth() -> pd.DataFrame:
    index = pd.bdate_range("2023-12-01", periods=80, tz="UTC")
    steps = np.random.default_rng(3).normal(0, 0.01, (80, 8))
    return pd.DataFrame((1 + steps).cumprod(axis=0), index=index, columns=list("ABCDEFGH"))


@pytest.fixture(scope="module")
def full(fd: pd.DataFrame) -> Iterator[TearSheet]:
    sheet = tears.create_full_tear_sheet(fd, return_fig=True)
    assert sheet is not None
    yield sheet
    sheet.close()


SHEETS: dict[str, tuple[Callable[..., TearSheet | None], tuple[Any, ...], int]] = {
    "summary": (tears.create_summary_tear_sheet, (), 1),
    "returns": (tears.create_returns_tear_sheet, (True, False, True), 2),
    "information": (tears.create_information_tear_sheet, (True, True), 1),
    "turnover": (tears.create_turnover_tear_sheet, (), 1),
    "full": (tears.create_full_tear_sheet, (False, True, True), 4),
    "event returns": (tears.create_event_returns_tear_sheet, ("growth", (2, 3)), 1),
    "event study": (tears.create_event_study_tear_sheet, ("growth", (2, 3)), 3),
}


def _arguments(name: str, growth: pd.DataFrame) -> list[Any]:
    return [growth if isinstance(a, str) else a for a in SHEETS[name][1]]


@pytest.mark.parametrize("name", SHEETS)
def test_sheet_returns_none_after_showing_each_page_and_closing_it(
    name: str, fd: pd.DataFrame, growth: pd.DataFrame, show: Show
) -> None:
    create, _, pages = SHEETS[name]

    assert create(fd, *_arguments(name, growth)) is None

    assert len(show.titles) == pages
    assert all(show.titles)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("name", SHEETS)
def test_returned_sheet_prints_and_shows_nothing_and_keeps_its_figures(
    name: str,
    fd: pd.DataFrame,
    growth: pd.DataFrame,
    show: Show,
    capsys: pytest.CaptureFixture[str],
) -> None:
    create, _, pages = SHEETS[name]

    sheet = create(fd, *_arguments(name, growth), return_fig=True)

    assert sheet is not None
    assert len(sheet.figures) == pages
    assert all(figure.axes for figure in sheet.figures)
    assert show.titles == []
    assert plt.get_fignums() == []
    assert capsys.readouterr().out == ""


def test_full_sheet_prints_its_tables_in_order(
    fd: pd.DataFrame, show: Show, capsys: pytest.CaptureFixture[str]
) -> None:
    tears.create_full_tear_sheet(fd)

    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line in _tables.TITLES]
    assert titles == list(_tables.TITLES)


def test_printed_and_returned_tables_agree(
    fd: pd.DataFrame, full: TearSheet, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(utils, "display", seen.append)

    tears.create_full_tear_sheet(fd)

    doubt = tears.doubt_report(fd).tables()
    assert list(full.tables) == [
        "Quantiles Statistics",
        "Returns Analysis",
        "Information Analysis",
        "Turnover Analysis",
        "Factor Rank Autocorrelation",
        *doubt,
    ]
    kept = list(full.tables.values())[: -len(doubt)]
    for printed, returned in zip(seen, kept, strict=True):
        assert_frame_equal(printed.round(3), returned.round(3), check_names=False)


def test_returns_page_draws_spreads_with_half_an_error_and_the_wealth_of_days(
    fd: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, show: Show
) -> None:
    bands: list[float] = []
    draw = plotting.plot_mean_quantile_returns_spread_time_series

    def spy(*args: Any, **kwargs: Any) -> Any:
        bands.append(kwargs["bandwidth"])
        return draw(*args, **kwargs)

    monkeypatch.setattr(plotting, "plot_mean_quantile_returns_spread_time_series", spy)

    tears.create_returns_tear_sheet(fd)

    assert bands == [0.5]
    assert show.titles == [
        [
            "Mean Period Wise Return By Factor Quantile",
            "Period Wise Return By Factor Quantile",
            "Factor Weighted Long/Short Portfolio Cumulative Return (1D Period)",
            "Cumulative Return by Quantile (1D Period Forward Return)",
            "Top Minus Bottom Quantile Mean Return (1D Period Forward Return)",
            "Top Minus Bottom Quantile Mean Return (5D Period Forward Return)",
        ]
    ]


def test_returns_page_without_days_has_no_wealth(fd: pd.DataFrame, show: Show) -> None:
    tears.create_returns_tear_sheet(fd.drop(columns="1D"))

    assert not [title for title in show.titles[0] if "Cumulative" in title]


def test_information_page_shows_months_or_groups(fd: pd.DataFrame, show: Show) -> None:
    tears.create_information_tear_sheet(fd)
    tears.create_information_tear_sheet(fd, by_group=True)

    assert show.titles[0][-2:] == ["Monthly Mean 1D Period IC", "Monthly Mean 5D Period IC"]
    assert show.titles[1][-1] == "Information Coefficient By Group"


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_no_cell_of_any_page_is_empty(count: int, show: Show) -> None:
    periods = tuple(f"{i + 1}D" for i in range(count))

    tears.create_full_tear_sheet(make_factor_data(periods, dates=8), by_group=True)

    assert all(title for page in show.titles for title in page)


def test_missing_calendar_is_told_once(fd: pd.DataFrame, show: Show) -> None:
    loose = fd.set_axis(pd.MultiIndex.from_tuples(list(fd.index), names=fd.index.names))

    with pytest.warns(UserWarning, match="'freq' not set in factor_data index") as caught:
        tears.create_returns_tear_sheet(loose)

    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["summary", "returns", "turnover", "full"])
def test_data_without_rows_is_refused_with_the_reason(name: str, fd: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="0 rows and no quantile label"):
        SHEETS[name][0](fd.iloc[:0])

    assert plt.get_fignums() == []


@pytest.mark.parametrize("return_fig", [False, True])
@pytest.mark.parametrize("name", SHEETS)
@pytest.mark.parametrize(
    "doubts",
    [
        {"trials": 5},
        {"buckets": {"size": 3}},
        {"buckets": {"size": pd.Series(1.0, ["nobody"])}},
        {"buckets": {"size": pd.Series(1.0, list("ABCDEFGH"))}},
        {"buckets": {"size": pd.Series([1.0, 2.0], ["A", "A"])}},
    ],
    ids=["trials", "no bucket", "strangers", "all alike", "repeated"],
)
def test_wrong_doubts_are_refused_before_anything_is_computed_printed_or_drawn(
    doubts: dict[str, Any],
    name: str,
    return_fig: bool,
    fd: pd.DataFrame,
    growth: pd.DataFrame,
    show: Show,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def computed(*_: object, **__: object) -> None:
        raise AssertionError("computed before the arguments were checked")

    for report in ("summary", "returns", "information", "turnover", "event"):
        monkeypatch.setattr(tears._sheets, f"{report}_report", computed)
    monkeypatch.setattr(tears._sheets, "event_means", computed)

    with pytest.raises(InputError, match=r"^(trials is a TrialCount|buckets\['size'\])"):
        SHEETS[name][0](fd, *_arguments(name, growth), return_fig=return_fig, **doubts)

    assert capsys.readouterr().out == ""
    assert plt.get_fignums() == []


def test_one_quantile_only_is_drawn(fd: pd.DataFrame, growth: pd.DataFrame, show: Show) -> None:
    single = fd.assign(factor_quantile=1)

    tears.create_full_tear_sheet(single, by_group=True)
    tears.create_summary_tear_sheet(single)
    tears.create_event_returns_tear_sheet(single, growth, avgretplot=(2, 2), by_group=True)

    assert len(show.titles) == 7


def test_one_asset_a_date_is_drawn(fd: pd.DataFrame, growth: pd.DataFrame, show: Show) -> None:
    events = fd.xs("C", level="asset", drop_level=False).iloc[::5]

    tears.create_event_study_tear_sheet(events, growth, avgretplot=(2, 2))
    tears.create_full_tear_sheet(events)

    assert plt.get_fignums() == []


@pytest.mark.parametrize("window", [(0, 4), (4, 0), (1, 1)])
def test_any_window_is_drawn(
    window: tuple[int, int], fd: pd.DataFrame, growth: pd.DataFrame, show: Show
) -> None:
    sheet = tears.create_event_returns_tear_sheet(fd, growth, window, return_fig=True)

    assert sheet is not None
    drawn = sheet.figures[0].axes[0].lines[0].get_xdata()
    assert list(drawn) == list(range(-window[0], window[1] + 1))


def test_no_window_draws_nothing(fd: pd.DataFrame, growth: pd.DataFrame, show: Show) -> None:
    assert tears.create_event_returns_tear_sheet(fd, growth, avgretplot=None) is None
    tears.create_event_study_tear_sheet(fd, growth, avgretplot=None)

    assert len(show.titles) == 2


def test_study_without_prices_leaves_the_paths_out(fd: pd.DataFrame, show: Show) -> None:
    tears.create_event_study_tear_sheet(fd, None, n_bars=9, rate_of_ret=False)

    assert show.titles[0] == ["Distribution of events in time"]
    assert len(show.titles) == 2


@pytest.mark.filterwarnings("ignore:Skipping return periods")
def test_part_of_a_day_never_becomes_a_column_of_no_days(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pd.DataFrame] = []
    monkeypatch.setattr(utils, "display", seen.append)
    fd = make_factor_data(("1h", "3h", "1D12h"), dates=6)

    for create in (
        tears.create_summary_tear_sheet,
        tears.create_full_tear_sheet,
        tears.create_turnover_tear_sheet,
    ):
        create(fd)

    assert seen
    assert not [table for table in seen if "0D" in map(str, [*table.columns, *table.index])]


def test_style_of_the_caller_is_kept_on_demand(fd: pd.DataFrame) -> None:
    with mpl.rc_context({"axes.facecolor": "#abcdef"}):
        ours = tears.create_summary_tear_sheet(fd, return_fig=True)
        own = tears.create_summary_tear_sheet(fd, return_fig=True, set_context=False)

    assert ours is not None
    assert own is not None
    faces = [mpl.colors.to_hex(s.figures[0].axes[0].get_facecolor()) for s in (ours, own)]
    assert faces == ["#ffffff", "#abcdef"]


def test_failure_while_drawing_leaves_no_figure_open(
    fd: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(plotting, "plot_ic_qq", fail)

    with pytest.raises(RuntimeError, match="no ink"):
        tears.create_information_tear_sheet(fd)

    assert plt.get_fignums() == []


# --- files ------------------------------------------------------------------
def test_html_has_header_tables_and_every_figure(full: TearSheet, tmp_path: Path) -> None:
    text = full.save(tmp_path / "sheet.html").read_text(encoding="utf-8")

    assert "<dt>Dates</dt><dd>2024-01-01 to 2024-02-23 (40 dates)</dd>" in text
    assert "<dt>Group neutral</dt><dd>no</dd>" in text
    assert text.count("<table>") == len(full.tables)
    assert 'aria-label="Mean Period Wise Return By Factor Quantile"' in text
    assert 'aria-label="1D Period IC; 1D Period IC Normal Dist. Q-Q"' in text


def test_json_gives_the_tables_back(full: TearSheet, tmp_path: Path) -> None:
    content = json.loads(full.save(tmp_path / "sheet.json").read_text(encoding="utf-8"))

    assert content["header"]["Assets"] == "8"
    assert list(content["tables"]) == list(full.tables)
    back = pd.DataFrame(**content["tables"]["Returns Analysis"])
    assert_frame_equal(back, full.tables["Returns Analysis"], check_names=False)


def test_json_has_no_number_where_there_is_none(tmp_path: Path) -> None:
    frame = pd.DataFrame({("a", 1): [np.nan, np.inf], "t": [pd.Timestamp("2024-01-01"), "x"]})
    sheet = TearSheet(title="T", parts=(SheetPart(title="P", tables={"T": frame}),))

    content = json.loads(sheet.save(tmp_path / "x.json").read_text(encoding="utf-8"))

    assert content["tables"]["T"]["data"] == [[None, "2024-01-01 00:00:00"], [None, "x"]]
    assert content["tables"]["T"]["columns"] == [["a", 1], "t"]


def test_png_and_pdf_are_images_and_pages(fd: pd.DataFrame, tmp_path: Path) -> None:
    sheet = tears.create_turnover_tear_sheet(fd, return_fig=True)
    assert sheet is not None

    png, pdf = sheet.save(tmp_path / "a.PNG"), sheet.save(tmp_path / "a.pdf")

    height, width, _ = plt.imread(png).shape
    assert width == 1400
    assert height > 100 * sheet.figures[0].get_size_inches()[1]
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page ") >= 2


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".png", ".json"])
def test_same_sheet_gives_the_same_bytes(suffix: str, fd: pd.DataFrame, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        sheet = tears.create_summary_tear_sheet(fd, return_fig=True)
        assert sheet is not None
        contents.append(sheet.save(tmp_path / f"{name}{suffix}").read_bytes())

    assert contents[0] == contents[1]


def test_saving_needs_no_style_in_force(full: TearSheet, tmp_path: Path) -> None:
    plain = full.save(tmp_path / "a.html").read_bytes()

    with mpl.rc_context({"xtick.labelsize": 40, "grid.color": "red", "ytick.color": "red"}):
        styled = full.save(tmp_path / "b.html").read_bytes()

    assert plain == styled


@pytest.mark.parametrize("name", ["sheet.docx", "sheet"])
def test_unknown_suffix_is_refused_with_the_known_ones(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.html, \.pdf, \.png, \.json"):
        TearSheet(title="T").save(tmp_path / name)


@pytest.mark.parametrize("name", ["nowhere/a.html", "nowhere/a.pdf", "nowhere/a.png"])
def test_a_folder_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .*nowhere, make it first"):
        TearSheet(title="T").save(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()

    with pytest.raises(InputError, match=r"a\.json: that is a folder"):
        TearSheet(title="T").save(tmp_path / "a.json")


def test_header_of_the_caller_comes_first_and_wins(full: TearSheet) -> None:
    sheet = full.with_header({"Data": "made up", "Assets": "eight"}, title="Mine")

    assert list(sheet.header)[:3] == ["Data", "Assets", "Dates"]
    assert sheet.header["Assets"] == "eight"
    assert sheet.title == "Mine"
    assert sheet.figures == full.figures
    assert "Data" not in full.header


# --- grid -------------------------------------------------------------------
def test_grid_hands_out_cells_then_rows() -> None:
    grid = GridFigure(rows=3, cols=2)

    places = [grid.next_cell(), grid.next_row(), grid.next_cell(), grid.next_cell()]

    spans = [(p.get_subplotspec().rowspan.start, len(p.get_subplotspec().colspan)) for p in places]
    assert spans == [(0, 1), (1, 2), (2, 1), (2, 1)]
    assert (grid.curr_row, grid.curr_col) == (2, 2)


def test_grid_is_registered_until_closed() -> None:
    grid = GridFigure(1, 1)
    assert plt.get_fignums()

    grid.close()
    grid.close()

    assert plt.get_fignums() == []
    assert grid.fig is None
    assert grid.gs is None


def test_full_or_closed_grid_says_so() -> None:
    grid = GridFigure(1, 1)
    grid.next_row()

    with pytest.raises(InputError, match="1 x 1 is full"):
        grid.next_row()
    with pytest.raises(InputError, match="1 x 1 is full"):
        grid.split_row(2)
    grid.close()
    with pytest.raises(InputError, match="closed"):
        grid.next_cell()


@pytest.mark.parametrize(
    "create", [tears.create_event_returns_tear_sheet, tears.create_event_study_tear_sheet]
)
def test_an_event_sheet_says_what_its_paths_are_means_of(
    fd: pd.DataFrame, growth: pd.DataFrame, create: Callable[..., TearSheet]
) -> None:
    def words(returns: pd.DataFrame, **options: bool) -> str:
        return create(fd, returns, return_fig=True, **options).header["Paths"]

    assert words(growth) == "mean of the values given"
    assert "look like prices (median" in words(growth * 100)
    assert "is_rebased=True" in words(growth * 100)
    assert words(growth * 100, is_rebased=True) == "mean change since the event"


@pytest.mark.parametrize(
    "create",
    [
        tears.create_full_tear_sheet,
        tears.create_returns_tear_sheet,
        tears.create_summary_tear_sheet,
        tears.create_information_tear_sheet,
        tears.create_turnover_tear_sheet,
    ],
)
def test_a_wide_frame_is_told_the_two_levels_before_anything_else(
    growth: pd.DataFrame, create: Callable[[pd.DataFrame], object]
) -> None:
    with pytest.raises(KeyError, match="needs a MultiIndex with the levels 'date' and 'asset'"):
        create(growth)


def test_long_facts_are_wrapped_in_pictures(tmp_path: Path) -> None:
    words = "survivors only " * 20
    short, long = (
        TearSheet(title="T", header={"Caveats": text}, parts=()) for text in ("few", words)
    )

    figures = [_text_figures(sheet)[0] for sheet in (short, long)]

    lines = [text.get_text() for text in figures[1].texts]
    assert "".join(lines).count("survivors only") == 20
    assert max(map(len, lines)) <= 105
    assert figures[1].get_size_inches()[1] > figures[0].get_size_inches()[1]


def test_a_sheet_says_in_one_line_what_it_is(full: TearSheet) -> None:
    assert repr(full).startswith("TearSheet('")
    assert "\n" not in repr(full)


@pytest.mark.parametrize(
    "report",
    [
        tears.returns_report,
        tears.information_report,
        tears.turnover_report,
        tears.summary_report,
        lambda fd: tears.EventReport(paths=fd, by_group={}),
    ],
)
def test_a_report_is_itself_and_no_other(fd: pd.DataFrame, report: Callable[..., Any]) -> None:
    one, other = report(fd), report(fd)

    assert one == one  # equality is asked for
    assert one != other
    assert len({one, other, one}) == 2
