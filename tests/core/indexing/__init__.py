"""Tests of reindex runs."""
