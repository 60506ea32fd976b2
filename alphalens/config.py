"""Settings: read once from defaults, ``.env`` and the environment, then frozen.

This module is the only reader of the environment. Later sources win: default, ``.env``,
environment, an argument of `load_settings`. Every value remembers its source.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal

from alphalens._optional import require
from alphalens.errors import ConfigError
from alphalens.risk.limits import RiskLimits

require("pydantic", "dotenv", extra="trading")

from dotenv.parser import Binding, parse_stream  # noqa: E402 - only after the guard has spoken
from pydantic import (  # noqa: E402 - only after the guard has spoken
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

__all__ = ["SettingRow", "Settings", "load_settings"]

_PREFIX = "ALPHALENS_"
_LIMIT_PREFIX = "ALPHALENS_LIMIT_"
_REFUSED_MODEL = re.compile(
    r"openai|chatgpt|davinci|dall-?e|whisper|(^|[^a-z])gpt|(^|[/:.])o[0-9]", re.IGNORECASE
)
_KNOWN_MODEL = re.compile(r"claude|deepseek|qwen|qwq|moonshot|kimi", re.IGNORECASE)
_MASK = "********"
_LEAST_CASH, _MOST_CASH = Decimal("0.01"), Decimal(10) ** 15
_MOST_LIMIT = Decimal(10) ** 9
_MOST_CALLS = 1_000_000  # a minute; more is no limit


def _accepted_model(model: str) -> str:
    if _REFUSED_MODEL.search(model):
        raise ValueError(
            f"{model!r} is an OpenAI model, and this package calls none: name a Claude, DeepSeek, "
            "Qwen or Moonshot model, or leave it empty to run without a model"
        )
    if model and not _KNOWN_MODEL.search(model):
        raise ValueError(
            f"{model!r} is no Claude, DeepSeek, Qwen or Moonshot model: name one, or leave it "
            "empty to run without a model"
        )
    return model


def _accepted_cash(cash: Decimal) -> Decimal:
    if not _LEAST_CASH <= cash <= _MOST_CASH:
        raise ValueError(
            f"{cash} is no opening balance: give an amount from {_LEAST_CASH} to {_MOST_CASH}"
        )
    return cash


def _accepted_address(*schemes: str) -> Callable[[str], str]:
    def accepted(url: str) -> str:
        from alphalens.net.endpoint import checked_url  # loads the wire: only where one is given

        secure, plain = schemes
        try:
            return checked_url(url, schemes=(secure, plain)) if url else url
        except ConfigError as error:  # it shows no user, no password and no query
            raise ValueError(str(error)) from None

    return accepted


_VENDORS = ("alpaca", "polygon", "yahoo", "sample")


def _accepted_vendors(text: str) -> str:
    names = _split(text)
    for name in names:
        if name not in _VENDORS:
            hint = " (Massive is the new name of polygon)" if name == "massive" else ""
            raise ValueError(
                f"{name!r} is no vendor of market data{hint}: name some of {', '.join(_VENDORS)}, "
                "in the order in which they are asked, with commas between them"
            )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{text!r} names no vendor, or one twice: name each once")
    return ",".join(names)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _accepted_feed(feed: str) -> str:
    from alphalens.data.alpaca_provider import FEEDS  # loads the wire: only where one is given

    if feed not in FEEDS:
        raise ValueError(f"{feed!r} is no feed of Alpaca's: name one of {', '.join(FEEDS)}")
    return feed


def _accepted_redis(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text and not text.startswith(("redis://", "rediss://", "unix://")):  # it is not shown
        raise ValueError("this is no address of Redis: it is redis://host:port/db, or empty")
    return url


def _accepted_listener(place: str) -> str:
    if not place:
        return place
    read = _LISTENER.fullmatch(place)
    if read is None or int(read["port"]) > _MOST_PORT:
        raise ValueError(
            f"{place!r} is no place to answer at: give a port, such as 9464, for this machine "
            f"alone, or host:port; a port is at most {_MOST_PORT}, and 0 takes a free one"
        )
    return f"{read['host'] or '127.0.0.1'}:{int(read['port'])}"


_LISTENER = re.compile(r"(?:(?P<host>[A-Za-z0-9_.-]+):)?(?P<port>[0-9]{1,5})")
_MOST_PORT = 65_535


def _accepted_path(path: str) -> str:
    if not path.isprintable():
        raise ValueError(f"{path!r} holds a character that no path should: give the name of a file")
    return path


class Settings(BaseModel):
    """Everything that can be set, validated and frozen.

    Attributes
    ----------
    venue : str
        ``paper`` (our own, simulated) or ``alpaca``.
    account : str
        Account number at the venue, as a person typed it; live trading needs it. The paper
        broker takes any name, and ``paper`` means that no number was typed.
    alpaca_base_url, alpaca_stream_url, alpaca_data_url : str
        Host of Alpaca's trading API, which alone decides whether money is real, and the
        address of its stream; empty means the one of the same host. Neither holds a user, a
        password or a query: keys have settings of their own.
    database_url : SecretStr
        Where the journal is kept, such as ``postgresql+psycopg://user@host/desk``; empty means
        a SQLite file.
    halt_file : str
        While this file exists trading is halted; empty means ``desk.sqlite.halt`` beside a
        SQLite journal, and none for a database on a server.
    alert_webhook_url : SecretStr
        Where alerts are posted, besides the log; empty means nowhere.
    health_address : str
        Where a running desk answers ``/healthz`` and ``/metrics``: ``host:port``, of this machine
        alone if only a port was given; empty means nowhere.
    market_database_url : SecretStr
        Where bars are kept; empty means the server of `database_url`, or a SQLite file of
        their own, for a file has one turn for all who write.
    redis_url : SecretStr
        Cache of bars, ``redis://host:port/db``; empty means one in this process.
    market_data_vendors : str
        Vendors of market data in the order in which they are asked, commas between; those
        without a key are left out.
    market_data_second_opinion : bool
        Whether a misprint among daily bars is replaced by the next vendor's bar.
    alpaca_bars_url, alpaca_feed : str
        Host of Alpaca's market data, and where its prices of shares come from.
    polygon_base_url : str
        Host of Polygon's market data; empty means the one that the key is named after.
    polygon_stream_url : str
        Whole address of its stream of bars; empty means that of the same owner.
    alpaca_calls_per_minute, polygon_calls_per_minute, yahoo_calls_per_minute : int
        How many calls the plan allows, each page counted.
    paper_cash : Decimal
        Opening balance of a new paper account, in `currency`; from 0.01 to 1e15.
    model : str
        Model that may advise; empty means none, which is complete in itself.
    enable_live_trading, enable_options_trading, enable_crypto_trading : bool
        Feature flags, off by default.
    anthropic_api_key, openrouter_api_key, alpaca_api_key, alpaca_secret_key : SecretStr
        Keys of vendors; never printed, logged or stored.
    polygon_api_key, massive_api_key : SecretStr
        The key of the vendor that was Polygon and is Massive now, under either name.
    limits : RiskLimits
        What the pre-trade gate enforces; keys ``ALPHALENS_LIMIT_<FIELD>``.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,  # an input may hold a password
    )

    venue: Literal["paper", "alpaca"] = "paper"
    account: str = Field(default="paper", min_length=1)
    alpaca_base_url: Annotated[str, AfterValidator(_accepted_address("https", "http"))] = (
        "https://paper-api.alpaca.markets"
    )
    alpaca_stream_url: Annotated[str, AfterValidator(_accepted_address("wss", "ws"))] = ""
    alpaca_data_url: Annotated[str, AfterValidator(_accepted_address("wss", "ws"))] = ""
    database_url: SecretStr = SecretStr("")
    halt_file: Annotated[str, AfterValidator(_accepted_path)] = ""
    alert_webhook_url: SecretStr = SecretStr("")
    health_address: Annotated[str, AfterValidator(_accepted_listener)] = ""
    market_database_url: SecretStr = SecretStr("")
    redis_url: Annotated[SecretStr, AfterValidator(_accepted_redis)] = SecretStr("")
    market_data_vendors: Annotated[str, AfterValidator(_accepted_vendors)] = "alpaca,polygon,yahoo"
    market_data_second_opinion: bool = False
    alpaca_bars_url: Annotated[str, AfterValidator(_accepted_address("https", "http"))] = (
        "https://data.alpaca.markets"
    )
    alpaca_feed: Annotated[str, AfterValidator(_accepted_feed)] = "iex"
    alpaca_calls_per_minute: int = Field(default=200, ge=1, le=_MOST_CALLS)
    polygon_base_url: Annotated[str, AfterValidator(_accepted_address("https", "http"))] = ""
    polygon_stream_url: Annotated[str, AfterValidator(_accepted_address("wss", "ws"))] = ""
    polygon_calls_per_minute: int = Field(default=5, ge=1, le=_MOST_CALLS)
    yahoo_calls_per_minute: int = Field(default=60, ge=1, le=_MOST_CALLS)
    paper_cash: Annotated[Decimal, AfterValidator(_accepted_cash)] = Decimal(1_000_000)
    model: Annotated[str, AfterValidator(_accepted_model)] = ""
    enable_live_trading: bool = False
    enable_options_trading: bool = False
    enable_crypto_trading: bool = False
    anthropic_api_key: SecretStr = SecretStr("")
    openrouter_api_key: SecretStr = SecretStr("")
    alpaca_api_key: SecretStr = SecretStr("")
    alpaca_secret_key: SecretStr = SecretStr("")
    polygon_api_key: SecretStr = SecretStr("")
    massive_api_key: SecretStr = SecretStr("")
    limits: RiskLimits = Field(default_factory=RiskLimits)
    sources: Mapping[str, str] = Field(default_factory=dict, repr=False)

    @property
    def vendors(self) -> tuple[str, ...]:
        """Return the vendors of market data, in the order in which they are asked."""
        return tuple(_split(self.market_data_vendors))

    def secrets(self) -> tuple[str, ...]:
        """Return every secret that is set, for whoever has to keep them out of a text."""
        values = (getattr(self, name) for name in type(self).model_fields)
        told = (v.get_secret_value() for v in values if isinstance(v, SecretStr))
        return tuple(text for text in told if text)

    def rows(self) -> Iterator[SettingRow]:
        """Yield each setting with its key, its printable value and where it came from."""
        for key, field in _KEYS.items():
            value = getattr(self, field)
            text = (
                (_MASK if value.get_secret_value() else "")
                if isinstance(value, SecretStr)
                else str(value)
            )
            yield SettingRow(key=key, value=text, source=self.sources.get(key, "default"))
        for key, field in _LIMIT_KEYS.items():
            text = str(getattr(self.limits, field))
            yield SettingRow(key=key, value=text, source=self.sources.get(key, "default"))


