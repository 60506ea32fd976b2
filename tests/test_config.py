"""Settings: where values come from, what is refused, and that no secret is shown."""

from __future__ import annotations

import os
import re
import traceback
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from alphalens.config import Settings, load_settings
from alphalens.errors import ConfigError

SECRET = "hunter2-very-secret"


def test_defaults_keep_every_dangerous_thing_off():
    settings = load_settings(env_file=None, environ={})
    assert not settings.enable_live_trading
    assert not settings.enable_options_trading
    assert not settings.enable_crypto_trading
    assert settings.model == ""


def test_environment_beats_the_file_and_an_override_beats_both(tmp_path: Path):
    env = tmp_path / ".env"
    env.write_text(
        "ALPHALENS_ACCOUNT=from-file\nALPHALENS_PAPER_CASH=1\nALPHALENS_LIMIT_MAX_ORDER=0.2\n"
    )
    settings = load_settings(
        env_file=env,
        environ={"ALPHALENS_PAPER_CASH": "2", "ALPHALENS_LIMIT_MAX_ORDER": "0.3"},
        overrides={"ALPHALENS_LIMIT_MAX_ORDER": "0.4"},
    )
    assert settings.account == "from-file"
    assert settings.paper_cash == 2
    assert settings.limits.max_order == Decimal("0.4")
    sources = {row.key: row.source for row in settings.rows()}
    assert sources["ALPHALENS_ACCOUNT"] == str(env)
    assert sources["ALPHALENS_PAPER_CASH"] == "environment"
    assert sources["ALPHALENS_LIMIT_MAX_ORDER"] == "command line"
    assert sources["ENABLE_LIVE_TRADING"] == "default"


def test_settings_are_frozen():
    settings = load_settings(env_file=None, environ={})
    with pytest.raises(ValidationError):
        settings.enable_live_trading = True


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("ALPHALENS_ACOUNT", "ALPHALENS_ACCOUNT"),
        ("ALPHALENS_LIMIT_MAXORDER", "ALPHALENS_LIMIT_MAX_ORDER"),
        ("ALPHALENS_MAX_ORDER", "ALPHALENS_LIMIT_MAX_ORDER"),
        ("ALPHALENS-LIMIT-MAX-ORDER", "ALPHALENS_LIMIT_MAX_ORDER"),
        ("ALPHALENS_ENABLE_LIVE_TRADING", "ENABLE_LIVE_TRADING"),
        ("ALPHALENS_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
    ],
)
def test_unknown_key_is_refused_with_the_nearest_known_one(key: str, hint: str):
    with pytest.raises(
        ConfigError, match=rf"unknown setting {key} in environment: did you mean {hint}"
    ):
        load_settings(env_file=None, environ={key: "1"})


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ALPHALENS_PAPER_CASH": "-5"}, "ALPHALENS_PAPER_CASH in environment.*-5.*from 0.01 to"),
        ({"ALPHALENS_PAPER_CASH": "1e400"}, "1E[+]400 is no opening balance.*0.01 to 1000000000"),
        ({"ALPHALENS_PAPER_CASH": "1e-400"}, "1E-400 is no opening balance"),
        ({"ALPHALENS_PAPER_CASH": "inf"}, "ALPHALENS_PAPER_CASH in environment.*finite"),
        ({"ENABLE_LIVE_TRADING": "maybe"}, "ENABLE_LIVE_TRADING in environment.*boolean"),
        (
            {"ALPHALENS_LIMIT_MAX_ORDER": "much"},
            "ALPHALENS_LIMIT_MAX_ORDER.*'much' is not a number",
        ),
        (
            {"ALPHALENS_LIMIT_MAX_ORDER": "-1"},
            "max_order must be.*ALPHALENS_LIMIT_MAX_ORDER in environment",
        ),
        ({"ALPHALENS_LIMIT_MAX_ORDERS_PER_CYCLE": "1.5"}, "not a whole number"),
        ({"ALPHALENS_LIMIT_MAX_ORDERS_PER_CYCLE": "1e99999"}, "limits nothing.*1000000000"),
        ({"ALPHALENS_LIMIT_MAX_GROSS": "1e400"}, "'1e400' limits nothing"),
    ],
)
def test_impossible_value_is_refused_by_key(environ: dict[str, str], words: str):
    with pytest.raises(ConfigError, match=words):
        load_settings(env_file=None, environ=environ)


