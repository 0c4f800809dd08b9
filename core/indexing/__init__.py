"""Reindex runs: list the sources, read what changed, embed it, publish a new index version."""
