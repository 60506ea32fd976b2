import asyncio
import gzip
import logging
import random
import socket
import traceback
import zlib
from dataclasses import replace

import pytest

from alphalens.errors import ConfigError, InputError
from alphalens.net import (
    Ambiguous,
    Breaker,
    BreakerOpen,
    CaptureRing,
    Limiter,
    NotSent,
    Priority,
    Request,
    RetryPolicy,
    Timeouts,
    Transport,
)
from alphalens.net.breaker import BreakerState, Outcome
from alphalens.net.failures import AnswerTooLarge
from tests.waiting import PATIENCE_S

from .servers import FakeTime, answer, hang, raw, serving

SECRET = "s3cr3t-value"
# No time of packing in what names a test: two workers collect the same names.
TWICE_PACKED = gzip.compress(gzip.compress(bytes(10**8), mtime=0), mtime=0)
QUICK = RetryPolicy(base_s=0.001, cap_s=0.001)
PATIENT = Timeouts(
    connect_s=PATIENCE_S,
    read_s=PATIENCE_S,
    write_s=PATIENCE_S,
    pool_s=PATIENCE_S,
    total_s=PATIENCE_S,
)
GET = Request(method="GET", path="/v2/clock")
POST = Request(method="POST", path="/v2/orders", body='{"qty": "1.10"}', priority=Priority.OPEN)
CANCEL = Request(method="DELETE", path="/v2/orders/1", priority=Priority.CANCEL)


async def slowly(writer):
    await asyncio.sleep(0.01)
    await answer()(writer)


reset_before_answer = raw(b"")
cut_body = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")


def connect(url, **parts):
    parts.setdefault("retry", QUICK)
    parts.setdefault("timeouts", PATIENT)
    return Transport(url, rng=random.Random(5), **parts)


def talk(acts, scene, **parts):
    """Run a scene with a transport to a server that acts like this; give (result, calls)."""

    async def run():
        async with serving(*acts) as (server, url):
            transport = connect(url, **parts)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    return await scene(transport), server
            finally:
                await transport.close()

    return asyncio.run(run())


def ask(acts, request, **parts):
    async def scene(transport):
        try:
            return await transport.request(request)
        except (NotSent, Ambiguous) as error:
            return error

    return talk(acts, scene, **parts)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_an_answer_comes_back_as_it_was_sent():
    request = Request(method="GET", path="/v2/a%2Fb", params={"symbols": "A,B/C", "nested": "true"})
    response, server = ask([answer(200, b'{"p":"0.10"}', X_Kind="q")], request)
    assert (response.status, response.json()) == (200, {"p": "0.10"})
    assert response.headers["x-kind"] == "q"
    assert response.elapsed_s > 0
    assert server.calls == ["GET /v2/a%2Fb?symbols=A%2CB%2FC&nested=true"]


def test_the_body_arrives_byte_for_byte_with_the_credentials():
    _, server = ask([answer()], POST, auth={"APCA-KEY": SECRET}, headers={"X-App": "a"})
    _, _, headers, body = server.received[0]
    assert body == b'{"qty": "1.10"}'
    assert headers["apca-key"] == SECRET
    assert headers["content-type"] == "application/json"
    assert headers["x-app"] == "a"


def test_a_base_with_a_path_stands_before_every_path():
    async def run():
        async with serving(answer()) as (server, url):
            transport = connect(f"{url}/base/")
            await transport.request(GET)
            await transport.close()
            return server.calls

    assert asyncio.run(run()) == ["GET /base/v2/clock"]


@pytest.mark.parametrize("request_", [GET, POST])
def test_a_refused_connection_was_certainly_not_sent(request_):
    async def run():
        transport = connect(f"http://127.0.0.1:{free_port()}")
        with pytest.raises(NotSent, match=r"ConnectError.*Nothing was sent"):
            await transport.request(request_)
        await transport.close()

    asyncio.run(run())


