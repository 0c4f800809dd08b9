"""Measure how completely, and how fast, articles are found in pages.

Run `python -m benchmarks.extraction PAGES [POSTS.jsonl]`. PAGES holds `html/<id>.html.gz` and `ground-truth.json` (id →
`articleBody`), as the public article extraction benchmark does. POSTS.jsonl (`slug`, `title`, `date`, `html`) is set
into the pages of two themes, and the share of its paragraphs that are found is measured.
"""

import argparse
import gzip
import json
import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import process_time

import trafilatura
from lxml.html import document_fromstring

from core.errors import SourceReadError
from core.ingestion.article import extract
from tests.servers.blog import PLAIN, WORDPRESS

_MARKS = re.compile(r"\]\([^)\s]*\)|^\s*\d+\. |^\s*\|(?: --- \|)+$", re.MULTILINE)
_WORD = re.compile(r"\w+")
WORST = 12
SHINGLE = 4


def words(text: str) -> list[str]:
    """Return the words of a text, without Markdown's marks."""
    return _WORD.findall(_MARKS.sub(" ", unicodedata.normalize("NFC", text)))


def shingles(text: list[str]) -> Counter[tuple[str, ...]]:
    """Return the runs of four words."""
    return Counter(tuple(text[at : at + SHINGLE]) for at in range(max(1, len(text) - SHINGLE + 1)))


def scores(found: str, right: str) -> tuple[float, float]:
    """Return precision and recall."""
    one, other = shingles(words(found)), shingles(words(right))
    common = sum((one & other).values())
    return common / max(1, one.total()), common / max(1, other.total())


def read(html: str, url: str) -> str:
    """Return the article as Footnoted reads it, empty if it refuses the page."""
    try:
        return extract(html, url).text
    except SourceReadError:
        return ""


def measure_pages(folder: Path, plain: bool) -> None:
    """Print F1, the pages with far fewer words than trafilatura's default, and the time."""
    truth = json.loads((folder / "ground-truth.json").read_text())
    pages = {
        path.name.split(".")[0]: gzip.decompress(path.read_bytes()).decode() for path in (folder / "html").iterdir()
    }
    rows, seconds, short = [], 0.0, []
    for name in sorted(truth):
        began = process_time()
        text = read(pages[name], truth[name].get("url") or "https://site.example/post/")
        seconds += process_time() - began
        precision, recall = scores(text, truth[name]["articleBody"])
        rows.append((precision, recall, name))
        if plain:
            default = len(words(trafilatura.extract(pages[name], include_comments=False) or ""))
            if len(words(text)) < default / 2:
                short.append((name, len(words(text)), default))
    for half, part in (("all", rows), ("even", rows[::2]), ("odd", rows[1::2])):
        precision = statistics.mean(row[0] for row in part)
        recall = statistics.mean(row[1] for row in part)
        f1 = 2 * precision * recall / (precision + recall)
        print(f"{half:5} pages {len(part)}  F1 {f1:.3f}  precision {precision:.3f}  recall {recall:.3f}")
    print(f"{seconds / len(rows) * 1000:.1f} ms of CPU time a page; below half of trafilatura's default: {short}")
    for precision, recall, name in sorted(rows, key=lambda row: row[0] + row[1])[:WORST]:
        print(f"  {name[:12]}  precision {precision:.2f}  recall {recall:.2f}")


def paragraphs(html: str) -> Iterator[str]:
    """Yield the paragraphs of a post as words."""
    for element in document_fromstring(f"<div>{html}</div>").iter("p", "li", "pre", "h2", "h3", "td", "dd"):
        if element.find(".//p") is None and element.find(".//li") is None:
            yield " ".join(words("".join(map(str, element.itertext()))))


def measure_posts(file: Path) -> None:
    """Print the share of paragraphs that are found, in all posts and in the worst."""
    for theme in (WORDPRESS, PLAIN):
        found = total = 0
        posts = []
        for post in map(json.loads, file.read_text().splitlines()):
            recent = "<li><a href='/x/'>Another post</a></li>" * 5
            page = theme.format(meta="", title=post["title"], date=post["date"], html=post["html"], recent=recent)
            text = " ".join(words(read(page, f"https://blog.example/{post['slug']}/")))
            wanted = [paragraph for paragraph in paragraphs(post["html"]) if paragraph]
            hits = sum(paragraph in text for paragraph in wanted)
            found, total = found + hits, total + len(wanted)
            posts.append((hits / max(1, len(wanted)), post["slug"]))
        print(f"paragraphs found: {found} of {total} ({found / total:.4f}); worst posts: {sorted(posts)[:5]}")


def main() -> None:
    """Measure the folders and files named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument("posts", type=Path, nargs="?")
    parser.add_argument("--plain", action="store_true", help="compare with trafilatura's default")
    arguments = parser.parse_args()
    measure_pages(arguments.pages, arguments.plain)
    if arguments.posts:
        measure_posts(arguments.posts)


if __name__ == "__main__":
    main()
