import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading import Fill, Side
from alphalens.trading.activities import Split
from alphalens.trading.codec import from_jsonable, to_jsonable
from alphalens.trading.corrections import Correction, History
from alphalens.trading.positions import Holding

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
WRONG = Fill(
    fill_id="w",
    client_order_id="o",
    symbol="A",
    side=Side.BUY,
    quantity=Decimal(6),
    price=Decimal(5),
    at=T0,
    is_synthetic=True,
)
TRUE = replace(WRONG, fill_id="t", quantity=Decimal(4), is_synthetic=False)
LATER = replace(WRONG, fill_id="l", side=Side.SELL, quantity=Decimal(2), price=Decimal(9))
SPLIT = Split(activity_id="s", symbol="A", new=Decimal(2), old=Decimal(1), at=T0)


def test_correction_comes_back_from_a_record_as_it_was():
    correction = Correction(removed=("w",), fills=(TRUE,))
    plain = json.loads(json.dumps(to_jsonable(correction)))
    assert from_jsonable(Correction, plain) == correction


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"removed": ()}, "has to name"),
        ({"removed": ("w", "w")}, "a fill twice: w, w"),
        ({"removed": ("w",), "fills": (TRUE, TRUE)}, "a fill twice: t, t"),
    ],
)
def test_correction_of_nothing_or_twice_of_one_fill_is_refused(given, words):
    with pytest.raises(InputError, match=words):
        Correction(**given)


def test_true_fills_stand_before_what_came_after_the_inferred_one():
    history = History(Holding(symbol="A"), [WRONG, SPLIT, LATER])
    holding, rest = history.without({"w"}, [TRUE])
    assert (holding.quantity, holding.cost) == (6, 15)
    assert rest is not None
    assert rest.events == [LATER]
    assert (rest.before.quantity, rest.before.cost) == (8, 20)
    assert history.before.quantity == 0


def test_history_ends_when_nothing_inferred_is_left():
    history = History(Holding(symbol="A"), [WRONG, SPLIT, LATER])
    assert set(history.inferred) == {"w", "l"}
    holding, rest = history.without({"w", "l"}, [])
    assert (holding.quantity, rest) == (0, None)


def test_history_comes_back_from_a_record_as_it_was():
    history = History(Holding(symbol="A", quantity=Decimal(3)), [WRONG, SPLIT, LATER])
    assert History.from_plain(json.loads(json.dumps(history.to_plain()))) == history
