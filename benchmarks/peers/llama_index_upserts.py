"""Index a sitemap with llama-index's ingestion pipeline and upserts, following its documentation.

Run by `benchmarks.reindex --llama-index`.
"""

import os
from pathlib import Path

from llama_index.core import Document
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.vector_stores.redis import RedisVectorStore
from pages import fetch_articles
from redisvl.schema import IndexSchema

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


def main() -> None:
    documents = [Document(text=text, id_=link) for link, text in fetch_articles()]
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
    print(len(documents), "posts,", len(nodes), "passages written")


main()
