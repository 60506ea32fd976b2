"""Pages behind one call: deadlines, counting, the breaker, and what is kept of a bad answer."""

from __future__ import annotations

import asyncio
import random
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from alphalens.data._vendors.reading import Unfit
from alphalens.data._vendors.rest import Rest
from alphalens.data.asks import Ask
from alphalens.data.listening import NobodyListens
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.errors import DataError
from alphalens.net import RetryPolicy, Timing
from tests.net.servers import FakeTime

from .scripted_vendor import QUICK, Say, scripted

ASK = Ask(path="/v1/things", params={"symbols": "AAPL"})


def read(ask: Ask, body: Any) -> tuple[Any, Ask | None]:
    """Take ``rows``, and follow ``next``."""
    if "rows" not in body:
        raise Unfit(Reason.SCHEMA_DRIFT, f"no rows in {body}")
    onward = body.get("next")
    return body["rows"], Ask(path=ask.path, params={"page": onward}) if onward else None


class Ears(NobodyListens):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def answered(self, vendor: str, *, took_s: float) -> None:
        assert took_s >= 0
        self.heard.append(f"{vendor} answered")

    def failed(self, vendor: str, error: Exception) -> None:
        self.heard.append(f"{vendor} {type(error).__name__}")


@contextmanager
def asking(url: str, **changes: object) -> Iterator[Rest]:
    fields = {"vendor": "shop", "auth": {"key": "s3cret"}, "rng": random.Random(1)}
    rest = Rest(url, **{**fields, "options": QUICK, **changes})
    try:
        yield rest
    finally:
        rest.close()


def test_pages_come_in_the_order_of_the_asks_and_every_call_is_counted():
    answers = ({"rows": [1], "next": "2"}, {"rows": [2], "next": "3"}, {"rows": [3]}, {"rows": [4]})
    with (
        scripted(*answers) as vendor,
        asking(vendor.url, options=replace(QUICK, parallel=1)) as rest,
    ):
        told = rest.collect([ASK, replace(ASK, path="/v1/others")], read)

        assert told.pages == ([1], [2], [3], [4])
        assert told.calls == rest.calls == 4
    assert [got.path for got in vendor.got] == ["/v1/things"] * 3 + ["/v1/others"]
    assert vendor.got[1].query == {"page": "2"}
    assert told.received_at.tzinfo is not None


