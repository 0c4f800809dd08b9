"""Errors that a chat platform's API raises, the same for every adapter."""


class PlatformError(Exception):
    """A call to a chat platform failed."""


class RefusedError(PlatformError):
    """The platform rejected the call; repeating it does not help."""


class UnreachableError(PlatformError):
    """The platform gave no usable response, and may have carried out the call anyway; a later call may succeed."""


class AnswerStoppedError(Exception):
    """No more of an answer is wanted: the asker stopped it, its message was deleted, or another process took over."""
