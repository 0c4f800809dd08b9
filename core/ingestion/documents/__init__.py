"""Readers of documents in folders: from a file's content to an article in Markdown."""
