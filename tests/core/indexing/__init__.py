"""Tests of bringing what is known up to date."""
