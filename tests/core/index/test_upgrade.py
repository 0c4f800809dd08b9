"""Indexes of releases that did not analyse words are upgraded in place."""

import asyncio
from collections.abc import Mapping

import pytest
from redis.asyncio import Redis
from redis.commands.search.field import NumericField, TagField, TextField, VectorField
from redis.commands.search.index_definition import IndexDefinition, IndexType

from core.index.upgrade import upgrade
from core.index.version import IndexVersion, live_version, read_metadata
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import METADATA_TTL, Retriever
from core.storage import keys
from tests.posts import published, url_of

TEXTS = {
    "biene": "# Bienen im Winter\n\nDie Bienen überwintern auf dem Dach, und wir lassen ihnen zwanzig Kilo Honig.",
    "brot": "# Brot backen\n\nDer Teig ruht über Nacht, und die Brote backen eine halbe Stunde im geschlossenen Topf.",
}


async def written_before(redis: Redis, embedder: OfflineEmbedder, posts: Mapping[str, str]) -> IndexVersion:
    """Publish posts with the hashes and the search index that older releases wrote."""
    version = await published(redis, embedder, posts)
    await redis.ft(version.index).dropindex(delete_documents=False)
    for key in await redis.keys(f"{keys.passage_prefix(version.number)}*"):
        await redis.hdel(key, "terms", "language")
    await redis.hdel(keys.version(version.number), "analysis")
    vector = VectorField("embedding", "FLAT", {"TYPE": "FLOAT32", "DIM": 256, "DISTANCE_METRIC": "COSINE"})
    texts = [TextField(name) for name in ("title", "heading", "text")]
    tags = [TagField(name, separator="\x1f", case_sensitive=True) for name in ("url", "source")]
    await redis.ft(version.index).create_index(
        [*texts, *tags, NumericField("published", sortable=True), vector],
        definition=IndexDefinition(prefix=[keys.passage_prefix(version.number)], index_type=IndexType.HASH),
        stopwords=[],
    )
    await redis.ft(version.index).aliasupdate(keys.POSTS)
    await version.wait_until_indexed()
    return version


async def test_first_search_after_an_update_finds_words_in_all_their_forms(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    await written_before(redis, embedder, TEXTS)
    results = await Retriever(redis, embedder).search("Wo überwintert eine Biene?")
    assert results.hits[0].passage.url.endswith("biene.md")
    assert results.hits[0].passage.language == "de"
    assert results.hits[0].text_score == 1.0


async def test_upgrade_embeds_nothing_and_leaves_the_alias_in_place(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await written_before(redis, embedder, TEXTS)
    before = {key: await redis.hget(key, "embedding") for key in await redis.keys("post:*")}
    await upgrade(redis, version)
    assert {key: await redis.hget(key, "embedding") for key in before} == before
    live = await live_version(redis)
    assert live is not None
    assert live.index == version.index
    assert (await read_metadata(redis, version.number))["analysis"]


async def test_interrupted_upgrade_is_completed(redis: Redis, embedder: OfflineEmbedder) -> None:
    version = await written_before(redis, embedder, TEXTS)
    await upgrade(redis, version)
    await redis.hdel(keys.version(version.number), "analysis")
    for key in await redis.keys(f"{keys.passage_prefix(version.number)}*"):
        await redis.hdel(key, "terms", "language")
    await upgrade(redis, version)
    found = await redis.execute_command("FT.SEARCH", keys.POSTS, "@terms:brot @language:{de}", "NOCONTENT")
    assert found[0] == 1


async def test_passages_that_a_process_of_the_older_release_adds_are_analysed_too(
    redis: Redis, embedder: OfflineEmbedder
) -> None:
    version = await written_before(redis, embedder, TEXTS)
    retriever = Retriever(redis, embedder)
    await retriever.search("Wo überwintert eine Biene?")
    await redis.hdel(keys.passage(version.number, url_of("brot"), 0), "terms", "language")
    await redis.hincrby(keys.version(version.number), "drift", 1)
    await asyncio.sleep(METADATA_TTL)
    results = await retriever.search("Wie lange backt ein Brot?")
    assert results.hits[0].passage.url.endswith("brot.md")
    assert results.hits[0].text_score == 1.0


@pytest.mark.parametrize("clause", ["@title:(brot*)", "brote"])
async def test_processes_of_the_older_release_go_on_searching(
    redis: Redis, embedder: OfflineEmbedder, clause: str
) -> None:
    version = await written_before(redis, embedder, TEXTS)
    await upgrade(redis, version)
    assert (await redis.execute_command("FT.SEARCH", keys.POSTS, clause, "NOCONTENT"))[0] == 1
