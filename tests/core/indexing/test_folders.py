"""Runs over folders: what is read, warned of, left out and removed."""

import json
from pathlib import Path

from redis.asyncio import Redis

from bot.cli.reindex import report_json
from core.domain import Omission, Source
from core.index.version import live_version
from core.models.offline_embedder import OfflineEmbedder
from core.retrieval.retriever import Retriever
from tests.core.ingestion import office_files
from tests.posts import reindexing


def folder_of(path: Path) -> Source:
    return Source("docs", "folder", str(path), published_at="https://docs.example", layout="hugo")


async def test_report_tells_warnings_and_what_is_left_out(
    redis: Redis, embedder: OfflineEmbedder, tmp_path: Path
) -> None:
    (tmp_path / "hay.md").write_text("---\ntitle: Hay: dry\naliases: [/old/]\n---\nHay is turned twice a day.")
    (tmp_path / "later.md").write_text("+++\ndraft = true\n+++\nNot yet.")
    (tmp_path / "a.xyz").touch()
    async with reindexing(redis, embedder) as run:
        report = await run(folder_of(tmp_path))
        assert [title.title for title in report.diff.new] == ["Hay: dry"]
        assert [failure.address for failure in report.failures] == [str(tmp_path / "hay.md")]
        assert "(line 2: mapping values are not allowed" in report.failures[0].reason
        assert set(report.omissions) == {Omission("draft", 1), Omission("kind", 1, (".xyz",))}
        told = json.loads(json.dumps(report_json(report)))
        assert {"reason": "kind", "count": 1, "kinds": [".xyz"]} in told["left_out"]
        live = await live_version(redis)
        assert live
        assert (await live.ledger())["https://docs.example/hay/"].also == ("https://docs.example/old/",)

        (tmp_path / "hay.md").write_text("---\ntitle: Hay\npublished: false\n---\nHay is turned twice a day.")
        (tmp_path / "straw.md").write_text("Straw is what is left of the corn.")
        report = await run(folder_of(tmp_path))
        assert [title.url for title in report.diff.removed] == ["https://docs.example/hay/"]


async def test_passage_of_a_pdf_file_links_to_its_page(redis: Redis, embedder: OfflineEmbedder, tmp_path: Path) -> None:
    pages = [["Peen the edge on a small anvil."], ["Hone the blade with a wet stone."], ["Dry the hay."]]
    (tmp_path / "guide.pdf").write_bytes(office_files.pdf(pages, title="Scythes"))
    async with reindexing(redis, embedder) as run:
        report = await run(folder_of(tmp_path))
        assert report.posts == 1
        unchanged = await run(folder_of(tmp_path))
        assert (unchanged.outcome, unchanged.progress.unchanged) == ("unchanged", 1)
    retriever = Retriever(redis, embedder)
    selected = retriever.select(await retriever.search("Which stone hones the blade on the anvil?"), 5)
    assert {hit.passage.text: hit.passage.link.partition("#")[2] for hit in selected[:2]} == {
        "Hone the blade with a wet stone.": "page=2",
        "Peen the edge on a small anvil.": "page=1",
    }
