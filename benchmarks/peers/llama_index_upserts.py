"""llama-index' ingestion pipeline with upserts as its documentation shows: run by
`benchmarks.reindex --peers`."""

import asyncio
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.request import urlopen

import aiohttp
from bs4 import BeautifulSoup
from llama_index.core import Document
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.vector_stores.redis import RedisVectorStore
from redisvl.schema import IndexSchema

AT_ONCE = 32
PASSAGE = 300
"""Tokens, as many as Footnoted's passages have at most."""

STORED = "llama"

SCHEMA = {
    "index": {"name": "llama", "prefix": "llama"},
    "fields": [
        {"type": "tag", "name": "id"},
        {"type": "tag", "name": "doc_id"},
        {"type": "text", "name": "text"},
        {"type": "vector", "name": "vector", "attrs": {"dims": 1536, "algorithm": "flat", "distance_metric": "cosine"}},
    ],
}


async def pages(links: list[str]) -> list[Document]:
    """The pages' articles, fetched many at a time."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as web:

        async def page(link: str) -> Document:
            async with turns, web.get(link) as response:
                soup = BeautifulSoup(await response.read(), "lxml")
            article = soup.find("div", class_="entry-content")
            return Document(text=article.get_text() if article else "", id_=link)

        return await asyncio.gather(*map(page, links))


def main() -> None:
    with urlopen(os.environ["SITEMAP"]) as response:
        links = [loc.text or "" for loc in ET.fromstring(response.read()).findall(".//{*}loc")]
    documents = asyncio.run(pages(links))
    store = RedisVectorStore(schema=IndexSchema.from_dict(SCHEMA), redis_url=os.environ["REDIS_URL"])
    known = Path(STORED)
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=PASSAGE, chunk_overlap=0),
            OpenAIEmbedding(
                model="text-embedding-3-small", embed_batch_size=64, api_base=os.environ["OPENAI_BASE_URL"]
            ),
        ],
        docstore=SimpleDocumentStore(),
        vector_store=store,
        docstore_strategy=DocstoreStrategy.UPSERTS,
    )
    if known.is_dir():
        pipeline.load(STORED)
    nodes = pipeline.run(documents=documents)
    pipeline.persist(STORED)
    print(len(links), "posts,", len(nodes), "passages written")


main()
