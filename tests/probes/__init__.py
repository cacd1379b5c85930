"""Tests of tradeoff.probes."""