def test_tls_that_fails_was_certainly_not_sent():
    seen = []

    async def speaks_no_tls(reader, writer):
        seen.append(await reader.read(4096))
        writer.write(b"what?\r\n")
        writer.close()

    async def run():
        async with await asyncio.start_server(speaks_no_tls, "127.0.0.1", 0) as server:
            transport = connect(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(NotSent, match=r"SSL.*Nothing was sent"):
                await transport.request(POST)
            await transport.close()

    asyncio.run(run())
    assert len(seen) == 1
    assert b"POST" not in seen[0]


def test_a_connection_never_accepted_is_not_sent_at_the_deadline():
    async def run():
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            crowd = [socket.socket() for _ in range(4)]
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(address)
            transport = connect(f"http://127.0.0.1:{address[1]}")
            with pytest.raises(NotSent, match="deadline"):
                await transport.request(Request(method="POST", path="/", body="{}", deadline_s=0.1))
            await transport.close()
            for one in crowd:
                one.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "act", [reset_before_answer, cut_body, raw(b"garbage\r\n\r\n"), raw(b"HTTP/1.1 200 OK\r\n")]
)
def test_a_call_that_left_and_got_no_whole_answer_is_ambiguous_and_sent_once(act):
    error, server = ask([act], POST)
    assert isinstance(error, Ambiguous)
    assert "look it up" in str(error)
    assert server.calls == ["POST /v2/orders"]


def test_a_server_that_hangs_is_ambiguous_by_the_read_timeout():
    error, server = ask([hang], POST, timeouts=replace(PATIENT, read_s=0.5))
    assert isinstance(error, Ambiguous)
    assert "ReadTimeout" in str(error)
    assert len(server.calls) == 1


def test_a_server_that_hangs_is_ambiguous_at_the_deadline():
    request = Request(method="POST", path="/v2/orders", body="{}", deadline_s=1.0)
    error, server = ask([hang], request)
    assert isinstance(error, Ambiguous)
    assert "the deadline passed" in str(error)
    assert len(server.calls) == 1


def test_a_body_that_drips_for_ever_meets_the_deadline():
    async def drip(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        for _ in range(200):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    request = Request(method="POST", path="/v2/orders", body="{}", deadline_s=1.5)
    error, _ = ask([drip], request, timeouts=replace(PATIENT, read_s=1.0))
    assert isinstance(error, Ambiguous)
    assert "the deadline passed" in str(error)


@pytest.mark.parametrize("status", [200, 204, 207, 400, 401, 403, 404, 422, 429, 500, 502, 504])
def test_every_status_is_an_answer_to_a_post_and_comes_once(status):
    body = b"" if status == 204 else b"<html>x</html>"
    response, server = ask([answer(status, body, Retry_After="0")], POST)
    assert (response.status, response.body) == (status, body)
    assert len(server.calls) == 1


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_what_changes_something_is_never_repeated(method):
    for act in (answer(503), reset_before_answer):
        _, server = ask([act], Request(method=method, path="/v2/orders/1"))
        assert len(server.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_answer(status):
    acts = [answer(status, b"", Location="/elsewhere"), answer(200)]
    for request in (GET, POST):
        response, server = ask(acts, request)
        assert response.status == status
        assert response.headers["location"] == "/elsewhere"
        assert len(server.calls) == 1


def test_reads_are_repeated_until_they_succeed():
    acts = [answer(502, b"<html>"), reset_before_answer, answer(200, b"1")]
    response, server = ask(acts, GET)
    assert response.json() == 1
    assert server.calls == ["GET /v2/clock"] * 3


def test_reads_that_go_on_failing_give_the_last_answer_or_error():
    response, server = ask([answer(503)], GET)
    assert response.status == 503
    assert len(server.calls) == QUICK.attempts
    error, server = ask([reset_before_answer], GET)
    assert isinstance(error, Ambiguous)
    assert len(server.calls) == QUICK.attempts


def test_a_definite_answer_to_a_read_is_not_asked_again():
    response, server = ask([answer(404)], GET)
    assert response.status == 404
    assert len(server.calls) == 1


def test_a_repeated_read_waits_as_long_as_the_server_asks():
    time = FakeTime()
    acts = [answer(503, Retry_After="7"), answer(200)]
    response, _ = ask(acts, Request(method="GET", path="/", deadline_s=30), timing=time.timing)
    assert response.status == 200
    assert time.slept == [7.0]


def test_a_wait_beyond_the_deadline_is_not_begun():
    time = FakeTime()
    response, server = ask([answer(503, Retry_After="600")], GET, timing=time.timing)
    assert response.status == 503
    assert (len(server.calls), time.slept) == (1, [])


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Ratelimit_Remaining": "0", "X_Ratelimit_Reset": str(1_700_000_000 + 8)},
        {"X_Ratelimit_Reset": str(1_700_000_000 + 8)},
        {"Retry_After": "8"},
    ],
)
def test_a_429_holds_the_next_call_as_long_as_the_server_says(headers):
    time = FakeTime()
    limiter = Limiter(calls=200, reserve=5, timing=time.timing)

    async def scene(transport):
        first = await transport.request(POST)
        second = await transport.request(POST)
        return first.status, second.status

    acts = [answer(429, **headers), answer(200)]
    statuses, server = talk(acts, scene, limiter=limiter, timing=time.timing)
    assert statuses == (429, 200)
    assert len(server.calls) == 2
    assert time.now_s == pytest.approx(8)


