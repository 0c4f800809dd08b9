"""Exceptions of tasks that ran together."""

from typing import TypeVar, overload

ErrorT = TypeVar("ErrorT", bound=Exception)


@overload
def first_error(error: ExceptionGroup[ErrorT]) -> ErrorT: ...
@overload
def first_error(error: Exception) -> Exception: ...
def first_error(error: Exception) -> Exception:
    """Return the first exception of a group, however nested: the others are what it caused."""
    return first_error(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error
