"""Index a sitemap with langchain-redis and langchain's record manager, following its documentation.

Run by `benchmarks.reindex --langchain`.
"""

import os

from langchain_classic.indexes import SQLRecordManager, index
from langchain_core.documents import Document
from langchain_openai import OpenAIEmbeddings
from langchain_redis import RedisConfig, RedisVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter
from pages import fetch_articles

PASSAGE_CHARS = 1_000
"""About as long as Footnoted's passages."""


def main() -> None:
    pages = [Document(text, metadata={"source": link}) for link, text in fetch_articles()]
    passages = RecursiveCharacterTextSplitter(chunk_size=PASSAGE_CHARS, chunk_overlap=0).split_documents(pages)
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
    print(len(pages), "posts,", len(passages), "passages:", done)


main()
