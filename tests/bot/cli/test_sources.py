"""`footnoted sources check`: what would be read of an address, before it is."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.running import invoke_in_thread, make_home
from tests.servers.blog import Blog, Post


@pytest.fixture
async def blog() -> AsyncIterator[Blog]:
    """A feed of two posts, a sitemap of six pages, one of them forbidden and one a list."""
    posts = [
        Post(f"post-{n}", f"Post {n}", f"<p>Number {n}. {'Many words. ' * 60}</p>", f"2026-01-1{n}") for n in range(4)
    ]
    posts += [Post("tag/x", "Tagged", "<p>List.</p>", "2025-01-01"), Post("private/a", "A", "<p>A.</p>", "2025-01-02")]
    async with Blog(posts, per_page=2, paged=False) as served:
        yield served


async def test_check_shows_what_was_found_how_much_and_samples(blog: Blog, tmp_path: Path) -> None:
    done = await invoke_in_thread(tmp_path, "sources", "check", blog.url("/"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == [f"✓ feed {blog.url('/feed/')}  2 posts", f"✓ sitemap {blog.url('/sitemap.xml')}  2 posts"]
    assert "4 posts, the newest from 2026-01-13; 2 of them whole in the source" in done.stdout
    assert "Post 3  2026-01-13" in lines
    assert any(line.startswith("Number 3. Many words.") for line in lines)
    assert f"1  pages that list other pages  {blog.url('/tag/x/')}" in done.stdout
    assert f"1  robots.txt does not allow it  {blog.url('/private/a/')}" in done.stdout
    assert lines[-1] == f"To read it, set FEEDS={blog.url('/')} in .env."
    assert [path for path in blog.requests if path.startswith("/post-")] == ["/post-1/"]


async def test_check_prints_json_of_a_configured_source_with_its_patterns(blog: Blog, tmp_path: Path) -> None:
    toml = f'[[sources]]\nname = "blog"\nsitemap = "{blog.url("/sitemap.xml")}"\ninclude = ["/post-[12]/"]\n'
    (tmp_path / "footnoted.toml").write_text(toml, encoding="utf-8")
    done = await invoke_in_thread(tmp_path, "sources", "check", "blog", "--json")
    told = json.loads(done.stdout)
    assert (told["posts"], told["whole"], told["error"]) == (2, 0, None)
    assert [sample["title"] for sample in told["samples"]] == ["Post 2", "Post 1"]
    assert told["skipped"] == [
        {"reason": "left out by include or exclude", "count": 4, "example": blog.url("/post-3/")}
    ]


async def test_check_of_a_folder_reads_its_files(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    told = json.loads((await invoke_in_thread(home, "sources", "check", "posts", "--json")).stdout)
    assert told["found"][0]["kind"] == "folder"
    assert told["posts"] == told["whole"] == 5


@pytest.mark.parametrize("flags", [(), ("--json",)])
async def test_address_that_cannot_be_read_is_explained(flags: tuple[str, ...], blog: Blog, tmp_path: Path) -> None:
    done = await invoke_in_thread(tmp_path, "sources", "check", blog.url("/nowhere/"), *flags)
    assert done.returncode == 1
    assert "the page does not exist (404)" in done.stdout


async def test_refused_publication_is_printed_as_json(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert (await invoke_in_thread(home, "reindex")).returncode == 0
    for file in list((home / "posts").iterdir())[1:]:
        file.unlink()
    done = await invoke_in_thread(home, "reindex", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["outcome"], told["removed"], told["unchanged"]) == ("refused", 4, 1)
    assert told["error"] in " ".join(done.stderr.split())
