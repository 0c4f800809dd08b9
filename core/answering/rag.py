"""The retrieval-augmented answerer: find passages, ask the model with them, keep its footnotes honest."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from time import perf_counter

import structlog

from core.answerer import Answered, AnswerEvent, Found, Searching, Wrote
from core.answering.citations import CitationFilter
from core.answering.prompts import Instructions, build_prompt, fewer_passages, number_posts, rewriting_prompt
from core.domain import Answer, AnswerTrace, Footnote, Question, Scope, ScoredPassage, SearchResults
from core.errors import AnswerInterruptedError, ContextTooLongError, ModelError, ModelTimeoutError
from core.models.protocols import ChatModel, NumberedPassage, Prompt
from core.retrieval.retriever import Retriever
from core.telemetry import ModelCalled, emit
from core.tokens import TokenCounter

log = structlog.get_logger()

NOT_IN_POSTS = "My posts do not answer this."
NONE_READ = "I have read none yet."
NONE_HERE = "I have none that I may answer from here."
NEAREST = 2
LEFT_OUT = 8
"""Passages that were found and not used, as many as somebody may want to look at."""
COUNTED = 256
"""Texts whose tokens are remembered; some 1 MB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`context` is the most tokens that a prompt may have; the times run from the question to the model."""

    context: int = 8_000
    top_k: int = 5
    first_token: timedelta = timedelta(seconds=30)
    whole_answer: timedelta = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class _Searched:
    """A question as it was understood, what was found for it, and the passages that were chosen for its answer."""

    understood: str
    findings: SearchResults
    matches: tuple[ScoredPassage, ...] = ()


class RagAnswerer:
    """Answers one question, without memory of others: a question brings its history along."""

    def __init__(
        self, retriever: Retriever, model: ChatModel, instructions: Instructions, limits: Limits, tokens: TokenCounter
    ) -> None:
        self._retriever = retriever
        self._model = model
        self._instructions = instructions
        self._limits = limits
        # The rules, a passage and a prompt are counted more than once on their way.
        self._tokens = lru_cache(maxsize=COUNTED)(tokens)

    async def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        began = perf_counter()
        timings: dict[str, float] = {}
        yield Searching(question)
        searched = await self._search(question)
        findings = searched.findings
        timings["found"] = _since(began)
        if not findings.relevant:
            yield Found(())
            answer = _not_in_posts(findings, question.scope)
            yield Wrote(answer.text)
            timings["total"] = _since(began)
            yield Answered(replace(answer, timings_ms=timings, trace=_workings(searched)))
            return
        searched = replace(searched, matches=self._retriever.select(findings, self._limits.top_k))
        yield Found(searched.matches)
        numbered = number_posts(searched.matches)
        prompt = build_prompt(self._voice(question), question, numbered, self._limits.context, self._tokens)
        try:
            async with aclosing(self._answer(prompt, searched, began, timings)) as events:
                async for event in events:
                    yield event
        except ContextTooLongError as error:
            log.warning("the prompt was too long for the model", error_id=error.id, cause=str(error))
        else:
            return
        async with aclosing(self._answer(fewer_passages(prompt), searched, began, timings)) as events:
            async for event in events:
                yield event

    async def _answer(
        self, prompt: Prompt, searched: _Searched, began: float, timings: dict[str, float]
    ) -> AsyncGenerator[Wrote | Answered, None]:
        """What the model writes from a prompt; only what stands in this very prompt can be cited."""
        citing = CitationFilter(
            (passage.number for passage in prompt.passages),
            (f"{passage.passage.url} {passage.passage.text}" for passage in prompt.passages),
        )
        text = ""
        async with aclosing(self._in_time(prompt)) as pieces:
            async for piece in pieces:
                timings.setdefault("first_token", _since(began))
                if shown := citing.read(piece):
                    text += shown
                    yield Wrote(shown)
        if shown := citing.end():
            text += shown
            yield Wrote(shown)
        if not text.strip():
            raise AnswerInterruptedError("the model wrote nothing")
        timings["total"] = _since(began)
        footnotes = _footnotes(prompt.passages, citing.cited)
        yield Answered(
            Answer(
                text=text,
                grounded=bool(footnotes),
                footnotes=footnotes,
                nearest=() if footnotes else _nearest(searched.findings),
                tokens=sum(map(self._tokens, _all_texts(prompt, text))),
                output_tokens=self._tokens(text),
                model=self._model.name,
                timings_ms=timings,
                trace=_workings(searched, len(prompt.passages)),
            )
        )

    def _voice(self, question: Question) -> Instructions:
        persona = question.scope.persona if question.scope else ""
        return replace(self._instructions, persona=persona) if persona else self._instructions

    async def _search(self, question: Question) -> _Searched:
        """What the posts say. A follow-up that brings nothing is put into words that stand alone, once."""
        sources = question.scope.sources if question.scope else None
        findings = await self._retriever.search(question.text, question.previous, sources)
        understood = f"{question.text} (after: {question.previous})" if question.previous else question.text
        if findings.relevant or not question.previous or not self._model.follows_instructions:
            return _Searched(understood, findings)
        try:
            async with aclosing(self._in_time(rewriting_prompt(question))) as pieces:
                alone = "".join([piece async for piece in pieces]).strip()
        except ModelError as error:
            log.warning("a follow-up could not be rewritten", error_id=error.id, cause=str(error))
            return _Searched(understood, findings)
        alone = alone or question.text
        return _Searched(alone, await self._retriever.search(alone, sources=sources))

    async def _in_time(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The model's text while it keeps its times. Raises ModelTimeoutError."""
        loop = asyncio.get_running_loop()
        last = loop.time() + self._limits.whole_answer.total_seconds()
        deadline = loop.time() + self._limits.first_token.total_seconds()
        async with aclosing(self._model.stream(prompt)) as pieces:
            while True:
                try:
                    async with asyncio.timeout_at(min(deadline, last)):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    emit(ModelCalled("chat", ModelTimeoutError.code))
                    raise ModelTimeoutError("the model kept none of its times") from error
                deadline = last
                yield piece


