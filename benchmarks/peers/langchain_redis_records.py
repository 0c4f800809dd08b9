"""Index a sitemap with langchain-redis and langchain's record manager, following its documentation.

Run by `benchmarks.reindex --langchain`.
"""

import asyncio
import os
import xml.etree.ElementTree as ET
from urllib.request import urlopen

import aiohttp
from bs4 import BeautifulSoup
from langchain_classic.indexes import SQLRecordManager, index
from langchain_core.documents import Document
from langchain_openai import OpenAIEmbeddings
from langchain_redis import RedisConfig, RedisVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

AT_ONCE = 32
PASSAGE_CHARS = 1_000
"""About as long as Footnoted's passages."""


async def fetch_pages(links: list[str]) -> list[Document]:
    """Fetch the articles of the pages, `AT_ONCE` at a time."""
    limit = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as web:

        async def page(link: str) -> Document:
            async with limit, web.get(link) as response:
                soup = BeautifulSoup(await response.read(), "lxml")
            article = soup.find("div", class_="entry-content")
            return Document(article.get_text() if article else "", metadata={"source": link})

        return await asyncio.gather(*map(page, links))


def main() -> None:
    with urlopen(os.environ["SITEMAP"]) as response:
        links = [loc.text or "" for loc in ET.fromstring(response.read()).findall(".//{*}loc")]
    passages = RecursiveCharacterTextSplitter(chunk_size=PASSAGE_CHARS, chunk_overlap=0).split_documents(
        asyncio.run(fetch_pages(links))
    )
    store = RedisVectorStore(
        OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False),
        RedisConfig(
            index_name="langchain",
            redis_url=os.environ["REDIS_URL"],
            metadata_schema=[{"name": "source", "type": "tag"}],
        ),
    )
    records = SQLRecordManager("redis/langchain", db_url="sqlite:///records.sqlite")
    records.create_schema()
    done = index(passages, records, store, cleanup="full", source_id_key="source", key_encoder="sha256")
    print(len(links), "posts,", len(passages), "passages:", done)


main()
