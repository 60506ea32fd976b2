"""The page writer: escaping, tables, pictures, and bytes that do not change."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from alphalens._html import Callout, Picture, Prose, Section, Table, page, strips
from alphalens.errors import InputError

VOID = {"meta", "img", "br", "link"}


class _Outline(HTMLParser):
    """Collects tags and fails on one that is closed out of order."""

    void: ClassVar[set[str]] = VOID

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _outline(text: str) -> _Outline:
    outline = _Outline()
    outline.feed(text)
    outline.close()
    return outline


def _figure(rows: int = 2, columns: int = 1) -> Figure:
    figure = Figure(figsize=(8, 3 * rows))
    for i, ax in enumerate(np.atleast_1d(figure.subplots(rows, columns)).ravel()):
        ax.plot([0, 1, 2], [1, i, 2])
        ax.set_title(f"Panel {i} <&>")
    return figure


def _one(*blocks: object) -> str:
    return page("Title", sections=[Section(title="S", blocks=list(blocks))])  # type: ignore[arg-type]  # wrong kinds too


def test_page_with_everything_is_well_formed_and_loads_nothing() -> None:
    frame = pd.DataFrame({"a": [1.5]})
    sections = [
        Section(title="One", blocks=[Prose(text="x"), Callout(text="y", kind="warning")]),
        Section(title="One", blocks=[Table(frame=frame), Picture(figure=_figure())]),
        Section(title="Three", blocks=[Picture(figure=_figure(), form="png")]),
    ]

    text = page("T", sections=sections, subtitle="s", facts={"Data": "20"}, footer="f")
    outline = _outline(text)

    assert outline.open == []
    assert len(outline.ids) == len(set(outline.ids))
    assert all(source.startswith(("#", "data:image/png")) for source in outline.sources)
    assert "<script" not in text


def test_text_from_outside_is_escaped_everywhere() -> None:
    bad = '<script>"&'
    frame = pd.DataFrame({bad: [bad]}, index=pd.Index([bad], name=bad))
    blocks = [
        Prose(text=bad),
        Callout(text=bad, title=bad),
        Table(frame=frame, title=bad),
        Picture(figure=_figure(), alt=bad, caption=bad),
    ]

    text = page(
        bad,
        sections=[Section(title=bad, blocks=blocks)] * 3,
        subtitle=bad,
        facts={bad: bad},
        footer=bad,
        language=bad,
    )

    assert "<script>" not in text
    assert _outline(text).open == []


def test_same_input_gives_the_same_bytes() -> None:
    first, second = (_one(Picture(figure=_figure(3, 2))) for _ in range(2))

    assert first == second


def test_picture_leaves_the_figure_as_it_was() -> None:
    figure = _figure(3)
    figure.axes[1].set_visible(False)

    _one(Picture(figure=figure))

    assert [ax.get_visible() for ax in figure.axes] == [True, False, True]


def test_each_row_of_axes_becomes_a_picture_named_by_its_titles() -> None:
    text = _one(Picture(figure=_figure(2, 2), caption="Both"))

    labels = re.findall(r'aria-label="(Panel[^"]*)"', text)
    assert labels == [
        "Panel 0 &lt;&amp;&gt;; Panel 1 &lt;&amp;&gt;",
        "Panel 2 &lt;&amp;&gt;; Panel 3 &lt;&amp;&gt;",
    ]
    assert text.count("<figcaption>") == 1


def test_picture_that_is_not_split_is_one_drawing() -> None:
    text = _one(Picture(figure=_figure(3), is_split=False, alt="All three"))

    assert text.count("<svg") == 1
    assert 'aria-label="All three"' in text


def test_figure_without_titles_still_has_a_text_for_those_who_cannot_see_it() -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])

    assert 'aria-label="Chart without a title"' in _one(Picture(figure=figure))


def test_ink_and_paper_of_a_drawing_follow_the_page() -> None:
    figure = Figure(facecolor="#ffffff")
    figure.subplots().plot([1, 2], color="#262626")

    text = _one(Picture(figure=figure))

    assert "stroke: var(--ink, #262626)" in text
    assert "fill: var(--paper, #ffffff)" in text


def test_very_large_drawing_becomes_an_image_inside_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alphalens._html.pictures._LARGEST_SVG", 1000)

    text = _one(Picture(figure=_figure(1)))

    assert 'src="data:image/png;base64,iVBOR' in text
    assert "<svg" not in text


def test_strips_leave_out_invisible_axes_and_go_from_top_to_bottom() -> None:
    figure = _figure(3, 2)
    figure.axes[5].set_visible(False)

    rows = strips(figure)

    assert [[ax.get_title()[:7] for ax in axes] for axes, _ in rows] == [
        ["Panel 0", "Panel 1"],
        ["Panel 2", "Panel 3"],
        ["Panel 4"],
    ]
    assert len({box.width for _, box in rows}) == 1


def test_numbers_are_right_aligned_and_text_is_not() -> None:
    frame = pd.DataFrame({"x": [1.0, np.nan], "name": ["a", "b"], "flag": [True, False]})

    text = _one(Table(frame=frame))

    assert '<th scope="col" class="n">x</th>' in text
    assert '<th scope="col">name</th>' in text
    assert '<td class="n">1.000</td>' in text
    assert "<td>yes</td>" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234.5678, "1,234.568"),
        (-0.00001, "0.000"),
        (np.nan, "\u2013"),
        (-np.inf, "-\u221e"),
        (12345, "12,345"),
        (Decimal("10.50"), "10.50"),
        (None, "\u2013"),
        (pd.NaT, "\u2013"),
        (pd.Timestamp("2024-03-01"), "2024-03-01"),
        (pd.Timestamp("2024-03-01 09:30", tz="UTC"), "2024-03-01 09:30:00+00:00"),
    ],
)
def test_value_is_shown_as(value: object, shown: str) -> None:
    frame = pd.DataFrame({"v": pd.Series([value], dtype=object)})

    assert re.search(r"<td[^>]*>(.*?)</td>", _one(Table(frame=frame)))[1] == shown  # type: ignore[index]  # a cell is there


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ([964.0, 193.0], ["964", "193"]),
        ([964.0, float("nan")], ["964", "\u2013"]),
        ([1.0, 0.0], ["1.000", "0.000"]),
        ([964.0, 192.5], ["964.000", "192.500"]),
    ],
)
def test_a_row_of_counts_has_no_decimals(row: list[float], shown: list[str]) -> None:
    text = _one(Table(frame=pd.DataFrame([row])))

    assert re.findall(r"<td[^>]*>(.*?)</td>", text) == shown


def test_format_of_a_column_overrides_the_digits() -> None:
    frame = pd.DataFrame({"share": [0.25], "x": [0.25]})

    text = _one(Table(frame=frame, formats={"share": ".1%"}, digits=1))

    assert '<td class="n">25.0%</td><td class="n">0.2</td>' in text


def test_long_table_shows_both_ends_and_says_what_is_missing() -> None:
    frame = pd.DataFrame({"x": range(1000)})

    text = _one(Table(frame=frame, max_rows=4))

    assert re.findall(r'<td class="n">(\d+)</td>', text) == ["0", "1", "998", "999"]
    assert "996 rows not shown" in text


def test_levels_of_index_and_columns_are_all_shown() -> None:
    index = pd.MultiIndex.from_tuples([("a", 1)], names=["k", None])
    frame = pd.DataFrame([[1.0]], index=index, columns=pd.MultiIndex.from_tuples([("u", "v")]))

    text = _one(Table(frame=frame))

    assert '<th>k</th><th></th><th scope="col" class="n">u / v</th>' in text
    assert '<th scope="row">a</th><th scope="row">1</th>' in text


def test_unknown_kind_of_block_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="not str"):
        _one("just text")


def test_short_document_has_no_list_of_contents() -> None:
    assert "<nav" not in page("T", sections=[Section(title="A"), Section(title="B")])