def test_without_a_turn_before_the_deadline_nothing_is_sent():
    async def scene(transport):
        await transport.request(CANCEL)
        with pytest.raises(NotSent, match=r"no turn within 0\.\d s, with 0 calls"):
            await transport.request(Request(method="POST", path="/", deadline_s=0.05))
        return limiter.waiting

    limiter = Limiter(calls=1, window_s=1000, reserve=0)
    waiting, server = talk([answer()], scene, limiter=limiter)
    assert waiting == 0
    assert len(server.calls) == 1


def test_calls_arrive_by_priority():
    arrived = []

    async def noted(writer):
        arrived.append(len(arrived))
        await answer()(writer)

    class Late(FakeTime):
        """Time that passes when each of the five calls waits or has arrived."""

        async def sleep(self, seconds):
            while len(arrived) + limiter.waiting < 5:
                await asyncio.sleep(0)
            await super().sleep(seconds)

    time = Late()
    limiter = Limiter(calls=1, window_s=1, reserve=0, timing=time.timing)

    async def scene(transport):
        await transport.request(GET)
        order = [("r", 3), ("o", 2), ("d", 1), ("c", 0)]
        await asyncio.gather(
            *(
                transport.request(Request(method="POST", path=f"/{name}", priority=Priority(level)))
                for name, level in order
            )
        )

    _, server = talk([noted], scene, limiter=limiter, timing=time.timing)
    assert server.calls[1:] == ["POST /c", "POST /d", "POST /o", "POST /r"]


def with_eight_reads_that_hang(scene, **parts):
    """Run a scene while as many reads hang as there are connections for reads."""

    async def run():
        async with serving(hang) as (server, url):
            transport = connect(url, timeouts=replace(PATIENT, pool_s=0.2), **parts)
            reads = [asyncio.create_task(transport.request(GET)) for _ in range(8)]
            while len(server.received) < 8:
                await asyncio.sleep(0.01)
            server.acts = [answer(204, b"")]
            try:
                return await scene(transport)
            finally:
                for read in reads:
                    read.cancel()
                await asyncio.gather(*reads, return_exceptions=True)
                await transport.close()

    return asyncio.run(run())


def test_slow_reads_do_not_keep_a_cancel_waiting_for_a_connection():
    response = with_eight_reads_that_hang(lambda transport: transport.request(CANCEL))
    assert response.status == 204


def test_no_free_connection_was_certainly_not_sent():
    with pytest.raises(NotSent, match="PoolTimeout"):
        with_eight_reads_that_hang(
            lambda transport: transport.request(GET), retry=RetryPolicy(attempts=1)
        )


@pytest.mark.parametrize(("parts", "at_once"), [({}, 8), ({"connections": 3}, 3)])
def test_reads_at_once_keep_the_connections_they_have(parts, at_once):
    async def scene(transport):
        for _ in range(3):
            await asyncio.gather(*(transport.request(GET) for _ in range(2 * at_once)))

    _, server = talk([slowly], scene, **parts)

    assert len(server.received) == 6 * at_once
    assert server.connections == at_once


