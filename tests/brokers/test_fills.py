import pytest

from alphalens.brokers import NextClose, NextOpen, SameClose, fill_model
from alphalens.errors import ConfigError


@pytest.mark.parametrize("model", [NextOpen(), NextClose(), SameClose()])
def test_models_are_found_by_their_names(model):
    assert fill_model(model.name) == model


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="'at_will'; choose one of next_open, next_close, same"):
        fill_model("at_will")
