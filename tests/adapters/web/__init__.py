"""The web page and its interface, over real sockets and in a real browser."""
