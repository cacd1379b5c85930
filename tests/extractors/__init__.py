"""Tests of tradeoff.extractors."""
