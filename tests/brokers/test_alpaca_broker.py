import asyncio
import logging
import random
import traceback
from dataclasses import replace

import pytest

from alphalens.brokers.alpaca_broker import AlpacaBroker, AlpacaOptions
from alphalens.errors import BrokerError, ConfigError, OutcomeUnknown
from alphalens.trading.orders import OrderType, Side, TimeInForce
from tests.waiting import PATIENCE_S

from .alpaca_venue import ACCOUNT, CALL, KEY, PATIENT, SECRET, D, adapter, intent

PAPER, LIVE = "https://paper-api.alpaca.markets", "https://api.alpaca.markets"


def made(**changes: object) -> AlpacaBroker:
    fields = {"base_url": PAPER, "is_live": False, "rng": random.Random(1)}
    return AlpacaBroker(KEY, SECRET, **{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"is_live": True, "account_id": "1"}, "paper host"),
        ({"base_url": LIVE}, "the live host"),
        ({"base_url": LIVE, "is_live": True}, "needs its number"),
        ({"base_url": "https://evil.example"}, "evil.example"),
        ({"stream_url": "wss://api.alpaca.markets/stream"}, "the live host"),
    ],
)
def test_settings_that_do_not_agree_are_refused(changes, said) -> None:
    with pytest.raises(ConfigError, match=said):
        made(**changes)


@pytest.mark.parametrize("keys", [("", SECRET), ("odd\nkey", SECRET), (KEY, SECRET)])
def test_one_that_was_refused_can_still_be_shown(keys) -> None:
    refused = object.__new__(AlpacaBroker)
    address = "https://ann:hunter2@paper-api.alpaca.markets"
    with pytest.raises(ConfigError):
        refused.__init__(*keys, base_url=address, is_live=False, rng=random.Random(1))
    assert repr(refused) == "AlpacaBroker('', is_live=False)"


def test_missing_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="key and a secret"):
        AlpacaBroker("", SECRET, base_url=PAPER, is_live=False, rng=random.Random(1))


def test_key_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        AlpacaBroker("odd\nkey", SECRET, base_url=PAPER, is_live=False, rng=random.Random(1))
    assert "odd" not in str(caught.value)


@pytest.mark.parametrize("changes", [{"timeout_s": 0.0}, {"page_size": 101}, {"queue_size": 0}])
def test_options_that_cannot_work_are_refused(changes) -> None:
    with pytest.raises(ConfigError):
        AlpacaOptions(**changes)


def test_account_is_the_one_of_the_venue(broker) -> None:
    broker.submit(intent("a"))
    account = broker.account()
    assert account.account_id == ACCOUNT
    assert account.entry_prices == {"SPY": D("100.02")}
    assert (account.is_live, account.is_blocked, account.currency) == (False, False, "USD")
    assert account.cash == D("100000") - 10 * D("100.02")


def test_order_of_another_account_is_never_sent(server, control) -> None:
    other = adapter(server, account_id="999")
    with pytest.raises(ConfigError, match="999"):
        other.submit(intent("a"))
    with pytest.raises(ConfigError, match="999"):
        other.account()
    other.close()
    assert not control.requests("POST")


def test_account_number_is_asked_for_once(server, control) -> None:
    mine = adapter(server, account_id=ACCOUNT)
    for name in "ab":
        mine.submit(intent(name))
    mine.close()
    assert len([r for r in control.requests("GET") if r["path"] == "/v2/account"]) == 1


def test_order_is_not_sent_while_the_account_cannot_be_asked(server, control) -> None:
    mine = adapter(server, account_id="PA")
    control.arm("bad_gateway", path="/v2/account", count=-1)
    with pytest.raises(OutcomeUnknown, match="nothing was sent"):
        mine.submit(intent("a"))
    mine.close()
    assert not control.requests("POST")


def test_positions_are_signed_and_canonical(broker, control) -> None:
    broker.submit(intent("a", side=Side.SELL))
    coin = {"symbol": "BTC/USD", "quantity": D("0.5"), "time_in_force": TimeInForce.GTC}
    broker.submit(intent("b", **coin))
    broker.submit(intent("c", symbol=CALL, quantity=D(2)))
    assert broker.positions() == {"SPY": D(-10), "BTC/USD": D("0.5"), CALL: D(2)}


