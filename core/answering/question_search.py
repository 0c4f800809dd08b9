"""The search for a question: a follow-up that leans on the conversation is also searched as the model rewrites it."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from core.answering.prompts import rewriting_prompt
from core.domain import Question, ScoredPassage, SearchResults
from core.errors import ModelError
from core.follow_ups import leans_on_history, previous_question
from core.i18n import SOURCE_LANGUAGE, language
from core.models.protocols import ChatModel
from core.models.thoughts import Retraction, Thought
from core.question_dates import dated_question, is_about_posts
from core.retrieval.dated_search import date_filter, newest_first
from core.retrieval.fusion import merge_results
from core.retrieval.retriever import Retriever

log = structlog.get_logger()

REWRITING_SECONDS = 4.0
MAX_REWRITTEN = 500
"""Characters; longer texts are no question."""


@dataclass(frozen=True, slots=True)
class Search:
    """A question as it was understood, its search results, and the hits selected for the answer."""

    understood: str
    results: SearchResults
    selected: tuple[ScoredPassage, ...] = ()


class QuestionSearch:
    """Searches the posts for questions. Without a `model` that follows instructions, nothing is rewritten."""

    def __init__(self, retriever: Retriever, model: ChatModel | None) -> None:
        self._retriever = retriever
        self._model = model if model and model.follows_instructions else None

    async def search(self, question: Question) -> Search:
        """Search the posts. A model decides when words in common say nothing, in another language."""
        found = await self._search(question)
        if self._model and found.results.foreign:
            return replace(found, results=replace(found.results, confidence="unsure"))
        return found

    async def _search(self, question: Question) -> Search:
        previous = previous_question(question)
        sources = question.scope.sources if question.scope else None
        if dated := await self._search_by_date(question.text, sources):
            return dated
        if not (self._model and previous and leans_on_history(question)):
            results = await self._retriever.search(question.text, previous, sources)
            return Search(_understood(question.text, previous), results)
        searching = asyncio.create_task(self._retriever.search(question.text, previous, sources))
        if not question.addressed and (await searching).confidence == "none":
            # It may be said to other people: nothing is asked of the model before the posts have something to say.
            return Search(_understood(question.text, previous), searching.result())
        rewriting = asyncio.create_task(self._rewrite(self._model, question))
        try:
            results = await searching
            rewritten = await rewriting
        finally:
            rewriting.cancel()
            await asyncio.wait([rewriting])  # until the model's stream is closed
        if not rewritten:
            return Search(_understood(question.text, previous), results)
        return Search(rewritten, merge_results(results, await self._retriever.search(rewritten, sources=sources)))

    async def _search_by_date(self, text: str, sources: frozenset[str] | None) -> Search | None:
        """Find the newest posts, or those of a time; None for other questions, and without a hit."""
        if not is_about_posts(text):
            return None
        dated = await asyncio.to_thread(dated_question, text, (language(), SOURCE_LANGUAGE))
        if dated is None:
            return None
        dates = date_filter(dated.since, dated.until)
        if dated.topic:
            results = newest_first(await self._retriever.search(dated.topic, sources=sources, dates=dates))
        else:
            results = await self._retriever.newest(sources, dates)
        return Search(text, results) if results.confidence != "none" else None

    async def _rewrite(self, model: ChatModel, question: Question) -> str:
        """Return the question as it reads alone, empty if the model fails or is too slow."""
        text = ""
        try:
            async with asyncio.timeout(REWRITING_SECONDS), aclosing(model.stream(rewriting_prompt(question))) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, Thought):
                        text = "" if isinstance(piece, Retraction) else text + piece
        except TimeoutError:
            log.warning("follow-up rewriting timed out")
            return ""
        except ModelError as error:
            log.warning("follow-up rewriting failed", error_id=error.id, cause=str(error))
            return ""
        text = " ".join(text.split())
        return text if len(text) <= MAX_REWRITTEN else ""


def _understood(text: str, previous: str) -> str:
    return f"{text} (after: {previous})" if previous else text
