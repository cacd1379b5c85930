"""Tests of tradeoff.analysis."""
