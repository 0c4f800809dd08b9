"""Ask one question, by search alone or for a whole answer, and compare the outcome with what is right."""

import re
from collections import Counter
from contextlib import aclosing
from statistics import fmean
from time import perf_counter

from bot.app import Bot
from bot.evaluation.examples import Example
from bot.evaluation.results import MRR_K, AnswerResult, Result, rank_of
from core.answerer import Answered
from core.domain import EVERYTHING, Answer, Question, Turn
from core.errors import FootnotedError
from core.language.terms import terms
from core.models.prices import dollars

TOP_K = 5
_FOOTNOTE = re.compile(r"\[\d+\]")


async def measure_search(bot: Bot, example: Example) -> Result:
    """Search for a question, after the one before it."""
    found = await bot.retriever.search(example.question, example.earlier[-1] if example.earlier else "")
    posts = [hit.passage.url for hit in found.posts]
    texts = [_plain(hit.passage.text) for hit in bot.retriever.select(found, TOP_K)]
    answer_found = any(_plain(answer) in text for answer in example.answers for text in texts)
    return Result(
        **example.model_dump(),
        relevance=found.relevance,
        confidence=found.confidence,
        rank=rank_of(example.url, posts),
        answer_found=answer_found if example.answers else None,
        found=tuple(posts[:MRR_K]),
    )


async def measure_answer(bot: Bot, example: Example) -> AnswerResult:
    """Ask for a whole answer, after the earlier questions. A failure becomes the result's error."""
    history = tuple(Turn("user", earlier) for earlier in example.earlier)
    began = perf_counter()
    answer: Answer | None = None
    try:
        async with aclosing(bot.answerer.ask(Question(example.question, history=history, scope=EVERYTHING))) as events:
            async for event in events:
                if isinstance(event, Answered):
                    answer = event.answer
    except FootnotedError as error:
        return AnswerResult(error=f"{error.user_message} ({error.id})", seconds=perf_counter() - began)
    if answer is None:
        raise AssertionError("every stream ends with `Answered`")
    return judge_answer(example, answer, perf_counter() - began)


def judge_answer(example: Example, answer: Answer, seconds: float) -> AnswerResult:
    """Compare an answer with the right posts and the reference."""
    cited = tuple(footnote.url for footnote in answer.footnotes)
    supports = [footnote.support for footnote in answer.footnotes if footnote.support is not None]
    read = answer.tokens - answer.output_tokens
    return AnswerResult(
        text=answer.text,
        answered=answer.grounded,
        cited=cited,
        right_post_cited=rank_of(example.url, cited) is not None if example.url and answer.grounded else None,
        support=round(fmean(supports), 4) if supports else None,
        overlap=token_f1(answer.text, example.reference) if example.reference else None,
        seconds=round(seconds, 3),
        input_tokens=read,
        output_tokens=answer.output_tokens,
        dollars=dollars(answer.model, read, answer.output_tokens) if answer.tokens else 0.0,
    )


def token_f1(text: str, reference: str) -> float:
    """Return the F1 score of the words that two texts share, from 0 to 1, as the SQuAD benchmark defines it.

    Scripts without blanks count by two or three characters in a row.
    """
    ours, theirs = Counter(terms(_FOOTNOTE.sub(" ", text), "")), Counter(terms(reference, ""))
    shared = (ours & theirs).total()
    return round(2 * shared / (ours.total() + theirs.total()), 4) if shared else 0.0


def _plain(text: str) -> str:
    """Strip case, Markdown characters and whitespace differences, for comparison."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`\\]", "", text)).casefold().strip()
