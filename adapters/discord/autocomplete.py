"""What is suggested while somebody types a question: questions that are surely answered, and titles of posts."""

from time import monotonic

from core.chat.services import ChatServices
from core.domain import Conversation

EXAMPLES_KEPT = 60.0
"""Seconds; somebody who types asks several times in one."""
MOST_EXAMPLES = 200
MOST = 25


class Autocomplete:
    """Suggests from Redis and from what Redis said a moment ago."""

    def __init__(self, desk: ChatServices) -> None:
        self._desk = desk
        self._examples: dict[frozenset[str] | None, tuple[float, list[str]]] = {}

    async def questions(self, typed: str, place: Conversation) -> list[str]:
        """Example questions that hold what is typed, and then the titles that do."""
        sources = self._desk.channels.scope(place).sources
        words = typed.lower().split()
        examples = [text for text in await self._known(sources) if all(word in text.lower() for word in words)]
        if not words:
            return examples[:MOST]
        titles = await self._desk.library.search_titles(typed, MOST, sources)
        named = " ".join(examples)
        return [*examples, *(title for title in titles if title not in named)][:MOST]

    async def sources(self, typed: str) -> list[str]:
        """The sources that have been read and whose names hold what is typed."""
        known = await self._desk.library.posts_by_source()
        return [name for name in known if typed.lower() in name.lower()][:MOST]

    async def _known(self, sources: frozenset[str] | None) -> list[str]:
        asked, examples = self._examples.get(sources, (0.0, list[str]()))
        if not examples or monotonic() - asked > EXAMPLES_KEPT:
            examples = await self._desk.library.example_questions(MOST_EXAMPLES, sources)
            self._examples[sources] = monotonic(), examples
        return examples
