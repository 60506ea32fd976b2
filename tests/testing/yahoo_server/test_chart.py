"""Charts, as yfinance reads them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import yfinance as yf
from yfinance.exceptions import YFPricesMissingError

from alphalens.testing.yahoo_server import YahooControl

from .conftest import DAYS, bar

# yfinance 1.7 calls pandas in ways that pandas 3 warns about.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
JANUARY = {"start": "2024-01-01", "end": "2024-01-31"}


def history(session: requests.Session, symbol: str = "AAPL", **options: Any) -> Any:
    return yf.Ticker(symbol, session=session).history(**options)


def raw(session: requests.Session, symbol: str = "AAPL", **query: Any) -> requests.Response:
    address = f"https://query2.finance.yahoo.com/v8/finance/chart/{symbol}"
    return session.get(address, params=query)


def test_history_has_the_days_of_the_range(session: requests.Session, week: None) -> None:
    found = history(session, start=DAYS[1], end=DAYS[4])

    assert [str(day.date()) for day in found.index] == [*DAYS[1:4]]
    assert str(found.index.tz) == "America/New_York"
    assert found["Open"].tolist() == [100, 101, 102]
    assert found["High"].tolist() == [103, 104, 105]
    assert found["Low"].tolist() == [99, 100, 101]
    assert found["Close"].tolist() == [101, 102, 103]
    assert found["Volume"].tolist() == [1000, 1000, 1000]


def test_history_by_period(session: requests.Session, control: YahooControl, week: None) -> None:
    control.add_bars("AAPL", [bar("2023-12-01", 90)])

    assert history(session, period="5d")["Close"].tolist() == [100, 101, 102, 103, 104]
    assert history(session, period="1d")["Close"].tolist() == [104]
    assert len(history(session, period="3mo")) == 6
    assert len(history(session, period="ytd")) == 5


def test_the_client_learns_the_zone_first_and_asks_by_instants(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    history(session, **JANUARY)

    charts = [parse_qs(r["query"]) for r in control.requests("/v8/*")]
    assert [query.get("range") for query in charts] == [["1d"], None]
    assert charts[1]["period1"] == ["1704085200"]
    assert charts[1]["events"] == ["div,splits,capitalGains"]
    hosts = [r["host"] for r in control.requests()]
    assert hosts[0] == "fc.yahoo.com"
    assert hosts[-1] == "query2.finance.yahoo.com"


def test_download_of_several_symbols(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.add_bars("MSFT", [bar(DAYS[0], 50), bar(DAYS[4], 51)])

    found = yf.download(["AAPL", "MSFT"], **JANUARY, session=session, progress=False)

    assert found["Close"]["AAPL"].tolist() == [100, 101, 102, 103, 104]
    assert found["Close"]["MSFT"].dropna().tolist() == [50, 51]
    assert found.columns.names == ["Price", "Ticker"]


def test_prices_are_told_after_splits_and_dividends_as_an_adjusted_close(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.add_split("AAPL", DAYS[3], 4, 1)
    control.add_dividend("AAPL", DAYS[1], 10)

    found = history(session, **JANUARY, auto_adjust=False)
    fitted = history(session, start="2024-01-01", end="2024-01-30")

    assert found["Close"].tolist() == [25, 25.25, 25.5, 103, 104]
    assert found["Volume"].tolist() == [4000, 4000, 4000, 1000, 1000]
    assert found["Adj Close"].tolist() == [22.5, 25.25, 25.5, 103, 104]
    assert found["Dividends"].tolist() == [0, 2.5, 0, 0, 0]
    assert found["Stock Splits"].tolist() == [0, 0, 0, 4, 0]
    assert fitted["Close"].tolist() == [22.5, 25.25, 25.5, 103, 104]


def test_an_adjusted_close_may_be_given(session: requests.Session, control: YahooControl) -> None:
    control.add_bars("AAPL", [bar(DAYS[0], 100, adjclose=42.0)])

    assert history(session, **JANUARY)["Close"].tolist() == [42]


def test_a_running_session_bears_the_present_time(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    control.add_bars("AAPL", [bar("2024-01-09", 105)])
    control.set_now("2024-01-09T16:00:30Z")
    running = raw(session, range="1d").json()["chart"]["result"][0]
    control.set_now("2024-01-09T21:00:00Z")
    closed = raw(session, range="1d").json()["chart"]["result"][0]

    assert running["timestamp"] == [1704816030]
    assert running["meta"]["regularMarketTime"] == 1704816030
    assert closed["timestamp"] == [1704810600]
    assert closed["meta"]["regularMarketTime"] == 1704834000


def test_minutes_of_a_session_and_around_it(
    session: requests.Session, control: YahooControl, week: None
) -> None:
    opening = 1704724200  # 2024-01-08 09:30 in New York
    minutes = [
        {"timestamp": opening + at, "open": 1, "high": 1, "low": 1, "close": at, "volume": 5}
        for at in (-60, 0, 60)
    ]
    control.add_bars("AAPL", minutes, "1m")

    inside = history(session, period="5d", interval="1m")
    around = history(session, period="5d", interval="1m", prepost=True)

    assert inside["Close"].tolist() == [0, 60]
    assert around["Close"].tolist() == [-60, 0, 60]
    assert str(inside.index[0]) == "2024-01-08 09:30:00-05:00"
    asked = {"range": "5d", "interval": "1m"}  # the client would leave out the others by itself
    assert raw(session, **asked).json()["chart"]["result"][0]["timestamp"] == [
        opening,
        opening + 60,
    ]


def test_another_exchange(session: requests.Session, control: YahooControl) -> None:
    control.add_symbol("VOD.L", currency="GBp", zone="Europe/London", opens="08:00", closes="16:30")
    control.add_bars("VOD.L", [bar(DAYS[0], 68.5)])
    ticker = yf.Ticker("VOD.L", session=session)

    found = ticker.history(**JANUARY)

    assert str(found.index[0]) == "2024-01-02 00:00:00+00:00"
    assert ticker.history_metadata["currency"] == "GBp"


def test_an_unknown_symbol_is_404(session: requests.Session) -> None:
    answer = raw(session, "NOBODY", range="1d")

    assert answer.status_code == 404
    assert answer.json()["chart"] == {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
    # The client asks for a summary then; a session of requests raises what it does not expect.
    with pytest.raises(requests.HTTPError, match="quoteSummary/NOBODY") as refused:
        history(session, "NOBODY", **JANUARY)
    error = refused.value.response.json()["quoteSummary"]["error"]
    assert error["description"] == "Quote not found for symbol: NOBODY"


def test_a_time_before_the_first_bar_is_400_and_a_weekend_is_empty(
    session: requests.Session, week: None
) -> None:
    with pytest.raises(YFPricesMissingError, match="Data doesn't exist for startDate"):
        history(session, start="2020-01-01", end="2020-02-01")

    weekend = raw(session, period1=1704517200, period2=1704603600).json()["chart"]["result"][0]

    assert "timestamp" not in weekend
    assert weekend["indicators"]["quote"] == [{}]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"interval": "7m"}, 422, "interval=7m is not supported"),
        ({"range": "7y"}, 422, "range=7y is not supported"),
        ({"period1": "soon"}, 422, "must be numbers"),
        ({"period1": 1704500000, "period2": 1704400000}, 400, "cannot be after end date"),
        ({"interval": "1m", "period1": 1703900000, "period2": 1704800000}, 422, "Only 8 days"),
        ({"interval": "5m", "period1": 1690000000, "period2": 1690100000}, 422, "last 60 days"),
    ],
)
def test_what_a_chart_refuses(
    session: requests.Session, week: None, query: dict[str, Any], status: int, words: str
) -> None:
    answer = raw(session, **query)

    assert answer.status_code == status
    assert words in answer.json()["chart"]["error"]["description"]


def test_bad_rows_are_told_as_they_were_given(
    session: requests.Session, control: YahooControl
) -> None:
    rows = [bar(DAYS[1], 101), bar(DAYS[0], None), {"timestamp": "soon", "close": "1,5"}]
    control.add_bars("AAPL", rows)

    told = raw(session, range="1mo").json()["chart"]["result"][0]

    assert told["timestamp"] == [1704292200, 1704205800, "soon"]
    (quote,) = told["indicators"]["quote"]
    assert quote["close"] == [101, None, "1,5"]
    assert quote["open"] == [100, -1, None]
    assert told["indicators"]["adjclose"][0]["adjclose"] == [101, None, "1,5"]


def test_cleared_and_delisted(session: requests.Session, control: YahooControl, week: None) -> None:
    control.clear_bars("AAPL")
    assert "timestamp" not in raw(session, range="max").json()["chart"]["result"][0]

    control.delist("AAPL")

    assert raw(session, range="max").status_code == 404
