"""Facts as rows of tables: what is new among those that are told, and what was told before.

Every table keeps versions by when each was seen. A version that tells what the one before it
told already is left out, so that the same facts again change nothing; one that contradicts what
was told at the very same time is refused, for it would change what was known then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from alphalens.assets.contracts import FutureSymbol
from alphalens.data.bars import micros
from alphalens.data.port import CorporateAction
from alphalens.errors import InputError
from alphalens.storage.schema import actions, facts, members

__all__ = [
    "CONTRACT_ITEMS",
    "FACT",
    "action_of",
    "add_actions",
    "add_facts",
    "add_members",
    "contract_facts",
    "counted",
    "day_texts",
    "days_of",
    "digest_of",
    "instants_of",
]

Row = dict[str, Any]  # Any: the columns differ in type
Key = tuple[Any, ...]

#: What makes a fact, besides when it was seen and what it tells.
FACT = ("symbol", "item", "period")
#: The days of a futures contract, as days since 1970; their period is the month of the contract.
CONTRACT_ITEMS = ("last_trade", "first_notice")
_ACTION = ("symbol", "kind", "ex_date", "source")
_TOLD = ("ratio", "cash", "currency", "new_symbol", "is_void")
_SOME = 500  # symbols of one question: every database takes so many parameters
_MANY = 20_000  # rows of one statement
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_actions(
    connection: sa.Connection, given: Iterable[CorporateAction], *, is_void: bool
) -> int:
    """Add versions of actions; return how many told something new.

    Raises
    ------
    InputError
        If one cannot be true, contradicts what its source told at the same instant, or two of
        one day cannot be put together.
    """
    told = [_row_of(action, is_void) for action in _of_each_day(given)]
    history: dict[Key, dict[int, Row]] = {}
    for row in _stored(connection, actions, sorted({row["symbol"] for row in told})):
        history.setdefault(_key(row, _ACTION), {})[row["seen"]] = row
    new: list[Row] = []
    for row in sorted(told, key=lambda row: int(row["seen"])):
        versions = history.setdefault(_key(row, _ACTION), {})
        if _is_new_action(row, versions):
            versions[row["seen"]] = row
            new.append(row)
    if new:
        connection.execute(actions.insert(), new)
    return len(new)


def action_of(row: Mapping[str, Any]) -> CorporateAction:
    """Return a row of the table of actions as an action."""
    return CorporateAction(
        symbol=row["symbol"],
        kind=row["kind"],
        ex_date=date.fromisoformat(row["ex_date"]),
        source=row["source"],
        seen_at=_EPOCH + timedelta(microseconds=int(row["seen"])),
        ratio=row["ratio"],
        cash=row["cash"],
        currency=row["currency"],
        new_symbol=row["new_symbol"],
    )


def add_facts(connection: sa.Connection, given: pd.DataFrame, source: str) -> int:
    """Add versions of figures; return how many told something new.

    Parameters
    ----------
    connection : Connection
        In a write transaction.
    given : DataFrame
        ``symbol``, ``item``, ``period`` and ``seen`` (ISO 8601 text), ``value``. Of two that tell
        the same figure on the same day the later row counts.
    source : str
        Who told them.

    Raises
    ------
    InputError
        If one contradicts what was told on the same day.
    """
    key = [*FACT, "seen"]
    told = given[[*key, "value"]].drop_duplicates(key, keep="last").astype({"value": float})
    known = pd.DataFrame(
        _stored(connection, facts, sorted(set(told["symbol"])), source=source),
        columns=[*key, "value"],
    ).astype({"value": float})
    both = pd.concat([known.assign(is_new=False), told.assign(is_new=True)], ignore_index=True)
    both = both.sort_values(key, kind="stable", ignore_index=True)
    before = both.shift()
    is_same = (both["value"] == before["value"]) | (both["value"].isna() & before["value"].isna())
    follows = (both[list(FACT)] == before[list(FACT)]).all(axis=1)
    wrong = both["is_new"] & follows & (both["seen"] == before["seen"]) & ~is_same
    if wrong.any():
        first, was = both[wrong].iloc[0], before[wrong].iloc[0]
        raise InputError(
            f"{source} told {first['item']} of {first['symbol']} for {first['period']} on "
            f"{first['seen']} as {was['value']}, and now as {first['value']} for the same day: "
            f"give the day on which the correction was seen"
        )
    new = both[both["is_new"] & ~(follows & is_same)]
    for part in _parts_of(new, key, source):
        connection.execute(facts.insert(), part)
    return len(new)


def add_members(connection: sa.Connection, name: str, given: pd.DataFrame, source: str) -> int:
    """Add intervals of an index, and ends of those that had none; return how many.

    Raises
    ------
    InputError
        If an interval is known with another end.
    """
    query = sa.select(members.c.symbol, members.c.start, members.c.end)
    found = connection.execute(query.where(members.c.name == name))
    known = {(symbol, start): end for symbol, start, end in found}
    changed = 0
    for symbol, start, end in given.itertuples(index=False):
        has = known.get((symbol, start), "")
        if has == end or (has and end is None):  # an older list knows of no end
            continue
        if has:
            raise InputError(
                f"{symbol} left {name} on {has}, and now is told to have left it on {end}: one of "
                f"the two lists is wrong"
            )
        key = {"name": name, "symbol": symbol, "start": start}
        if has is None:
            own = (members.c[column] == value for column, value in key.items())
            connection.execute(members.update().where(*own).values(end=end, source=source))
        else:
            connection.execute(members.insert(), [{**key, "end": end, "source": source}])
        known[symbol, start] = end
        changed += 1
    return changed


def contract_facts(given: pd.DataFrame) -> pd.DataFrame:
    """Return the terms of contracts as facts: ``symbol``, ``item``, ``period``, ``seen``, value.

    Raises
    ------
    InputError
        If a symbol is no contract's, or a day has a time or a zone.
    """
    named = [FutureSymbol.parse(symbol) for symbol in given["symbol"]]
    table = pd.DataFrame(
        {
            "symbol": [name.code for name in named],
            "period": [date(name.year, name.month, 1).isoformat() for name in named],
            "seen": day_texts(given["seen"]).to_numpy(),
        },
        dtype=object,
    )
    parts = []
    for item in CONTRACT_ITEMS:
        day_texts(given[item])  # which refuses what is no day
        days = pd.to_datetime(given[item]).reset_index(drop=True)
        value = (days - pd.Timestamp(0)) / pd.Timedelta(days=1)
        parts.append(table.assign(item=item, value=value).dropna(subset="value"))
    return pd.concat(parts, ignore_index=True)


def counted(connection: sa.Connection) -> dict[str, list[Row]]:
    """Return how much there is of each kind of fact, by who told it; of indices by name."""
    is_contract = facts.c.item.in_(CONTRACT_ITEMS)
    rows, symbols = sa.func.count().label("rows"), sa.distinct
    told = {
        "actions": _by_source(actions),
        "figures": _by_source(facts).where(~is_contract),
        "contracts": _by_source(facts).where(is_contract),
        "members": sa.select(
            members.c.name,
            rows,
            sa.func.count(symbols(members.c.symbol)).label("symbols"),
            (rows - sa.func.count(members.c.end)).label("current"),
        )
        .group_by(members.c.name)
        .order_by(members.c.name),
    }
    return {
        what: [dict(row) for row in connection.execute(query).mappings()]
        for what, query in told.items()
    }


def _by_source(table: sa.Table) -> sa.Select[Any]:
    return (
        sa.select(
            table.c.source,
            sa.func.count().label("rows"),
            sa.func.count(sa.distinct(table.c.symbol)).label("symbols"),
        )
        .group_by(table.c.source)
        .order_by(table.c.source)
    )


def digest_of(connection: sa.Connection) -> str:
    """Return 16 digits that differ where any fact does, in whatever order a database has them."""
    total = 0
    for table in (actions, facts, members):
        for row in connection.execute(sa.select(table)):
            values = (f"{v.normalize():f}" if isinstance(v, Decimal) else repr(v) for v in row)
            text = "\0".join((table.name, *values))
            total += int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
    return f"{total % 2**64:016x}"


def day_texts(days: pd.Series[Any]) -> pd.Series[Any]:  # Any: dates come in several types
    """Return days as ISO 8601 text; what is missing stays so, as None.

    Raises
    ------
    InputError
        If one has a time of day or a zone.
    """
    found = pd.to_datetime(days)
    if found.dt.tz is not None or not (found.isna() | (found == found.dt.normalize())).all():
        raise InputError(f"{days.name} must be naive days at midnight")
    texts = found.dt.strftime("%Y-%m-%d").astype(object)
    return texts.where(found.notna(), None)


def days_of(texts: Sequence[str]) -> pd.DatetimeIndex:
    """Return ISO 8601 text as naive days."""
    return pd.DatetimeIndex(np.array(texts, "M8[D]").astype("M8[us]"))


def instants_of(times: Sequence[int]) -> pd.DatetimeIndex:
    """Return microseconds since 1970-01-01 UTC as instants."""
    return pd.DatetimeIndex(np.array(times, np.int64).view("M8[us]")).tz_localize("UTC")


def _stored(
    connection: sa.Connection, table: sa.Table, symbols: Sequence[str], **others: str
) -> list[Row]:
    found: list[Row] = []
    for place in range(0, len(symbols), _SOME):
        some = symbols[place : place + _SOME]
        query = sa.select(table).where(table.c.symbol.in_(some))
        query = query.where(*(table.c[name] == value for name, value in others.items()))
        found += [dict(row) for row in connection.execute(query).mappings()]
    return found


def _is_new_action(row: Row, versions: Mapping[int, Row]) -> bool:
    """Return whether a version tells what the one before it does not."""
    same = versions.get(row["seen"])
    if same is not None and _key(same, _TOLD) != _key(row, _TOLD):
        raise InputError(
            f"{row['source']} told the {row['kind']} of {row['symbol']} on {row['ex_date']} in two "
            f"ways at one instant, {_instant_text(row)}: give the instant of each"
        )
    before = max((seen for seen in versions if seen <= row["seen"]), default=None)
    if before is None:
        return not row["is_void"]  # nothing is there that could be taken back
    return _key(versions[before], _TOLD) != _key(row, _TOLD)


def _of_each_day(given: Iterable[CorporateAction]) -> Iterator[CorporateAction]:
    """Give one action for each kind, day and source: two dividends of one day are paid together."""
    found: dict[Key, CorporateAction] = {}
    for action in dict.fromkeys(given):
        if action.flaw:
            raise InputError(
                f"{action.source} told of {action.symbol} for {action.ex_date}: {action.flaw}"
            )
        key = (*_key(_row_of(action, False), _ACTION), action.seen_at)
        first = found.get(key)
        if first is None:
            found[key] = action
        elif action.kind == "dividend" and first.currency == action.currency:
            found[key] = replace(first, cash=first.cash + action.cash)
        else:
            raise InputError(
                f"{action.source} told two of the kind {action.kind} on {action.symbol} for "
                f"{action.ex_date}: keep the one that is true"
            )
    yield from found.values()


def _row_of(action: CorporateAction, is_void: bool) -> Row:
    return {
        "symbol": action.symbol,
        "kind": action.kind,
        "ex_date": action.ex_date.isoformat(),
        "source": action.source,
        "seen": micros(action.seen_at),
        "ratio": action.ratio,
        "cash": action.cash,
        "currency": action.currency,
        "new_symbol": action.new_symbol,
        "is_void": is_void,
    }


def _key(row: Mapping[str, Any], names: Sequence[str]) -> Key:
    return tuple(row[name] for name in names)


def _instant_text(row: Row) -> str:
    return (_EPOCH + timedelta(microseconds=row["seen"])).isoformat()


def _parts_of(new: pd.DataFrame, key: Sequence[str], source: str) -> Iterator[list[Row]]:
    for place in range(0, len(new), _MANY):
        part = new.iloc[place : place + _MANY]
        columns = [part[name].tolist() for name in (*key, "value")]
        yield [
            {**dict(zip(key, texts, strict=True)), "source": source, "value": _or_none(value)}
            for *texts, value in zip(*columns, strict=True)
        ]


def _or_none(value: float) -> float | None:
    return value if value == value else None
