"""Kinds 33, 34, 37, 39 to 42, 49 and 50: answers that are not what was asked for."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from alphalens.data.bars import Adjustment
from alphalens.data.reasons import Reason
from alphalens.errors import DataError
from tests.data.bad import facts
from tests.data.bad.harness import alpaca_page, bar, polygon_page, told
from tests.data.bad_rows import MONDAY, NOW, TUESDAY, WEDNESDAY, WEEK, action
from tests.data.scripted_vendor import Say

SPLIT = action("NFLX", "split", date(2015, 7, 15), ratio=Decimal(7))


def refused_by_polygon(desk, reason, *answers, symbols=("A",)):
    """Let Polygon say what is refused whole; return its text."""
    before = desk.keys(*symbols)
    with desk.polygon(*answers) as provider, pytest.raises(DataError, match=reason.name.lower()):
        desk.through(provider, symbols)
    assert desk.keys(*symbols) == before
    return desk.refused_text(reason)


def test_bad_data_33_page_that_does_not_say_whether_it_is_the_last_is_refused(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    page = {"bars": {"A": [bar(TUESDAY)]}}
    assert '"bars"' in desk.refuse(json.dumps(page), Reason.TRUNCATED, "next_page_token")
    assert desk.calls == 3  # it was asked for again, twice
    assert desk.days("B") == [TUESDAY]


def test_bad_data_33_fewer_rows_than_were_counted_refuse_the_answer(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    page = polygon_page("A", [bar(TUESDAY)], resultsCount=2)
    assert '"resultsCount": 2' in refused_by_polygon(desk, Reason.TRUNCATED, page)
    assert desk.days("B") == [TUESDAY]


def test_bad_data_33_truncated_page_that_comes_whole_the_second_time_is_taken(desk):
    short, whole = polygon_page("A", [bar(TUESDAY)], resultsCount=2), [bar(TUESDAY), bar(WEDNESDAY)]
    with desk.polygon(short, polygon_page("A", whole)) as provider:
        desk.through(provider, ("A",))
    assert desk.days() == [TUESDAY, WEDNESDAY]


def test_bad_data_34_symbol_without_rows_is_told_and_recorded(desk):
    found = desk.fetch({"A": [bar(TUESDAY)]}, symbols=("A", "B"))
    assert desk.days("A", "B") == [TUESDAY]
    assert found.report.empty == ("B",)
    assert found.report.counts == {Reason.EMPTY: 1}
    assert desk.aside("A", "B") == {}
    ((reason, count),) = desk.gaps("B")
    assert (reason, count > 8_000) == ("empty", True)  # sessions that were asked for


def test_bad_data_37_rows_of_another_symbol_refuse_the_answer(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    page = {"A": [bar(TUESDAY)], "X": [bar(TUESDAY)]}
    text = desk.refuse(page, Reason.WRONG_SYMBOL, "'X' was not asked for", symbols=("A", "B"))
    assert '"X"' in text
    assert desk.days("B") == [TUESDAY]


def test_bad_data_37_answer_about_another_symbol_is_refused(desk):
    text = refused_by_polygon(desk, Reason.WRONG_SYMBOL, polygon_page("X", [bar(TUESDAY)]))
    assert '"ticker": "X"' in text


@pytest.mark.parametrize("form", ["BRK-B", "brk.b", "brk-b"])
def test_bad_data_39_symbol_in_another_form_becomes_the_canonical_one(desk, form):
    desk.fetch({form: [bar(TUESDAY)], "AAPL": [bar(TUESDAY)]}, symbols=("BRK.B", "AAPL"))
    assert desk.keys("BRK.B", "AAPL") == [("BRK.B", TUESDAY), ("AAPL", TUESDAY)]
    assert desk.flags("BRK.B", "AAPL") == {("BRK.B", TUESDAY): {"symbol_form"}}
    assert desk.aside("BRK.B", form) == {}


def test_bad_data_39_two_forms_of_one_symbol_are_one_series(desk):
    page = {"BRK.B": [bar(TUESDAY)], "BRK-B": [bar(WEDNESDAY, 101.0)]}
    desk.fetch(page, symbols=("BRK.B",))
    assert desk.closes("BRK.B") == [100.0, 101.0]


def test_bad_data_40_other_currency_refuses_the_answer(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    rows = {"A": [bar(TUESDAY)]}
    text = desk.refuse(rows, Reason.WRONG_CURRENCY, "USD, not GBP", currencies={"A": "GBP"})
    assert json.loads(text.splitlines()[0]) == rows["A"][0]
    assert desk.days("B") == [TUESDAY]


@pytest.mark.parametrize("times", [100.0, 0.01])
def test_bad_data_40_pence_for_pounds_refuse_the_answer(desk, times):
    desk.fetch({"A": [bar(MONDAY, 70.0)]})
    rows = [bar(day, 71.0 * times) for day in WEEK[1:4]]
    desk.refuse({"A": rows}, Reason.WRONG_CURRENCY, "times the stored 70")
    assert desk.closes() == [70.0]


def test_bad_data_41_adjustment_that_was_not_asked_for_refuses_the_answer(desk):
    desk.fetch({"B": [bar(TUESDAY)]})
    page = polygon_page("A", [bar(TUESDAY)], adjusted=True)
    assert '"adjusted": true' in refused_by_polygon(desk, Reason.MIXED_ADJUSTMENT, page)
    assert desk.days("B") == [TUESDAY]


def test_bad_data_41_prices_that_contradict_a_known_split_refuse_the_answer(desk):
    rows = [
        told((day, *(p / 7 if day < "2015-07-15" else p for p in prices), volume))
        for day, *prices, volume in facts.NETFLIX
    ]
    known = {"symbols": ("NFLX",), "actions": (SPLIT,)}
    desk.refuse({"NFLX": rows}, Reason.MIXED_ADJUSTMENT, "so the prices are not raw", **known)
    desk.fetch({"NFLX": rows}, adjustment=Adjustment.SPLIT, **known)
    assert len(desk.stored("NFLX", adjustment=Adjustment.SPLIT)) == 4
    assert len(desk.stored("NFLX")) == 0


def test_bad_data_42_adjustment_that_is_revised_is_a_version_and_the_old_one_stays(desk):
    kinds = {"adjustment": Adjustment.ALL}
    rows = [bar(MONDAY, 100.0), bar(TUESDAY, 101.0, 1_010), bar(WEDNESDAY, 102.0, 1_020)]
    desk.fetch({"A": rows}, **kinds)
    desk.fetch({"B": rows}, **kinds)
    later = NOW + timedelta(days=1)
    desk.clock.advance_to(later)
    revised = [
        {**row, **{name: row[name] * 0.99 for name in "ohlc"}, "vw": row["vw"] * 0.99}
        for row in rows
    ]  # a dividend of 1 % was paid since
    desk.fetch({"A": revised}, **kinds)
    desk.fetch({"B": rows}, **kinds)
    assert desk.closes(**kinds) == pytest.approx([99.0, 99.99, 100.98])
    assert desk.closes(as_of=NOW, **kinds) == [100.0, 101.0, 102.0]
    assert desk.closes("B", **kinds) == [100.0, 101.0, 102.0]
    assert desk.aside("A", "B") == {}


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Bad gateway</body></html>",
        json.dumps(alpaca_page({"A": [bar(TUESDAY)]}))[:-20],
        "",
    ],
)
def test_bad_data_49_answer_that_is_no_json_is_refused_and_asked_for_again(desk, body):
    desk.fetch({"B": [bar(TUESDAY)]})
    assert desk.refuse(Say(body), Reason.NOT_JSON) == body
    assert desk.calls == 3
    assert desk.days("B") == [TUESDAY]


def test_bad_data_49_answer_that_is_json_the_second_time_is_taken(desk):
    with desk.alpaca("<html></html>", alpaca_page({"A": [bar(TUESDAY)]})) as provider:
        desk.through(provider, ("A",))
    assert desk.days() == [TUESDAY]


@pytest.mark.parametrize(
    "rows",
    [
        [bar(TUESDAY), {k: v for k, v in bar(WEDNESDAY).items() if k != "t"}],
        [bar(TUESDAY), {("volume" if k == "v" else k): v for k, v in bar(WEDNESDAY).items()}],
        [bar(TUESDAY), ["2024-12-11", 1, 2, 3]],
        None,
    ],
    ids=["missing", "renamed", "list", "null"],
)
def test_bad_data_50_missing_or_renamed_part_refuses_the_answer(desk, rows):
    desk.fetch({"B": [bar(TUESDAY)]})
    text = desk.refuse({"A": rows}, Reason.SCHEMA_DRIFT)
    assert ("null" if rows is None else json.dumps(rows[1], separators=(",", ":"))) in text
    assert desk.days("B") == [TUESDAY]


def test_bad_data_50_part_that_is_new_is_told_once_and_changes_nothing(desk, caplog):
    rows = [bar(TUESDAY), bar(WEDNESDAY, 101.0, settled=True, x={"y": [1]})]
    with desk.alpaca(alpaca_page({"A": rows})) as provider:
        first, again = (desk.through(provider, ["A"]).report for _ in range(2))
    assert first.added == again.added == {"settled", "x"}  # each report says what came
    assert "new field, not read: settled" in str(first)
    (told,) = (record for record in caplog.records if "nobody here reads" in record.message)
    assert told.message.startswith("alpaca tells fields that nobody here reads: settled, x. ")
    assert desk.closes() == [100.0, 101.0]
    assert (desk.flags(), desk.aside()) == ({}, {})