@pytest.mark.parametrize(
    "model",
    ["gpt-5", "openai/gpt-4o", "o3-mini", "openrouter/openai/o1", "ChatGPT-latest", "x:gpt-4"],
)
def test_an_openai_model_is_refused(model: str):
    with pytest.raises(ConfigError, match="is an OpenAI model"):
        load_settings(env_file=None, environ={"ALPHALENS_MODEL": model})


@pytest.mark.parametrize(
    "model", ["claude-opus-4-8", "deepseek/deepseek-chat", "qwen/qwen3-max", "moonshotai/kimi-k2"]
)
def test_other_models_are_accepted(model: str):
    settings = load_settings(env_file=None, environ={"ALPHALENS_MODEL": model})
    assert settings.model == model


def test_openai_key_is_never_read():
    settings = load_settings(env_file=None, environ={"OPENAI_API_KEY": SECRET})
    assert SECRET not in repr(settings)
    assert all("OPENAI" not in row.key for row in settings.rows())


def test_no_secret_is_shown_anywhere():
    environ = {
        "ANTHROPIC_API_KEY": SECRET,
        "ALPACA_SECRET_KEY": SECRET,
    }
    settings = load_settings(env_file=None, environ=environ)
    shown = repr(settings) + str(settings) + "".join(row.value for row in settings.rows())
    assert SECRET not in shown
    assert "********" in shown
    assert settings.anthropic_api_key.get_secret_value() == SECRET


def test_no_secret_in_the_error_of_a_bad_setting():
    environ = {"ANTHROPIC_API_KEY": SECRET, "ENABLE_LIVE_TRADING": SECRET}
    with pytest.raises(ConfigError) as caught:
        load_settings(env_file=None, environ=environ)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALPHALENS_ACCOUNT", "desk-7")
    assert load_settings(env_file=None).account == "desk-7"
    assert "ALPHALENS_ACCOUNT" in os.environ


def test_every_key_of_the_example_file_is_known(tmp_path: Path):
    example = Path(__file__).resolve().parents[1] / ".env.example"
    uncommented = [
        line.removeprefix("# ")
        for line in example.read_text().splitlines()
        if line.removeprefix("# ").split("=")[0].isupper()
        and "=" in line
        and "KEY=value" not in line
    ]
    env = tmp_path / ".env"
    env.write_text("\n".join(uncommented))
    settings = load_settings(env_file=env, environ={})
    known = {row.key for row in settings.rows()}
    assert {line.split("=")[0] for line in uncommented} <= known


@pytest.mark.parametrize(
    "model",
    ["gpt4o", "azure/gpt4", "microsoft.gpt-4o", "text-davinci-003", "dall-e-3", "gpt-oss-120b"],
)
def test_other_spellings_of_openai_models_are_refused(model: str):
    with pytest.raises(ConfigError, match="is an OpenAI model"):
        load_settings(env_file=None, environ={"ALPHALENS_MODEL": model})


@pytest.mark.parametrize("model", ["openrouter/auto", "llama-4"])
def test_a_model_of_nobody_we_know_is_refused(model: str):
    with pytest.raises(ConfigError, match="is no Claude, DeepSeek, Qwen or Moonshot model"):
        load_settings(env_file=None, environ={"ALPHALENS_MODEL": model})


@pytest.mark.parametrize("key", ["alphalens_account", "ENABLE_LIVE_TRADNG"])
def test_nearly_our_key_is_refused_instead_of_ignored(key: str):
    with pytest.raises(ConfigError, match="did you mean"):
        load_settings(env_file=None, environ={key: "1"})


def test_flags_of_other_programs_are_left_alone():
    assert not load_settings(env_file=None, environ={"ENABLE_COLOR": "1"}).enable_live_trading


