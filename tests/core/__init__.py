"""Tests of tradeoff.core."""
