"""Tests of tradeoff.stages.costs."""