def _all_texts(prompt: Prompt, answer: str) -> tuple[str, ...]:
    return (prompt.system, *(turn.content for turn in prompt.history), prompt.request, answer)


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _footnotes(passages: Sequence[NumberedPassage], cited: set[int]) -> tuple[Footnote, ...]:
    """The posts that the text points to, once each, best first."""
    posts = {numbered.number: numbered for numbered in reversed(passages)}
    return tuple(
        Footnote(number, posts[number].passage.title, posts[number].passage.url, posts[number].score)
        for number in sorted(cited)
    )


def _workings(searched: _Searched, given: int = 0) -> AnswerTrace:
    """Neighbours were made into one passage: what stands in a given one was not left out."""
    used = searched.matches[:given]
    texts = [(match.passage.url, match.passage.text) for match in used]
    left_out = (
        match
        for match in searched.findings.hits
        if not any(match.passage.url == url and match.passage.text in text for url, text in texts)
    )
    return AnswerTrace(searched.understood, searched.findings.relevance, used, tuple(left_out)[:LEFT_OUT])


def _nearest(findings: SearchResults) -> tuple[Footnote, ...]:
    return tuple(
        Footnote(number, match.passage.title, match.passage.url, match.score)
        for number, match in enumerate(findings.posts[:NEAREST], start=1)
    )


def _not_in_posts(findings: SearchResults, scope: Scope | None) -> Answer:
    nearest = _nearest(findings)
    if not nearest:
        why = NONE_HERE if scope and scope.sources is not None else NONE_READ
        return Answer(f"{NOT_IN_POSTS} {why}", grounded=False)
    titles = " and ".join(f"“{footnote.title}”" for footnote in nearest)
    return Answer(f"{NOT_IN_POSTS} The nearest I have: {titles}.", grounded=False, nearest=nearest)
