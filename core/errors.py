"""The exceptions of Footnoted, each with a sentence for users."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from redis.exceptions import RedisError

from core.i18n import N_, gettext, number


class FootnotedError(Exception):
    """Base of all errors raised on purpose. `id` is shown to the user and written to the log."""

    code: ClassVar[str] = "FootnotedError"
    """Label value in metrics and logs. Dashboards depend on it, so it does not change with the class name."""

    retryable: ClassVar[bool] = False
    """Whether the same call can succeed if it is repeated after a pause."""

    user_message = N_("Something went wrong on my side.")
    """The sentence in English, on the class with `{fields}` for the facts of an error."""

    def __init__(self, cause: str = "", **facts: int | str) -> None:
        self._template, self._facts = self.user_message, facts
        self.user_message = self._sentence(self.user_message)
        super().__init__(cause or self.user_message)
        self.id = secrets.token_hex(4)

    @property
    def translated_message(self) -> str:
        """The sentence in the language of the person who reads it."""
        return self._sentence(gettext(self._template))

    def _sentence(self, template: str) -> str:
        facts = {name: number(fact) if isinstance(fact, int) else fact for name, fact in self._facts.items()}
        return template.format(**facts) if facts else template


class TooManyQuestionsError(FootnotedError):
    """A rate limit is used up for `retry_after`."""

    code = "TooManyQuestions"
    retryable = True
    user_message = N_("Questions are coming in faster than I can answer. Please try again in {seconds} s.")

    def __init__(self, retry_after: timedelta) -> None:
        self.retry_after = retry_after
        super().__init__(seconds=max(1, round(retry_after.total_seconds())))


class PersonLimitError(TooManyQuestionsError):
    """A person's own rate limit is used up, rather than that of a channel."""

    user_message = N_("You have asked many questions within a minute. Please try again in {seconds} s.")


class QuestionTooLongError(FootnotedError):
    """The question has more than `limit` characters."""

    code = "TooLong"
    user_message = N_("That question is too long for me. Please keep it under {limit} characters.")


class AdminRequiredError(FootnotedError):
    """The user is not an admin."""

    code = "NotAllowed"
    user_message = N_("Only admins can do that. Please ask one of them.")


class UnknownSourceError(FootnotedError):
    """No configured source is called `name`."""

    code = "UnknownSource"
    user_message = N_("There is no source called “{name}”. The sources are: {known}.")

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(name=name, known=", ".join(self.known))

    def within(self, sources: frozenset[str] | None) -> "UnknownSourceError":
        """Return the same error for a place that may know of these sources only, None for all."""
        error = UnknownSourceError(self.name, (name for name in self.known if sources is None or name in sources))
        error.id = self.id
        return error


class RunInProgressError(FootnotedError):
    """Another reindex run holds the lease."""

    code = "AlreadyReading"
    retryable = True
    user_message = N_("The posts are already being reindexed. Please wait until that run has finished.")


class RunFailedError(FootnotedError):
    """The run that was joined failed; `message` is its error's user message, with its id."""

    code = "RunFailed"

    def __init__(self, message: str) -> None:
        self.user_message = message
        super().__init__()


class PublicationRefusedError(FootnotedError):
    """The new index version fails its checks, so the current one stays in use."""

    code = "NotPublished"
    user_message = N_("I did not publish the new posts and keep answering from the previous ones: {reason}.")


class NoPreviousVersionError(FootnotedError):
    """No earlier index version is kept."""

    code = "NothingBefore"
    user_message = N_("There is nothing to roll back to: no earlier version of the posts is kept.")


class ModelError(FootnotedError):
    """The chat model or the embedding model failed."""

    code = "ModelFailed"
    service_down: ClassVar[bool] = False
    """Whether the next call would fail as well. Otherwise the error concerns one question or one connection."""

    health: ClassVar[str] = ""
    """Predicate for `/readyz` while the service is down: "The chat model …". Empty if the service counts as up."""

    user_message = N_("The language model could not answer.")


class ModelUnreachableError(ModelError):
    """No connection to the model's server, or HTTP 5xx."""

    code = "ModelUnreachable"
    retryable = True
    service_down = True
    health = "cannot be reached"
    user_message = N_("The language model cannot be reached right now. Please try again in a minute.")


