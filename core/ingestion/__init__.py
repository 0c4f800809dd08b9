"""Ingestion: feeds, sitemaps and folders to posts, and posts to passages."""
