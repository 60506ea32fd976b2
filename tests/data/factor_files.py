"""Corporate actions out of the factor files of Lean, which are among the real data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal

import pandas as pd

from alphalens.data.port import CorporateAction


def actions_of(symbol: str, factors: pd.DataFrame) -> Iterator[CorporateAction]:
    """Give what two neighbouring rows of a factor file say of the day between them."""
    for this, after in zip(factors[:-1].itertuples(), factors[1:].itertuples(), strict=True):
        known = {
            "symbol": symbol,
            "ex_date": this.date.date() + timedelta(days=1),
            "seen_at": this.date.to_pydatetime().replace(tzinfo=UTC),
            "source": "lean",
        }
        if this.split_factor != after.split_factor:
            ratio = Decimal(round(after.split_factor / this.split_factor * 1000)) / 1000
            yield CorporateAction(**known, kind="split", ratio=ratio)
        if this.price_factor != after.price_factor and this.ref_price:
            cash = this.ref_price * (1 - this.price_factor / after.price_factor)
            yield CorporateAction(**known, kind="dividend", cash=Decimal(str(cash)))
