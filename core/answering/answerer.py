"""The retrieval-augmented answerer: find passages, ask the model with them, keep its footnotes honest."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from time import perf_counter

import structlog

from core.answering.citing import Citing
from core.answering.prompting import Instructions, build_prompt, fewer_passages, number_posts, rewriting_prompt
from core.asking import Answered, AnswerEvent, Found, Searching, Wrote
from core.errors import AnswerBroken, ContextTooLong, ModelFailed, ModelTooSlow
from core.knowledge.retriever import Retriever
from core.models.protocols import ChatModel, Numbered, Prompt
from core.tokens import Tokens
from core.vocabulary import Answer, Findings, Footnote, Question

log = structlog.get_logger()

NOT_IN_POSTS = "My posts do not answer this."
NEAREST = 2
COUNTED = 256
"""Texts whose tokens are remembered; some 1 MB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`context` is the most tokens that a prompt may have; the times run from the question to the model."""

    context: int = 8_000
    top_k: int = 5
    first_token: timedelta = timedelta(seconds=30)
    whole_answer: timedelta = timedelta(seconds=120)


class Answerer:
    """Answers one question, without memory of others: a question brings its history along."""

    def __init__(
        self, retriever: Retriever, model: ChatModel, instructions: Instructions, limits: Limits, tokens: Tokens
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
        findings = await self._find(question)
        timings["found"] = _since(began)
        if not findings.relevant:
            yield Found(())
            answer = _not_in_posts(findings)
            yield Wrote(answer.text)
            yield Answered(replace(answer, timings_ms={**timings, "total": _since(began)}))
            return
        matches = self._retriever.select(findings, self._limits.top_k)
        yield Found(matches)
        numbered = number_posts(matches)
        prompt = build_prompt(self._instructions, question, numbered, self._limits.context, self._tokens)
        try:
            async with aclosing(self._answer(prompt, findings, began, timings)) as events:
                async for event in events:
                    yield event
        except ContextTooLong as error:
            log.warning("the prompt was too long for the model", error_id=error.id, cause=str(error))
        else:
            return
        async with aclosing(self._answer(fewer_passages(prompt), findings, began, timings)) as events:
            async for event in events:
                yield event

    async def _answer(
        self, prompt: Prompt, findings: Findings, began: float, timings: dict[str, float]
    ) -> AsyncGenerator[Wrote | Answered, None]:
        """What the model writes from a prompt; only what stands in this very prompt can be cited."""
        citing = Citing(
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
            raise AnswerBroken("the model wrote nothing")
        timings["total"] = _since(began)
        footnotes = _footnotes(prompt.passages, citing.cited)
        yield Answered(
            Answer(
                text=text,
                grounded=bool(footnotes),
                footnotes=footnotes,
                nearest=() if footnotes else _nearest(findings),
                tokens=sum(map(self._tokens, _all_texts(prompt, text))),
                timings_ms=timings,
            )
        )

    async def _find(self, question: Question) -> Findings:
        """What the posts say. A follow-up that brings nothing is put into words that stand alone, once."""
        findings = await self._retriever.search(question.text, question.before)
        if findings.relevant or not question.before or not self._model.reads_instructions:
            return findings
        try:
            async with aclosing(self._in_time(rewriting_prompt(question))) as pieces:
                alone = "".join([piece async for piece in pieces]).strip()
        except ModelFailed as error:
            log.warning("a follow-up could not be rewritten", error_id=error.id, cause=str(error))
            return findings
        return await self._retriever.search(alone or question.text)

    async def _in_time(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The model's text while it keeps its times. Raises ModelTooSlow."""
        loop = asyncio.get_running_loop()
        last = loop.time() + self._limits.whole_answer.total_seconds()
        deadline = loop.time() + self._limits.first_token.total_seconds()
        async with aclosing(self._model.write(prompt)) as pieces:
            while True:
                try:
                    async with asyncio.timeout_at(min(deadline, last)):
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError as error:
                    raise ModelTooSlow("the model kept none of its times") from error
                deadline = last
                yield piece


def _all_texts(prompt: Prompt, answer: str) -> tuple[str, ...]:
    return (prompt.system, *(turn.content for turn in prompt.history), prompt.request, answer)


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _footnotes(passages: Sequence[Numbered], cited: set[int]) -> tuple[Footnote, ...]:
    """The posts that the text points to, once each, best first."""
    posts = {numbered.number: numbered for numbered in reversed(passages)}
    return tuple(
        Footnote(number, posts[number].passage.title, posts[number].passage.url, posts[number].score)
        for number in sorted(cited)
    )


def _nearest(findings: Findings) -> tuple[Footnote, ...]:
    return tuple(
        Footnote(number, match.passage.title, match.passage.url, match.score)
        for number, match in enumerate(findings.posts[:NEAREST], start=1)
    )


def _not_in_posts(findings: Findings) -> Answer:
    nearest = _nearest(findings)
    if not nearest:
        return Answer(f"{NOT_IN_POSTS} I have read none yet.", grounded=False)
    titles = " and ".join(f"“{footnote.title}”" for footnote in nearest)
    return Answer(f"{NOT_IN_POSTS} The nearest I have: {titles}.", grounded=False, nearest=nearest)
