"""Tests of tradeoff.stages."""
