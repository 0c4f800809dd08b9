"""The nouns of the product: frozen values that know no storage, no network and no platform."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import Field


def new_id() -> str:
    """A name for one question, which nobody can guess."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the platform can tell from others; limits are counted for persons. `admin` is whether the platform
    or the settings say that they may have the sources read again."""

    id: str
    name: str = ""
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where turns belong together. Two conversations never see each other's turns."""

    platform: str
    channel: str
    workspace: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, under the role names that chat models use."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What an answer may be made from, and in whose voice. Without `sources` all are searched; an empty set is nothing
    at all. An empty `persona` is the bot's usual one."""

    sources: frozenset[str] | None = None
    persona: str = ""


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks. `history` holds the turns before it, oldest first. Without a `scope` it has the one of its
    channel. Under its `id` the question is remembered with its answer, for whoever wants to know why, to vote, or to
    ask again."""

    text: str
    conversation: Conversation | None = None
    person: Person | None = None
    history: tuple[Turn, ...] = ()
    scope: Scope | None = None
    id: str = field(default_factory=new_id, compare=False)

    @property
    def previous(self) -> str:
        """The question that was asked before this one, or nothing."""
        return next((turn.content for turn in reversed(self.history) if turn.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Source:
    """Where posts come from. `address` is a web address, or a folder's path.

    `selector` is a CSS selector of the article in a page. `include` and `exclude` are shell patterns held against a
    post's address, its path, or a file's path within the folder. `limit` is the most posts to take. `published_at` is
    the web address under which a folder's files are published, if they are.
    """

    name: str
    kind: Literal["feed", "sitemap", "folder"]
    address: str
    selector: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    published_at: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One article, whole. `text` is Markdown; `url` is unique among posts and is what a footnote shows."""

    url: str
    title: str
    text: str
    source: str
    published: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of one post. `position` counts from 0 within the post; `heading` is the path of headings above it."""

    url: str
    title: str
    heading: str
    text: str
    source: str = ""
    position: int = 0
    published: datetime | None = None

    @property
    def embedding_text(self) -> str:
        """What the embedder reads: a passage alone seldom says what it is about."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage that was found. All scores lie between 0 and 1; `meaning` and `words` are the legs of `score`."""

    passage: Passage
    score: float
    vector_score: Annotated[float, Field(alias="meaning")] = 0.0
    text_score: Annotated[float, Field(alias="words")] = 0.0


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What a search brought, best first. `relevance` (0 to 1) says how surely the posts are about the question."""

    hits: tuple[ScoredPassage, ...]
    relevance: float
    relevant: bool
    lexical_only: bool = False

    @property
    def posts(self) -> tuple[ScoredPassage, ...]:
        """The best match of each post, best post first."""
        best: dict[str, ScoredPassage] = {}
        for match in self.hits:
            best.setdefault(match.passage.url, match)
        return tuple(best.values())


@dataclass(frozen=True, slots=True)
class Footnote:
    """A post that an answer points to. `number` is what stands in brackets in the text."""

    number: int
    title: str
    url: str
    score: float


def footnotes_of(matches: Iterable[ScoredPassage]) -> tuple[Footnote, ...]:
    """The posts under the numbers by which an answer cites them: in the order of their best passages, from 1."""
    best: dict[str, ScoredPassage] = {}
    for match in matches:
        best.setdefault(match.passage.url, match)
    return tuple(
        Footnote(number, match.passage.title, url, match.score) for number, (url, match) in enumerate(best.items(), 1)
    )


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """How an answer was made: the question as it was searched for, the passages that the answer was made from, and
    those that were found and left out, best first."""

    understood: str
    relevance: float = 0.0
    given: tuple[ScoredPassage, ...] = ()
    left_out: tuple[ScoredPassage, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer. It is grounded when at least one footnote of a retrieved passage stands in its text.

    `nearest` names posts that come close when the posts do not answer the question. `tokens` counts what the `model`
    read and wrote, as far as it can be known, and `written` what of that it wrote. `timings_ms` holds milliseconds from
    the start of the question.
    """

    text: str
    grounded: bool
    footnotes: tuple[Footnote, ...] = ()
    nearest: tuple[Footnote, ...] = ()
    tokens: int = 0
    output_tokens: Annotated[int, Field(alias="written")] = 0
    model: str = ""
    timings_ms: dict[str, float] = field(default_factory=dict)
    trace: Annotated[AnswerTrace | None, Field(alias="workings")] = None


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A question, and its answer unless there is none yet or it failed. The turns before it are not kept here."""

    question: Question
    at: datetime
    answer: Answer | None = None


Rating = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person thinks of an answer, and why, if they said so."""

    person: Person
    rating: Annotated[Rating, Field(alias="thumb")]
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """An answer with the votes on it, newest first."""

    stored: StoredQuestion
    votes: tuple[Vote, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a platform delivers, under all the names that a redelivery may bear, the most telling first.
    `body` is plain JSON."""

    names: tuple[str, ...]
    body: Mapping[str, Any]


class Claim(Enum):
    """How an event came to the process that handles it."""

    NEW = 1
    TAKEOVER = 2
    """Another process had it, and is gone: it may have begun to answer."""