def test_empty_list_of_positions_is_not_believed_while_something_is_held(broker, control) -> None:
    broker.submit(intent("a"))
    control.arm("empty", path="/v2/positions", count=-1)
    with pytest.raises(BrokerError, match="list is empty"):
        broker.positions()


def test_empty_list_of_positions_is_believed_where_nothing_is_held(broker) -> None:
    assert broker.positions() == {}


@pytest.mark.parametrize("kind", ["malformed", "bad_gateway", "server_error", "hang_before"])
@pytest.mark.parametrize("call", ["account", "positions", "session"])
def test_failed_question_is_an_error_and_no_answer(server, control, kind, call) -> None:
    quick = adapter(server, options=replace(PATIENT, timeout_s=0.5))
    control.arm(kind, path="/v2/*", count=-1)
    with pytest.raises(BrokerError):
        getattr(quick, call)()
    quick.close()


@pytest.mark.parametrize("path", ["/v2/account", "/v2/positions", "/v2/clock"])
@pytest.mark.parametrize("body", [{}, [], [1], "text", None])
def test_answer_of_another_shape_is_an_error(broker, control, path, body) -> None:
    broker.submit(intent("a"))
    control.arm("status", path=path, status=200, body=body, count=-1)
    calls = {
        "/v2/account": broker.account,
        "/v2/positions": broker.positions,
        "/v2/clock": broker.session,
    }
    with pytest.raises(BrokerError):
        calls[path]()


def test_hours_are_those_of_the_venue(broker) -> None:
    session = broker.session()
    assert session.is_open
    assert session.at < session.next_close < session.next_open


def test_calls_work_inside_a_running_loop(server) -> None:
    async def ask() -> bool:
        with adapter(server) as inside:
            return inside.wait_until_up(PATIENCE_S) and bool(inside.account().account_id)

    assert asyncio.run(ask())


def test_hanging_venue_ends_within_the_deadline(server, control) -> None:
    hasty = adapter(server, options=replace(PATIENT, order_timeout_s=0.5))
    control.arm("hang", method="POST")
    with pytest.raises(OutcomeUnknown):
        hasty.submit(intent("a"))
    hasty.close()


def test_server_that_keeps_failing_is_left_alone_and_cancels_still_pass(server, control) -> None:
    one = intent("a", order_type=OrderType.LIMIT, limit_price=D(50), time_in_force=TimeInForce.GTC)
    broker = adapter(server)
    broker.submit(one)
    control.arm("server_error", path="/v2/clock", count=-1)
    for _ in range(2):
        with pytest.raises(BrokerError):
            broker.session()
    sent = len(control.requests())
    with pytest.raises(OutcomeUnknown, match="not sent"):
        broker.submit(intent("b"))
    assert len(control.requests()) == sent
    broker.cancel(one.client_order_id)
    broker.close()
    assert control.order(one.client_order_id)["status"] == "canceled"


def test_keys_are_in_no_text(server, control, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    broker = adapter(server).open()
    assert broker.wait_until_up(PATIENCE_S)
    control.arm("status", method="POST", status=422, body={"code": 1, "message": f"no {SECRET}"})
    texts = [repr(broker), str(vars(broker))]
    try:
        broker.submit(intent("a"))
    except BrokerError as error:
        texts += ["".join(traceback.format_exception(error)), repr(error), str(vars(error))]
    broker.close()
    ours = [r for r in caplog.records if not r.name.startswith("websockets.server")]
    texts += [str([r.getMessage() for r in ours]), str(broker.exchanges), str(broker.connection())]
    assert len(texts) == 8
    for text in texts:
        assert SECRET not in text
        assert KEY not in text


def test_raw_answers_are_kept(broker) -> None:
    broker.submit(intent("a"))
    exchange = broker.exchanges[-1]
    assert (exchange.method, exchange.path, exchange.status) == ("POST", "/v2/orders", 200)
    assert '"client_order_id"' in exchange.received


def test_capabilities_are_those_of_the_venue(broker) -> None:
    assert broker.capabilities.can_replace
    assert broker.capabilities.has_stream
    assert set(OrderType) == set(broker.capabilities.order_types)


def test_closed_broker_sends_nothing(server, control) -> None:
    broker = adapter(server, options=PATIENT)
    broker.close()
    broker.close()
    with pytest.raises(OutcomeUnknown):
        broker.submit(intent("a"))
    assert not control.requests("POST")
