"""The search index: versions of the posts' passages in Redis, and how they are published."""
