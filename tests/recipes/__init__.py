"""Tests of tradeoff.recipes."""
