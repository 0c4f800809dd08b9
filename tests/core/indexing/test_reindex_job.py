"""Runs bring the index up to date with the sources, and do no more work than necessary."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from redis.asyncio import Redis

from core.domain import Source
from core.errors import IndexUnavailableError, ModelQuotaExceededError
from core.index import version as version
from core.index.catalog import Catalog
from core.index.draft import Draft
from core.index.schema import Algorithm
from core.index.version import live_version
from core.indexing.progress import Report
from core.indexing.run_events import RunPlanned, RunProgressed
from core.models.offline_embedder import OfflineEmbedder
from core.models.openai_embedder import OpenAIEmbedder
from core.retrieval.retriever import Retriever
from tests.core.index.drafting import texts_in
from tests.core.models.openai_parts import client_of, tokens
from tests.posts import POSTS, reindexing, url_of, write_posts
from tests.servers.loopback import Status
from tests.servers.openai import OpenAIServer

SMALL = "text-embedding-3-small"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(dimensions=64) as server:
        yield server


@pytest.fixture
async def paid(server: OpenAIServer) -> AsyncIterator[OpenAIEmbedder]:
    """An embedder whose requests are counted at the server."""
    async with client_of(server) as client:
        yield OpenAIEmbedder(client, SMALL, tokens, dimensions=64)


async def read(redis: Redis, embedder: OfflineEmbedder | OpenAIEmbedder, *sources: Source) -> Report:
    async with reindexing(redis, embedder) as run:
        return await run(*sources)


async def urls(redis: Redis) -> set[str]:
    live = await live_version(redis)
    return set(await live.ledger()) if live else set()


async def live_texts(redis: Redis) -> dict[str, list[str]]:
    """The texts of all passages, by post."""
    live = await live_version(redis)
    assert live is not None
    return await texts_in(redis, live)


def embedded(server: OpenAIServer) -> list[str]:
    """All texts of passages that were embedded."""
    return [text for request in server.embeddings for text in request.inputs if "\n" in text]


async def test_the_first_run_indexes_every_post(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    async with reindexing(redis, embedder) as run:
        report = await run(write_posts(tmp_path / "blog"))
    counts = report.progress
    assert (counts.listed, counts.new, counts.embedded, counts.reused) == (len(POSTS), len(POSTS), len(POSTS), 0)
    assert (report.failures, report.rebuilt, report.outcome, report.posts) == ((), False, "published", len(POSTS))
    assert {title.url for title in report.diff.new} == await urls(redis) == {url_of(slug) for slug in POSTS}
    told = [event.progress for event in run.events if isinstance(event, RunProgressed)]
    assert [progress.done for progress in told] == sorted(progress.done for progress in told)
    assert told[-1] == report.progress


async def test_no_post_is_visible_before_the_first_run_is_complete(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    server.delay = 0.2
    running = asyncio.create_task(read(redis, paid, write_posts(tmp_path / "blog")))
    while not server.embeddings:
        assert await live_version(redis) is None
        await asyncio.sleep(0.01)
    assert (await Catalog(redis).stats()).posts == 0
    await running
    assert (await Catalog(redis).stats()).posts == len(POSTS)


async def test_the_plan_precedes_embedding_and_a_dry_run_ends_with_it(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, paid, source)
    write_posts(tmp_path / "blog", {"bees": "# Wintering bees\n\nWe sold the hives.", "tea": "# Tea\n\nGreen tea."})
    (tmp_path / "blog" / "redis.md").unlink()
    server.embeddings.clear()
    async with reindexing(redis, paid) as run:
        report = await run(source, dry_run=True)
        dry = run.plan
        assert (report.outcome, server.embeddings) == ("planned", [])
        assert await urls(redis) == {url_of(slug) for slug in POSTS}
        before = sorted(await redis.keys("*"))
        await run(source, dry_run=True)
        assert sorted(await redis.keys("*")) == before
        await run(source)
        kinds = [
            type(event).__name__ if isinstance(event, RunPlanned) else event.progress.embedded for event in run.events
        ]
        assert kinds.index("RunPlanned") < kinds.index(2)
    plan = replace(run.plan, seconds=0)
    assert plan == replace(dry, seconds=0)
    assert (plan.new, plan.changed, plan.removed, plan.unchanged, plan.failed) == (1, 1, 1, len(POSTS) - 2, 0)
    assert plan.passages == 2
    assert plan.tokens > 0
    assert plan.dollars == pytest.approx(plan.tokens * 0.02 / 1e6)
    assert [title.title for title in plan.diff.changed] == ["Wintering bees"]
    assert [title.url for title in plan.diff.removed] == [url_of("redis")]


async def test_a_run_of_one_source_ignores_the_others(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    blog = write_posts(tmp_path / "blog")
    notes = write_posts(tmp_path / "notes", {"tea": "# Tea\n\nTea steeps for four minutes."}, name="notes")
    await read(redis, embedder, blog, notes)
    (tmp_path / "notes" / "tea.md").write_text("# Tea\n\nTea steeps for five minutes.", encoding="utf-8")
    (tmp_path / "blog" / "bees.md").unlink()
    async with reindexing(redis, embedder) as run:
        report = await run(blog, notes, only="notes")
        assert (report.progress.changed, report.progress.removed, report.posts) == (1, 0, len(POSTS) + 1)
        assert (await run(blog, notes)).progress.removed == 1


async def test_unchanged_passages_keep_their_vectors_when_a_post_is_edited_or_renamed(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    sections = [
        f"## Section {number}\n\n" + f"Sentence number {number} of this section says so. " * 40 for number in "abc"
    ]
    source = write_posts(tmp_path / "blog", POSTS | {"long": "# Long\n\n" + "\n\n".join(sections)})
    await read(redis, paid, source)
    passages = len((await live_texts(redis))[url_of("long")])
    assert passages >= 3
    server.embeddings.clear()
    edited = "# Long\n\n" + "\n\n".join([*sections[:2], sections[2] + "And one more sentence."])
    write_posts(tmp_path / "blog", {"long": edited})
    report = await read(redis, paid, source)
    assert report.progress.changed == 1
    assert 0 < report.progress.embedded == len(embedded(server)) < passages
    server.embeddings.clear()
    (tmp_path / "blog" / "long.md").rename(tmp_path / "blog" / "elsewhere.md")
    report = await read(redis, paid, source)
    assert (report.progress.new, report.progress.removed, report.progress.embedded) == (1, 1, 0)
    assert server.embeddings == []


async def test_an_unchanged_post_is_not_embedded_again(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, paid, source)
    server.embeddings.clear()
    report = await read(redis, paid, source)
    assert report.progress.unchanged == len(POSTS)
    assert server.embeddings == []


async def test_the_dimensions_of_a_known_model_are_not_requested_again(
    redis: Redis, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    for requests in (True, False):
        server.embeddings.clear()
        async with client_of(server) as client:
            await read(redis, OpenAIEmbedder(client, SMALL, tokens), source)
        assert bool(server.embeddings) is requests


async def test_a_changed_post_replaces_its_own_passages_only(
    redis: Redis, server: OpenAIServer, paid: OpenAIEmbedder, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, paid, source)
    server.embeddings.clear()
    write_posts(tmp_path / "blog", {"bees": "# Wintering bees\n\nWe sold the hives and keep goats now."})
    report = await read(redis, paid, source)
    assert (report.progress.changed, report.progress.unchanged) == (1, len(POSTS) - 1)
    assert len(embedded(server)) == 1
    post = await Catalog(redis).post(url_of("bees"))
    assert post is not None
    assert "goats" in post.text
    assert "shivers" not in post.text


async def test_a_deleted_file_removes_its_post(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    source = write_posts(tmp_path / "blog")
    await read(redis, embedder, source)
    (tmp_path / "blog" / "bees.md").unlink()
    report = await read(redis, embedder, source)
    assert report.progress.removed == 1
    assert url_of("bees") not in await urls(redis)
    assert url_of("bees") not in await live_texts(redis)


async def test_removing_a_source_removes_its_posts(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    blog = write_posts(tmp_path / "blog")
    notes = write_posts(tmp_path / "notes", {"tea": "# Tea\n\nTea steeps for four minutes."}, name="notes")
    await read(redis, embedder, blog, notes)
    report = await read(redis, embedder, blog)
    assert report.progress.removed == 1
    assert await urls(redis) == {url_of(slug) for slug in POSTS}


async def test_an_unreadable_source_keeps_its_posts_and_is_reported(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path
) -> None:
    blog = write_posts(tmp_path / "blog")
    notes = write_posts(tmp_path / "notes", {"tea": "# Tea\n\nTea steeps for four minutes."}, name="notes")
    await read(redis, embedder, blog, notes)
    (tmp_path / "notes").rename(tmp_path / "unmounted")
    report = await read(redis, embedder, blog, notes)
    [failure] = report.failed_sources
    assert failure.address == str(tmp_path / "notes")
    assert url_of("tea", "notes") in await urls(redis)
    assert report.progress.removed == 0


async def test_a_failing_embedding_model_ends_the_run_and_leaves_the_index_as_it_was(
    redis: Redis, server: OpenAIServer, tmp_path: Path
) -> None:
    source = write_posts(tmp_path / "blog")
    async with client_of(server) as client:
        embedder = OpenAIEmbedder(client.with_options(max_retries=0), SMALL, tokens, dimensions=64)
        await read(redis, embedder, source)
        write_posts(
            tmp_path / "blog", {"bees": "# Wintering bees\n\nWe keep goats now.", "new": "# New\n\nA new post."}
        )
        server.enqueue_embedding(Status(429, code="insufficient_quota"))
        with pytest.raises(ModelQuotaExceededError):
            await read(redis, embedder, source)
        post = await Catalog(redis).post(url_of("bees"))
        assert post is not None
        assert "shivers" in post.text
        report = await read(redis, embedder, source)
    assert (report.progress.changed, report.progress.new) == (1, 1)


async def test_a_growing_blog_switches_to_an_approximate_index_in_the_same_run(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "HNSW_FROM", 5)
    await read(redis, embedder, write_posts(tmp_path / "blog"))
    live = await live_version(redis)
    assert live is not None
    assert live.index.endswith(":hnsw")
    results = await Retriever(redis, embedder).search("How do bees get through the winter?")
    assert results.hits[0].passage.url == url_of("bees")


async def test_the_configured_index_algorithm_is_used(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    source = write_posts(tmp_path / "blog")
    for algorithm in get_args(Algorithm):
        async with reindexing(redis, embedder, algorithm=algorithm) as run:
            await run(source)
        live = await live_version(redis)
        assert live is not None
        assert live.index.endswith(algorithm.lower())


async def test_losing_redis_ends_the_run_with_a_single_error(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise IndexUnavailableError("it went away")

    monkeypatch.setattr(Draft, "stage", refuse)
    with pytest.raises(IndexUnavailableError):
        await read(redis, embedder, write_posts(tmp_path / "blog"))