def test_a_named_file_must_exist_and_be_text(tmp_path: Path):
    with pytest.raises(ConfigError, match="there is no settings file"):
        load_settings(env_file=tmp_path / "desk.env", environ={})
    bad = tmp_path / "desk.env"
    bad.write_bytes(b"ALPHALENS_ACCOUNT=\xff\xfe\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(env_file=bad, environ={})


@pytest.mark.parametrize("key", ["ALPHALENS_LIMIT_MAX_PRICE_AGE_S", "ALPHALENS_LIMIT_MAX_ORDER"])
def test_an_infinite_limit_is_refused(key: str):
    with pytest.raises(ConfigError):
        load_settings(env_file=None, environ={key: "inf"})


@pytest.mark.parametrize(
    "key", ["ALPHALENS_FOO", "ALPHALENS_SEED", "ALPHALENS_LIMIT_FOO", "ALPHALENS_FOO_API_KEY"]
)
def test_an_unknown_key_like_none_of_ours_gets_no_false_hint(key: str):
    with pytest.raises(ConfigError, match=f"unknown setting {key} in environment: `alphalens con"):
        load_settings(env_file=None, environ={key: "1"})


def test_a_refusal_in_our_own_words_has_no_words_of_a_library_before_it():
    with pytest.raises(ConfigError, match=r"^ALPHALENS_MODEL in environment: 'gpt-5' is an OpenAI"):
        load_settings(env_file=None, environ={"ALPHALENS_MODEL": "gpt-5"})


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("ALPHALENS_LIMIT_MAX_ORDER 0.01\n", 1, "ALPHALENS_LIMIT_MAX_ORDER is not followed by '='"),
        ("# ours\n\nALPHALENS_LIMIT_MAX_ORDER: 0.01\n", 3, "is not followed by '='"),
        ("export ALPHALENS_LIMIT_MAX_ORDER 0.01\n", 1, "is not followed by '='"),
        ('A=1\n"ALPHALENS_LIMIT_MAX_ORDER=0.01\n', 2, "a quote before it"),
        ('"ALPHALENS_LIMIT_MAX_ORDER"=0.01\n', 1, "a quote before it"),
        ("\u200bALPHALENS_LIMIT_MAX_ORDER=0.01\n", 1, "other than letters, digits and _"),
        ("$env:ALPHALENS_LIMIT_MAX_ORDER=0.01\n", 1, "other than letters, digits and _"),
        ("ALPHALENS_LIMIT_MAX_ORDER\n", 1, "has no '=' and no value"),
        ("ALPHALENS_LIMIT_MAX_ORDER#=0.01\n", 1, "has no '=' and no value"),
        ("\nALPHALENS_ACCOUNT='desk\n", 2, "ALPHALENS_ACCOUNT has a quote without its other"),
        ("=0.01\n", 1, "this is not KEY=value"),
        (
            "ALPHALENS_LIMIT_MAX_ORDER=0.01\nA=1\n\nALPHALENS_LIMIT_MAX_ORDER=0.5\n",
            4,
            "ALPHALENS_LIMIT_MAX_ORDER is set a second time, first on line 1",
        ),
        (
            'A="x\nALPHALENS_LIMIT_MAX_ORDER=0.01\nB="\n',
            1,
            "value of A runs over the line of ALPHALENS_LIMIT_MAX_ORDER",
        ),
    ],
)
def test_no_line_of_a_settings_file_is_dropped(tmp_path: Path, text: str, line: int, words: str):
    env = tmp_path / ".env"
    env.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        load_settings(env_file=env, environ={})
    assert str(caught.value).startswith(f"{env}, line {line}: ")


def test_what_other_programs_write_into_the_file_is_left_alone(tmp_path: Path):
    env = tmp_path / ".env"
    env.write_text(
        "\ufeffA=1\nA=2\nspring.url=x\nexport SHELL_ONLY\n\n# a comment\n"
        "KEY='-----BEGIN\nMII=\n-----END'\nexport ALPHALENS_ACCOUNT = 'desk' # ours\n",
        encoding="utf-8",
    )
    assert load_settings(env_file=env, environ={}).account == "desk"


def test_a_malformed_line_does_not_show_its_secret(tmp_path: Path):
    env = tmp_path / ".env"
    env.write_text(f"ANTHROPIC_API_KEY {SECRET}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(env_file=env, environ={})
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("ALPHALENS_ALPACA_BASE_URL", f"https://ann:{SECRET}@paper-api.alpaca.markets"),
        ("ALPHALENS_ALPACA_BASE_URL", f"https://paper-api.alpaca.markets?key={SECRET}"),
        ("ALPHALENS_ALPACA_STREAM_URL", f"wss://ann:{SECRET}@paper-api.alpaca.markets/stream"),
    ],
)
def test_address_of_the_venue_with_a_secret_in_it_is_refused_without_showing_it(key, address):
    with pytest.raises(ConfigError, match=rf"^{key} in environment: an address") as caught:
        load_settings(env_file=None, environ={key: address})
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_no_address_is_shown_with_its_password():
    given = {
        "DATABASE_URL": f"postgresql+psycopg://ann:{SECRET}@localhost/desk",
        "ALPHALENS_ALERT_WEBHOOK_URL": f"https://ann:{SECRET}@hooks.example/{SECRET}",
        "ALPHALENS_ALPACA_BASE_URL": "http://127.0.0.1:8080",
        "ALPHALENS_ALPACA_STREAM_URL": "ws://127.0.0.1:8080/stream",
    }
    settings = load_settings(env_file=None, environ=given)
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert SECRET not in shown + "".join(row.value for row in settings.rows())


