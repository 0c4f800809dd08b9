"""What many would write in an evening, to measure against: one page after the other, one vector a post, all again each
time. Run as `python -m benchmarks.script FEED`; it needs REDIS_URL."""

import os
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import feedparser
import numpy as np
import redis
import wordllama
from bs4 import BeautifulSoup


def main(feed: str) -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    read = 0
    for link in _links(feed):
        with urlopen(link) as response:
            soup = BeautifulSoup(response.read(), "html.parser")
        article = soup.find("div", class_="entry-content")
        if article is None:
            continue
        vector = np.asarray(model.embed(article.get_text(), norm=True)[0], dtype=np.float32)
        client.hset(f"script:{link}", mapping={"url": link, "embedding": vector.tobytes()})
        read += 1
    print(f"{read} posts")


def _links(feed: str) -> list[str]:
    links: list[str] = []
    page = 1
    while True:
        try:
            with urlopen(f"{feed}?paged={page}") as response:
                entries = feedparser.parse(response.read()).entries
        except HTTPError:
            return links
        if not entries:
            return links
        links += [entry.link for entry in entries]
        page += 1


if __name__ == "__main__":
    main(sys.argv[1])