def test_the_breaker_opens_fails_fast_lets_cancels_pass_and_closes_after_a_probe():
    time = FakeTime()
    breaker = Breaker(failures=2, pause_s=10, timing=time.timing)

    async def scene(transport):
        for _ in range(2):
            await transport.request(POST)
        with pytest.raises(BreakerOpen, match="2 times in a row"):
            await transport.request(POST)
        assert (await transport.request(CANCEL)).status == 500
        time.now_s += 10
        assert (await transport.request(POST)).status == 200
        return breaker.state

    acts = [answer(500), answer(502, b"<html>"), answer(500), answer(200)]
    state, server = talk(acts, scene, breaker=breaker, timing=time.timing)
    assert state is BreakerState.CLOSED
    assert len(server.calls) == 4


def test_a_breaker_that_opens_during_the_wait_for_a_turn_gives_the_turn_back():
    time = FakeTime()
    limiter = Limiter(calls=1, window_s=1, reserve=0, timing=time.timing)
    breaker = Breaker(failures=1, pause_s=50, timing=time.timing)

    async def scene(transport):
        await limiter.acquire(Priority.OPEN)
        waiting = asyncio.create_task(transport.request(POST))
        while not limiter.waiting:
            await asyncio.sleep(0)
        breaker.settle(Outcome.BADLY, is_probe=False)
        with pytest.raises(BreakerOpen):
            await waiting
        before = time.now_s
        await limiter.acquire(Priority.OPEN)
        return time.now_s - before

    waited_s, server = talk([answer()], scene, limiter=limiter, breaker=breaker)
    assert waited_s == 0
    assert server.calls == []


def test_a_read_that_may_not_be_repeated_gives_what_the_first_try_brought():
    breaker = Breaker(failures=1, pause_s=50)
    response, server = ask([answer(503)], GET, breaker=breaker)
    assert response.status == 503
    assert len(server.calls) == 1


def test_a_path_that_no_address_can_hold_is_refused():
    async def scene(transport):
        with pytest.raises(InputError, match="cannot be built"):
            await transport.request(Request(method="GET", path="/" + "a" * 70_000))

    _, server = talk([answer()], scene)
    assert server.calls == []


def test_a_refusal_by_the_venue_is_no_failure_of_the_server():
    breaker = Breaker(failures=1)
    for status in (401, 403, 422, 429):
        ask([answer(status)], POST, breaker=breaker)
    assert breaker.state is BreakerState.CLOSED
    ask([reset_before_answer], POST, breaker=breaker)
    assert breaker.state is BreakerState.OPEN


def test_a_cancelled_probe_frees_its_place_and_nothing_is_left_over():
    time = FakeTime()
    breaker = Breaker(failures=1, pause_s=1, timing=time.timing)

    async def scene(transport):
        await transport.request(POST)
        time.now_s = 1
        probe = asyncio.create_task(transport.request(POST))
        while breaker.state is not BreakerState.HALF_OPEN:
            await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        return breaker.state

    state, _ = talk([answer(500), hang], scene, breaker=breaker, timing=time.timing)
    assert state is BreakerState.OPEN
    assert breaker.enter(Priority.OPEN) is True


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_answer_over_the_cap_is_dropped_with_a_clear_error(is_packed):
    body = b"x" * 2000
    packed = {"Content_Encoding": "gzip"} if is_packed else {}
    act = answer(200, gzip.compress(body, mtime=0) if is_packed else body, **packed)
    error, server = ask([act], GET, max_body_bytes=1999)
    assert isinstance(error, AnswerTooLarge)
    assert "longer than 1999 bytes" in str(error)
    assert len(server.calls) == 1
    response, _ = ask([act], GET, max_body_bytes=2000)
    assert response.body == body


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate"])
def test_one_packing_is_undone(coding):
    pack = zlib.compress if coding == "deflate" else gzip.compress
    response, server = ask([answer(200, pack(b'{"a": 1}'), Content_Encoding=coding)], GET)
    assert response.body == b'{"a": 1}'
    assert server.received[0][2]["accept-encoding"] == "gzip, deflate"
    empty, _ = ask([answer(200, b"", Content_Encoding=coding)], GET)
    assert empty.body == b""


