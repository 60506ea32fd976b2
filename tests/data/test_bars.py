"""Bars as columns: one length, one adjustment, and the long table that people read."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from alphalens.data.bars import COLUMNS, Adjustment, Bars, Timeframe, micros
from alphalens.data.port import BarRequest
from alphalens.data.reasons import RULES, Reason, Severity, names_of, rejecting
from alphalens.errors import InputError

DAY = datetime(2024, 1, 2, 5, tzinfo=UTC)
TOLD = DAY + timedelta(hours=20)


def bars(symbol="A", days=(0, 1), closes=(10.0, 11.0), source="alpaca", **changes) -> Bars:
    given = {"received_at": TOLD, "timeframe": Timeframe.DAY, "adjustment": Adjustment.RAW}
    time = np.array([micros(DAY + timedelta(days=day)) for day in days])
    close = np.array(closes)
    prices = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": close}
    return Bars.of_symbol(symbol, time, prices, source=source, **{**given, **changes})


def test_table_has_every_column_with_its_unit():
    frame = bars().frame()
    assert tuple(frame.columns) == COLUMNS
    assert frame["timestamp"].tolist() == [
        pd.Timestamp(DAY),
        pd.Timestamp(DAY) + pd.Timedelta("1D"),
    ]
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert frame["received_at"].unique().tolist() == [pd.Timestamp(TOLD)]
    assert frame["symbol"].tolist() == ["A", "A"]
    assert frame["close"].tolist() == [10.0, 11.0]
    assert frame["vwap"].isna().all()
    assert frame["trades"].tolist() == [-1, -1]
    assert frame["adjustment"].astype(str).tolist() == ["raw", "raw"]
    assert frame["is_final"].all()


def test_no_bars_give_an_empty_table_with_the_same_columns():
    frame = Bars.empty(Timeframe.HOUR, Adjustment.ALL).frame()
    assert (len(frame), tuple(frame.columns)) == (0, COLUMNS)


def test_several_go_together_under_common_symbols_and_sources():
    whole = Bars.concat(
        [bars("B"), bars("A", source="polygon"), bars("B", days=[5], closes=[12.0])]
    )
    frame = whole.sorted().frame()
    assert frame["symbol"].tolist() == ["A", "A", "B", "B", "B"]
    assert frame["source"].tolist() == ["polygon", "polygon", "alpaca", "alpaca", "alpaca"]
    assert frame["close"].tolist() == [10.0, 11.0, 10.0, 11.0, 12.0]
    assert whole.symbols == ("B", "A")


def test_rows_of_one_key_keep_their_order():
    frame = bars(days=[1, 0, 0], closes=[3.0, 1.0, 2.0]).sorted().frame()
    assert frame["close"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "other",
    [
        bars(adjustment=Adjustment.SPLIT),
        bars(timeframe=Timeframe.HOUR),
        bars(currency="GBP"),
    ],
)
def test_prices_of_different_adjustments_do_not_go_together(other):
    with pytest.raises(InputError, match=r"go together: .*1d/raw/USD"):
        Bars.concat([bars(), other])


def test_nothing_does_not_go_together():
    with pytest.raises(InputError, match="no bars"):
        Bars.concat([])


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=r"differ in length: .*'time': 1"):
        bars().__class__(**{**vars(bars()), "time": np.zeros(1, np.int64)})


def test_some_rows_by_mask_or_position():
    assert bars().take(np.array([False, True])).close.tolist() == [11.0]
    assert bars().take(np.array([1, 0])).close.tolist() == [11.0, 10.0]


def test_instant_is_counted_from_1970_whatever_its_zone():
    east = datetime(2024, 1, 2, 7, tzinfo=timezone(timedelta(hours=2)))
    assert micros(east) == micros(DAY)
    with pytest.raises(InputError, match="naive"):
        micros(datetime(2024, 1, 2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbols": ()}, "at least one symbol"),
        ({"symbols": ("A", "A")}, "each once"),
        ({"start": datetime(2024, 1, 2)}, "need a time zone"),
        ({"end": DAY}, "must be after start"),
    ],
)
def test_request_that_nobody_could_answer_is_refused(changes, words):
    given = {"symbols": ("A",), "start": DAY, "end": TOLD} | changes
    with pytest.raises(InputError, match=words):
        BarRequest(**given)


def test_every_kind_has_its_rule_and_a_bit_of_its_own():
    assert set(RULES) == set(Reason)
    assert [reason.value for reason in Reason] == list(range(1, 53))
    assert sum(reason.bit for reason in Reason) == (1 << 52) - 1


def test_row_is_rejected_by_any_reason_that_rejects_and_by_no_other():
    marks = np.array([0, *(reason.bit for reason in Reason)], np.uint64)
    wanted = [
        False,
        *(RULES[reason].severity in (Severity.REJECT, Severity.BATCH) for reason in Reason),
    ]
    assert rejecting(marks).tolist() == wanted
    assert names_of(Reason.DELISTED.bit | Reason.INFINITE.bit) == ("infinite", "delisted")
