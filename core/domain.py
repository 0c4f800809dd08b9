"""The domain's values: frozen, and independent of storage, network and platforms.

Some are stored in Redis as JSON. A field whose stored name differs declares it as an alias; writers pass `by_alias`.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field


def new_id() -> str:
    """Return an id for a question that cannot be guessed."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Person:
    """A user that a platform can identify. `admin` says whether they may reindex, by the platform or the settings."""

    id: str
    name: str = ""
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread, channel or tab whose turns belong together. Conversations never see each other's turns."""

    platform: str
    channel: str
    workspace: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation, with the role names that chat models use."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The sources that may answer, None for all, and the persona that speaks, empty for the default one.

    `notes_unanswered`: questions that are left unanswered get a reaction and are listed among the gaps.
    """

    sources: frozenset[str] | None = None
    persona: str = ""
    notes_unanswered: bool = False


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its context: `history` holds the turns before it, oldest first; without a `scope` that of the
    channel applies. The question and its answer are stored under `id`.

    One that is not `addressed` to the bot, by a mention, a direct message or a command, may be left unanswered. It
    `follows` the question, by id, to whose answer it replies; then `history` is that chain, not the conversation.
    """

    text: str
    conversation: Conversation | None = None
    person: Person | None = None
    history: tuple[Turn, ...] = ()
    scope: Scope | None = None
    id: str = field(default_factory=new_id, compare=False)
    addressed: bool = True
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A feed, sitemap, site or folder of posts. `address` is a URL or a folder's path.

    `selector` is the CSS selector of the article in a page. `include` and `exclude` are shell patterns for a post's
    URL, its path, or a file's path within the folder. `limit` is the maximum number of posts. `published_at` is the
    URL under which a folder's files are published, if they are, by the site generator whose `layout` this is. `crawl`
    says whether the links of a site are followed; by default only if it has neither a feed nor a sitemap.
    """

    name: str
    kind: Literal["feed", "sitemap", "site", "folder"]
    address: str
    selector: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    published_at: str = ""
    layout: str = ""
    crawl: bool | None = None


OmissionReason = Literal[
    "draft", "hidden", "underscored", "dependencies", "outside", "kind", "list", "elsewhere", "attachment"
]
"""Why files are no posts: drafts; names that begin with a dot or an underscore; folders of packages and of build
results; files of a site beside its content; kinds of files that are not read. Why pages of a site are none: they list
other pages, are not below its address, or are files."""


@dataclass(frozen=True, slots=True)
class Omission:
    """Files of a folder or pages of a site left out on purpose; `kinds` are endings, the most frequent first."""

    reason: OmissionReason
    count: int
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListingFound:
    """Where a site lists its posts, followed by what is listed there."""

    kind: Literal["feed", "sitemap", "links"]
    address: str


@dataclass(frozen=True, slots=True)
class Post:
    """A whole article. `text` is Markdown; `url` is unique among posts and is what a footnote links to. `pages` holds
    the text by page, if it has pages."""

    url: str
    title: str
    text: str
    source: str
    published: datetime | None = None
    language: str = ""
    author: str = ""
    pages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of one post. `position` counts from 0 within the post; `heading` is the path of headings above it.

    `language` is an ISO 639-1 code, empty if unknown. `page` counts from 1 in a PDF file, and is 0 elsewhere.
    """

    url: str
    title: str
    heading: str
    text: str
    source: str = ""
    position: int = 0
    published: datetime | None = None
    language: str = ""
    author: str = ""
    page: int = 0

    @property
    def link(self) -> str:
        """The address that opens the post, at the passage's page if it has one and is on the web."""
        return f"{self.url}#page={self.page}" if self.page and self.url.startswith("http") else self.url

    @property
    def embedding_text(self) -> str:
        """The text to embed, with title and heading: a passage alone seldom says what it is about."""
        return "\n".join(part for part in (self.title, self.heading, self.text) if part)


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A search hit. All scores lie between 0 and 1; `score` is fused from `vector_score` and `text_score`."""

    passage: Passage
    score: float
    vector_score: Annotated[float, Field(alias="meaning")] = 0.0
    text_score: Annotated[float, Field(alias="words")] = 0.0


Confidence = Literal["sure", "unsure", "none"]
"""Whether the posts answer a question: they do, they may, or they do not."""


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The hits of a search, best first.

    `relevance` (0 to 1) is the certainty that the posts are about the question; `confidence` follows from it.

    `lexical_only`: the question could not be embedded, and only words were searched. `foreign`: it is in a language
    that the posts do not have but the embedding model may know, so that a lack of common words says nothing.
    """

    hits: tuple[ScoredPassage, ...]
    relevance: float
    confidence: Confidence
    lexical_only: bool = False
    foreign: bool = False

    @property
    def posts(self) -> tuple[ScoredPassage, ...]:
        """The best hit of each post, best post first."""
        return best_of_each_post(self.hits)


@dataclass(frozen=True, slots=True)
class Footnote:
    """A post that an answer cites. `number` is the one in brackets in the text.

    `support` (0 to 1) is how much of the statements in front of it the post says; None if that was not checked.
    `published` is when the post was published, if that is known.
    """

    number: int
    title: str
    url: str
    score: float
    support: float | None = None
    published: datetime | None = None


def best_of_each_post(hits: Iterable[ScoredPassage]) -> tuple[ScoredPassage, ...]:
    """Return the first hit of each post."""
    best: dict[str, ScoredPassage] = {}
    for hit in hits:
        best.setdefault(hit.passage.url, hit)
    return tuple(best.values())


@dataclass(frozen=True, slots=True)
class AnswerTrace:
    """How an answer was made: the question as `understood`, the passages given to the model, those `left_out`."""

    understood: str
    relevance: float = 0.0
    given: tuple[ScoredPassage, ...] = ()
    left_out: tuple[ScoredPassage, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer, grounded if its text cites at least one passage.

    `nearest` names the closest posts when none answers the question, or those that an unclear question may be about.
    `tokens` counts the prompt and the reply together, as far as they are known, and `output_tokens` the reply.
    `timings_ms` runs from the start of the question.
    `small_talk` marks the reply to thanks, a greeting or the like, below which nothing is to be shown.
    A `silent` answer is not shown at all; one that is `noted` leaves a reaction.
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
    confidence: Confidence = "sure"
    small_talk: bool = False
    silent: bool = False
    noted: bool = False

    @property
    def asks_back(self) -> bool:
        """Whether the answer asks what the question is about."""
        return not self.grounded and self.confidence == "unsure"


@dataclass(frozen=True, slots=True)
class StoredQuestion:
    """A question as stored, without its history; `answer` is None until it is answered, or after a failure."""

    question: Question
    at: datetime
    answer: Answer | None = None


Rating = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's rating of an answer, with an optional reason."""

    person: Person
    rating: Annotated[Rating, Field(alias="thumb")]
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """An answer with its votes, newest first."""

    stored: StoredQuestion
    votes: tuple[Vote, ...]
