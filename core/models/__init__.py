"""Embedding models and chat models, behind one protocol each."""
