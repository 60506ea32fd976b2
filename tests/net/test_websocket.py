import asyncio
import logging
import random
import traceback
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from alphalens.errors import ConfigError
from alphalens.net import NetError, NotSent, Redactor, Refused, Stream, StreamSettings, Timing
from tests.waiting import PATIENCE_S

SECRET = "s3cr3t-value"


class Desk:
    """The user of a stream: greets, and notes all that it is told."""

    def __init__(self):
        self.frames, self.states, self.mutes = [], [], []
        self.something = asyncio.Event()

    async def hello(self, line):
        await line.send(f'{{"key":"{SECRET}"}}')
        if await line.recv() != "welcome":
            raise Refused(f"the venue does not know {SECRET}")

    def on_frame(self, frame):
        self.frames.append(frame)
        self.something.set()

    def on_state(self, is_up, reason):
        self.states.append((is_up, reason))
        self.something.set()

    def on_mute(self, silent_s):
        self.mutes.append(silent_s)
        self.something.set()

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                self.something.clear()
                await self.something.wait()

    @property
    def losses(self):
        return [reason for is_up, reason in self.states if not is_up]

    @property
    def ups(self):
        return sum(is_up for is_up, _ in self.states)


class Venue:
    """Greets, then plays one act per connection; the last repeats. Counts who came."""

    def __init__(self, *acts):
        self.acts, self.greeted = acts, 0

    async def __call__(self, line):
        try:
            await line.recv()
            await line.send("welcome")
            self.greeted += 1
            await self.acts[min(self.greeted, len(self.acts)) - 1](line)
        except ConnectionClosed:
            pass


async def stay(line):
    await line.wait_closed()


async def drop(line):
    line.transport.abort()


def send_then(act, *frames):
    async def send(line):
        for frame in frames:
            await line.send(frame)
        await act(line)

    return send


@asynccontextmanager
async def playing(venue, desk=None, *, serving=None, **settings):
    """Serve a venue, run a stream against it, and close both."""
    desk = desk or Desk()
    async with serve(venue, "127.0.0.1", 0, ping_interval=None, **(serving or {})) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/stream"
        settings = {"backoff_base_s": 0.001, "backoff_cap_s": 0.01, **settings}
        stream = Stream(
            StreamSettings(url=url, **settings),
            hello=desk.hello,
            on_frame=desk.on_frame,
            on_state=desk.on_state,
            on_mute=desk.on_mute,
            rng=random.Random(1),
            redact=Redactor.of([SECRET]),
        )
        running = asyncio.create_task(stream.run())
        try:
            yield desk, stream, running
        finally:
            await stream.close()
            await asyncio.gather(running, return_exceptions=True)


def test_frames_of_both_kinds_arrive_in_order_after_the_greeting():
    async def scene():
        async with playing(Venue(send_then(stay, "a", b"b", "c"))) as (desk, stream, running):
            await desk.until(lambda desk: len(desk.frames) == 3)
            await stream.close()
            await running
        return desk

    desk = asyncio.run(scene())
    assert desk.frames == ["a", b"b", "c"]
    assert desk.states == [(True, ""), (False, "closed")]


def test_a_dropped_line_comes_back_and_greets_again():
    async def scene():
        venue = Venue(send_then(drop, "1"), send_then(drop, "2"), send_then(stay, "3"))
        async with playing(venue) as (desk, _, _):
            await desk.until(lambda desk: desk.ups == 3 and "3" in desk.frames)
        return desk, venue

    desk, venue = asyncio.run(scene())
    assert venue.greeted == 3
    assert [is_up for is_up, _ in desk.states] == [True, False, True, False, True, False]
    assert "no close frame" in desk.losses[0]


def test_a_server_that_is_not_there_yet_is_tried_until_it_is():
    async def scene():
        desk, venue = Desk(), Venue(stay)
        async with serve(venue, "127.0.0.1", 0) as first:
            port = first.sockets[0].getsockname()[1]
        stream = Stream(
            StreamSettings(url=f"ws://127.0.0.1:{port}", backoff_base_s=0.001, backoff_cap_s=0.01),
            hello=desk.hello,
            on_frame=desk.on_frame,
            on_state=desk.on_state,
            rng=random.Random(1),
        )
        running = asyncio.create_task(stream.run())
        await desk.until(lambda desk: len(desk.losses) >= 2)
        async with serve(venue, "127.0.0.1", port):
            await desk.until(lambda desk: desk.ups == 1)
            await stream.close()
        await running
        return desk

    desk = asyncio.run(scene())
    assert "no connection" in desk.losses[0]


