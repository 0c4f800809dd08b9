"""Storage in Redis of everything but the posts, and the connection to it."""
