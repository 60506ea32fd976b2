"""The checks of market data, a module for each question; `validation` asks them."""
