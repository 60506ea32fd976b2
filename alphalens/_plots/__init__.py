"""The drawings behind :mod:`alphalens.plotting`, one module per question asked of a factor."""
