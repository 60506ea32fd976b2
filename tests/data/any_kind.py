"""What a vendor of a test can give: bars of every kind, unless it is told otherwise."""

from __future__ import annotations

from typing import Any

from alphalens.assets import AssetClass
from alphalens.data.bars import Adjustment, Timeframe
from alphalens.data.port import DataCapabilities


def of_any_kind(**changes: Any) -> DataCapabilities:
    kinds = {
        "timeframes": frozenset(Timeframe),
        "adjustments": frozenset(Adjustment),
        "asset_classes": frozenset(AssetClass),
        "calls_per_minute": 1,
    }
    return DataCapabilities(**{**kinds, **changes})
