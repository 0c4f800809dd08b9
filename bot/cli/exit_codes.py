"""Exit codes of all commands."""

OK = 0

FAILED = 1
"""A question, a run, a source or a check failed."""

NOT_READY = 2
"""A setting or a file is invalid, or Redis cannot be used; Typer exits with the same code for wrong options."""

WORSE = 3
"""An evaluation found more questions that got worse than better."""

INTERRUPTED = 130
"""Ctrl-C: 128 plus the number of SIGINT, as in shells."""
