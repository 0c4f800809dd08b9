"""Tests of what is kept in Redis beside the posts."""
