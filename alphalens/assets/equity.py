"""Shares."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from alphalens.assets.base import BaseAsset
from alphalens.assets.kinds import AssetClass

__all__ = ["Equity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity(BaseAsset):
    """A share of a company or of a fund; the fields are those of `BaseAsset`.

    Below one dollar the step of prices is 0.0001, from there on 0.01 (Regulation NMS, rule
    612). Where the venue trades parts of shares, `lot` is below 1.

    Examples
    --------
    >>> spy = Equity(symbol="SPY")
    >>> spy.round_quantity(Decimal("-10.7")), spy.round_price(Decimal("1.239"), is_buy=True)
    (Decimal('-10'), Decimal('1.23'))
    >>> spy.round_price(Decimal("0.98765"), is_buy=False)
    Decimal('0.9877')
    """

    small_tick: Decimal | None = Decimal("0.0001")

    @property
    def asset_class(self) -> AssetClass:
        """Return `AssetClass.EQUITY`."""
        return AssetClass.EQUITY
