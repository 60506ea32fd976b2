"""Answers of vendors that were refused whole, kept as they came."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from alphalens.data._store.aside import plain
from alphalens.data.bars import micros
from alphalens.data.reasons import AnswerRefused, Reason
from alphalens.storage.schema import refused

__all__ = ["find", "keep"]

_SHOWN = ("vendor", "asked", "reason", "raw", "at")


def keep(connection: sa.Connection, refusal: AnswerRefused, at: datetime) -> bool:
    """Keep an answer; return whether it is new. The same one again changes nothing."""
    # JSON tells the texts apart and has a form for every string, lone surrogates included.
    body = json.dumps(list(refusal.raw), separators=(",", ":")).encode()
    key = repr((refusal.vendor, refusal.asked, refusal.reason.value)).encode()
    digest = hashlib.sha256(key + b"\0" + body).hexdigest()
    known = sa.select(sa.true()).where(refused.c.hash == digest)
    if connection.execute(known).first() is not None:
        return False
    row = {
        "hash": digest,
        "vendor": plain(refusal.vendor),
        "asked": plain(refusal.asked),
        "reason": refusal.reason.value,
        "raw": zlib.compress(body),
        "at": micros(at),
    }
    connection.execute(refused.insert(), row)
    return True


def find(connection: sa.Connection, since: datetime | None) -> pd.DataFrame:
    """Return refused answers by when they came; see `alphalens.data.ingest_record`."""
    query = sa.select(*(refused.c[name] for name in _SHOWN)).order_by(refused.c.at, refused.c.hash)
    if since is not None:
        query = query.where(refused.c.at >= micros(since))
    rows = connection.execute(query).all()
    found = pd.DataFrame(rows, columns=list(_SHOWN), dtype=object)
    found["reason"] = [Reason(number).name.lower() for number in found["reason"]]
    texts = [tuple(json.loads(zlib.decompress(body))) for body in found["raw"]]
    found["raw"] = pd.Series(texts, index=found.index, dtype=object)
    times = found["at"].to_numpy("i8").view("M8[us]")
    return found.assign(at=pd.DatetimeIndex(times).tz_localize("UTC"))
