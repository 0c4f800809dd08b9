"""Ingestion, against a loopback blog and real folders."""
