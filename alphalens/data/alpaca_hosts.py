"""Alpaca's hosts: which hold data, and which of its venues moves real money."""

from __future__ import annotations

__all__ = ["DATA_HOSTS", "LIVE_HOST", "PAPER_HOST", "STREAM_HOSTS", "VENUE_HOSTS"]

LIVE_HOST = "api.alpaca.markets"
PAPER_HOST = "paper-api.alpaca.markets"
VENUE_HOSTS = (PAPER_HOST, LIVE_HOST)
DATA_HOSTS = ("data.alpaca.markets", "data.sandbox.alpaca.markets")
STREAM_HOSTS = ("stream.data.alpaca.markets", "stream.data.sandbox.alpaca.markets")
