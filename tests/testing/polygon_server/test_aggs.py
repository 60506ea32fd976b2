"""Bars, as the vendor's own client reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alphalens.testing.polygon_server import PolygonControl, PolygonServer
from alphalens.testing.polygon_server.times import day_start_ms

from .clients import BadResponse, RESTClient
from .conftest import DAYS, bar

Rows = list[dict[str, Any]]
MONTH = ("2024-01-01", "2024-01-31")


def closes(client: RESTClient, ticker: str = "AAPL", **options: Any) -> list[float]:
    found = client.list_aggs(ticker, 1, "day", *MONTH, **options)
    return [agg.close for agg in found]


def test_every_field_of_a_daily_bar_arrives(client: RESTClient, week: Rows) -> None:
    (first, *_) = client.get_aggs("AAPL", 1, "day", *MONTH)

    assert (first.open, first.high, first.low, first.close) == (99, 102, 98, 100)
    assert (first.volume, first.vwap, first.transactions) == (1000, 100, 7)
    begins = datetime.fromtimestamp(first.timestamp / 1000, UTC)
    assert begins == datetime(2024, 1, 2, 5, tzinfo=UTC)


def test_pages_are_followed_by_their_cursor(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    assert closes(client, limit=2, sort="desc") == [104, 103, 102, 101, 100]

    asked = [request["query"] for request in control.requests("/v2/aggs/*")]
    assert len(asked) == 3
    assert "limit=2" in asked[0]
    assert all(query.startswith("cursor=") and "&" not in query for query in asked[1:])


def test_next_url_is_on_the_public_host(client: RESTClient, week: Rows) -> None:
    raw = client.list_aggs("AAPL", 1, "day", *MONTH, limit=4, raw=True)

    told = raw.json()
    assert told["next_url"].startswith("https://api.massive.com/v2/aggs/ticker/AAPL/range/1/day/")
    assert (told["queryCount"], told["resultsCount"], told["count"]) == (4, 4, 4)
    assert (told["ticker"], told["adjusted"], told["status"]) == ("AAPL", True, "OK")


def test_range_bounds_are_days_or_milliseconds_and_both_count(
    client: RESTClient, week: Rows
) -> None:
    def found(start: Any, end: Any) -> list[float]:
        return [agg.close for agg in client.get_aggs("AAPL", 1, "day", start, end)]

    assert found(DAYS[1], DAYS[2]) == [101, 102]
    assert found(day_start_ms(DAYS[1]), day_start_ms(DAYS[2])) == [101, 102]
    assert found(day_start_ms(DAYS[1]) + 1, day_start_ms(DAYS[2]) - 1) == []


def test_the_last_day_of_a_range_counts_to_its_end(
    client: RESTClient, control: PolygonControl
) -> None:
    midnight = day_start_ms("2024-01-03")
    rows = [{"t": midnight - 60_000, "c": 1}, {"t": midnight, "c": 2}]
    control.add_aggs("AAPL", rows, 1, "minute")

    found = client.get_aggs("AAPL", 1, "minute", "2024-01-02", "2024-01-02")

    assert [agg.close for agg in found] == [1]


def test_limit_counts_base_bars_not_those_of_the_answer(
    client: RESTClient, control: PolygonControl
) -> None:
    hours = [{"t": day_start_ms("2024-01-02") + n * 3_600_000, "c": n} for n in range(5)]
    control.add_aggs("AAPL", hours, 1, "hour")

    found = list(client.list_aggs("AAPL", 1, "hour", *MONTH, limit=120))

    assert [agg.close for agg in found] == [0, 1, 2, 3, 4]
    assert len(control.requests()) == 3


def test_split_adjusts_what_lies_before_it_unless_told_not_to(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.add_splits(
        [{"ticker": "AAPL", "execution_date": DAYS[3], "split_from": 1, "split_to": 4}]
    )

    assert closes(client) == [25, 25.25, 25.5, 103, 104]
    assert closes(client, adjusted=False) == [100, 101, 102, 103, 104]
    volumes = [agg.volume for agg in client.get_aggs("AAPL", 1, "day", *MONTH)]
    assert volumes == [4000, 4000, 4000, 1000, 1000]


def test_without_data_the_answer_has_no_results(client: RESTClient, week: Rows) -> None:
    raw = client.get_aggs("AAPL", 1, "day", "2020-01-01", "2020-01-31", raw=True)

    assert "results" not in raw.json()
    assert raw.json()["resultsCount"] == 0
    assert client.get_aggs("AAPL", 1, "day", "2020-01-01", "2020-01-31") == []
    assert closes(client, "UNKNOWN") == []


def test_bad_rows_are_told_as_they_were_given(client: RESTClient, control: PolygonControl) -> None:
    rows = [bar(DAYS[1], 101), bar(DAYS[0], 100, c="187.15", v=None), {"t": "soon", "c": 1}]
    control.add_aggs("AAPL", rows)

    found = client.get_aggs("AAPL", 1, "day", *MONTH)

    assert [agg.close for agg in found] == [101, "187.15", 1]
    assert found[1].volume is None
    assert found[2].timestamp == "soon"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("1/day/2024-01-31/2024-01-01", "before 'from'"),
        ("1/day/soon/2024-01-01", "Could not parse"),
        ("1/day/2024-01-01/2024-01-31?limit=60000", "'limit'"),
        ("1/day/2024-01-01/2024-01-31?cursor=!!", "cursor"),
    ],
)
def test_what_cannot_be_understood_is_400(client: RESTClient, path: str, words: str) -> None:
    with pytest.raises(BadResponse, match=words):
        client._get(f"/v2/aggs/ticker/AAPL/range/{path}")


def test_grouped_day_and_previous_close_are_stamped_at_the_close(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.add_aggs("MSFT", [bar(DAYS[1], 50)])
    control.add_aggs("X:BTCUSD", [bar(DAYS[1], 42_000)])

    day = client.get_grouped_daily_aggs(DAYS[1])
    coins = client.get_grouped_daily_aggs(DAYS[1], locale="global", market_type="crypto")
    (previous,) = client.get_previous_close_agg("AAPL")

    close = datetime(2024, 1, 3, 21, tzinfo=UTC).timestamp() * 1000
    assert {(agg.ticker, agg.close, agg.timestamp) for agg in day} == {
        ("AAPL", 101, close),
        ("MSFT", 50, close),
    }
    assert [agg.ticker for agg in coins] == ["X:BTCUSD"]
    assert (previous.ticker, previous.close) == ("AAPL", 104)
    assert previous.timestamp == datetime(2024, 1, 8, 21, tzinfo=UTC).timestamp() * 1000
    assert client.get_grouped_daily_aggs("2024-01-06") == []


def test_previous_close_waits_for_the_close(
    client: RESTClient, control: PolygonControl, week: Rows
) -> None:
    control.add_aggs("AAPL", [bar("2024-01-09", 200)])
    assert client.get_previous_close_agg("AAPL")[0].close == 104

    control.set_now("2024-01-09T21:00:00Z")

    assert client.get_previous_close_agg("AAPL")[0].close == 200


def test_open_and_close_of_a_day(client: RESTClient, week: Rows) -> None:
    day = client.get_daily_open_close_agg("AAPL", DAYS[0])

    assert (day.symbol, day.from_, day.open, day.close) == ("AAPL", DAYS[0], 99, 100)
    with pytest.raises(BadResponse, match="Data not found"):
        client.get_daily_open_close_agg("AAPL", "2024-01-06")


def test_a_delayed_plan_says_so() -> None:
    with PolygonServer(is_delayed=True) as server:
        server.control.add_aggs("AAPL", [bar(DAYS[0], 1)])
        client = RESTClient("key", base=server.url)
        raw = client.get_aggs("AAPL", 1, "day", *MONTH, raw=True)
        client.client.clear()

    assert raw.json()["status"] == "DELAYED"