@pytest.mark.parametrize(
    ("body", "coding", "says"),
    [
        (
            gzip.compress(gzip.compress(bytes(10**8), mtime=0), mtime=0),
            "gzip, gzip",
            "packed as gzip, gzip",
        ),
        (b"(\xb5/\xfd", "zstd", "packed as zstd"),
        (gzip.compress(b"x" * 5000, mtime=0)[:-9], "gzip", "too early"),
        (b"no packing", "gzip", "cannot be unpacked"),
    ],
)
def test_a_packing_that_could_be_a_bomb_or_is_broken_is_no_answer(body, coding, says):
    error, _ = ask([answer(200, body, Content_Encoding=coding)], GET)
    assert isinstance(error, Ambiguous | NotSent)
    assert says in f"{error} {error.__cause__}"


def test_a_body_that_unpacks_to_far_more_is_dropped_before_it_is_whole():
    error, _ = ask(
        [answer(200, gzip.compress(bytes(10**8)), Content_Encoding="gzip")],
        GET,
        max_body_bytes=10_000,
    )
    assert isinstance(error, AnswerTooLarge)


def test_exchanges_are_captured_without_secrets():
    ring = CaptureRing()
    request = Request(
        method="GET", path="/v3/bars", params={"apiKey": SECRET}, body=f'{{"k":"{SECRET}"}}'
    )
    acts = [raw(b""), answer(200, f'{{"echo":"{SECRET}"}}'.encode())]
    response, _ = ask(acts, request, sink=ring, secrets=[SECRET])
    lost, kept = ring.exchanges()
    assert SECRET in response.text
    assert (kept.status, kept.path, kept.sent) == (200, "/v3/bars?apiKey=***", '{"k":"***"}')
    assert kept.received == '{"echo":"***"}'
    assert kept.elapsed_s > 0
    assert lost.status is None
    assert "RemoteProtocolError" in lost.problem
    assert SECRET not in repr(ring.exchanges())


def test_a_call_that_the_caller_cancels_is_captured_too():
    ring = CaptureRing()

    async def scene(transport):
        call = asyncio.create_task(transport.request(POST))
        await asyncio.sleep(0.1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    talk([hang], scene, sink=ring)
    (kept,) = ring.exchanges()
    assert kept.status is None
    assert "cancelled by the caller" in kept.problem


def test_secrets_are_in_no_text_of_an_error_a_repr_or_a_log(caplog):
    caplog.set_level(logging.DEBUG)
    request = Request(
        method="GET", path=f"/{SECRET}", params={"apiKey": SECRET}, headers={"X-More": SECRET}
    )
    leaks = raw(f"HTTP/1.1 200 OK\r\nX-Echo: {SECRET}\r\nX-Echo: {SECRET}\x00\r\n\r\n".encode())
    texts = []

    async def scene(transport):
        texts.append(repr(transport))
        for _ in range(3):
            try:
                await transport.request(request)
            except Ambiguous as error:
                texts.extend(traceback.format_exception(error))

    parts = {"auth": {"X-Key": SECRET}, "retry": RetryPolicy(attempts=1)}
    talk([raw(b""), cut_body, answer()], scene, **parts)
    texts.append(caplog.text)
    talk([leaks], scene, **parts)
    assert "/***" in "".join(texts)
    assert SECRET not in "".join(texts)


@pytest.mark.parametrize("key", ["s3cr3t-value\n", "s3cr3t-välue"])
def test_a_key_that_cannot_be_sent_is_refused_at_once_and_not_shown(key):
    with pytest.raises(ConfigError, match="X-Key") as caught:
        connect("http://127.0.0.1:9", auth={"X-Key": key})
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


def test_settings_that_make_no_transport_are_refused():
    with pytest.raises(ConfigError, match="unencrypted"):
        connect("http://api.example.com")
    with pytest.raises(ConfigError, match="max_body_bytes is 0"):
        connect("http://127.0.0.1:9", max_body_bytes=0)
    with pytest.raises(ConfigError, match="connections is 0"):
        connect("http://127.0.0.1:9", connections=0)
    with pytest.raises(ConfigError, match="read_s is 0"):
        Timeouts(read_s=0)
