"""Tests of tradeoff.checkup."""
