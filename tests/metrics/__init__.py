"""Scores against known cases."""
