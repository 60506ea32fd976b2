"""Several factors side by side, behind :mod:`alphalens.comparison`."""
