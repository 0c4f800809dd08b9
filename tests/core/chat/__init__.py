"""Tests of what all chat platforms ask of the house."""
