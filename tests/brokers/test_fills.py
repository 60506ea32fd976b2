from datetime import UTC, datetime
from decimal import Decimal

import pytest

from alphalens.brokers import NextClose, NextOpen, SameClose, fill_model
from alphalens.errors import ConfigError
from alphalens.trading import Bar, Side

D = Decimal
AT = datetime(2024, 1, 2, 21, tzinfo=UTC)
BAR = Bar(symbol="SPY", at=AT, open=D(10), high=D(14), low=D(7), close=D(11))


@pytest.mark.parametrize("model", [NextOpen(), NextClose(), SameClose()])
def test_models_are_found_by_their_names(model):
    assert fill_model(model.name) == model


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="'at_will'; choose one of next_open, next_close, same"):
        fill_model("at_will")


def test_path_of_a_bar_goes_to_its_worse_end_first():
    assert NextOpen().path(Side.SELL, BAR) == (10, 7, 14, 11)
    assert NextOpen().path(Side.BUY, BAR) == (10, 14, 7, 11)


def test_path_leaves_out_what_the_bar_does_not_have():
    bar = Bar(symbol="SPY", at=AT, open=D(10), low=D(7), close=D(11))
    assert NextOpen().path(Side.BUY, bar) == (10, 7, 11)


def test_path_that_is_known_is_taken():
    model = NextOpen(path_of=lambda bar: (bar.open, D(9), bar.close))
    assert model.path(Side.SELL, BAR) == (10, 9, 11)


@pytest.mark.parametrize("model", [NextClose(), SameClose()])
def test_models_of_closes_see_nothing_but_the_close(model):
    assert model.path(Side.SELL, BAR) == (11,)
    assert not model.has_open