def test_refusal_of_settings_made_by_hand_does_not_show_what_was_given():
    with pytest.raises(ValidationError) as caught:
        Settings(alpaca_base_url=f"https://ann:{SECRET}@paper-api.alpaca.markets")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("path", ["desk\0.halt", "desk\n.halt"])
def test_halt_file_that_can_never_exist_is_refused(path):
    with pytest.raises(ConfigError, match="ALPHALENS_HALT_FILE in command line: 'desk"):
        load_settings(env_file=None, environ={}, overrides={"ALPHALENS_HALT_FILE": path})


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"ALPHALENS_MARKET_DATA_VENDORS": "alpaca,massive"}, "'massive' is no vendor.*new name"),
        ({"ALPHALENS_MARKET_DATA_VENDORS": "bloomberg"}, "name some of alpaca, polygon, yahoo"),
        ({"ALPHALENS_MARKET_DATA_VENDORS": "yahoo, yahoo"}, "names no vendor, or one twice"),
        ({"ALPHALENS_MARKET_DATA_VENDORS": " , "}, "names no vendor, or one twice"),
        ({"ALPHALENS_ALPACA_FEED": "best"}, "'best' is no feed.*iex, sip"),
        ({"ALPHALENS_ALPACA_BARS_URL": "http://data.alpaca.markets"}, "unencrypted"),
        ({"ALPHALENS_POLYGON_BASE_URL": "ftp://x"}, "an address is https://host"),
        ({"ALPHALENS_YAHOO_CALLS_PER_MINUTE": "0"}, "greater than or equal to 1"),
        ({"ALPHALENS_REDIS_URL": "redis://h"}, "did you mean REDIS_URL"),
    ],
)
def test_impossible_setting_of_market_data_is_refused(environ: dict[str, str], words: str):
    with pytest.raises(ConfigError, match=words):
        load_settings(env_file=None, environ=environ)


def test_vendors_of_market_data_are_told_in_their_order():
    settings = load_settings(
        env_file=None, environ={"ALPHALENS_MARKET_DATA_VENDORS": " sample ,alpaca"}
    )
    assert settings.vendors == ("sample", "alpaca")
    assert load_settings(env_file=None, environ={}).vendors == ("alpaca", "polygon", "yahoo")


def test_addresses_with_passwords_and_keys_of_market_data_are_not_shown():
    environ = {
        "ALPHALENS_MARKET_DATABASE_URL": f"postgresql://u:{SECRET}@h/d",
        "REDIS_URL": f"redis://:{SECRET}@h/0",
        "MASSIVE_API_KEY": SECRET,
    }
    settings = load_settings(env_file=None, environ=environ)
    shown = {row.key: row.value for row in settings.rows()}
    assert {shown[key] for key in environ} == {"********"}
    assert SECRET not in repr(settings)


def test_page_of_the_settings_names_each_of_them_once():
    page = (Path(__file__).resolve().parents[1] / "docs" / "settings.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = [key for cell in rows for key in re.findall(r"`([A-Z0-9_]+)`", cell)]
    settings = load_settings(env_file=None, environ={})
    assert sorted(named) == sorted(row.key for row in settings.rows())


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("", ""),
        ("9464", "127.0.0.1:9464"),
        ("0", "127.0.0.1:0"),
        ("0.0.0.0:9464", "0.0.0.0:9464"),
        ("desk.example:065", "desk.example:65"),
    ],
)
def test_health_is_told_on_this_machine_unless_another_address_is_named(given, place):
    environ = {"ALPHALENS_HEALTH_ADDRESS": given}
    assert load_settings(env_file=None, environ=environ).health_address == place


@pytest.mark.parametrize("given", ["65536", "127.0.0.1", "127.0.0.1:", "a b:1", "[::1]:9464", "-1"])
def test_place_that_nobody_can_answer_at_is_refused(given):
    with pytest.raises(ConfigError, match=r"ALPHALENS_HEALTH_ADDRESS .* host:port"):
        load_settings(env_file=None, environ={"ALPHALENS_HEALTH_ADDRESS": given})
