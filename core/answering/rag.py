"""The retrieval-augmented answerer: find passages, ask the model with them, check its footnotes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from time import perf_counter

import structlog

from core.answerer import Answered, AnswerEvent, Found, Searching, Wrote
from core.answering.answer_text import AnswerText
from core.answering.citations import CitationFilter
from core.answering.prompts import Instructions, build_prompt, fewer_passages, number_posts
from core.answering.question_search import QuestionSearch, Search
from core.domain import Answer, AnswerTrace, Footnote, Question, Scope, SearchResults
from core.errors import AnswerTooLongError, ContextTooLongError, ModelTimeoutError, PromptTooLongError
from core.follow_ups import lacks_context
from core.i18n import N_, gettext
from core.models.protocols import ChatModel, Prompt, SentenceVectors
from core.models.thoughts import Retraction, Thought
from core.question_language import use_language_of_posts
from core.retrieval.retriever import Retriever
from core.telemetry import ModelCalled, emit
from core.tokens import TokenCounter

log = structlog.get_logger()

NOT_IN_POSTS = N_("My posts do not answer this.")
NONE_READ = N_("I have read none yet.")
NONE_HERE = N_("There are none that I can use here.")
MAY_NOT_ANSWER = N_("My posts may not answer this. This comes closest:")
WHICH_POST = N_("What is your question about? It may be one of these posts.")
NEAREST = 2
OFFERED = 3
MAX_COUNTER_QUESTION = 300
"""Characters up to which an answer that ends with a question mark asks back."""
QUESTION_MARKS = ("?", "？", "؟")
MAX_LEFT_OUT = 8
"""Unused hits that an answer's trace lists."""
TOKEN_CACHE_SIZE = 256
"""Texts whose token count is cached; about 1 MB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`context` is the maximum of tokens in a prompt; the times run from the request to the model.

    `first_token` also limits the pauses of a model that thinks before its first token.
    """

    context: int = 8_000
    top_k: int = 5
    first_token: timedelta = timedelta(seconds=30)
    whole_answer: timedelta = timedelta(seconds=120)


