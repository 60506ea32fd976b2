import pytest

from alphalens.net.rates import read_rates

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # 1_700_000_000
NOW = 1_700_000_000


def test_the_three_headers_are_read():
    rates = read_rates(
        {
            "x-ratelimit-limit": "200",
            "x-ratelimit-remaining": "7",
            "x-ratelimit-reset": str(NOW + 30),
        },
        wall_s=NOW,
    )
    assert (rates.limit, rates.remaining, rates.resets_in_s) == (200, 7, 30.0)
    assert rates.pause_s is None


@pytest.mark.parametrize("reset", ["30", str(NOW + 30), str((NOW + 30) * 1000)])
def test_a_reset_may_be_seconds_an_instant_or_milliseconds(reset):
    assert read_rates({"x-ratelimit-reset": reset}, wall_s=NOW).resets_in_s == 30.0


def test_the_servers_date_goes_before_a_clock_that_is_wrong():
    headers = {"x-ratelimit-reset": str(NOW + 2), "x-ratelimit-remaining": "0", "date": DATE}
    assert read_rates(headers, wall_s=NOW - 3600).pause_s == 2.0


def test_retry_after_may_be_seconds_or_a_date():
    assert read_rates({"retry-after": "3.5"}, wall_s=NOW).pause_s == 3.5
    assert read_rates({"retry-after": DATE}, wall_s=NOW - 9).pause_s == 9.0
    assert read_rates({"retry-after": DATE}, wall_s=NOW + 9).pause_s == 0.0


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-5", "Tue, 99 Nov"])
def test_what_cannot_be_read_is_nothing(text):
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after")
    rates = read_rates(dict.fromkeys((*names, "date"), text), wall_s=NOW)
    assert rates == read_rates({}, wall_s=NOW)
    assert rates.pause_s is None
