"""Tests of languages, words and sentences."""