def test_waits_between_tries_grow_and_start_over_after_a_long_life():
    settings = StreamSettings(url="ws://127.0.0.1:9", backoff_base_s=1.0, backoff_cap_s=8.0)
    waits, lives = [], iter([0.0] * 6 + [100.0, 0.0])

    class Time:
        now_s = 0.0

        async def sleep(self, seconds):
            waits.append(seconds)
            if len(waits) == 8:
                raise asyncio.CancelledError

    class MaxRandom(random.Random):
        def uniform(self, a, b):
            return b

    time = Time()
    timing = Timing(monotonic=lambda: time.now_s, sleep=time.sleep)

    async def hello(_):
        raise AssertionError("there is no server")

    async def scene():
        stream = Stream(
            settings,
            hello=hello,
            on_frame=lambda _: None,
            on_state=lambda *_: None,
            rng=MaxRandom(),
            timing=timing,
        )

        async def one_connection():
            time.now_s += next(lives)
            return "lost"

        stream._one_connection = one_connection
        with pytest.raises(asyncio.CancelledError):
            await stream.run()

    asyncio.run(scene())
    assert waits == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 1.0, 2.0]


def test_a_burst_with_a_slow_consumer_loses_nothing_and_keeps_the_order():
    class Slow(Desk):
        async def on_frame(self, frame):
            self.frames.append(frame)
            if len(self.frames) == 5_000:
                await asyncio.sleep(1.5)
            self.something.set()

    sent = []

    async def burst(line):
        for number in range(10_000):
            await line.send(f"{number} " + "x" * 200)
            sent.append(number)
        await stay(line)

    async def scene():
        settings = {"queue_frames": 16, "ping_every_s": 0.02, "ping_timeout_s": 1.0}
        async with playing(Venue(burst), Slow(), **settings) as (desk, _, _):
            await desk.until(lambda desk: len(desk.frames) == 10_000)
        return desk

    desk = asyncio.run(scene())
    assert [int(frame.split()[0]) for frame in desk.frames] == list(range(10_000))
    assert desk.losses == ["closed"], "a slow consumer is no dead line"


def test_while_the_consumer_holds_a_frame_the_socket_is_not_read():
    held = []

    class Holding(Desk):
        async def on_frame(self, frame):
            self.frames.append(frame)
            self.something.set()
            await held[0].wait()

    sent = []

    async def flood(line):
        noise = random.Random(2).randbytes(100_000)  # does not compress
        for number in range(300):  # more than the buffers of both sockets hold
            await line.send(noise)
            sent.append(number)
        await stay(line)

    async def scene():
        held.append(asyncio.Event())
        venue, plain = Venue(flood), {"compression": None}
        async with playing(venue, Holding(), serving=plain, queue_frames=4) as (desk, _, _):
            await desk.until(lambda desk: desk.frames)
            await asyncio.sleep(0.2)
            stuck_at = len(sent)
            held[0].set()
            await desk.until(lambda desk: len(desk.frames) == 300)
        return stuck_at

    assert asyncio.run(scene()) < 300


def test_frames_sent_before_a_close_are_handed_on_before_the_loss_is_told():
    class Slow(Desk):
        async def on_frame(self, frame):
            await asyncio.sleep(0.001)
            assert self.losses == []
            super().on_frame(frame)

    async def scene():
        async def farewell(line):
            await line.close()

        venue = Venue(send_then(farewell, *(str(n) for n in range(50))), stay)
        async with playing(venue, Slow(), queue_frames=2) as (desk, _, _):
            await desk.until(lambda desk: desk.ups == 2)
        return desk

    assert asyncio.run(scene()).frames == [str(n) for n in range(50)]


def test_bad_credentials_end_the_stream_after_one_try():
    async def stranger(line):
        await line.recv()
        visits.append(1)
        await line.send("who are you?")
        await line.wait_closed()

    visits = []

    async def scene():
        async with playing(stranger) as (desk, _, running):
            with pytest.raises(Refused, match=r"\*\*\*; correct the credentials") as caught:
                await running
        return desk, "".join(traceback.format_exception(caught.value))

    desk, text = asyncio.run(scene())
    assert len(visits) == 1
    assert SECRET not in text + str(desk.states)
    assert [is_up for is_up, _ in desk.states] == [False]


@pytest.mark.parametrize("status", [401, 403])
def test_a_handshake_refused_for_the_credentials_ends_the_stream(status):
    async def scene():
        answer = {"process_request": lambda line, _: line.respond(status, "")}
        async with playing(Venue(stay), serving=answer) as (_, _, running):
            with pytest.raises(Refused, match=f"HTTP {status}"):
                await running

    asyncio.run(scene())


@pytest.mark.parametrize("status", [302, 406, 429, 500])
def test_another_answer_to_the_handshake_is_tried_again_later_and_not_followed(status):
    seen = []

    def refuse_twice(line, request):
        seen.append(request.path)
        if len(seen) > 2:
            return None
        response = line.respond(status, "")
        response.headers["Location"] = "/elsewhere"
        return response

    async def scene():
        serving = {"process_request": refuse_twice}
        async with playing(Venue(stay), serving=serving) as (desk, _, _):
            await desk.until(lambda desk: desk.ups == 1)
        return desk

    desk = asyncio.run(scene())
    assert seen == ["/stream"] * 3
    assert f"HTTP {status}" in desk.losses[0]


