"""Reading a blog, for the first time and again: `python -m benchmarks.reading POSTS.jsonl [--delay 0.03]`.

POSTS.jsonl holds one post a line (slug, title, date, html). The blog is served on loopback, the embedder is the offline
one. Side by side in the same run: the script that many would write, on the same pages and the same Redis.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.processes import Measured, environment, measure, running
from bot.embedded_redis import embedded_redis

PORT = 8931


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("posts", type=Path)
    parser.add_argument("--delay", type=float, default=0.03, help="seconds that the blog takes for each answer")
    options = parser.parse_args()
    posts = options.posts.resolve()
    count = sum(1 for line in posts.open(encoding="utf-8") if line.strip())
    feed = f"http://127.0.0.1:{PORT}/feed/"
    blog = ["tests.servers.blog", str(posts), "--port", str(PORT), "--delay", str(options.delay)]
    with (
        tempfile.TemporaryDirectory() as name,
        running(blog, Path(name), environment(), feed),
        embedded_redis(Path(name) / "redis") as url,
    ):
        env = environment(REDIS_URL=url, FEEDS=feed)
        rows = {
            "footnoted reindex, first": measure(["bot", "reindex"], Path(name), env),
            "footnoted reindex, again": measure(["bot", "reindex"], Path(name), env),
            "evening script, first": measure(["benchmarks.script", feed], Path(name), env),
            "evening script, again": measure(["benchmarks.script", feed], Path(name), env),
        }
    show(rows, count)


def show(rows: dict[str, Measured], count: int) -> None:
    """Whole processes, start included; ratios are against the first row."""
    first = next(iter(rows.values())).seconds
    print(f"{'':28}{'seconds':>9}{'posts/s':>9}{'peak MB':>9}{'ratio':>8}")
    for name, row in rows.items():
        print(f"{name:28}{row.seconds:9.1f}{count / row.seconds:9.0f}{row.peak_mb:9.0f}{row.seconds / first:8.2f}")
    for name, row in list(rows.items())[:2]:
        told = next((line for line in row.output.splitlines() if line.startswith("Read in")), "")
        print(f"{name}: {told}")


if __name__ == "__main__":
    main()
