"""Measure how long it takes to reindex a site: for the first time, again, and after one post has changed.

`python -m benchmarks.reindex POSTS.jsonl [--posts 1000] [--langchain PYTHON] [--llama-index PYTHON]`

POSTS.jsonl holds one post per line (slug, title, date, html); variants of them make up the number of posts. The site
takes 30 ms per response, the stand-in for OpenAI 50 ms. The same run measures a minimal script on the same pages,
sitemap and Redis and, if a Python with the packages in `benchmarks/peers/` is given, langchain-redis and llama-index.
"""

import argparse
import asyncio
import re
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

from redis import Redis

from benchmarks.processes import Measured, environment, measure
from bot.embedded_redis import embedded_redis
from tests.servers.blog import Blog, Post, load
from tests.servers.openai import OpenAIServer

PAGE_SECONDS = 0.03
EMBEDDING_SECONDS = 0.05
PEERS = {"langchain": "langchain_redis_records.py", "llama-index": "llama_index_upserts.py"}


@dataclass(frozen=True, slots=True)
class Row:
    """One process: its time and memory, and its requests to the site and the model."""

    name: str
    measured: Measured
    pages: int
    unchanged: int
    requests: int
    inputs: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("posts_file", type=Path, metavar="POSTS.jsonl")
    parser.add_argument("--posts", type=int, default=1_000, help="number of posts")
    for peer in PEERS:
        parser.add_argument(f"--{peer}", type=Path, metavar="PYTHON", help=f"Python with the packages for {peer}")
    options = parser.parse_args()
    posts = make_posts(load(options.posts_file), options.posts)
    peers = {peer: getattr(options, peer.replace("-", "_")) for peer in PEERS}
    with tempfile.TemporaryDirectory() as name, embedded_redis(Path(name) / "redis") as url:
        rows = asyncio.run(compare(posts, Path(name), on_tcp_port(url), peers))
    show(rows)


def on_tcp_port(url: str) -> str:
    """Make Redis listen on TCP as well, because not every client accepts the path of a socket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Redis.from_url(url) as redis:
        redis.config_set("bind", "127.0.0.1")
        redis.config_set("port", port)
    return f"redis://127.0.0.1:{port}"


def make_posts(posts: Sequence[Post], count: int) -> list[Post]:
    """Return `count` posts: the given ones, then variants of them with other paragraphs."""
    made = []
    for number, post in enumerate(islice(cycle(posts), count)):
        turn = number // len(posts)
        html = re.sub(r"<p>", f"<p>Part {turn}. ", post.html) if turn else post.html
        made.append(replace(post, slug=f"{post.slug}-{turn}" if turn else post.slug, html=html))
    return made


async def compare(posts: Sequence[Post], folder: Path, redis_url: str, peers: Mapping[str, Path | None]) -> list[Row]:
    """Run all processes, one after another."""
    async with Blog(posts, delay=PAGE_SECONDS) as blog, OpenAIServer(delay=EMBEDDING_SECONDS) as model:
        sitemap = blog.url("/sitemap.xml")
        (folder / "footnoted.toml").write_text(f'[[sources]]\nname = "blog"\nsitemap = "{sitemap}"\n')
        env = environment(
            REDIS_URL=redis_url, OPENAI_BASE_URL=model.base_url, OPENAI_API_KEY="sk-stand-in", SITEMAP=sitemap
        )

        async def run(name: str, arguments: Sequence[str], python: Path | None = None) -> Row:
            blog.requests.clear()
            blog.unchanged.clear()
            model.embeddings.clear()
            measured = await asyncio.to_thread(measure, arguments, folder, env, python)
            return Row(
                name,
                measured,
                pages=blog.requests.total(),
                unchanged=blog.unchanged.total(),
                requests=len(model.embeddings),
                inputs=sum(len(request.inputs) for request in model.embeddings),
            )

        reindex = ["bot", "reindex"]
        rows = [await run("footnoted, first", reindex), await run("footnoted, again", reindex)]
        changed = f"{blog.posts[0].html}<p>One more paragraph about crates.</p>"
        blog.posts[0] = replace(blog.posts[0], html=changed, date="2026-11-01")
        rows.append(await run("footnoted, one post changed", reindex))
        rows += [
            await run(f"baseline script, {turn}", ["benchmarks.baseline_script", sitemap])
            for turn in ("first", "again")
        ]
        for name, python in peers.items():
            path = str(Path(__file__).parent / "peers" / PEERS[name])
            rows += [await run(f"{name}, {turn}", [path], python) for turn in ("first", "again") if python]
    return rows


def show(rows: Sequence[Row]) -> None:
    """Print a table; times are of whole processes, including their start, and ratios relative to the first row."""
    columns: list[tuple[str, Callable[[Row], str]]] = [
        ("seconds", lambda row: f"{row.measured.seconds:.1f}"),
        ("ratio", lambda row: f"{row.measured.seconds / rows[0].measured.seconds:.2f}"),
        ("peak MB", lambda row: f"{row.measured.peak_mb:.0f}"),
        ("site requests", lambda row: str(row.pages)),
        ("of these 304", lambda row: str(row.unchanged)),
        ("model requests", lambda row: str(row.requests)),
        ("texts", lambda row: str(row.inputs)),
    ]
    print(f"{'':42}" + "".join(f"{head:>14}" for head, _ in columns))
    for row in rows:
        print(f"{row.name:42}" + "".join(f"{cell(row):>14}" for _, cell in columns))
    for row in rows[:3]:
        print(
            f"{row.name}: {next((line for line in row.measured.output.splitlines() if line.startswith('Done in')), '')}"
        )


if __name__ == "__main__":
    main()
