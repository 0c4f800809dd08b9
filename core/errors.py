"""What can go wrong on purpose, and what people are told.

* FootnotedError
  x TooManyQuestionsError     a person or a channel asked more than the limit
  x QuestionTooLongError              a question beyond what is read
  x AdminRequiredError           an admin's command from somebody who is none
  x UnknownSourceError        a source that is not among those configured
  x RunInProgressError       another run of reindexing holds the lease
  x RunFailedError            somebody else's run, which was watched, failed
  x PublicationRefusedError         what a run has made is not fit to be answered from
  x NoPreviousVersionError        there is no edition to go back to
  x ModelError          the chat model or the embedding model did not do its part
    + ModelUnreachableError   no connection, or a 5xx
    + ModelBusyError          429: more requests than it takes
    + ModelQuotaExceededError        429 with `insufficient_quota`; waiting does not help
    + ModelAccessError       401, 403, 404: a wrong key, or a model that is not there
    + ModelTimeoutError       no first token, or no end, within its time
    + AnswerInterruptedError       the stream ended before the answer did
    + ContextTooLongError     the prompt is more than the model reads
    + ContentFilteredError    the service's filter stopped the question or the answer
  x IndexUnavailableError Redis cannot be reached, or has no search
  x EmbeddingMismatchError      vectors that do not fit the index
  x Unexpected           everything nobody thought of
  x StartupError             a setting or a service is missing at start; each problem carries its cure
  x DeliveryError          a platform does not take a message
  x SourceReadError           a source, feed or page cannot be read
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from redis.exceptions import RedisError


class FootnotedError(Exception):
    """`user_message` is one calm sentence for whoever asked; `id` stands beside it there, and in the log."""

    user_message = "Something went wrong on my side."

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause or self.user_message)
        self.id = secrets.token_hex(4)


class TooManyQuestionsError(FootnotedError):
    def __init__(self, again_in: timedelta) -> None:
        seconds = max(1, round(again_in.total_seconds()))
        self.user_message = f"That is a lot of questions at once; please ask again in {seconds} s."
        self.again_in = again_in
        super().__init__()


class QuestionTooLongError(FootnotedError):
    def __init__(self, longest: int) -> None:
        self.user_message = f"That question is too long for me; please put it in under {longest:,} characters."
        super().__init__()


class AdminRequiredError(FootnotedError):
    user_message = "Only admins may do that; please ask one of them."


class UnknownSourceError(FootnotedError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.user_message = f"There is no source called “{name}”; there are: {', '.join(known)}."
        super().__init__()


class RunInProgressError(FootnotedError):
    user_message = "The posts are being read already; please wait until that has ended."


class RunFailedError(FootnotedError):
    def __init__(self, told: str) -> None:
        self.user_message = told
        super().__init__()


class PublicationRefusedError(FootnotedError):
    def __init__(self, reason: str) -> None:
        self.user_message = f"I go on answering from what I had: {reason}."
        super().__init__()


class NoPreviousVersionError(FootnotedError):
    user_message = "There is nothing to go back to: no posts have been kept from before."


class ModelError(FootnotedError):
    user_message = "The language model could not answer."


class ModelUnreachableError(ModelError):
    user_message = "The language model cannot be reached just now; please ask again in a minute."


class ModelBusyError(ModelError):
    """`retry_after` is in seconds, None when the service does not say."""

    user_message = "The language model is busy; please ask again in a minute."

    def __init__(self, cause: str = "", retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class ModelQuotaExceededError(ModelError):
    user_message = "The language model's quota is used up; please tell whoever runs this bot."


class ModelAccessError(ModelError):
    user_message = "The language model refused this bot; please tell whoever runs it."


class ModelTimeoutError(ModelError):
    user_message = "The language model took too long; please ask again."


class AnswerInterruptedError(ModelError):
    user_message = "The answer broke off before its end; please ask again."


class ContextTooLongError(ModelError):
    user_message = "This conversation has grown too long for the language model; please start a new one."


class ContentFilteredError(ModelError):
    user_message = "The language model's content filter stopped this; please put the question in other words."


class IndexUnavailableError(FootnotedError):
    user_message = "I cannot reach my posts just now; please ask again in a minute."


class EmbeddingMismatchError(FootnotedError):
    user_message = "My posts were read with another embedding model; they have to be read again before I can answer."


class UnexpectedError(FootnotedError):
    """Wraps an exception that is not in this tree; the cause is chained."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is missing or wrong, and what to do about it."""

    what: str
    cure: str


class StartupError(FootnotedError):
    """The bot cannot start. It lists all problems at once."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        self.user_message = " ".join(f"{problem.what} {problem.cure}" for problem in problems)
        super().__init__()


class DeliveryError(FootnotedError):
    """A platform did not take a message that nobody there had asked for."""

    user_message = "The message could not be written there."


class SourceReadError(FootnotedError):
    """`address` could not be read, for `reason`."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        self.reason = reason
        self.user_message = f"{address} could not be read: {reason}."
        super().__init__()


def to_footnoted_error(error: BaseException) -> FootnotedError:
    """The error as one of this house's own."""
    match error:
        case FootnotedError():
            return error
        case RedisError():
            known: FootnotedError = IndexUnavailableError(str(error))
        case _:
            known = UnexpectedError(f"{type(error).__name__}: {error}")
    known.__cause__ = error
    return known
