"""Tests of finding passages."""
