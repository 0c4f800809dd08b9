"""Tests of the parts that all chat platforms share."""
