"""Each kind of bad data, next to a good row that survives it.

Rows of true defects are facts from public sets, named where they stand. "Long set" is
guyr18/stock-market-big-data at 30d766f, Stocks/*.us.txt (split- and dividend-adjusted).
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from alphalens.assets import AssetClass
from alphalens.data.bars import Adjustment, Timeframe, micros
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.data.validation import Life, judge
from tests.data.bad_rows import (
    FRIDAY,
    MONDAY,
    NOW,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    WEEK,
    action,
    aside,
    at_other_times,
    bars_of,
    batch_of,
    context_of,
    flags,
    good,
    kept,
)

NAN, INF = float("nan"), float("inf")
FUTURE = AssetClass.FUTURE


def judged(rows, *, symbol="A", kind=AssetClass.EQUITY, **context):
    return judge(batch_of({symbol: rows}), context_of(symbol, kind=kind, **context))


def settles(*rows):
    return [(day, price, price, price, price, NAN) for day, price in rows]


def weeks(closes, first="2024-10-01", volume=1_000.0):
    """Rows on consecutive sessions, the volume a little different each day."""
    days = [d for d in np.arange(first, "2024-11-27", dtype="M8[D]") if np.is_busday(d)]
    return [
        good(str(day), close, volume + place)
        for place, (day, close) in enumerate(zip(days, closes, strict=False))
    ]


@pytest.mark.parametrize("price", [0.0, -5.0])
@pytest.mark.parametrize("kind", [AssetClass.EQUITY, AssetClass.CRYPTO])
def test_bad_data_01_price_that_is_not_positive_is_rejected(price, kind):
    found = judge(
        batch_of(
            {"A": [good("2024-12-10T00:00:00"), ("2024-12-11T00:00:00", 99, 101, price, price, 5)]}
            if kind is AssetClass.CRYPTO
            else {"A": [good(TUESDAY), (WEDNESDAY, 99.0, 101.0, price, price, 5.0)]}
        ),
        context_of("A", kind=kind),
    )
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"price_not_positive"}}


# RTL dflong at 6486206: CL front month settled at -37.63 on 2020-04-20.
CRUDE = settles(
    ("2020-04-17", 18.270000457763672),
    ("2020-04-20", -37.630001068115234),
    ("2020-04-21", 10.010000228881836),
)


def test_bad_data_02_negative_settle_is_true_where_the_instrument_allows_it():
    found = judged(
        CRUDE,
        symbol="CLK20",
        kind=FUTURE,
        calendars={"CLK20": "NYMEX"},
        may_be_negative=frozenset({"CLK20"}),
    )
    assert [day for _, day in kept(found)] == ["2020-04-17", "2020-04-20", "2020-04-21"]
    assert found.bars.close[1] == pytest.approx(-37.63)
    assert flags(found) == {("CLK20", "2020-04-20"): {"negative_or_zero_settle"}}
    assert aside(found) == {}


def test_bad_data_02_negative_settle_is_rejected_where_it_is_not_allowed():
    found = judged(CRUDE, symbol="CLK20", kind=FUTURE, calendars={"CLK20": "NYMEX"})
    assert aside(found) == {("CLK20", "2020-04-20"): {"price_not_positive"}}
    assert [day for _, day in kept(found)] == ["2020-04-17", "2020-04-21"]


def test_bad_data_02_zero_settle_is_rejected_even_so():
    rows = settles(("2024-12-10", 1.5), ("2024-12-11", 0.0), ("2024-12-12", 1.52))
    found = judged(
        rows,
        symbol="RBF25",
        kind=FUTURE,
        calendars={"RBF25": "NYMEX"},
        may_be_negative=frozenset({"RBF25"}),
    )
    assert aside(found) == {("RBF25", WEDNESDAY): {"negative_or_zero_settle"}}
    assert [day for _, day in kept(found)] == [TUESDAY, THURSDAY]


def test_bad_data_04_high_below_the_others_is_rejected():
    # Long set, ARE 2010-05-27, and the day before.
    bad = ("2010-05-27", 51.75, 5.349800109863281, 51.21300125122070, 53.42499923706055, 430169)
    found = judged([("2010-05-26", 51.131001, 52.126999, 50.233002, 50.473, 482175), bad])
    assert kept(found) == [("A", "2010-05-26")]
    assert aside(found) == {("A", "2010-05-27"): {"high_too_low"}}


def test_bad_data_04_high_within_a_tick_is_raised():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 100.49, 99.0, 100.5, 7.0)])
    assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY)]
    assert found.bars.high.tolist() == [101.0, 100.5]
    assert flags(found) == {("A", WEDNESDAY): {"high_too_low"}}
    assert found.repaired.bars.high.tolist() == [100.49]
    assert found.repaired.raw == ("row 1 of A",)


def test_bad_data_05_low_above_the_others_is_rejected():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 102.0, 100.8, 101.0, 7.0)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"low_too_high"}}


def test_bad_data_05_low_within_a_tick_is_lowered():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 102.0, 100.01, 101.0, 7.0)])
    assert found.bars.low.tolist() == [99.0, 100.0]
    assert aside(found) == {}


def test_bad_data_06_row_without_close_is_rejected():
    found = judged([good(TUESDAY), (WEDNESDAY, 100.0, 102.0, 99.0, NAN, 7.0)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"close_missing"}}


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_bad_data_07_row_with_a_close_alone_is_kept_and_nothing_is_filled(missing):
    row = [WEDNESDAY, 100.0, 102.0, 99.0, 101.0, 7.0]
    row[missing] = NAN
    found = judged([good(TUESDAY), tuple(row)])
    assert flags(found) == {("A", WEDNESDAY): {"open_high_low_missing"}}
    assert np.isnan([found.bars.open, found.bars.high, found.bars.low]).sum() == 1
    assert aside(found) == {}


@pytest.mark.parametrize("place", [1, 2, 4, 5])
@pytest.mark.parametrize("value", [INF, -INF])
def test_bad_data_08_infinite_value_is_rejected(place, value):
    row = [WEDNESDAY, 100.0, 102.0, 99.0, 101.0, 7.0]
    row[place] = value
    found = judged([good(TUESDAY), tuple(row)])
    assert kept(found) == [("A", TUESDAY)]
    assert "infinite" in aside(found)["A", WEDNESDAY]
    assert Reason.INFINITE in found.report.alarms


def test_bad_data_10_what_reading_refused_is_refused():
    batch = batch_of(
        {"A": [good(TUESDAY), (WEDNESDAY, 1.0, 2.0, 1.0, NAN, 3.0), good(THURSDAY, 101.0)]},
        marks=[0, Reason.LOCALE_NUMBER.bit, Reason.TEXT_NUMBER.bit],
    )
    found = judge(batch, context_of("A"))
    assert kept(found) == [("A", TUESDAY), ("A", THURSDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"locale_number", "close_missing"}}
    assert flags(found) == {("A", THURSDAY): {"text_number"}}


def test_bad_data_11_price_above_every_limit_is_rejected():
    found = judged([good(TUESDAY), good(WEDNESDAY, 2e7)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"absurd_size"}}


def test_bad_data_11_price_far_above_all_others_is_rejected_and_long_growth_is_not():
    rows = weeks([100.0] * 6 + [6_100.0] + [100.0] * 3)
    found = judged(rows)
    assert aside(found) == {("A", rows[6][0]): {"absurd_size"}}
    assert len(kept(found)) == 9
    grown = judged(weeks(100.0 * 1.25 ** np.arange(30)))
    assert (len(grown.bars), aside(grown)) == (30, {})


MISPRINTS = {  # long set
    "SLG": [
        ("2014-03-03", 89.9049987793, 90.5500030518, 89.2929992676, 90.3410034180, 851028),
        ("2014-03-04", 90.5419998169, 91.8059997559, 90.5419998169, 0.9161000252, 731180),
        ("2014-03-05", 91.3629989624, 91.8740005493, 90.4410018921, 91.0790023804, 526697),
    ],
    "BXP": [
        ("2007-05-01", 89.3529968262, 89.5680007935, 87.6510009766, 88.5039978027, 1356145),
        ("2007-05-02", 88.1679992676, 89.1549987793, 87.4990005493, 0.8873999715, 1034628),
        ("2007-05-03", 89.0650024414, 89.3349990845, 87.6129989624, 89.0110015869, 792930),
    ],
    "AVB": [
        ("2010-09-15", 88.9889984131, 90.9509963989, 88.8899993896, 90.8430023193, 1125083),
        ("2010-09-16", 90.6159973145, 90.8430023193, 89.8440017700, 0.8996999860, 886562),
        ("2010-09-17", 90.3899993896, 90.4810028076, 89.2129974365, 89.2839965820, 1398547),
    ],
}


@pytest.mark.parametrize("symbol", MISPRINTS)
def test_bad_data_12_known_misprints_are_rejected_and_their_neighbours_live(symbol):
    rows = MISPRINTS[symbol]
    batch = batch_of({symbol: rows}, adjustment=Adjustment.ALL)
    found = judge(batch, context_of(symbol))
    assert kept(found) == [(symbol, rows[0][0]), (symbol, rows[2][0])]
    assert aside(found) == {(symbol, rows[1][0]): {"low_too_high", "misprint"}}
    assert flags(found) == {}


@pytest.mark.parametrize("times", [10.0, 100.0, 0.1, 0.01])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_bad_data_12_whole_bar_off_by_a_power_of_ten_that_comes_back_is_rejected(times, length):
    closes = [100.0, 101.0] + [102.0 * times] * length + [103.0, 101.0]
    rows = weeks(closes)
    found = judged(rows)
    assert set(aside(found)) == {("A", row[0]) for row in rows[2 : 2 + length]}
    assert all("misprint" in reasons for reasons in aside(found).values())
    assert [row[0] for row in rows[:2] + rows[2 + length :]] == [day for _, day in kept(found)]


def test_bad_data_12_at_the_end_it_is_held_and_the_next_batch_finds_it():
    rows = weeks([100.0, 101.0, 102.0, 1.02])
    first = judged(rows)
    assert len(first.bars) == 4
    assert "misprint" in flags(first)["A", rows[3][0]]
    assert [symbol for symbol, _ in first.report.held] == ["A"]
    later = weeks([100.0, 101.0, 102.0, 1.02, 103.0, 104.0])[4:]
    second = judged(later, stored=first.bars)
    assert kept(second) == [("A", row[0]) for row in later]
    assert aside(second) == {}
    assert [at.date().isoformat() for _, at in second.report.stored_misprints] == [rows[3][0]]


def test_bad_data_13_price_halved_for_a_day_is_rejected():
    # Of the shape of the defect known of LNT; the figures are made.
    rows = weeks([71.0, 71.5, 35.6, 71.4, 71.2])
    found = judged(rows)
    assert aside(found) == {("A", rows[2][0]): {"halved_for_a_day"}}
    assert len(found.bars) == 4


def test_bad_data_13_a_crash_that_recovers_on_high_turnover_is_true():
    rows = weeks([71.0, 71.5, 35.6, 71.4, 71.2])
    rows[2] = (*rows[2][:5], 50_000.0)
    found = judged(rows)
    assert aside(found) == {}
    assert "big_move" in flags(found)["A", rows[2][0]]


# Closes 2015-07-14 and 2015-07-15: long set, the first times 7 as it was traded (the 7:1 split
# has its ex-date on 2015-07-15); opens, highs, lows and volumes the same way.
NETFLIX = [
    ("2015-07-13", 686.699996, 716.169998, 686.553024, 707.629977, 4743500),
    ("2015-07-14", 708.890001, 711.479996, 697.550011, 702.590019, 2818630),
    ("2015-07-15", 99.9700012207, 100.75, 97.0500030518, 98.1299972534, 30800137),
    ("2015-07-16", 111.0199966431, 116.4899978638, 107.6800003052, 115.8099975586, 63460900),
]
SPLIT = action("NFLX", "split", date(2015, 7, 15), ratio=Decimal(7))


def test_bad_data_14_split_with_its_action_is_no_misprint():
    found = judge(batch_of({"NFLX": NETFLIX}), context_of("NFLX", actions=(SPLIT,)))
    assert [day for _, day in kept(found)] == [row[0] for row in NETFLIX]
    assert (aside(found), flags(found)) == ({}, {})


def test_bad_data_14_split_without_its_action_is_held_from_its_day_on():
    found = judge(batch_of({"NFLX": NETFLIX}), context_of("NFLX"))
    days = [day for _, day in kept(found)]
    assert days == ["2015-07-13", "2015-07-14"]
    assert aside(found) == {
        ("NFLX", "2015-07-15"): {"unexplained_ratio"},
        ("NFLX", "2015-07-16"): {"unexplained_ratio"},
    }


def test_bad_data_14_action_that_nobody_knew_yet_explains_nothing():
    late = replace(SPLIT, seen_at=NOW + timedelta(days=1))
    found = judge(batch_of({"NFLX": NETFLIX}), context_of("NFLX", actions=(late,)))
    assert len(found.rejected) == 2


def test_bad_data_14_rows_go_on_being_held_in_the_next_batch():
    stored = judge(batch_of({"NFLX": NETFLIX[:2]}), context_of("NFLX")).bars
    found = judge(batch_of({"NFLX": NETFLIX[2:]}), context_of("NFLX", stored=stored))
    assert kept(found) == []
    explained = context_of("NFLX", stored=stored, actions=(SPLIT,))
    assert len(judge(batch_of({"NFLX": NETFLIX[2:]}), explained).bars) == 2


# Long set; what is before the spin-off of 2015-07-20 divided by its factor 0.4208754047, which
# gives the close of 66.29 that pystock-data at 79fd5f4 has for 2015-07-17.
EBAY = [
    ("2015-07-16", 65.299610, 66.710954, 65.000235, 65.589481, 31025199),
    ("2015-07-17", 66.040923, 66.729960, 64.850548, 66.290402, 26169399),
    ("2015-07-20", 26.8899993896, 29.3500003815, 26.5900001526, 28.5699996948, 37485700),
    ("2015-07-21", 28.1499996185, 28.9899997711, 27.9799995422, 28.6000003815, 44336300),
]


# Long set, HBAN in the crisis: a third lost in a day is near 3:2, and was true.
HUNTINGTON = [
    ("2009-01-20", 3.8975, 4.2307, 3.2392, 3.2565, 15053471),
    ("2009-01-21", 3.5043, 3.9744, 3.4445, 3.9403, 15709643),
    ("2009-01-22", 3.0939, 3.2050, 2.4614, 2.7350, 30162288),
    ("2009-01-23", 2.6495, 2.8719, 2.5298, 2.7949, 23055724),
]


def test_bad_data_14_crash_near_a_small_ratio_is_no_split():
    found = judge(batch_of({"HBAN": HUNTINGTON}), context_of("HBAN"))
    assert [day for _, day in kept(found)] == [row[0] for row in HUNTINGTON]
    assert flags(found) == {("HBAN", "2009-01-22"): {"unexplained_drop"}}


def test_bad_data_15_spin_off_without_its_record_is_flagged():
    found = judge(batch_of({"EBAY": EBAY}), context_of("EBAY"))
    assert [day for _, day in kept(found)] == [row[0] for row in EBAY]
    assert flags(found) == {("EBAY", "2015-07-20"): {"unexplained_drop"}}
    assert aside(found) == {}


def test_bad_data_15_spin_off_with_its_record_is_no_news():
    record = action("EBAY", "spin_off", date(2015, 7, 20), new_symbol="PYPL")
    found = judge(batch_of({"EBAY": EBAY}), context_of("EBAY", actions=(record,)))
    assert (flags(found), len(found.bars)) == ({}, 4)


VERTEX = [  # long set, VRTX
    ("2013-04-16", 54.590000, 54.740002, 53.250000, 54.389999, 1450539),
    ("2013-04-17", 54.060001, 54.320000, 52.770000, 54.044998, 1346218),
    ("2013-04-18", 54.139999, 54.150002, 51.959999, 52.869999, 6177673),
    ("2013-04-19", 81.550003, 85.900002, 80.099998, 85.599998, 24895275),
    ("2013-04-22", 84.379997, 87.470001, 80.900002, 82.330002, 8902245),
]


def test_bad_data_16_big_move_on_high_volume_is_kept():
    found = judged(VERTEX, symbol="VRTX")
    assert [day for _, day in kept(found)] == [row[0] for row in VERTEX]
    assert flags(found) == {("VRTX", "2013-04-19"): {"big_move"}}


def test_bad_data_17_negative_volume_is_rejected():
    found = judged([good(TUESDAY), good(WEDNESDAY, 100.5, -1.0)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"negative_volume"}}


def test_bad_data_18_bar_without_trade_is_flagged():
    still = (WEDNESDAY, 100.0, 100.0, 100.0, 100.0, 0.0)
    found = judged([good(TUESDAY), still, good(THURSDAY)])
    assert flags(found) == {("A", WEDNESDAY): {"no_trade"}}
    assert len(found.bars) == 3


def test_bad_data_19_price_that_moved_on_volume_zero_is_flagged():
    # Long set, A 2010-04-26: the volume of the day is missing.
    odd = ("2010-04-26", 24.638999939, 24.968000412, 24.618999481, 24.856000900, 0.0)
    found = judged([good("2010-04-23", 24.5), odd, good("2010-04-27", 24.4)])
    assert flags(found) == {("A", "2010-04-26"): {"moved_without_volume"}}
    assert len(found.bars) == 3


def test_bad_data_20_fraction_of_a_share_is_flagged_and_rounded_only_if_the_feed_says_so():
    rows = [good(TUESDAY), good(WEDNESDAY, 100.5, 10.4)]
    found = judged(rows)
    assert flags(found) == {("A", WEDNESDAY): {"fractional_volume"}}
    assert found.bars.volume[1] == 10.4
    rounded = judged(rows, has_fractions=True)
    assert rounded.bars.volume[1] == 10.0
    assert rounded.repaired.bars.volume.tolist() == [10.4]
    assert flags(judged(rows, kind=AssetClass.CRYPTO, calendars={"A": "XNYS"})) == {}


def test_bad_data_21_volume_that_overflowed_is_rejected():
    found = judged([good(TUESDAY), good(WEDNESDAY, 100.5, 1e300)])
    assert kept(found) == [("A", TUESDAY)]
    assert aside(found) == {("A", WEDNESDAY): {"volume_overflow"}}


def test_bad_data_22_row_that_came_twice_is_kept_once():
    found = judged([good(TUESDAY), good(TUESDAY), good(WEDNESDAY, 101.0)])
    assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY)]
    assert aside(found) == {("A", TUESDAY): {"duplicate"}}
    assert flags(found) == {}


def test_bad_data_23_of_two_versions_the_later_one_stands_and_both_are_kept():
    bars = bars_of({"A": [good(TUESDAY, 100.0), good(TUESDAY, 101.0), good(WEDNESDAY, 102.0)]})
    early = NOW - timedelta(hours=1)
    for received, stands in (((early, NOW, NOW), 101.0), ((NOW, early, NOW), 100.0)):
        found = judge(batch_of(at_other_times(bars, received)), context_of("A"))
        assert found.bars.close.tolist() == [stands, 102.0]
        assert aside(found) == {("A", TUESDAY): {"conflicting_duplicate"}}
        assert flags(found) == {("A", TUESDAY): {"conflicting_duplicate"}}


def test_bad_data_23_a_bad_version_does_not_replace_a_good_one():
    rows = [good(TUESDAY, 100.0), (TUESDAY, 100.0, 5.0, 99.0, 100.0, 3.0), good(WEDNESDAY, 102.0)]
    found = judged(rows)
    assert found.bars.close.tolist() == [100.0, 102.0]
    assert aside(found) == {("A", TUESDAY): {"high_too_low"}}


def test_bad_data_24_rows_out_of_order_are_sorted_and_counted():
    found = judged([good(MONDAY), good(WEDNESDAY, 101), good(TUESDAY, 102), good(THURSDAY, 103)])
    assert [day for _, day in kept(found)] == [MONDAY, TUESDAY, WEDNESDAY, THURSDAY]
    assert found.bars.close.tolist() == [100.0, 102.0, 101.0, 103.0]
    assert flags(found) == {("A", TUESDAY): {"out_of_order"}}
    assert found.report.counts == {Reason.OUT_OF_ORDER: 1}


@pytest.mark.parametrize("reason", [Reason.NO_TIME_ZONE, Reason.WRONG_EPOCH, Reason.SCHEMA_DRIFT])
def test_bad_data_25_28_50_what_reading_could_not_place_refuses_the_batch(reason):
    batch = batch_of({"A": [good(TUESDAY), good(WEDNESDAY)]}, marks=[0, reason.bit])
    with pytest.raises(AnswerRefused, match=r"vendor.*row 1 of A") as refused:
        judge(batch, context_of("A"))
    assert refused.value.reason is reason
    assert list(refused.value.raw) == ["row 0 of A", "row 1 of A"]


def test_bad_data_26_instant_that_could_not_be_read_is_rejected():
    bars = bars_of({"A": [good(TUESDAY), good(WEDNESDAY)]})
    time = bars.time.copy()
    time[0] = np.iinfo(np.int64).min
    found = judge(batch_of(replace(bars, time=time)), context_of("A"))
    assert kept(found) == [("A", WEDNESDAY)]
    assert "wrong_zone" in aside(found)["A", "never"]
    assert found.rejected.frame()["timestamp"].isna().all()


def test_bad_data_27_bar_from_the_future_is_rejected():
    later = datetime(2025, 3, 3, 15, tzinfo=UTC)
    rows = {"A": [good("2025-01-03"), good("2025-01-07")]}
    found = judge(batch_of(rows, received_at=later), context_of("A"))
    assert kept(found) == [("A", "2025-01-03")]
    assert aside(found) == {("A", "2025-01-07"): {"in_the_future"}}
    assert Reason.IN_THE_FUTURE in found.report.alarms


def test_bad_data_29_settle_on_a_sunday_is_rejected():
    # RTL dflong at 6486206: RB, second month.
    rows = settles(("2017-08-25", 1.5407999754), ("2017-08-27", 0.0), ("2017-08-28", 1.5713000298))
    found = judged(rows, symbol="RBV17", kind=FUTURE, calendars={"RBV17": "NYMEX"})
    assert [day for _, day in kept(found)] == ["2017-08-25", "2017-08-28"]
    reasons = {"negative_or_zero_settle", "out_of_session"}
    assert aside(found) == {("RBV17", "2017-08-27"): reasons}


def test_bad_data_29_holiday_is_for_shares_and_not_for_coins():
    found = judged([good("2024-12-24"), good("2024-12-25"), good("2024-12-26")])
    assert aside(found) == {("A", "2024-12-25"): {"out_of_session"}}
    assert len(found.bars) == 2
    days = [good("2024-12-24T00:00:00"), good("2024-12-25T00:00:00", 101)]
    coins = judged(days, symbol="BTC/USD", kind=AssetClass.CRYPTO)
    assert (len(coins.bars), flags(coins)) == (2, {})


def test_bad_data_29_minutes_before_the_open_are_flagged_and_those_of_the_night_rejected():
    rows = [
        good("2024-12-10T07:00:00"),  # 02:00 in New York
        good("2024-12-10T13:00:00", 101.0),  # 08:00
        good("2024-12-10T14:30:00", 102.0),  # 09:30
    ]
    found = judge(batch_of({"A": rows}, timeframe=Timeframe.MINUTE), context_of("A"))
    assert aside(found) == {("A", "2024-12-10T07:00:00"): {"out_of_session"}}
    assert flags(found) == {("A", "2024-12-10T13:00:00"): {"out_of_session"}}
    assert len(found.bars) == 2


def test_bad_data_30_bar_that_begins_within_a_minute_is_rejected_or_floored():
    rows = {"A": [good("2024-12-10T14:30:00"), good("2024-12-10T14:31:17", 101.0)]}
    batch = batch_of(rows, timeframe=Timeframe.MINUTE)
    found = judge(batch, context_of("A"))
    assert kept(found) == [("A", "2024-12-10T14:30:00")]
    assert aside(found) == {("A", "2024-12-10T14:31:17"): {"unaligned"}}
    floored = judge(batch, context_of("A", may_floor=True))
    assert kept(floored) == [("A", "2024-12-10T14:30:00"), ("A", "2024-12-10T14:31:00")]
    assert flags(floored) == {("A", "2024-12-10T14:31:00"): {"unaligned"}}


def test_bad_data_30_daily_bar_that_is_not_at_midnight_of_its_market_is_rejected():
    found = judged([good("2024-12-10T00:00:00"), good(WEDNESDAY)])
    assert kept(found) == [("A", WEDNESDAY)]
    assert all("unaligned" in reasons for reasons in aside(found).values())


def test_bad_data_31_missing_session_is_recorded_and_nothing_is_filled():
    found = judged([good("2024-11-26"), good("2024-11-29", 101), good("2024-12-03", 102)])
    assert len(found.bars) == 3
    assert set(flags(found)) == {("A", "2024-11-29"), ("A", "2024-12-03")}
    (thanks, monday) = found.report.gaps
    assert (thanks.count, monday.count) == (1, 1)  # the 27th; the 28th is a holiday
    assert thanks.reason is Reason.SESSION_MISSING
    assert thanks.before.date() == date(2024, 11, 29)


def test_bad_data_32_missing_minutes_are_recorded_within_a_session_only():
    rows = [
        good("2024-12-10T20:58:00"),
        good("2024-12-10T20:59:00", 101.0),
        good("2024-12-11T14:30:00", 102.0),
        good("2024-12-11T14:34:00", 103.0),
    ]
    found = judge(batch_of({"A": rows}, timeframe=Timeframe.MINUTE), context_of("A"))
    assert flags(found) == {("A", "2024-12-11T14:34:00"): {"bars_missing"}}
    (gap,) = found.report.gaps
    assert (gap.count, gap.reason) == (3, Reason.BARS_MISSING)
    assert gap.after == datetime(2024, 12, 11, 14, 30, tzinfo=UTC)


def test_bad_data_34_symbol_without_rows_is_told():
    batch = batch_of({"A": [good(TUESDAY)]}, symbols=("A", "B"))
    found = judge(batch, context_of("A", "B"))
    assert found.report.empty == ("B",)
    assert found.report.counts == {Reason.EMPTY: 1}


def test_bad_data_35_repeats_are_flagged_and_then_rejected():
    rows = [good(MONDAY, 99.0)] + [good(day) for day in WEEK[1:]]
    rows += [good("2024-12-16"), good("2024-12-17"), good("2024-12-18", 101.0)]
    found = judged(rows)
    flagged = {("A", day) for day in (WEDNESDAY, THURSDAY, FRIDAY)}
    assert {key for key, names in flags(found).items() if names == {"stale_repeat"}} == flagged
    assert aside(found) == {
        ("A", "2024-12-16"): {"stale_repeat"},
        ("A", "2024-12-17"): {"stale_repeat"},
    }
    assert kept(found)[-1] == ("A", "2024-12-18")


def test_bad_data_36_bar_that_still_forms_is_never_final():
    at = datetime(2025, 1, 6, 20, 0, 30, tzinfo=UTC)
    rows = {"A": [good("2025-01-06T19:59:00"), good("2025-01-06T20:00:00", 101.0)]}
    batch = batch_of(rows, timeframe=Timeframe.MINUTE, received_at=at)
    found = judge(batch, context_of("A", now=at))
    assert found.bars.is_final.tolist() == [True, False]
    assert flags(found) == {("A", "2025-01-06T20:00:00"): {"not_final"}}


def test_bad_data_37_rows_of_another_symbol_refuse_the_batch():
    batch = batch_of({"A": [good(TUESDAY)], "X": [good(TUESDAY)]}, symbols=("A", "B"))
    with pytest.raises(AnswerRefused, match=r"wrong_symbol.*nobody asked for X"):
        judge(batch, context_of("A", "B", "X"))


def test_bad_data_38_row_of_the_company_before_is_rejected():
    # QuantConnect/Lean at 2486390, equity/usa/daily/fb.zip: another company until 2012.
    rows = [
        ("1999-09-29", 12.75, 12.75, 11.5, 11.5, 16300),
        ("2012-05-18", 42.0499992371, 44.0499992371, 38.0, 38.3699989319, 491907897),
    ]
    found = judged(rows, symbol="FB", lives={"FB": Life(first=date(2012, 5, 18))})
    assert kept(found) == [("FB", "2012-05-18")]
    assert aside(found) == {("FB", "1999-09-29"): {"symbol_reused"}}


def test_bad_data_40_other_currency_refuses_the_batch():
    batch = batch_of({"A": [good(TUESDAY)]}, currency="GBX")
    with pytest.raises(AnswerRefused, match=r"wrong_currency.*GBX, not GBP"):
        judge(batch, context_of("A", currencies={"A": "GBP"}))


@pytest.mark.parametrize("times", [100.0, 0.01])
def test_bad_data_40_pence_for_pounds_refuses_the_batch(times):
    stored = bars_of({"A": [good(MONDAY, 70.0)]})
    rows = [good(day, 71.0 * times, 5.0) for day in WEEK[1:4]]
    with pytest.raises(AnswerRefused, match=r"wrong_currency.*times the stored 70"):
        judge(batch_of({"A": rows}), context_of("A", stored=stored))
    same = [good(day, 71.0, 5.0) for day in WEEK[1:4]]
    assert len(judge(batch_of({"A": same}), context_of("A", stored=stored)).bars) == 3


def test_bad_data_41_other_adjustment_refuses_the_batch():
    batch = batch_of({"A": [good(TUESDAY)]}, adjustment=Adjustment.ALL)
    other = replace(batch, request=replace(batch.request, adjustment=Adjustment.RAW))
    with pytest.raises(AnswerRefused, match=r"mixed_adjustment.*1d/all, not 1d/raw"):
        judge(other, context_of("A"))


def test_bad_data_41_prices_that_contradict_a_known_split_refuse_the_batch():
    adjusted = [
        (day, *(price / 7 if day < "2015-07-15" else price for price in prices), volume)
        for day, *prices, volume in NETFLIX
    ]
    context = context_of("NFLX", actions=(SPLIT,))
    with pytest.raises(AnswerRefused, match="7:1 split of 2015-07-15, so the prices are not raw"):
        judge(batch_of({"NFLX": adjusted}), context)
    with pytest.raises(AnswerRefused, match="not split"):
        judge(batch_of({"NFLX": NETFLIX}, adjustment=Adjustment.SPLIT), context)
    kept_split = judge(batch_of({"NFLX": adjusted}, adjustment=Adjustment.SPLIT), context)
    assert len(kept_split.bars) == 4


@pytest.mark.parametrize("is_action", [True, False])
def test_bad_data_52_price_after_the_delisting_is_rejected(is_action):
    rows = [good(TUESDAY), good(WEDNESDAY, 101.0), good(THURSDAY, 101.5)]
    known = (
        {"actions": (action("A", "delisting", date(2024, 12, 12)),)}
        if is_action
        else {"lives": {"A": Life(last=date(2024, 12, 11))}}
    )
    found = judged(rows, **known)
    assert kept(found) == [("A", TUESDAY), ("A", WEDNESDAY)]
    assert aside(found) == {("A", THURSDAY): {"delisted"}}
    assert micros(datetime(2024, 12, 12, 5, tzinfo=UTC)) == found.rejected.bars.time[0]
