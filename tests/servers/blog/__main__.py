"""Serve a loopback blog until interrupted, as the benchmarks do."""

import argparse
from pathlib import Path

from tests.servers.blog.server import Blog, load
from tests.servers.loopback import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("posts", type=Path, help="a JSON-lines file of posts, or a folder with a posts.jsonl")
    parser.add_argument("--port", type=int, default=8804)
    parser.add_argument("--delay", type=float, default=0, help="seconds before each answer")
    parser.add_argument("--text", choices=["full", "summary", "title"], default="full")
    parser.add_argument("--theme", choices=["wordpress", "plain"], default="wordpress")
    options = vars(parser.parse_args())
    run(Blog(load(options.pop("posts")), **options), "/feed/")


if __name__ == "__main__":
    main()