class SettingRow(BaseModel):
    """One line of ``alphalens config show``: the key, its value without secrets, its source."""

    model_config = ConfigDict(frozen=True)

    key: str
    value: str
    source: str


_UNPREFIXED = re.compile(r"^enable_|_key$|^(database|redis)_url$")
_KEYS = {
    name.upper() if _UNPREFIXED.search(name) else _PREFIX + name.upper(): name
    for name in Settings.model_fields
    if name not in ("limits", "sources")
}
_LIMIT_KEYS = {_LIMIT_PREFIX + f.name.upper(): f.name for f in fields(RiskLimits)}


def load_settings(
    *,
    env_file: Path | str | None = ".env",
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings from defaults, a ``.env`` file, the environment and overrides.

    Parameters
    ----------
    env_file : path or None
        File of ``KEY=value`` lines, each read or refused; only ``.env`` itself may be missing,
        None reads none.
    environ : Mapping or None
        The environment; None means the process's own.
    overrides : Mapping or None
        Values by key, as an option of a command gives them.

    Returns
    -------
    Settings
        Frozen; each value's source is in ``sources``.

    Raises
    ------
    ConfigError
        If an ``ALPHALENS_`` key is unknown (with the nearest known one), a value cannot be
        read, a limit is impossible, or an OpenAI model is named; with its line if the file has
        a line that is not ``KEY=value`` or sets one of our keys twice.

    Examples
    --------
    >>> settings = load_settings(env_file=None, environ={"ALPHALENS_PAPER_CASH": "50000"})
    >>> settings.paper_cash
    Decimal('50000')
    """
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for source, given in _given(env_file, environ, overrides):
        for key, value in given.items():
            if _is_unknown(key):
                raise ConfigError(_unknown(key, source))
            if key in _KEYS or key in _LIMIT_KEYS:
                values[key], sources[key] = value, source
    return _build(values, sources)


def _given(
    env_file: Path | str | None,
    environ: Mapping[str, str] | None,
    overrides: Mapping[str, str] | None,
) -> Iterator[tuple[str, Mapping[str, str]]]:
    if env_file is not None and Path(env_file).is_file():
        yield str(env_file), _read(Path(env_file))
    elif env_file is not None and Path(env_file).name != ".env":
        raise ConfigError(f"there is no settings file {env_file}: name one that exists")
    yield "environment", os.environ if environ is None else environ
    yield "command line", overrides or {}


def _read(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text ({error.reason}): save it as UTF-8") from None
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for binding in parse_stream(StringIO(text)):
        line = _line(binding)
        if fault := _fault(binding):
            raise ConfigError(f"{path}, line {line}: {fault}")
        key = binding.key
        if key is None:
            continue  # blank, or a comment
        if key in lines and (key in _KEYS or key in _LIMIT_KEYS):
            raise ConfigError(
                f"{path}, line {line}: {key} is set a second time, first on line {lines[key]}: "
                "keep one of the two"
            )
        values[key], lines[key] = binding.value or "", line
    return values


def _line(binding: Binding) -> int:
    """Return the line that a binding stands on; its text begins with the blank lines before it."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", blank))


