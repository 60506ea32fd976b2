"""The road from a factor and prices to factor_data, behind :mod:`alphalens.utils`."""