def test_calls_of_two_threads_are_counted_each_for_its_own():
    with (
        scripted(Say({"message": "soon"}, 503), {"rows": []}) as vendor,
        asking(vendor.url) as rest,
    ):
        counts: list[int] = []
        asks = [replace(ASK, path=f"/v1/{n}") for n in range(5)]
        workers = [
            threading.Thread(target=lambda: counts.append(rest.collect(asks, read).calls))
            for _ in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

        assert sorted(counts) == [5, 5, 6]  # one of them met the 503
        assert rest.calls == len(vendor.got) == 16


def test_retry_after_is_slept_through_and_not_less():
    clock = FakeTime()
    busy = Say({"error": "slow down"}, 429, {"Retry-After": "7"})
    options = replace(QUICK, timeout_s=60)
    with (
        scripted(busy, {"rows": []}) as vendor,
        asking(vendor.url, options=options, timing=clock.timing) as rest,
    ):
        assert rest.collect([ASK], read).calls == 2

    assert clock.now_s >= 7
    assert len(vendor.got) == 2


def test_a_retry_after_beyond_the_deadline_is_not_waited_for():
    busy = Say({"error": "slow down"}, 429, {"Retry-After": "3600"})
    with (
        scripted(busy) as vendor,
        asking(vendor.url) as rest,
        pytest.raises(DataError, match="429, slow down; ask less often"),
    ):
        rest.collect([ASK], read)

    assert len(vendor.got) == 1


def test_the_deadline_is_of_the_whole_call_and_not_of_each_page():
    clock = FakeTime()
    endless = [{"rows": [], "next": str(n)} for n in range(50)]

    def slow(ask: Ask, body: Any) -> tuple[Any, Ask | None]:
        clock.now_s += 1.0
        return read(ask, body)

    options = replace(QUICK, timeout_s=3.5)
    with (
        scripted(*endless) as vendor,
        asking(vendor.url, options=options, timing=clock.timing) as rest,
    ):
        timeout = r"shop /v1/things: the 3.5 s for the whole call"
        with pytest.raises(DataError, match=timeout):
            rest.collect([ASK], slow)

    assert len(vendor.got) == 4


def test_no_minute_has_more_calls_than_one_allows_the_first_one_neither():
    clock, came = FakeTime(), []

    def noting(ask: Ask, body: Any) -> tuple[Any, Ask | None]:
        came.append(clock.now_s)
        return read(ask, body)

    options = replace(QUICK, calls_per_minute=5, timeout_s=300.0, parallel=1)
    asks = [replace(ASK, path=f"/v1/{number}") for number in range(13)]
    with (
        scripted({"rows": []}) as vendor,
        asking(vendor.url, options=options, timing=clock.timing) as rest,
    ):
        rest.collect(asks, noting)

    assert max(sum(at <= later < at + 60 for later in came) for at in came) == 5
    assert clock.now_s < 122  # and no slower than that


def test_who_gave_up_waiting_keeps_no_turn_from_those_who_come_later():
    passed_s = [0.0]
    timing = Timing(monotonic=lambda: time.monotonic() + passed_s[0])
    options = replace(QUICK, calls_per_minute=2, timeout_s=0.1)
    with (
        scripted({"rows": []}) as vendor,
        asking(vendor.url, options=options, timing=timing) as rest,
    ):
        for _ in range(2):
            rest.collect([ASK], read)
        passed_s[0] = 59.0  # the bucket is full again, the minute is not over
        for _ in range(3):
            with pytest.raises(DataError, match="no turn"):
                rest.collect([ASK], read)
        passed_s[0] = 61.0
        for _ in range(2):
            rest.collect([ASK], read)

    assert len(vendor.got) == 4


def test_nobody_there_is_a_data_error_that_names_vendor_and_path():
    with scripted({"rows": []}) as vendor:
        url = vendor.url
    with asking(url) as rest, pytest.raises(DataError, match="shop /v1/things: no answer"):
        rest.collect([ASK], read)


@pytest.mark.parametrize("bad", ["<html>", Say("boom", 500)])
def test_a_vendor_that_fails_again_and_again_is_left_alone(bad):
    clock = FakeTime()
    options = replace(QUICK, retry=RetryPolicy(attempts=1), breaker_failures=2, breaker_pause_s=5.0)
    with (
        scripted(bad, bad, {"rows": [1]}) as vendor,
        asking(vendor.url, options=options, timing=clock.timing) as rest,
    ):
        for _ in range(2):
            with pytest.raises(DataError):
                rest.collect([ASK], read)
        with pytest.raises(DataError, match="failed 2 times in a row"):
            rest.collect([ASK], read)
        assert len(vendor.got) == rest.calls == 2

        clock.now_s += 5.0
        assert rest.collect([ASK], read).pages == ([1],)


def test_a_no_and_our_own_limit_are_no_failures_of_the_vendor():
    options = replace(
        QUICK, breaker_failures=1, calls_per_minute=2, timeout_s=0.1, retry=RetryPolicy(attempts=1)
    )
    with (
        scripted(Say({"message": "no"}, 403), {"rows": []}) as vendor,
        asking(vendor.url, options=options) as rest,
    ):
        with pytest.raises(DataError, match="403, no; check the key"):
            rest.collect([ASK], read)
        rest.collect([ASK], read)
        for _ in range(2):
            with pytest.raises(DataError, match="left no turn"):
                rest.collect([ASK], read)


def test_the_first_failure_of_several_asks_ends_them_all():
    with (
        scripted(Say({}, 404), {"rows": []}) as vendor,
        asking(vendor.url, options=replace(QUICK, parallel=1)) as rest,
    ):
        many = [ASK] * 20
        with pytest.raises(DataError, match="404"):
            rest.collect(many, read)
        time.sleep(0.1)  # what went on would have been asked by now

        assert len(vendor.got) <= 2


def test_the_text_of_a_refused_answer_is_kept_without_secrets():
    with scripted({"echo": "s3cret and more"}) as vendor, asking(vendor.url) as rest:
        with pytest.raises(AnswerRefused) as caught:
            rest.collect([ASK], read)

        assert rest.refused == (caught.value,)
    assert caught.value.raw == ('{"echo": "*** and more"}',)
    assert caught.value.asked == "/v1/things?symbols=AAPL"
    assert "s3cret" not in str(caught.value)


def test_each_page_tells_when_the_call_for_it_left_and_not_when_the_last_one_came():
    answers = ({"rows": [1], "next": "2"}, Say({"message": "soon"}, 503), {"rows": [2]})
    with scripted(*answers) as vendor:
        timing = Timing(wall=lambda: 1000.0 + 30.0 * len(vendor.got))  # a call takes 30 s
        with asking(vendor.url, timing=timing) as rest:
            told = rest.collect([ASK], read)

    assert [at.timestamp() for at in told.asked_at] == [1000.0, 1060.0]
    assert told.received_at.timestamp() == 1090.0


@pytest.mark.parametrize("place", range(40, 66))
def test_a_secret_is_in_no_words_of_a_refusal_however_it_is_cut(place):
    answer = "<" * place + "s3cret" + ">" * 99
    with (
        scripted(answer) as vendor,
        asking(vendor.url) as rest,
        pytest.raises(AnswerRefused) as caught,
    ):
        rest.collect([ASK], read)

    assert "s3" not in str(caught.value)
    assert "s3" not in "".join(traceback.format_exception(caught.value))
    assert "***" in caught.value.raw[0]


@pytest.mark.parametrize("place", range(190, 202))
def test_a_secret_is_in_no_words_of_a_no_however_they_are_cut(place):
    body = {"message": "<" * place + "s3cret"}
    with (
        scripted(Say(body, 403)) as vendor,
        asking(vendor.url) as rest,
        pytest.raises(DataError) as caught,
    ):
        rest.collect([ASK], read)

    assert "s3" not in str(caught.value)


def test_only_the_last_refusals_are_kept():
    with scripted({}) as vendor, asking(vendor.url) as rest:
        for _ in range(20):
            with pytest.raises(AnswerRefused):
                rest.collect([ASK], read)

        assert len(rest.refused) == 16


def test_the_listener_hears_of_every_answer_and_failure():
    ears = Ears()
    with scripted("<html>", {"rows": []}) as vendor, asking(vendor.url, listener=ears) as rest:
        rest.collect([ASK], read)

    assert ears.heard == ["shop AnswerRefused", "shop answered"]


def test_it_answers_where_an_event_loop_runs_already():
    async def notebook() -> int:
        with scripted({"rows": []}) as vendor, asking(vendor.url) as rest:
            return rest.collect([ASK], read).calls

    assert asyncio.run(notebook()) == 1


def test_fractions_are_exact_or_fast():
    with scripted({"rows": 0.1}) as vendor, asking(vendor.url) as rest:
        assert rest.collect([ASK], read, is_exact=True).pages == (Decimal("0.1"),)
        (fast,) = rest.collect([ASK], read).pages
    assert type(fast) is float


def test_infinity_is_no_json_where_numbers_are_exact():
    with scripted('{"rows": Infinity}') as vendor, asking(vendor.url) as rest:
        assert rest.collect([ASK], read).pages == (float("inf"),)
        with pytest.raises(AnswerRefused) as caught:
            rest.collect([ASK], read, is_exact=True)

    assert caught.value.reason is Reason.NOT_JSON
