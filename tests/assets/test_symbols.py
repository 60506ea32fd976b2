from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphalens.assets import AssetClass
from alphalens.assets.symbols import (
    QUOTES,
    Vendor,
    canonical,
    from_vendor,
    split_pair,
    to_vendor,
)
from alphalens.errors import InputError

E, OPT, K = AssetClass.EQUITY, AssetClass.OPTION, AssetClass.CRYPTO
P, F = AssetClass.PERPETUAL, AssetClass.FUTURE

suffixes = st.one_of(
    st.sampled_from(["", ".WS", ".U", ".RT"]),
    st.from_regex(r"\.[A-TV-Z]", fullmatch=True),
    st.from_regex(r"\.PR[A-Z]", fullmatch=True),
)
shares = st.builds(str.__add__, st.from_regex(r"[A-Z]{1,5}", fullmatch=True), suffixes)
coins = st.from_regex(r"[A-Z0-9]{1,10}", fullmatch=True)
pairs = st.builds("{}/{}".format, coins, st.sampled_from(QUOTES)).filter(
    lambda pair: len(set(pair.split("/"))) == 2
)
options = st.builds(
    "{}{:%y%m%d}{}{:08}".format,
    st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from("CP"),
    st.integers(1, 99_999_999),
)


@given(shares, st.sampled_from(Vendor))
def test_share_comes_back_from_every_vendor(symbol, vendor):
    assert from_vendor(to_vendor(symbol, vendor, E), vendor, E) == symbol


@given(pairs, st.sampled_from(Vendor))
def test_pair_comes_back_from_every_vendor(symbol, vendor):
    assert from_vendor(to_vendor(symbol, vendor, K), vendor, K) == symbol


@given(options, st.sampled_from(Vendor))
def test_option_comes_back_from_every_vendor(symbol, vendor):
    assert from_vendor(to_vendor(symbol, vendor, OPT), vendor, OPT) == symbol


@given(st.sampled_from([E, K, P, F, OPT]), st.text(max_size=40))
def test_any_text_is_refused_or_has_one_form_that_stays(asset_class, text):
    try:
        symbol = canonical(text, asset_class)
    except InputError:
        return
    assert canonical(symbol, asset_class) == symbol
    assert symbol.isascii()
    assert symbol == symbol.upper()


@given(shares, st.sampled_from("./-"), st.booleans())
def test_every_way_to_write_a_class_of_shares_is_one_symbol(symbol, sign, is_small):
    text = symbol.replace(".", sign)
    assert canonical(text.lower() if is_small else text, E) == symbol


@given(pairs, st.sampled_from(["/", "-", ""]), st.booleans())
def test_every_way_to_write_a_pair_is_one_symbol(symbol, sign, is_small):
    text = symbol.replace("/", sign)
    assert canonical(text.lower() if is_small else text, K) == symbol
    assert canonical(f"{text}-PERP", P) == f"{symbol}-PERP"


@pytest.mark.parametrize(
    ("text", "asset_class", "symbol"),
    [
        ("brk.b", E, "BRK.B"),
        ("BRK/B", E, "BRK.B"),
        ("7203", E, "7203"),
        ("BTCUSD", K, "BTC/USD"),
        ("BTCUSD", E, "BTCUSD"),
        ("btcusdt", K, "BTC/USDT"),
        ("USDTUSD", K, "USDT/USD"),
        ("WBTCBTC", K, "WBTC/BTC"),
        ("btc-usdt-perp", P, "BTC/USDT-PERP"),
        ("AAPL  250117P00190000", OPT, "AAPL250117P00190000"),
        ("esz2026", F, "ESZ26"),
    ],
)
def test_canonical_form_by_hand(text, asset_class, symbol):
    assert canonical(text, asset_class) == symbol


def test_future_with_one_digit_needs_a_date_near_it():
    assert canonical("ESZ6", F, near=date(2026, 3, 2)) == "ESZ26"
    with pytest.raises(InputError, match="any decade"):
        canonical("ESZ6", F)


