"""Retrieval: hybrid search, ranking and relevance."""
