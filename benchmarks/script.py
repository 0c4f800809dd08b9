"""What many would write in an evening, to measure against: one page after the other, one vector a post, all again each
time. Run as `python -m benchmarks.script SITEMAP`; it needs REDIS_URL and OPENAI_BASE_URL."""

import os
import sys
from urllib.request import urlopen

import numpy as np
import redis
from bs4 import BeautifulSoup
from openai import OpenAI

MOST = 8_000
"""Signs of a post; the model takes no more, and so the rest is lost."""


def main(sitemap: str) -> None:
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    model = OpenAI()
    read = 0
    with urlopen(sitemap) as response:
        links = [loc.text for loc in BeautifulSoup(response.read(), "html.parser").find_all("loc")]
    for link in links:
        with urlopen(link) as response:
            soup = BeautifulSoup(response.read(), "html.parser")
        article = soup.find("div", class_="entry-content")
        if article is None:
            continue
        embedded = model.embeddings.create(model="text-embedding-3-small", input=article.get_text()[:MOST])
        vector = np.asarray(embedded.data[0].embedding, dtype=np.float32)
        client.hset(f"script:{link}", mapping={"url": link, "embedding": vector.tobytes()})
        read += 1
    print(f"{read} posts")


if __name__ == "__main__":
    main(sys.argv[1])