@pytest.mark.parametrize(
    ("symbol", "asset_class", "vendor", "text"),
    [
        ("BRK.B", E, Vendor.ALPACA, "BRK.B"),
        ("BRK.B", E, Vendor.POLYGON, "BRK.B"),
        ("BRK.B", E, Vendor.YAHOO, "BRK-B"),
        ("BAC.PRK", E, Vendor.ALPACA, "BAC.PRK"),
        ("BAC.PRK", E, Vendor.POLYGON, "BACpK"),
        ("BAC.PRK", E, Vendor.YAHOO, "BAC-PK"),
        ("ACHR.WS", E, Vendor.YAHOO, "ACHR-WT"),
        ("BTC/USD", K, Vendor.ALPACA, "BTC/USD"),
        ("BTC/USD", K, Vendor.ALPACA_POSITIONS, "BTCUSD"),
        ("BTC/USD", K, Vendor.POLYGON, "X:BTCUSD"),
        ("BTC/USD", K, Vendor.YAHOO, "BTC-USD"),
        ("AAPL250117P00190000", OPT, Vendor.ALPACA, "AAPL250117P00190000"),
        ("AAPL250117P00190000", OPT, Vendor.POLYGON, "O:AAPL250117P00190000"),
        ("AAPL250117P00190000", OPT, Vendor.YAHOO, "AAPL250117P00190000"),
    ],
)
def test_vendor_form_by_hand(symbol, asset_class, vendor, text):
    assert to_vendor(symbol, vendor, asset_class) == text
    assert from_vendor(text, vendor, asset_class) == symbol


def test_alpaca_may_write_a_pair_either_way():
    for text in ("BTCUSD", "BTC/USD"):
        assert from_vendor(text, Vendor.ALPACA, K) == "BTC/USD"


@pytest.mark.parametrize("asset_class", list(AssetClass))
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "symbol is needed"),
        (None, "symbol is needed"),
        (7, "symbol is needed"),
        ("\t", "characters that no symbol has"),
        ("BRK.B\n", r"'\\n'"),
        ("AAPL\x00", r"'\\x00'"),
        ("\uff21APL", r"'\\uff21'"),
        ("\u017fpy", r"'\\u017f'"),
        ("\u0131bm", r"'\\u0131'"),
        ("SPY\u200b", r"'\\u200b'"),
        ("\u0410APL", r"'\\u0410'"),
        ("A" * 33, "at most 32 characters, got 33"),
        ("Spy", "mixes capitals and small letters"),
        ("BACpK", "mixes capitals and small letters"),
        (";DROP", "no |must end"),
    ],
)
def test_trick_is_refused_for_every_class(text, asset_class, message):
    with pytest.raises(InputError, match=message):
        canonical(text, asset_class)


@pytest.mark.parametrize(
    ("text", "asset_class", "message"),
    [
        (" SPY", E, "characters that no symbol has"),
        ("BTC USD", K, "characters that no symbol has"),
        ("BRK.B.C", E, "no symbol of a share"),
        (".B", E, "no symbol of a share"),
        ("BRK.", E, "no symbol of a share"),
        ("O:AAPL250117P00190000", OPT, "no option symbol"),
        ("BTC/GBP", K, "quotes known are USD, USDT"),
        ("BTC/BTC", K, "another quote currency"),
        ("USD", K, "is no pair"),
        ("AAPL", K, "is no pair"),
        ("BTC/USD-PERP", K, "is a perpetual, not a pair"),
        ("BTC/USD", P, "must end with -PERP"),
        ("BTC/USD-PERP-PERP", P, "is no pair"),
    ],
)
def test_text_of_another_kind_is_refused(text, asset_class, message):
    with pytest.raises(InputError, match=message):
        canonical(text, asset_class)


@pytest.mark.parametrize(
    ("symbol", "asset_class", "vendor", "message"),
    [
        ("brk.b", E, Vendor.ALPACA, "is not canonical: BRK.B"),
        ("ESZ26", F, Vendor.ALPACA, "alpaca has no form for future"),
        ("BTC/USD-PERP", P, Vendor.YAHOO, "yahoo has no form for perpetual"),
        ("X.PB", E, Vendor.YAHOO, "which stands for another asset there"),
    ],
)
def test_what_a_vendor_cannot_write_is_refused(symbol, asset_class, vendor, message):
    with pytest.raises(InputError, match=message):
        to_vendor(symbol, vendor, asset_class)


@pytest.mark.parametrize(
    ("text", "asset_class"), [("BTCUSD", K), ("O:BTCUSD", K), ("AAPL250117P00190000", OPT)]
)
def test_polygon_symbol_without_its_prefix_is_refused(text, asset_class):
    with pytest.raises(InputError, match="must begin with"):
        from_vendor(text, Vendor.POLYGON, asset_class)


def test_pair_is_split_into_what_is_bought_and_what_is_paid():
    assert split_pair("ETH/BTC") == ("ETH", "BTC")
    assert split_pair("BTC/USDT-PERP") == ("BTC", "USDT")


def test_no_quote_ends_with_another_so_that_joined_pairs_have_one_reading():
    assert not [(a, b) for a in QUOTES for b in QUOTES if a != b and a.endswith(b)]