def _fault(binding: Binding) -> str | None:
    """Return what is wrong with a line, never its value: that may be a secret."""
    text = binding.original.string.strip()
    if binding.error:
        named = _NAMED.match(text)
        about = f"{named.group(1)} is not followed by '='" if named else "this is not KEY=value"
        if named and text[named.end() :].lstrip().startswith("="):
            about = f"the value of {named.group(1)} has a quote without its other half"
        return f"{about}: write KEY=value, or # before a comment"
    if binding.key is None:
        return None
    if not _PLAIN_KEY.fullmatch(binding.key):
        return (
            "a key has a character other than letters, digits and _ (a quote before it?): write "
            "KEY=value"
        )
    if binding.value is None and _is_ours(binding.key):
        return f"{binding.key} has no '=' and no value: write {binding.key}=value"
    if "\n" in text and (inner := _SWALLOWED.search(text)):
        return (
            f"the quoted value of {binding.key} runs over the line of {inner.group(1)}: close "
            "the quote"
        )
    return None


_NAMED = re.compile(rf"(?:export\s+)?['\"]?({_PREFIX}\w+)", re.ASCII | re.IGNORECASE)
_SWALLOWED = re.compile(rf"\n\s*(?:export\s+)?({_PREFIX}\w+|ENABLE_\w+)", re.ASCII | re.IGNORECASE)
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)  # other programs' keys may have . and -


