"""States of options from a vendor, judged, into the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alphalens.data.option_store import OptionStore
from alphalens.data.port import CorporateAction, MarketDataProvider, OptionSnapshot
from alphalens.data.validation_states import (
    JudgedStates,
    OptionLimits,
    StateContext,
    judge_options,
)
from alphalens.trading.clock import Clock

__all__ = ["fetch_chain"]

_LIMITS = OptionLimits()


def fetch_chain(
    provider: MarketDataProvider,
    underlying: str,
    store: OptionStore,
    *,
    clock: Clock,
    prices: Mapping[str, float] | None = None,
    actions: Sequence[CorporateAction] = (),
    limits: OptionLimits = _LIMITS,
) -> JudgedStates[tuple[OptionSnapshot, ...]]:
    """Ask a vendor for the options on a share, keep what can be, and set the rest aside.

    Parameters
    ----------
    provider : MarketDataProvider
        Who is asked.
    underlying : str
        Canonical symbol of the share.
    store : OptionStore
        Keeps what was found good, and what was not.
    clock : Clock
        The present.
    prices : Mapping of str to float, optional
        Price of the share, where the vendor tells none with its options.
    actions : sequence of CorporateAction
        On the share: after a split the old strikes are gone.
    limits : OptionLimits
        Of the checks.

    Raises
    ------
    InputError
        If the vendor has no options.
    DataError
        If there is no usable answer.
    StorageError
        If the database fails.
    """
    told = provider.chain(underlying)
    now = clock.now()
    context = StateContext(now=now, prices=prices or {}, actions=tuple(actions), limits=limits)
    judged = judge_options(told, context)
    store.refuse(judged.refused, source=provider.name, received_at=now, at=now)
    store.write(judged.kept, source=provider.name, received_at=now, marks=judged.marks)
    return judged
