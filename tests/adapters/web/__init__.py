"""Tests of the web page and its API, over real sockets and in a real browser."""
