"""Tests of what answers."""