def test_a_greeting_without_an_end_is_given_up():
    async def scene():
        async with playing(stay, open_timeout_s=0.05) as (desk, _, _):
            await desk.until(lambda desk: len(desk.losses) == 2)
        return desk

    assert "no greeting within 0.05 s" in asyncio.run(scene()).losses[0]


def test_a_frame_over_the_cap_closes_the_line_and_says_so():
    async def scene():
        venue = Venue(send_then(stay, "x" * 100, "y" * 101), stay)
        async with playing(venue, max_frame_bytes=100) as (desk, _, _):
            await desk.until(lambda desk: desk.ups == 2)
        return desk

    desk = asyncio.run(scene())
    assert desk.frames == ["x" * 100]
    assert "longer than 100 bytes" in desk.losses[0]


def test_a_line_that_answers_no_ping_is_dropped():
    desk = Desk()

    async def deaf(line):
        line.transport.pause_reading()
        await desk.until(lambda desk: desk.losses)
        line.transport.abort()

    async def scene():
        settings = {"ping_every_s": 0.02, "ping_timeout_s": 0.05}
        async with playing(Venue(deaf, stay), desk, **settings):
            await desk.until(lambda desk: desk.ups == 2)

    asyncio.run(scene())
    assert "no pong within 0.05 s" in desk.losses[0]


def test_silence_is_told_once_until_the_next_frame():
    desk = Desk()

    async def speaks_late(line):
        await desk.until(lambda desk: desk.mutes)
        await asyncio.sleep(0.2)
        await line.send("at last")
        await stay(line)

    async def scene():
        async with playing(Venue(speaks_late), desk, mute_after_s=0.05):
            await desk.until(lambda desk: desk.frames)
            before = len(desk.mutes)
            await desk.until(lambda desk: len(desk.mutes) == 2)
        return before

    before = asyncio.run(scene())
    assert before == 1
    assert desk.mutes[0] >= 0.05
    assert desk.losses == ["closed"]


def test_a_caller_may_ask_for_a_new_line():
    async def scene():
        async with playing(Venue(stay)) as (desk, stream, _):
            await desk.until(lambda desk: desk.ups == 1)
            await stream.reconnect(f"mute, says the REST side of {SECRET}")
            await desk.until(lambda desk: desk.ups == 2)
        return desk

    assert asyncio.run(scene()).losses[0] == "mute, says the REST side of ***"


def test_frames_can_be_sent_while_there_is_a_line():
    async def echo(line):
        async for frame in line:
            await line.send(frame)

    async def scene():
        async with playing(Venue(echo)) as (desk, stream, _):
            await desk.until(lambda desk: desk.ups == 1)
            await stream.send("subscribe")
            await desk.until(lambda desk: desk.frames)
        with pytest.raises(NotSent, match="no connection"):
            await stream.send("late")
        return desk.frames

    assert asyncio.run(scene()) == ["subscribe"]


@pytest.mark.parametrize("part", ["on_frame", "on_mute"])
def test_an_error_of_the_user_ends_the_stream_and_is_not_hidden(part):
    def fails(_):
        raise LookupError("a bug of the user")

    async def scene():
        desk = Desk()
        setattr(desk, part, fails)
        venue = Venue(send_then(stay, "x"))
        async with playing(venue, desk, mute_after_s=0.02) as (_, _, running):
            with pytest.raises(LookupError, match="a bug of the user"):
                await asyncio.wait_for(running, PATIENCE_S)
        return desk

    assert asyncio.run(scene()).losses == ["ended by an error of its user"]


def test_a_cancelled_run_is_cancelled_and_a_stream_runs_once():
    async def scene():
        async with playing(Venue(stay)) as (desk, stream, running):
            await desk.until(lambda desk: desk.ups == 1)
            with pytest.raises(NetError, match="runs once"):
                await stream.run()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        return desk

    assert asyncio.run(scene()).losses == ["closed"]


def test_the_keys_of_the_greeting_are_in_no_log(caplog):
    caplog.set_level(logging.DEBUG)

    async def scene():
        headers = {"X-Key": SECRET}
        async with playing(Venue(stay), headers=headers, serving={"logger": quiet}) as (desk, _, _):
            await desk.until(lambda desk: desk.ups == 1)

    quiet = logging.Logger("venue")
    quiet.disabled = True
    asyncio.run(scene())
    assert SECRET not in caplog.text
    assert SECRET not in repr(StreamSettings(url="ws://127.0.0.1:9", headers={"k": SECRET}))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "ws://stream.example.com"}, "unencrypted"),
        ({"url": "https://stream.example.com"}, "wss://host"),
        ({"url": "ws://127.0.0.1:9", "queue_frames": 0}, "queue_frames is 0"),
        ({"url": "ws://127.0.0.1:9", "mute_after_s": -1}, "mute_after_s is -1"),
        ({"url": "ws://127.0.0.1:9", "headers": {"k": "a\n"}}, "'k'"),
    ],
)
def test_settings_that_make_no_stream_are_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        StreamSettings(**settings)
