"""Questions during reindex runs always find their posts."""

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from core.domain import Source
from core.index import in_place as in_place_module
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import Retriever
from tests.posts import POSTS, reindexing, url_of, write_posts

ASKED = {
    "How do bees keep the queen warm in winter?": "bees",
    "Why was Kubernetes left?": "kubernetes",
    "How hot is the oven for sourdough?": "sourdough",
    "How is a restore of the backups rehearsed?": "backups",
}


@pytest.mark.parametrize("in_place", [in_place_module.MAX_PASSAGES_IN_PLACE, -1], ids=["in place", "as a new version"])
async def test_every_question_is_answered_while_posts_change(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_place: int
) -> None:
    """Four runs change every post; questions in between find the old text or the new one, never neither."""
    monkeypatch.setattr(in_place_module, "MAX_PASSAGES_IN_PLACE", in_place)
    retriever = Retriever(redis, embedder)
    asked = 0
    stop = asyncio.Event()

    async def ask() -> None:
        nonlocal asked
        while not stop.is_set():
            for question, slug in ASKED.items():
                found = (await retriever.search(question)).posts
                assert found[0].passage.url == url_of(slug)
                assert f"Written {found[0].passage.text.rsplit(' ', 1)[-1]}" in found[0].passage.text
                asked += 1

    async with reindexing(redis, embedder) as run:
        await run(blog(tmp_path, 0))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(2):
                tasks.create_task(ask())
            for turn in range(1, 5):
                report = await run(blog(tmp_path, turn))
                assert (report.outcome, report.progress.changed) == ("published", len(POSTS))
            stop.set()
    assert asked >= 2 * len(ASKED)


def blog(folder: Path, turn: int) -> Source:
    """The posts, each with a different last line."""
    return write_posts(folder / "blog", {slug: f"{text}\n\nWritten {turn}" for slug, text in POSTS.items()})
