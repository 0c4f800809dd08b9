"""Bringing what is known up to date with the sources."""
