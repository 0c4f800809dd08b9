"""Growth of a function's time with its input: the same on a slow machine, and under coverage."""

import gc
from collections.abc import Callable
from time import process_time

ATTEMPTS = 3
"""The fastest one counts: other processes only ever add time."""

NOISE = 0.1
"""Seconds that say nothing about growth."""


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Fail if four times the input takes much more than four times as long; quadratic growth takes sixteen times."""
    times = [(_seconds(work, size // 4), _seconds(work, size)) for _ in range(ATTEMPTS)]
    small, large = (min(column) for column in zip(*times, strict=True))
    assert large < 8 * small + NOISE, f"{small:.2f} s, and {large:.2f} s for four times the input"


def _seconds(work: Callable[[int], object], size: int) -> float:
    gc.disable()  # a collection walks all that the tests before this one left
    try:
        began = process_time()
        work(size)
        return process_time() - began
    finally:
        gc.enable()