class RagAnswerer:
    """Answers each question on its own; a question carries its history."""

    def __init__(
        self,
        retriever: Retriever,
        model: ChatModel,
        instructions: Instructions,
        limits: Limits,
        tokens: TokenCounter,
        verify_citations: bool = True,
        rewrite: bool = True,
        sentence_vectors: SentenceVectors | None = None,
    ) -> None:
        self._retriever = retriever
        self._model = model
        self._instructions = instructions
        self._searcher = QuestionSearch(retriever, model if rewrite else None)
        self._limits = limits
        self._verify_citations = verify_citations
        self._sentence_vectors = sentence_vectors
        # Rules, passages and prompts are counted several times for each question.
        self._tokens = lru_cache(maxsize=TOKEN_CACHE_SIZE)(tokens)

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        began = perf_counter()
        timings: dict[str, float] = {}
        yield Searching(question)
        search = await self._searcher.search(question)
        results = search.results
        use_language_of_posts(results.hits)
        timings["found"] = _since(began)
        if answer := self._without_model(question, results):
            yield Found((), answer.confidence)
            yield Wrote(answer.text)
            timings["total"] = _since(began)
            yield Answered(replace(answer, timings_ms=timings, trace=_trace(search)))
            return
        if self._verify_citations and self._sentence_vectors:
            self._sentence_vectors.prepare()
        search = replace(search, selected=self._retriever.select(results, self._limits.top_k))
        yield Found(search.selected, results.confidence)
        if notice := self._notice(results):
            yield Wrote(notice)
        numbered = number_posts(search.selected)
        prompt = build_prompt(self._instructions_for(question), question, numbered, self._limits.context, self._tokens)
        for attempt in (prompt, fewer := fewer_passages(prompt)):
            try:
                async with aclosing(self._answer(attempt, search, began, timings)) as events:
                    async for event in events:
                        yield event
            except ContextTooLongError as error:
                if attempt is fewer:
                    raise error if question.history else PromptTooLongError(str(error)) from error
                log.warning("prompt too long, retrying with fewer passages", error_id=error.id, cause=str(error))
            else:
                return

    async def _answer(
        self, prompt: Prompt, search: Search, began: float, timings: dict[str, float]
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Stream the model's answer; only passages and addresses of this very prompt may be cited."""
        text = AnswerText(
            lambda: CitationFilter(prompt.passages, self._verify_citations, self._sentence_vectors),
        )
        too_long: AnswerTooLongError | None = None
        try:
            async with aclosing(self._stream_in_time(prompt)) as pieces:
                async for piece in pieces:
                    for event in text.read(piece):
                        yield event
                    if not text.begun:
                        timings.pop("first_token", None)
                    elif "first_token" not in timings:
                        timings["first_token"] = _since(began)
        except AnswerTooLongError as error:
            too_long = error
        for event in text.end(too_long):
            yield event
        timings["total"] = _since(began)
        yield Answered(self._finished(prompt, search, text.shown, text.footnotes, timings))

    def _finished(
        self, prompt: Prompt, search: Search, text: str, footnotes: tuple[Footnote, ...], timings: dict[str, float]
    ) -> Answer:
        confidence = search.results.confidence
        if not footnotes:
            confidence = "unsure" if asks_back(text) else "none"
        return Answer(
            text=self._notice(search.results) + text,
            grounded=bool(footnotes),
            footnotes=footnotes,
            nearest=nearest_posts(search.results) if confidence == "none" else (),
            tokens=sum(map(self._tokens, _all_texts(prompt, text))),
            output_tokens=self._tokens(text),
            model=self._model.name,
            timings_ms=timings,
            trace=_trace(search, len(prompt.passages)),
            confidence=confidence,
        )

    def _notice(self, results: SearchResults) -> str:
        """Return what comes before passages that may not answer."""
        return f"{gettext(MAY_NOT_ANSWER)}\n\n" if self._quotes_unsurely(results) else ""

    def _quotes_unsurely(self, results: SearchResults) -> bool:
        """Return whether passages are quoted without a model that could say that they do not answer."""
        return results.confidence == "unsure" and not self._model.follows_instructions

    def _without_model(self, question: Question, results: SearchResults) -> Answer | None:
        """Return a refusal, or a question about an unclear one, where asking the model would be of no use."""
        if results.confidence == "none":
            return _not_in_posts(results, question.scope)
        if self._quotes_unsurely(results) and lacks_context(question):
            posts = nearest_posts(results, OFFERED)
            return Answer(gettext(WHICH_POST), grounded=False, nearest=posts, confidence="unsure")
        return None

    def _instructions_for(self, question: Question) -> Instructions:
        persona = question.scope.persona if question.scope else ""
        return replace(self._instructions, persona=persona) if persona else self._instructions

    async def _stream_in_time(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Stream the model's text within the time limits. Raises ModelTimeoutError.

        While the model thinks, the limit for the first token starts again with each sign of life.
        """
        loop = asyncio.get_running_loop()
        first_token = self._limits.first_token.total_seconds()
        end = loop.time() + self._limits.whole_answer.total_seconds()
        deadline = loop.time() + first_token
        async with aclosing(self._model.stream(prompt)) as pieces:
            while True:
                try:
                    async with asyncio.timeout_at(min(deadline, end)):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    emit(ModelCalled("chat", ModelTimeoutError.code))
                    raise ModelTimeoutError("the model exceeded its time limit") from error
                if piece or isinstance(piece, Retraction):
                    deadline = end
                elif deadline != end:
                    deadline = loop.time() + first_token
                if piece or isinstance(piece, Retraction | Thought):
                    yield piece


def _all_texts(prompt: Prompt, answer: str) -> tuple[str, ...]:
    return (prompt.system, *(turn.content for turn in prompt.history), prompt.request, answer)


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _trace(search: Search, given: int = 0) -> AnswerTrace:
    """Build the trace. Hits that were merged into a given passage do not count as left out."""
    used = search.selected[:given]
    texts = [(hit.passage.url, hit.passage.text) for hit in used]
    left_out = (
        hit
        for hit in search.results.hits
        if not any(hit.passage.url == url and hit.passage.text in text for url, text in texts)
    )
    return AnswerTrace(search.understood, search.results.relevance, used, tuple(left_out)[:MAX_LEFT_OUT])


def asks_back(text: str) -> bool:
    """Return whether an answer without footnotes is a short question."""
    return len(text) <= MAX_COUNTER_QUESTION and text.rstrip("*_ \n").endswith(QUESTION_MARKS)


def nearest_posts(results: SearchResults, limit: int = NEAREST) -> tuple[Footnote, ...]:
    """Return the best posts as an answer cites them, numbered from 1."""
    return tuple(
        Footnote(number, hit.passage.title, hit.passage.link, hit.score, published=hit.passage.published)
        for number, hit in enumerate(results.posts[:limit], 1)
    )


def _not_in_posts(results: SearchResults, scope: Scope | None) -> Answer:
    nearest = nearest_posts(results)
    if not nearest:
        why = NONE_HERE if scope and scope.sources is not None else NONE_READ
        return Answer(f"{gettext(NOT_IN_POSTS)} {gettext(why)}", grounded=False, confidence="none")
    return Answer(gettext(NOT_IN_POSTS), grounded=False, nearest=nearest, confidence="none")
