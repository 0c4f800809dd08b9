"""The steps of a search, each on top of those before: where each ranks the right post."""

from collections.abc import Mapping, Sequence

import numpy as np

from bot.app import Bot
from bot.evaluation.examples import Example
from bot.evaluation.results import rank_of
from core.index.version import IndexVersion, read_live
from core.language.terms import query_words
from core.retrieval.fusion import fuse
from core.retrieval.language_fit import LanguageFit
from core.retrieval.search import bm25_search, read_passages, term_idf, vector_search

STEPS = ("words", "meaning", "fused", "and sentences", "and the question before")
LISTED = 24


async def rank_by_step(bot: Bot, examples: Sequence[Example]) -> dict[str, list[int | None]]:
    """Return the rank of the right post after each step, for each example."""
    live = await read_live(bot.redis)
    if live is None:
        raise RuntimeError("nothing is indexed")
    version = live.version
    fit = LanguageFit.of(live.languages, version.vector_spec.model)
    vectors = await bot.embedder.embed([example.question for example in examples])
    ranks: dict[str, list[int | None]] = {step: [] for step in STEPS}
    for example, vector in zip(examples, np.asarray(vectors), strict=True):
        asked = query_words(example.question, live.languages)
        terms = await term_idf(bot.redis, version.index, [asked])
        words = await bm25_search(bot.redis, version.index, terms)
        meaning = await vector_search(bot.redis, version.index, [version.vector_spec.blob(vector)])
        weight = await fit.vector_weight(example.question)
        both_ways = fuse([*words, *meaning], [1 - weight, weight])
        rankings = {"words": fuse(words), "meaning": fuse(meaning), "fused": both_ways}
        for step, ranking in rankings.items():
            ranks[step].append(rank_of(example.url, await _slugs(bot, version, ranking)))
        alone = await bot.retriever.search(example.question)
        both = await bot.retriever.search(example.question, example.earlier[-1]) if example.earlier else alone
        for step, found in (("and sentences", alone), ("and the question before", both)):
            ranks[step].append(rank_of(example.url, [slug_of(hit.passage.url) for hit in found.posts]))
    return ranks


async def _slugs(bot: Bot, version: IndexVersion, ranking: Mapping[str, float]) -> list[str]:
    keys = list(ranking)[:LISTED]
    passages = await read_passages(bot.redis, version.index, keys)
    return list(dict.fromkeys(slug_of(passages[key][0].url) for key in keys if key in passages))


def slug_of(url: str) -> str:
    """Return the last part of a post's address."""
    return url.rstrip("/").rpartition("/")[2]
