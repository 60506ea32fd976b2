import pytest

from alphalens.assets import AssetClass
from alphalens.data.alpaca_symbols import class_of, symbol_from, symbol_to
from alphalens.errors import InputError
from alphalens.net.failures import Unreadable

OPTION = "AAPL260320C00100000"


@pytest.mark.parametrize(
    ("symbol", "named", "kind"),
    [
        ("SPY", None, AssetClass.EQUITY),
        ("BRK.B", None, AssetClass.EQUITY),
        (OPTION, None, AssetClass.OPTION),
        ("BTC/USD", None, AssetClass.CRYPTO),
        ("ETHUSD", None, AssetClass.CRYPTO),
        ("AUSD", None, AssetClass.EQUITY),
        ("BTCUSD", "us_equity", AssetClass.EQUITY),
        ("BTC/USDT-PERP", None, AssetClass.PERPETUAL),
        ("SPY", "a class of next year", AssetClass.EQUITY),
    ],
)
def test_class_is_the_venues_word_or_else_the_symbols_form(symbol, named, kind) -> None:
    assert class_of(symbol, named) is kind


@pytest.mark.parametrize(
    ("text", "named", "symbol"),
    [
        ("BTCUSD", "crypto", "BTC/USD"),
        ("BTC/USD", "crypto", "BTC/USD"),
        ("ETHUSD", None, "ETH/USD"),
        ("BRK.B", "us_equity", "BRK.B"),
        (OPTION, "us_option", OPTION),
        ("AC?ME", "us_equity", "AC?ME"),
    ],
)
def test_symbols_are_canonical_and_strange_ones_kept(text, named, symbol) -> None:
    assert symbol_from(text, named) == symbol


def test_symbols_go_out_as_orders_have_them() -> None:
    assert [symbol_to(s) for s in ("SPY", "BRK.B", "BTC/USD", OPTION)] == [
        "SPY",
        "BRK.B",
        "BTC/USD",
        OPTION,
    ]
    with pytest.raises(InputError):
        symbol_to("BTCUSD")


def test_an_answer_without_a_symbol_is_refused() -> None:
    with pytest.raises(Unreadable):
        symbol_from("")
