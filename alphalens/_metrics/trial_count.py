"""What was given as the number of trials, before anything is deflated by it."""

from __future__ import annotations

from alphalens._stats import TrialCount
from alphalens.errors import InputError

__all__ = ["checked_trials"]


def checked_trials(trials: object) -> TrialCount | None:
    """Return the count, or None; anything else is refused with what to give instead.

    A bare number is refused too: without the study it belongs to and the spread of the trials'
    ratios there is no hurdle, and one that was made up would flatter.
    """
    if trials is None or isinstance(trials, TrialCount):
        return trials
    raise InputError(
        f"trials is a TrialCount, not a {type(trials).__name__} ({trials!r}): record each trial "
        "with alphalens.trials.TrialRegistry and give registry.trials('name of the study'), or "
        "build TrialCount(study=..., n_trials=..., sharpe_variance=..., best=..., best_key=None, "
        "first=None, last=None) of ratios of one row"
    )