def _is_ours(key: str) -> bool:
    return key in _KEYS or key in _LIMIT_KEYS or _is_unknown(key)


def _is_unknown(key: str) -> bool:
    """Return whether a key is ours by its prefix, or nearly one of the flags, and is not known."""
    if key in _KEYS or key in _LIMIT_KEYS:
        return False
    near_flag = key.upper().startswith("ENABLE_") and get_close_matches(
        key.upper(), [k for k in _KEYS if k.startswith("ENABLE_")], n=1, cutoff=0.85
    )
    return key.upper().startswith(_PREFIX.rstrip("_")) or bool(near_flag)


def _unknown(key: str, source: str) -> str:
    stems = {_stem(known): known for known in (*_KEYS, *_LIMIT_KEYS)}
    near = get_close_matches(_stem(key), stems, n=1, cutoff=0.75)
    hint = (
        f"did you mean {stems[near[0]]}?"
        if near
        else "`alphalens config show` lists the known keys"
    )
    return f"unknown setting {key} in {source}: {hint}"


def _stem(key: str) -> str:
    """Return what tells a key from the others: without the ends that many share."""
    return re.sub(r"^(ALPHALENS[_.-]?)?(LIMITS?[_.-])?(ENABLE[_.-])?|_KEY$", "", key.upper())


def _build(values: Mapping[str, str], sources: Mapping[str, str]) -> Settings:
    limits = {
        _LIMIT_KEYS[k]: _limit(k, v, sources[k]) for k, v in values.items() if k in _LIMIT_KEYS
    }
    plain: dict[str, Any] = {  # Any: pydantic parses the texts
        _KEYS[key]: value for key, value in values.items() if key in _KEYS
    }
    try:
        return Settings(limits=_limits(limits, sources), sources=dict(sources), **plain)
    except ValidationError as error:
        raise ConfigError(_explain(error, sources)) from None  # the cause would hold the input


def _limit(key: str, text: str, source: str) -> Decimal | int | None:
    if text.lower() == "none":
        return None  # RiskLimits knows which limits may be absent
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ConfigError(f"{key} in {source}: {text!r} is not a number") from None
    if not number.is_finite() or abs(number) > _MOST_LIMIT:
        raise ConfigError(
            f"{key} in {source}: {text!r} limits nothing: give a finite number of at most "
            f"{_MOST_LIMIT}"
        )
    if "int" not in _LIMIT_TYPES[_LIMIT_KEYS[key]]:
        return number
    if number != number.to_integral_value():
        raise ConfigError(f"{key} in {source}: {text!r} is not a whole number")
    return int(number)


_LIMIT_TYPES = {f.name: str(f.type) for f in fields(RiskLimits)}


def _limits(given: Mapping[str, Decimal | int | None], sources: Mapping[str, str]) -> RiskLimits:
    try:
        return RiskLimits(**given)  # type: ignore[arg-type]  # _limit made each field's own type
    except ConfigError as error:
        keys = ", ".join(f"{k} in {s}" for k, s in sources.items() if k in _LIMIT_KEYS)
        raise ConfigError(f"{error} (limits were set by {keys})") from error


def _explain(error: ValidationError, sources: Mapping[str, str]) -> str:
    key_of = {field: key for key, field in _KEYS.items()}
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        key = key_of.get(str(problem["loc"][0]), str(problem["loc"][0]))
        message = problem["msg"].removeprefix("Value error, ")  # pydantic's, before our own words
        lines.append(f"{key} in {sources.get(key, 'default')}: {message}")
    return "; ".join(lines)
