"""Tests of core/retrieval."""
