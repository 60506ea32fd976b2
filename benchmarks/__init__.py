"""Timings against the peers, made in one run on one machine."""
