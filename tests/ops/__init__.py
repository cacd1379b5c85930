"""Tests of the tensor structures and functions."""
