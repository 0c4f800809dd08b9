"""What can go wrong on purpose, and what people are told.

* FootnotedError
  x TooManyQuestions     a person or a channel asked more than the limit
  x TooLong              a question beyond what is read
  x NotAllowed           an admin's command from somebody who is none
  x UnknownSource        a source that is not among those configured
  x AlreadyReading       another run of reindexing holds the lease
  x RunFailed            somebody else's run, which was watched, failed
  x NotPublished         what a run has made is not fit to be answered from
  x NothingBefore        there is no edition to go back to
  x ModelFailed          the chat model or the embedding model did not do its part
    + ModelUnreachable   no connection, or a 5xx
    + ModelBusy          429: more requests than it takes
    + QuotaUsedUp        429 with `insufficient_quota`; waiting does not help
    + ModelRefused       401, 403, 404: a wrong key, or a model that is not there
    + ModelTooSlow       no first token, or no end, within its time
    + AnswerBroken       the stream ended before the answer did
    + ContextTooLong     the prompt is more than the model reads
    + ContentFiltered    the service's filter stopped the question or the answer
  x KnowledgeUnavailable Redis cannot be reached, or has no search
  x WrongEmbeddings      vectors that do not fit the index
  x Unexpected           everything nobody thought of
  x NotReady             a setting or a service is missing at start; each problem carries its cure
  x CannotWrite          a platform does not take a message
  x CannotRead           a source, feed or page cannot be read
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


class FootnotedError(Exception):
    """`for_people` is one calm sentence for whoever asked; `id` stands beside it there, and in the log."""

    for_people = "Something went wrong on my side."

    def __init__(self, cause: str = "") -> None:
        super().__init__(cause or self.for_people)
        self.id = secrets.token_hex(4)


class TooManyQuestions(FootnotedError):
    def __init__(self, again_in: timedelta) -> None:
        seconds = max(1, round(again_in.total_seconds()))
        self.for_people = f"That is a lot of questions at once; please ask again in {seconds} s."
        self.again_in = again_in
        super().__init__()


class TooLong(FootnotedError):
    def __init__(self, longest: int) -> None:
        self.for_people = f"That question is too long for me; please put it in under {longest:,} characters."
        super().__init__()


class NotAllowed(FootnotedError):
    for_people = "Only admins may do that; please ask one of them."


class UnknownSource(FootnotedError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.for_people = f"There is no source called “{name}”; there are: {', '.join(known)}."
        super().__init__()


class AlreadyReading(FootnotedError):
    for_people = "The posts are being read already; please wait until that has ended."


class RunFailed(FootnotedError):
    def __init__(self, told: str) -> None:
        self.for_people = told
        super().__init__()


class NotPublished(FootnotedError):
    def __init__(self, reason: str) -> None:
        self.for_people = f"I go on answering from what I had: {reason}."
        super().__init__()


class NothingBefore(FootnotedError):
    for_people = "There is nothing to go back to: no posts have been kept from before."


class ModelFailed(FootnotedError):
    for_people = "The language model could not answer."


class ModelUnreachable(ModelFailed):
    for_people = "The language model cannot be reached just now; please ask again in a minute."


class ModelBusy(ModelFailed):
    """`retry_after` is in seconds, None when the service does not say."""

    for_people = "The language model is busy; please ask again in a minute."

    def __init__(self, cause: str = "", retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class QuotaUsedUp(ModelFailed):
    for_people = "The language model's quota is used up; please tell whoever runs this bot."


class ModelRefused(ModelFailed):
    for_people = "The language model refused this bot; please tell whoever runs it."


class ModelTooSlow(ModelFailed):
    for_people = "The language model took too long; please ask again."


class AnswerBroken(ModelFailed):
    for_people = "The answer broke off before its end; please ask again."


class ContextTooLong(ModelFailed):
    for_people = "This conversation has grown too long for the language model; please start a new one."


class ContentFiltered(ModelFailed):
    for_people = "The language model's content filter stopped this; please put the question in other words."


class KnowledgeUnavailable(FootnotedError):
    for_people = "I cannot reach my posts just now; please ask again in a minute."


class WrongEmbeddings(FootnotedError):
    for_people = "My posts were read with another embedding model; they have to be read again before I can answer."


class Unexpected(FootnotedError):
    """Wraps an exception that is not in this tree; the cause is chained."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is missing or wrong, and what to do about it."""

    what: str
    cure: str


class NotReady(FootnotedError):
    """The bot cannot start. It lists all problems at once."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        self.for_people = " ".join(f"{problem.what} {problem.cure}" for problem in problems)
        super().__init__()


class CannotWrite(FootnotedError):
    """A platform did not take a message that nobody there had asked for."""

    for_people = "The message could not be written there."


class CannotRead(FootnotedError):
    """`address` could not be read, for `reason`."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        self.reason = reason
        self.for_people = f"{address} could not be read: {reason}."
        super().__init__()