class ModelBusyError(ModelError):
    """HTTP 429. `retry_after` is in seconds, None if the service gives none."""

    code = "ModelBusy"
    retryable = True
    service_down = True
    user_message = N_("The language model is busy right now. Please try again in a minute.")

    def __init__(self, cause: str = "", retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class ModelQuotaExceededError(ModelError):
    """HTTP 429 with `insufficient_quota`."""

    code = "QuotaUsedUp"
    service_down = True
    health = "has no quota left"
    user_message = N_("The language model's quota is used up. Please tell the person who runs this bot.")


class ModelAccessError(ModelError):
    """HTTP 401, 403 or 404."""

    code = "ModelRefused"
    service_down = True
    health = "refuses this bot"
    user_message = N_("The language model denied this bot access. Please tell the person who runs it.")


class ModelTimeoutError(ModelError):
    """No first token, or no end of the answer, in time."""

    code = "ModelTooSlow"
    retryable = True
    service_down = True
    health = "takes too long"
    user_message = N_("The language model took too long. Please try again.")


class AnswerInterruptedError(ModelError):
    """The stream ended early. Not retryable: its beginning may have been shown already."""

    code = "AnswerBroken"
    user_message = N_("The answer was cut off. Please try again.")


class AnswerTooLongError(ModelError):
    """The model's limit of tokens ended the answer: finish_reason `length`. The text so far is kept."""

    code = "AnswerTooLong"
    user_message = N_("The language model reached its length limit before answering. Please ask a simpler question.")


class ContextTooLongError(ModelError):
    """The prompt exceeds the model's context window."""

    code = "ContextTooLong"
    user_message = N_("This conversation has become too long for the language model. Please start a new one.")


class PromptTooLongError(ContextTooLongError):
    """The prompt exceeds the window without a conversation in it."""

    user_message = N_("The posts are too long for the language model. Please tell the person who runs this bot.")


class ContentFilteredError(ModelError):
    """The provider's content filter blocked the question or the answer."""

    code = "ContentFiltered"
    user_message = N_("The language model's content filter blocked this. Please rephrase the question.")


class IndexUnavailableError(FootnotedError):
    """Redis cannot be reached, or lacks its search module."""

    code = "KnowledgeUnavailable"
    retryable = True
    user_message = N_("I cannot reach my posts right now. Please try again in a minute.")


class EmbeddingMismatchError(FootnotedError):
    """Vectors do not fit the index, or are not usable at all."""

    code = "WrongEmbeddings"
    user_message = N_("My posts were indexed with another embedding model. They must be reindexed before I can answer.")


class UnexpectedError(FootnotedError):
    """Wraps an exception from outside this tree; the original is chained."""

    code = "Unexpected"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong at start-up, and how to fix it."""

    what: str
    cure: str


class StartupError(FootnotedError):
    """The bot cannot start. Lists all problems at once."""

    code = "NotReady"

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        self.user_message = " ".join(f"{problem.what} {problem.cure}" for problem in problems)
        super().__init__()


class DeliveryError(FootnotedError):
    """A chat platform rejected a message that the bot sent unprompted."""

    code = "CannotWrite"
    user_message = N_("The message could not be posted.")


class SourceReadError(FootnotedError):
    """`address` could not be read, for `reason`."""

    code = "CannotRead"
    user_message = N_("{address} could not be read: {reason}.")

    def __init__(self, address: str, reason: str) -> None:
        self.address, self.reason = address, reason
        super().__init__(address=address, reason=reason)


def error_code(error: BaseException) -> str:
    """Label value of any exception in metrics and logs."""
    return error.code if isinstance(error, FootnotedError) else type(error).__name__


def is_retryable(error: BaseException) -> bool:
    """Return whether the call that raised an error can succeed if it is repeated after a pause."""
    return bool(getattr(error, "retryable", False))


def to_footnoted_error(error: BaseException) -> FootnotedError:
    """Wrap an exception from outside this tree; return one of this tree unchanged."""
    if isinstance(error, FootnotedError):
        return error
    wrapped: FootnotedError = UnexpectedError(f"{type(error).__name__}: {error}")
    if isinstance(error, RedisError):
        wrapped = IndexUnavailableError(str(error))
    wrapped.__cause__ = error
    return wrapped
