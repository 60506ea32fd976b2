"""What can be traded: ticks, lots, multipliers, calendars and what a venue takes."""

from alphalens.assets.base import Asset, BaseAsset
from alphalens.assets.crypto import Crypto, Perpetual
from alphalens.assets.equity import Equity
from alphalens.assets.futures import Future
from alphalens.assets.kinds import AssetClass, OptionKind, OptionStyle
from alphalens.assets.options import Option
from alphalens.assets.rules import Violation, ViolationCode
from alphalens.assets.venues import Capability, capability

__all__ = [
    "Asset",
    "AssetClass",
    "BaseAsset",
    "Capability",
    "Crypto",
    "Equity",
    "Future",
    "Option",
    "OptionKind",
    "OptionStyle",
    "Perpetual",
    "Violation",
    "ViolationCode",
    "capability",
]
