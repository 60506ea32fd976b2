"""The inputs of the golden tests: small, seeded, the same in every numpy and pandas.

Imports numpy and pandas only, so that the side environment of the generator can use it too.
The random numbers come from a counter hash in integer arithmetic and the normals from sums
of twelve uniforms: no numpy generator and no libm function decides a bit of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

N_DATES = 22
N_LATER = 11
SECTORS = {1: "Tech", 2: "Energy", 3: "Banks"}


@dataclass(frozen=True)
class Shape:
    """One input for the whole library: what is passed to the clean step, and to the events."""

    name: str
    about: str
    factor: pd.Series
    prices: pd.DataFrame
    clean: Mapping[str, Any]
    families: frozenset[str] = field(default_factory=frozenset)
    edit: Callable[[pd.DataFrame], pd.DataFrame] | None = None

    @property
    def periods(self) -> tuple[int, ...]:
        """Return the forward horizons in rows."""
        return tuple(self.clean.get("periods", (1, 5, 10)))

    @property
    def returns(self) -> pd.DataFrame:
        """Return one-row simple returns of the prices, the first row NaN."""
        return self.prices / self.prices.shift(1) - 1


def uniforms(seed: int, *shape: int) -> np.ndarray:
    """Return float64 in [0, 1) from a splitmix64 counter hash of `seed`."""
    n = int(np.prod(shape))
    z = np.arange(1, n + 1, dtype=np.uint64) + np.full(n, seed, dtype=np.uint64) * np.uint64(
        1 << 32
    )
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def normals(seed: int, *shape: int) -> np.ndarray:
    """Return nearly normal float64: the sum of twelve uniforms minus six."""
    draws = uniforms(seed, 12, *shape)
    total = np.zeros(shape)
    for row in draws:
        total = total + row
    return total - 6.0


def walk(seed: int, dates: pd.DatetimeIndex, assets: Sequence[Any]) -> pd.DataFrame:
    """Return prices from 100 on, one column an asset, steps of about 2 %."""
    steps = 1.0 + 0.02 * normals(seed, len(dates), len(assets))
    steps[0] = 100.0 + np.arange(len(assets))
    return pd.DataFrame(np.cumprod(steps, axis=0), index=dates, columns=list(assets))


def long(values: np.ndarray, dates: pd.DatetimeIndex, assets: Sequence[Any]) -> pd.Series:
    """Return a dates x assets array as a factor series, dates first."""
    index = pd.MultiIndex.from_product([dates, list(assets)], names=["date", "asset"])
    return pd.Series(values.ravel(), index=index, name="factor")


def letters(n: int) -> list[str]:
    """Return n asset names A, B, C, ..."""
    return [chr(ord("A") + i) for i in range(n)]


def days(start: str, n: int, unit: str = "us", tz: str | None = None, freq: str = "D") -> Any:
    """Return n stamps from `start`, at local wall time, in the wanted unit."""
    return pd.date_range(start, periods=n, freq=freq, tz=tz, unit=unit)


def _panel(dates: pd.DatetimeIndex, n_assets: int, seed: int) -> tuple[pd.Series, pd.DataFrame]:
    """Return a normal factor on all but the last rows of a price walk."""
    assets = letters(n_assets)
    prices = walk(seed, dates, assets)
    used = dates[: len(dates) - N_LATER]
    return long(normals(seed + 1, len(used), n_assets), used, assets), prices


def _daily7() -> Shape:
    factor, prices = _panel(days("2021-03-01", N_DATES + N_LATER), 10, 10)
    return Shape(
        "daily7",
        "naive calendar days, seven a week, microseconds",
        factor,
        prices,
        {"quantiles": 5},
        frozenset({"every_option"}),
    )


def _business_groups() -> Shape:
    dates = days("2020-01-06", N_DATES + N_LATER, unit="ns", tz="UTC", freq="B")
    factor, prices = _panel(dates, 10, 20)
    groups = {asset: 1 + i % 3 for i, asset in enumerate(prices.columns)}
    return Shape(
        "business_groups",
        "business days in UTC, nanoseconds, group dict with labels",
        factor,
        prices,
        {"quantiles": 4, "groupby": groups, "groupby_labels": SECTORS},
        frozenset({"every_option", "groups"}),
    )


def _holidays() -> Shape:
    dates = days("2019-12-16", N_DATES + N_LATER + 3, unit="ns", freq="B")
    shut = pd.DatetimeIndex(["2019-12-25", "2020-01-01", "2020-01-20"])
    factor, prices = _panel(dates[~dates.isin(shut)], 8, 30)
    return Shape(
        "holidays",
        "business days with three holidays: a CustomBusinessDay calendar",
        factor,
        prices,
        {"quantiles": 3, "periods": (1, 2, 5)},
    )


def _four_rows_a_day() -> Shape:
    mornings = days("2021-02-01", 9, freq="B")
    clock = [pd.Timedelta(hours=h, minutes=30) for h in (9, 10, 11, 12)]
    stamps = pd.DatetimeIndex([day + at for day in mornings for at in clock]).as_unit("us")
    factor, prices = _panel(stamps, 8, 40)
    return Shape(
        "four_rows_a_day",
        "09:30 to 12:30 every hour, naive: names in hours, no calendar",
        factor,
        prices,
        {"quantiles": 4, "periods": (1, 2, 4)},
    )


def _hourly() -> Shape:
    stamps = days("2021-06-01 00:00", 34, unit="ns", tz="UTC", freq="h")
    factor, prices = _panel(stamps, 8, 50)
    return Shape(
        "hourly",
        "round the clock in UTC",
        factor,
        prices,
        {"quantiles": 2, "periods": (1, 3, 6)},
    )


def _eastern() -> Shape:
    dates = days("2020-02-24", N_DATES + N_LATER, unit="ns", tz="US/Eastern", freq="B")
    factor, prices = _panel(dates, 8, 60)
    return Shape(
        "eastern",
        "US/Eastern across the clock change of 2020-03-08",
        factor,
        prices,
        {"quantiles": 4, "periods": (1, 3, 5)},
    )


def _moving_groups() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 9, 70)
    pick = uniforms(72, len(factor))
    codes = np.where(pick < 0.5, "large", np.where(pick < 0.9, "small", "tiny"))
    return Shape(
        "moving_groups",
        "group Series that changes by date, groups of one, binned inside the group",
        factor,
        prices,
        {
            "quantiles": 2,
            "periods": (1, 3),
            "groupby": pd.Series(codes, index=factor.index),
            "binning_by_group": True,
            "max_loss": 0.6,
        },
        frozenset({"groups"}),
    )


def _ties() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 9, 80)
    return Shape(
        "ties",
        "factor of five levels, cut into equal-width bins",
        factor.round().clip(-2, 2),
        prices,
        {"quantiles": None, "bins": 3, "periods": (1, 5)},
    )


def _bin_edges() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER), 9, 90)
    return Shape(
        "bin_edges",
        "discrete factor, given edges: the lowest edge is outside and rows are lost",
        factor.round().clip(-2, 2),
        prices,
        {"quantiles": None, "bins": [-2, -0.5, 0.5, 2], "periods": (1, 2)},
    )


def _zero_aware() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 10, 100)
    return Shape(
        "zero_aware",
        "buckets on each side of zero",
        factor,
        prices,
        {"quantiles": 4, "zero_aware": True, "periods": (1, 4)},
    )


def _holes() -> Shape:
    dates = days("2021-01-04", N_DATES + N_LATER, tz="UTC", freq="B")
    factor, prices = _panel(dates, 10, 110)
    gone = uniforms(112, len(factor)) < 0.08
    factor = factor.mask(gone)
    factor.iloc[7], factor.iloc[33] = np.inf, -np.inf
    prices = prices.mask(uniforms(113, *prices.shape) < 0.05)
    prices.iloc[:9, 2] = np.nan
    prices.iloc[18:, 4] = np.nan
    factor = factor.drop(factor.index[factor.index.get_level_values("date") == dates[6]])
    return Shape(
        "holes",
        "NaN and infinity in the factor, NaN prices, a late listing, a delisting, a lost date",
        factor,
        prices.drop(columns="J"),
        {"quantiles": 3, "periods": (1, 3), "max_loss": 0.7},
    )


def _missing_days() -> Shape:
    dates = days("2021-01-04", N_DATES + N_LATER, freq="B")
    factor, prices = _panel(dates, 8, 120)
    lost = dates[[3, 4, 9, 10, 11, 17]]
    keep = ~factor.index.get_level_values("date").isin(lost)
    index = factor.index[keep].remove_unused_levels()
    return Shape(
        "missing_days",
        "factor dates missing from a business-day calendar that prices have",
        pd.Series(factor.to_numpy()[keep], index=index, name="factor"),
        prices,
        {"quantiles": 4, "periods": (1, 5)},
    )


def _one_asset() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 1, 130)
    return Shape(
        "one_asset",
        "a single asset, one bin",
        factor,
        prices,
        {"quantiles": None, "bins": 1, "periods": (1, 5)},
    )


def _sparse_events() -> Shape:
    dates = days("2021-01-04", 3 * N_DATES, freq="B")
    factor, prices = _panel(dates, 6, 140)
    keep = uniforms(142, len(factor)) < 0.06
    index = factor.index[keep].remove_unused_levels()
    return Shape(
        "sparse_events",
        "events: few dates, often one asset",
        pd.Series(1.0, index=index, name="factor"),
        prices,
        {"quantiles": None, "bins": 1, "periods": (1, 5)},
    )


def _integers() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 8, 150)
    ranks = (factor * 1000).round().astype("int64")
    sids = {letter: 24 + 10 * i for i, letter in enumerate(prices.columns)}
    return Shape(
        "integers",
        "integer factor and integer asset labels",
        ranks.rename(index=sids, level="asset"),
        prices.rename(columns=sids),
        {"quantiles": [0, 0.25, 0.75, 1.0], "periods": (1, 2)},
    )


def _weekly() -> Shape:
    dates = days("2021-01-04", 60, freq="B")
    assets = letters(8)
    fridays = dates[4:45:5]
    return Shape(
        "weekly",
        "weekly factor (freq W-FRI) on business-day prices",
        long(
            normals(161, len(fridays), 8),
            days("2021-01-08", len(fridays), freq="W-FRI"),
            assets,
        ),
        walk(160, dates, assets),
        {"quantiles": 4, "periods": (1, 5)},
    )


def _five_days() -> Shape:
    dates = days("2021-01-04", 60, freq="B")
    assets = letters(6)
    stamps = days("2021-01-04", 9, freq="5B")
    return Shape(
        "five_days",
        "factor every fifth business day: the level's freq is 5B",
        long(normals(166, len(stamps), 6), stamps, assets),
        walk(165, dates, assets),
        {"quantiles": 3, "periods": (1, 5)},
    )


def _constant_dates() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 8, 170)
    values = factor.to_numpy().reshape(N_DATES, 8).copy()
    values[[2, 9, 10]] = 0.5
    values[[5, 14]] = 0.0
    values[7, :4] = 0.25
    groups = {asset: "ABCA"[i % 4] * 2 for i, asset in enumerate(prices.columns)}
    return Shape(
        "constant_dates",
        "dates on which the factor is constant or zero, groups of two",
        pd.Series(values.ravel(), index=factor.index, name="factor"),
        prices,
        {"quantiles": None, "bins": 2, "periods": (1, 3), "groupby": groups},
        frozenset({"groups"}),
    )


def _shuffled() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 8, 180)
    order = np.argsort(uniforms(182, len(factor)), kind="stable")
    return Shape(
        "shuffled",
        "rows of the factor and columns of the prices out of order",
        factor.iloc[order],
        prices[list("DBHACFEG")],
        {"quantiles": 4, "periods": (5, 1)},
    )


def _outliers() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER), 8, 190)
    prices = prices.copy()
    prices.iloc[12:, 1] *= 3.0
    prices.iloc[20:, 5] *= 0.4
    return Shape(
        "outliers",
        "price jumps that filter_zscore takes out; last-period returns",
        factor,
        prices,
        {"quantiles": 4, "periods": (1, 3), "filter_zscore": 2, "cumulative_returns": False},
    )


def _two_assets() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, tz="Asia/Tokyo"), 2, 200)
    return Shape(
        "two_assets",
        "two assets, two quantiles, a zone east of UTC",
        factor,
        prices,
        {"quantiles": 2, "periods": (1, 2)},
    )


def _by_hand() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 7, 210)
    return Shape(
        "by_hand",
        "a frame built by hand: no freq, NaN returns and factors, other column order, an extra one",
        factor,
        prices,
        {
            "quantiles": 3,
            "periods": (1, 3),
            "groupby": dict(zip("ABCDEFG", "xxyyyzz", strict=True)),
        },
        frozenset({"groups"}),
        _as_by_hand,
    )


def _as_by_hand(fd: pd.DataFrame) -> pd.DataFrame:
    flat = fd.reset_index()
    gone = uniforms(213, len(flat))
    flat.loc[gone < 0.06, "1D"] = np.nan
    flat.loc[gone > 0.94, "factor"] = np.nan
    flat.loc[flat["date"] == flat["date"].iloc[35], "3D"] = np.nan
    flat["note"] = 1.0
    flat = flat[(gone < 0.4) | (gone > 0.5)]
    frame = flat.set_index(["date", "asset"])
    return frame[["note", "factor", "group", "3D", "factor_quantile", "1D"]]


def _dropped_dates() -> Shape:
    factor, prices = _panel(days("2021-01-04", N_DATES + N_LATER, freq="B"), 8, 220)
    return Shape(
        "dropped_dates",
        "dates and rows dropped after cleaning: the calendar of the level survives",
        factor,
        prices,
        {"quantiles": 3, "periods": (1, 5)},
        frozenset(),
        _with_dates_dropped,
    )


def _with_dates_dropped(fd: pd.DataFrame) -> pd.DataFrame:
    dates = fd.index.levels[0][[0, 5, 6, 11, 21]]
    kept = ~fd.index.get_level_values("date").isin(dates) & (uniforms(222, len(fd)) > 0.15)
    return fd[kept]


BUILDERS: tuple[Callable[[], Shape], ...] = (
    _daily7,
    _business_groups,
    _holidays,
    _four_rows_a_day,
    _hourly,
    _eastern,
    _moving_groups,
    _ties,
    _bin_edges,
    _zero_aware,
    _holes,
    _missing_days,
    _one_asset,
    _sparse_events,
    _integers,
    _weekly,
    _five_days,
    _constant_dates,
    _shuffled,
    _outliers,
    _two_assets,
    _by_hand,
    _dropped_dates,
)
NAMES = tuple(builder.__name__[1:] for builder in BUILDERS)


def build(name: str) -> Shape:
    """Return the shape of that name, fresh objects each time."""
    return BUILDERS[NAMES.index(name)]()


def checksum(shape: Shape) -> str:
    """Return a digest of the numbers and labels that go into the library."""
    digest = hashlib.sha256()
    frames: list[Any] = [shape.factor.to_frame(), shape.prices]
    groups = shape.clean.get("groupby")
    if isinstance(groups, pd.Series):
        frames.append(groups.to_frame())
    for frame in frames:
        labels = [*frame.index.tolist(), *frame.columns.tolist()]
        digest.update("|".join(str(label) for label in labels).encode())
        for column in frame.columns:
            values = frame[column].to_numpy()
            text = values.dtype.kind in "OU"
            digest.update("|".join(values).encode() if text else values.tobytes())
    return digest.hexdigest()
