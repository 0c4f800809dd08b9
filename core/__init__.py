"""The retrieval-augmented answerer over Redis: it knows no chat platform, no web page and no environment variable."""
