"""Index a sitemap with llama-index's ingestion pipeline and upserts, following its documentation.

Run by `benchmarks.reindex --llama-index`.
"""

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
PASSAGE_TOKENS = 300
"""The maximum of Footnoted's passages."""

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


async def fetch_pages(links: list[str]) -> list[Document]:
    """Fetch the articles of the pages, `AT_ONCE` at a time."""
    limit = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as web:

        async def page(link: str) -> Document:
            async with limit, web.get(link) as response:
                soup = BeautifulSoup(await response.read(), "lxml")
            article = soup.find("div", class_="entry-content")
            return Document(text=article.get_text() if article else "", id_=link)

        return await asyncio.gather(*map(page, links))


def main() -> None:
    with urlopen(os.environ["SITEMAP"]) as response:
        links = [loc.text or "" for loc in ET.fromstring(response.read()).findall(".//{*}loc")]
    documents = asyncio.run(fetch_pages(links))
    store = RedisVectorStore(schema=IndexSchema.from_dict(SCHEMA), redis_url=os.environ["REDIS_URL"])
    stored = Path(STORED)
    pipeline = IngestionPipeline(
        transformations=[
            SentenceSplitter(chunk_size=PASSAGE_TOKENS, chunk_overlap=0),
            OpenAIEmbedding(
                model="text-embedding-3-small", embed_batch_size=64, api_base=os.environ["OPENAI_BASE_URL"]
            ),
        ],
        docstore=SimpleDocumentStore(),
        vector_store=store,
        docstore_strategy=DocstoreStrategy.UPSERTS,
    )
    if stored.is_dir():
        pipeline.load(STORED)
    nodes = pipeline.run(documents=documents)
    pipeline.persist(STORED)
    print(len(links), "posts,", len(nodes), "passages written")


main()
