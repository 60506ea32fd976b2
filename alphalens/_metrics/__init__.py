"""The metrics behind :mod:`alphalens.performance`, one module per question asked of a factor."""
