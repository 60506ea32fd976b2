"""Columns out of cells: strict, at once where they are alike, one by one where they are not."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from alphalens.data._vendors.cells import instants, local_instants, numbers, plain_text
from alphalens.data.bars import NO_TIME, micros
from alphalens.data.reasons import names_of

DAY = datetime(2024, 1, 2, 5, tzinfo=UTC)


def test_a_date_that_does_not_exist_spoils_none_of_the_others():
    whole = "2024-01-02T05:00:00Z"

    read, marks = instants([whole, "2024-02-30T05:00:00Z", whole, "2024-01-02 05:00:00Z", None])

    assert read.tolist() == [micros(DAY), NO_TIME, micros(DAY), micros(DAY), NO_TIME]
    assert [names_of(int(m)) for m in marks] == [(), ("wrong_zone",), (), (), ("schema_drift",)]


def test_no_cells_are_no_instants_and_no_numbers():
    assert len(instants([])[0]) == len(numbers([])[0]) == 0


@pytest.mark.parametrize("times", [1, 10**3, 10**6, 10**9])
def test_the_unit_of_an_epoch_is_told_by_its_size(times):
    seconds = [631_152_000, 1704171600, 4_102_444_799]

    read, marks = instants([second * times for second in seconds])

    assert read.tolist() == [second * 10**6 for second in seconds]
    assert not marks.any()


def test_units_may_be_mixed_and_the_ends_of_the_ranges_are_outside():
    read, marks = instants([1704171600, 1704171600000, 631_151_999, 4_102_444_800])

    assert read.tolist() == [micros(DAY), micros(DAY), NO_TIME, NO_TIME]
    assert [names_of(int(m)) for m in marks] == [(), (), ("wrong_epoch",), ("wrong_epoch",)]


@pytest.mark.parametrize(
    ("text", "past_us"),
    [
        ("2024-01-02T05:00:00Z", 0),
        ("2024-01-02T05:00:00.5Z", 500_000),
        ("2024-01-02T05:00:00.123456789Z", 123_456),
        ("2024-01-02T00:00:00-05:00", 0),
        ("2024-01-02T05:00:00.25+00:00", 250_000),
    ],
)
def test_every_form_of_rfc_3339_is_read_alone_and_among_others(text, past_us):
    want = micros(DAY) + past_us

    assert instants([text, text])[0].tolist() == [want, want]
    assert instants([text, "2024-01-02T05:00:00.75Z", 1704171600])[0][0] == want


def test_local_time_that_the_clocks_leave_out_or_repeat_is_nobody_s_instant():
    texts = ["2024-03-10 01:59", "2024-03-10 02:00", "2024-03-10 02:59", "2024-03-10 03:00"]
    texts += ["2024-11-03 00:59", "2024-11-03 01:00", "2024-11-03 01:59", "2024-11-03 02:00"]

    read, marks = local_instants(texts, "America/New_York")

    wrong = [1, 2, 5, 6]
    assert np.flatnonzero(read == NO_TIME).tolist() == wrong
    assert [n for n, mark in enumerate(marks) if names_of(int(mark)) == ("wrong_zone",)] == wrong
    hours = [datetime.fromtimestamp(int(t) / 1e6, UTC).hour for t in read if t != NO_TIME]
    assert hours == [6, 7, 4, 7]


def test_zone_of_the_source_changes_no_instant_that_names_its_own():
    told = ["2024-01-02T05:00:00Z", "2024-01-02T00:00:00-05:00", 1704171600, None, "soon"]

    read, marks = local_instants([*told, "2024-01-02"], "America/New_York")

    assert read.tolist() == [micros(DAY)] * 3 + [NO_TIME] * 2 + [micros(DAY)]
    assert [names_of(int(m)) for m in marks[3:]] == [("schema_drift",), ("wrong_zone",), ()]
    assert local_instants([], "America/New_York")[0].tolist() == []


def test_one_text_among_many_numbers_changes_none_of_them():
    values, marks = numbers([1.5] * 1000 + ["2.5"] + [3, None])

    assert values[:1000].tolist() == [1.5] * 1000
    assert values[1000:1002].tolist() == [2.5, 3.0]
    assert np.isnan(values[1002])
    assert np.flatnonzero(marks).tolist() == [1000]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\x00b\x1b[2Jc", "ab[2Jc"),
        ("ignore\u202eall\u200b\ufeff", "ignoreall"),
        ("two\r\nlines\tand  more", "two lines and more"),
        (None, ""),
        (7, ""),
        ("x" * 20_000, "x" * 10_000),
    ],
)
def test_text_of_a_vendor_is_shown_without_what_could_hide_in_it(given, kept):
    assert plain_text(given) == kept
