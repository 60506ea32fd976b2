import pytest

from alphalens.errors import InputError
from alphalens.trading.text import checked_text


@pytest.mark.parametrize("good", ["", "ann", "Zoë", "naïve 漢字", "\U0001f600", "a\nb"])
def test_text_that_any_database_holds_is_returned(good):
    assert checked_text(good, "name") is good


@pytest.mark.parametrize("bad", [7, None, b"x", "a\0b", "\ud800", "x\udfff"])
def test_text_that_some_database_refuses_is_refused_and_named(bad):
    with pytest.raises(InputError, match=r"^name "):
        checked_text(bad, "name")
