"""Tests of tradeoff.detectors."""
