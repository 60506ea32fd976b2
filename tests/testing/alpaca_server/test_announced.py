"""Corporate actions and news, as the vendor's own clients read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import CorporateActionsType
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.news import NewsClient
from alpaca.data.requests import CorporateActionsRequest, NewsRequest

from alphalens.testing.alpaca_server import AlpacaServer, Control
from alphalens.testing.alpaca_server.announced import GROUPS

DAY = {"process_date": "2026-02-10", "ex_date": "2026-02-10"}
SPLIT = {
    "id": "s1", "symbol": "NVDA", "cusip": "67066G104", "new_rate": 10, "old_rate": 1, **DAY,
}  # fmt: skip
DIVIDEND = {
    "id": "d1", "symbol": "AAPL", "cusip": "037833100", "rate": 0.25, "special": False,
    "foreign": False, "ex_date": "2026-02-09", "process_date": "2026-02-20",
}  # fmt: skip
SPIN_OFF = {
    "id": "o1", "source_symbol": "EBAY", "source_cusip": "1", "source_rate": 1,
    "new_symbol": "PYPL", "new_cusip": "2", "new_rate": 1, **DAY,
}  # fmt: skip
IDS = {
    name: f"00000000-0000-0000-0000-0000000000{n:02}" for n, name in enumerate(("s1", "d1", "o1"))
}


def article(key: int, updated: str, **changes: Any) -> dict[str, Any]:
    body = {
        "id": key, "headline": f"No. {key}", "source": "benzinga", "url": "https://a.b/c",
        "summary": "", "created_at": updated, "updated_at": updated, "symbols": ["AAPL"],
        "author": "A. B.", "content": "<p>Text</p>", "images": [],
    }  # fmt: skip
    return body | changes


@pytest.fixture
def actions(server: AlpacaServer, control: Control) -> Iterator[CorporateActionsClient]:
    for group, row in (
        ("forward_splits", SPLIT), ("cash_dividends", DIVIDEND), ("spin_offs", SPIN_OFF),
    ):  # fmt: skip
        control.announce(group, [row | {"id": IDS[row["id"]]}])
    made = CorporateActionsClient("PKTEST", "secret", url_override=server.data_url)
    yield made
    made._session.close()


@pytest.fixture
def news(server: AlpacaServer) -> Iterator[NewsClient]:
    made = NewsClient("PKTEST", "secret", url_override=server.data_url)
    yield made
    made._session.close()


def asked(**changes: Any) -> CorporateActionsRequest:
    fields = {"start": date(2026, 2, 1), "end": date(2026, 2, 28)}
    return CorporateActionsRequest(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({}, ["cash_dividends", "forward_splits", "spin_offs"]),
        ({"symbols": ["NVDA", "PYPL"]}, ["forward_splits", "spin_offs"]),
        ({"cusips": ["037833100"]}, ["cash_dividends"]),
        ({"types": [CorporateActionsType.CASH_DIVIDEND]}, ["cash_dividends"]),
        ({"end": date(2026, 2, 19)}, ["forward_splits", "spin_offs"]),
        ({"start": date(2026, 2, 11)}, ["cash_dividends"]),
        ({"start": None, "end": None}, []),
        ({"start": None, "end": None, "ids": [IDS["d1"]]}, ["cash_dividends"]),
    ],
)
def test_actions_by_what_is_asked(
    actions: CorporateActionsClient, changes: dict[str, Any], groups: list[str]
) -> None:
    assert sorted(actions.get_corporate_actions(asked(**changes)).data) == groups


def test_actions_are_what_was_announced(actions: CorporateActionsClient) -> None:
    found = actions.get_corporate_actions(asked()).data

    (split,), (dividend,) = found["forward_splits"], found["cash_dividends"]
    assert (split.symbol, split.new_rate, split.old_rate) == ("NVDA", 10, 1)
    assert (dividend.rate, dividend.ex_date) == (0.25, date(2026, 2, 9))


def test_actions_of_every_type_may_be_asked_for(actions: CorporateActionsClient) -> None:
    assert {f"{kind.value}s" for kind in CorporateActionsType} == set(GROUPS)
    actions.get_corporate_actions(asked(types=list(CorporateActionsType)))
    with pytest.raises(APIError) as refused:
        actions.get("/corporate-actions", {"types": "lottery"})
    assert refused.value.status_code == 422


def test_actions_come_in_pages_by_the_day_of_processing(actions: CorporateActionsClient) -> None:
    query = {"start": "2026-02-01", "end": "2026-02-28", "limit": 2}

    first = actions.get("/corporate-actions", query)
    second = actions.get("/corporate-actions", query | {"page_token": first["next_page_token"]})
    last = actions.get("/corporate-actions", query | {"sort": "desc", "limit": 1})

    assert sorted(first["corporate_actions"]) == ["forward_splits", "spin_offs"]
    assert list(second["corporate_actions"]) == ["cash_dividends"]
    assert second["next_page_token"] is None
    assert list(last["corporate_actions"]) == ["cash_dividends"]


def test_news_of_a_span_the_newest_first(news: NewsClient, control: Control) -> None:
    control.add_news(
        [
            article(1, "2026-03-01T10:00:00Z"),
            article(2, "2026-03-02T10:00:00Z", symbols=["MSFT"]),
            article(3, "2026-03-02T11:00:00Z", content=""),
        ]
    )
    since = datetime(2026, 3, 1, tzinfo=UTC)

    def keys(**changes: Any) -> list[int]:
        found = news.get_news(NewsRequest(**({"start": since} | changes)))
        return [item.id for item in found.data["news"]]

    assert keys() == [3, 2, 1]
    assert keys(sort="asc", symbols="AAPL,TSLA") == [1, 3]
    assert keys(start=since + timedelta(days=1)) == [3, 2]
    assert keys(end=since + timedelta(days=1)) == [1]
    assert keys(exclude_contentless=True) == [2, 1]
    assert keys(limit=2) == [3, 2]


def test_news_has_its_text_where_that_is_asked_for(news: NewsClient, control: Control) -> None:
    control.add_news([article(1, "2026-03-02T10:00:00Z")])

    (bare,) = news.get_news(NewsRequest(symbols="AAPL")).data["news"]
    (whole,) = news.get_news(NewsRequest(symbols="AAPL", include_content=True)).data["news"]

    assert (bare.headline, bare.author, bare.content) == ("No. 1", "A. B.", "")
    assert whole.content == "<p>Text</p>"


def test_news_comes_in_pages_of_50_that_the_vendor_joins(
    news: NewsClient, control: Control
) -> None:
    control.add_news([article(n, f"2026-03-02T10:{n % 60:02}:00Z") for n in range(120)])

    first = news.get("/news", {"limit": 500})
    found = news.get_news(NewsRequest(symbols="AAPL"))

    assert len(first["news"]) == 50
    assert len(found.data["news"]) == 120
