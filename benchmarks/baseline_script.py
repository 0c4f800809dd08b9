"""Baseline for `benchmarks.reindex`: a minimal script that embeds each page of a sitemap, one by one, on every run.

Run `python -m benchmarks.baseline_script SITEMAP` with REDIS_URL, OPENAI_BASE_URL and OPENAI_API_KEY set.
"""

import argparse
import os
from urllib.request import urlopen

import numpy as np
import redis
from bs4 import BeautifulSoup
from openai import OpenAI

MAX_CHARS = 8_000
"""Characters of a post that are embedded; the rest is cut off, as the model accepts no more."""


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
        embedded = model.embeddings.create(model="text-embedding-3-small", input=article.get_text()[:MAX_CHARS])
        vector = np.asarray(embedded.data[0].embedding, dtype=np.float32)
        client.hset(f"script:{link}", mapping={"url": link, "embedding": vector.tobytes()})
        read += 1
    print(f"{read} posts")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sitemap", help="address of the sitemap")
    main(parser.parse_args().sitemap)
