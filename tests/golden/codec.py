"""Pandas objects to JSON and back, exactly: values, labels, names, dtypes, freq, and level codes.

Imports numpy and pandas only, for the generator and the tests alike. No pickle. Equal columns and
indexes are stored once: a result refers to them by their place in the pool.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.offsets import CustomBusinessDay

Json = Any


class Pool:
    """A list of payloads without repetition."""

    def __init__(self, items: list[Json] | None = None) -> None:
        self.items: list[Json] = [] if items is None else items
        self._places = {json.dumps(item): i for i, item in enumerate(self.items)}

    def put(self, item: Json) -> int:
        """Return the place of the payload, appended when it is new."""
        text = json.dumps(item)
        if text not in self._places:
            self._places[text] = len(self.items)
            self.items.append(item)
        return self._places[text]


def write(path: Path, document: Json) -> None:
    """Write JSON, gzipped without a time stamp: the same numbers give the same bytes."""
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def read(path: Path) -> Json:
    """Read what `write` wrote."""
    return json.loads(gzip.decompress(path.read_bytes()))


def encode(value: Any, pool: Pool) -> Json:
    """Return a JSON description of the value; large parts go into the pool."""
    if isinstance(value, pd.DataFrame):
        columns = [_column(value.iloc[:, i], pool) for i in range(value.shape[1])]
        return {
            "is": "frame",
            "index": _index(value.index, pool),
            "columns": _index(value.columns, pool),
            "data": columns,
        }
    if isinstance(value, pd.Series):
        data = _column(value, pool)
        return {"is": "series", "index": _index(value.index, pool), "data": data} | {
            "name": encode(value.name, pool)
        }
    if isinstance(value, pd.Index):
        return {"is": "index", "index": _index(value, pool)}
    if isinstance(value, (tuple, list)):
        items = [encode(item, pool) for item in value]
        return {"is": type(value).__name__, "items": items}
    if isinstance(value, pd.Timestamp):
        return {
            "is": "timestamp",
            "text": value.isoformat(),
            "tz": str(value.tz),
            "unit": value.unit,
        }
    if isinstance(value, pd.Timedelta):
        return {"is": "timedelta", "ns": int(value.as_unit("ns").value)}
    if isinstance(value, pd.DateOffset) or hasattr(value, "rule_code"):
        return {"is": "offset", "offset": _offset(value)}
    if isinstance(value, (np.integer, np.floating, np.bool_)):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"no code for {type(value)}: {value!r}")


def decode(code: Json, pool: Pool) -> Any:
    """Return the object that was encoded."""
    if not isinstance(code, dict):
        return code
    kind = code["is"]
    if kind == "frame":
        return _frame(code, pool)
    if kind == "series":
        index = _read_index(code["index"], pool)
        name = decode(code["name"], pool)
        return pd.Series(_read_column(code["data"], pool), index=index, name=name)
    if kind == "index":
        return _read_index(code["index"], pool)
    if kind == "timestamp":
        stamp = pd.Timestamp(code["text"]).as_unit(code["unit"])
        return stamp if code["tz"] == "None" else stamp.tz_convert(code["tz"])
    if kind == "timedelta":
        return pd.Timedelta(code["ns"], unit="ns")
    if kind == "offset":
        return _read_offset(code["offset"])
    items = [decode(item, pool) for item in code["items"]]
    return tuple(items) if kind == "tuple" else items


def _frame(code: Json, pool: Pool) -> pd.DataFrame:
    """Build a frame column by column, so that columns may repeat a label."""
    index = _read_index(code["index"], pool)
    parts = {i: _read_column(place, pool) for i, place in enumerate(code["data"])}
    frame = pd.DataFrame(parts, index=index)
    frame.columns = _read_index(code["columns"], pool)
    return frame


def _column(series: pd.Series, pool: Pool) -> int:
    if isinstance(series.dtype, pd.CategoricalDtype):
        return pool.put(
            {
                "dtype": "category",
                "categories": _index(series.cat.categories, pool),
                "ordered": bool(series.cat.ordered),
                "codes": series.cat.codes.tolist(),
            }
        )
    if series.dtype.kind in "Mm":
        return pool.put({"dtype": "datetime", "index": _index(pd.Index(series), pool)})
    return pool.put({"dtype": str(series.dtype), "values": series.tolist()})


def _read_column(place: int, pool: Pool) -> Any:
    code = pool.items[place]
    if code["dtype"] == "category":
        categories = _read_index(code["categories"], pool)
        return pd.Categorical.from_codes(code["codes"], categories, ordered=code["ordered"])
    if code["dtype"] == "datetime":
        return _read_index(code["index"], pool)
    return (
        pd.array(code["values"], dtype=_dtype(code["dtype"]))
        if code["dtype"] == "str"
        else (np.array(code["values"], dtype=_dtype(code["dtype"])))
    )


def _dtype(text: str) -> Any:
    """Return the dtype of that name; `str` is object before pandas 3."""
    if text == "str" and int(pd.__version__.split(".")[0]) < 3:
        return object
    return text


def _index(index: pd.Index, pool: Pool) -> int:
    if isinstance(index, pd.MultiIndex):
        levels = [_index(level, pool) for level in index.levels]
        codes = [np.asarray(code).tolist() for code in index.codes]
        return pool.put({"type": "multi", "levels": levels, "codes": codes} | _names(index))
    if isinstance(index, pd.CategoricalIndex):
        column = _column(pd.Series(index), pool)
        return pool.put({"type": "category", "column": column} | _names(index))
    if isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        stamps = index.asi8
        return pool.put(
            {
                "type": "datetime" if isinstance(index, pd.DatetimeIndex) else "timedelta",
                "unit": index.unit,
                "tz": None if getattr(index, "tz", None) is None else str(index.tz),
                "freq": None if index.freq is None else _offset(index.freq),
                "first": stamps[:1].tolist(),
                "steps": np.diff(stamps).tolist(),
            }
            | _names(index)
        )
    return pool.put(
        {"type": "plain", "dtype": str(index.dtype), "values": index.tolist()} | _names(index)
    )


def _names(index: pd.Index) -> dict[str, list[Any]]:
    names = [name.item() if isinstance(name, np.generic) else name for name in index.names]
    return {"names": names}


def _read_index(place: int, pool: Pool) -> pd.Index:
    code = pool.items[place]
    names = code["names"]
    if code["type"] == "multi":
        levels = [_read_index(level, pool) for level in code["levels"]]
        return pd.MultiIndex(levels=levels, codes=code["codes"], names=names)
    if code["type"] == "category":
        return pd.CategoricalIndex(_read_column(code["column"], pool), name=names[0])
    if code["type"] in ("datetime", "timedelta"):
        return _read_stamps(code, names[0])
    return pd.Index(code["values"], dtype=_dtype(code["dtype"]), name=names[0])


def _read_stamps(code: Json, name: Any) -> pd.Index:
    stamps = np.cumsum(np.array(code["first"] + code["steps"], dtype=np.int64))
    if code["type"] == "timedelta":
        return pd.TimedeltaIndex(stamps.view(f"m8[{code['unit']}]"), name=name)
    index = pd.DatetimeIndex(stamps.view(f"M8[{code['unit']}]"), name=name)
    if code["tz"] is not None:
        index = index.tz_localize("UTC").tz_convert(code["tz"])
    index.freq = None if code["freq"] is None else _read_offset(code["freq"])
    return index


def _offset(offset: Any) -> Json:
    """Return an offset as text, a CustomBusinessDay by its week and its holidays."""
    if isinstance(offset, CustomBusinessDay):
        shut = [str(np.datetime64(day, "D")) for day in offset.holidays]
        return {"n": offset.n, "weekmask": offset.weekmask, "holidays": shut}
    return offset.freqstr


def _read_offset(code: Json) -> Any:
    if isinstance(code, dict):
        return CustomBusinessDay(code["n"], weekmask=code["weekmask"], holidays=code["holidays"])
    return pd.tseries.frequencies.to_offset(code)
