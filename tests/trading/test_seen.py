import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from alphalens.errors import InputError
from alphalens.trading import Fill, Side
from alphalens.trading.seen import Seen

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)
FILL = Fill(
    fill_id="f",
    client_order_id="o",
    symbol="A",
    side=Side.BUY,
    quantity=Decimal(10),
    price=Decimal(5),
    at=T0,
)


def seen(*fills: Fill, is_stored: bool = False) -> Seen:
    memory = Seen()
    memory.known.update({fill.fill_id: fill for fill in fills})
    return Seen.from_plain(json.loads(json.dumps(memory.to_plain()))) if is_stored else memory


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize(
    "same",
    [
        {"at": T0 + timedelta(milliseconds=3)},
        {"execution_id": "x", "venue_order_id": "v", "cumulative": Decimal(10)},
        {"client_order_id": ""},
        {"quantity": Decimal("10.00"), "price": Decimal("0.5E+1")},
        {"is_synthetic": True},
    ],
)
def test_execution_told_again_in_other_words_is_the_same(same, is_stored):
    seen(FILL, is_stored=is_stored).check("f", replace(FILL, **same))


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize(
    "other",
    [
        {"symbol": "B"},
        {"side": Side.SELL},
        {"quantity": Decimal(11)},
        {"price": Decimal("5.01")},
        {"fee": Decimal(1)},
        {"multiplier": Decimal(100)},
        {"currency": "EUR"},
        {"is_margined": True},
    ],
)
def test_other_figures_under_one_id_are_refused(other, is_stored):
    with pytest.raises(InputError, match=r"fill f was booked as .* and now says"):
        seen(FILL, is_stored=is_stored).check("f", replace(FILL, **other))


@pytest.mark.parametrize("is_stored", [False, True])
def test_what_was_taken_back_may_come_again_and_nothing_else_under_its_id(is_stored):
    memory = seen(FILL)
    memory.take_back([FILL])
    if is_stored:
        memory = Seen.from_plain(json.loads(json.dumps(memory.to_plain())))
    memory.check("f", FILL)
    assert memory.was_taken_back("f")
    assert not memory.was_taken_back("g")
    with pytest.raises(InputError, match="booked as inferred, and taken back"):
        memory.check("f", replace(FILL, quantity=Decimal(3)))
