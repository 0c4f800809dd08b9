"""The result of one question, as it is saved and compared, and the search that makes it."""

import re
from collections.abc import Sequence

from pydantic import computed_field

from bot.evaluation.examples import Example
from core.domain import Confidence, SearchResults
from core.retrieval.retriever import Retriever

TOP_K = 5
MRR_K = 10


class Result(Example):
    """An example with its result. `rank` of the right post counts from 1; None if not found or not known."""

    relevance: float = 0.0
    confidence: Confidence = "sure"
    rank: int | None = None
    answer_found: bool | None = None
    found: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def refused(self) -> bool:
        """Whether the search alone said no."""
        return self.confidence == "none"

    @property
    def reciprocal_rank(self) -> float:
        return 1 / self.rank if self.rank and self.rank <= MRR_K else 0.0


async def search(retriever: Retriever, example: Example) -> Result:
    """Search for one question, after the one before it."""
    found = await retriever.search(example.question, example.earlier[-1] if example.earlier else "")
    texts = [hit.passage.text for hit in retriever.select(found, TOP_K)]
    return judge(example, found, texts)


def judge(example: Example, found: SearchResults, texts: Sequence[str]) -> Result:
    """Compare search results with what is right; `texts` are the passages an answer would be made from."""
    posts = [comparable(hit.passage.url) for hit in found.posts]
    plain = [_plain(text) for text in texts]
    return Result(
        **example.model_dump(),
        relevance=found.relevance,
        confidence=found.confidence,
        rank=rank_of(example.url, posts),
        answer_found=any(_plain(answer) in text for answer in example.answers for text in plain)
        if example.answers
        else None,
        found=tuple(hit.passage.url for hit in found.posts[:MRR_K]),
    )


def rank_of(right: Sequence[str], urls: Sequence[str]) -> int | None:
    """Return the rank of the first right post, from 1."""
    wanted = set(map(comparable, right))
    return next((rank for rank, url in enumerate(urls, start=1) if comparable(url) in wanted), None)


def comparable(url: str) -> str:
    """Return an address without a trailing slash, which makes no difference."""
    return url.rstrip("/")


def _plain(text: str) -> str:
    """Strip case, Markdown characters and whitespace differences, for comparison."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`\\]", "", text)).casefold().strip()
