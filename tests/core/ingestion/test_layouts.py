"""A file's address is that of the page that its site generator makes of it."""

from pathlib import Path, PurePath

import pytest

from core.ingestion.front_matter import split_front_matter
from core.ingestion.layouts import layout_of, old_addresses, page_address

BASE = "https://site.example"


def address(layout: str, file: str, matter: str = "", base: str = BASE, root: str = "") -> str:
    fields = split_front_matter(f"---\n{matter}\n---\n")
    return page_address(PurePath(file), fields, base, layout_of(layout), root).removeprefix(BASE)


@pytest.mark.parametrize(
    ("layout", "file", "matter", "path"),
    [
        ("", "posts/Peening.md", "", "/posts/Peening.md"),
        ("", "posts/peening.md", "slug: edge", "/posts/edge"),
        ("hugo", "posts/Peening a scythe.md", "", "/posts/peening-a-scythe/"),
        ("hugo", "posts/_index.md", "", "/posts/"),
        ("hugo", "posts/2023-04-05-bundle/index.md", "", "/posts/2023-04-05-bundle/"),
        ("hugo", "posts/peening.md", "slug: edge", "/posts/edge/"),
        ("hugo", "posts/peening.md", "url: /edge/", "/edge/"),
        ("jekyll", "_posts/2023-04-05-peening.md", "", "/2023/04/05/peening.html"),
        (
            "jekyll",
            "tools/_posts/2023-04-05-peening.md",
            "categories: Hay edge",
            "/tools/hay/edge/2023/04/05/peening.html",
        ),
        ("jekyll", "_posts/2023-04-05-peening.md", "permalink: /:year/:title/", "/2023/peening/"),
        ("jekyll", "about.md", "", "/about.html"),
        ("jekyll", "docs/index.md", "", "/docs/"),
        ("docusaurus", "02-guide/01-intro.md", "", "/guide/intro"),
        ("docusaurus", "guide/README.md", "", "/guide"),
        ("docusaurus", "guide/guide.md", "", "/guide"),
        ("docusaurus", "guide/intro.md", "id: start", "/guide/start"),
        ("docusaurus", "guide/intro.md", "slug: /start", "/start"),
        ("docusaurus", "2023-04-05-peening.mdx", "", "/2023/04/05/peening"),
        ("docusaurus", "2023-04-05-peening/index.md", "", "/2023/04/05/peening"),
        ("mkdocs", "guide/install.md", "", "/guide/install/"),
        ("mkdocs", "guide/README.md", "", "/guide/"),
        ("astro", "guides/First Steps.md", "", "/guides/first-steps/"),
        ("astro", "guides/first.md", "slug: steps", "/guides/steps/"),
        ("vitepress", "guide/install.md", "", "/guide/install.html"),
        ("vitepress", "guide/index.md", "", "/guide/"),
        ("eleventy", "posts/2023-04-05-peening.md", "", "/posts/peening/"),
        ("eleventy", "posts/peening.md", "permalink: /edge/index.html", "/edge/"),
        ("eleventy", "posts/peening.md", 'permalink: "/{{ page.fileSlug }}/"', "/posts/peening/"),
        ("sphinx", "guide/install.rst", "", "/guide/install.html"),
        ("/:year/:month/:slug/", "2023-04-05-peening.md", "", "/2023/04/peening/"),
        ("/blog/:name", "peening.md", "slug: edge", "/blog/edge"),
    ],
)
def test_file_has_the_address_of_its_page(layout: str, file: str, matter: str, path: str) -> None:
    assert address(layout, file, matter) == path


@pytest.mark.parametrize(
    ("matter", "url"),
    [
        ("permalink: /docs/edge/", "/docs/edge/"),
        ("permalink: /edge/", "/docs/edge/"),
        ("url: https://site.example/edge/", "/edge/"),
        ("url: https://other.example/edge/", "/docs/peening/"),
    ],
)
def test_permalink_belongs_to_the_site(matter: str, url: str) -> None:
    assert address("mkdocs", "peening.md", matter, f"{BASE}/docs/") == url


def test_posts_of_a_whole_site_are_below_their_part_of_it() -> None:
    assert address("docusaurus", "2023-04-05-peening.md", root="blog") == "/blog/2023/04/05/peening"
    assert address("docusaurus", "2023-04-05-peening.md", "slug: edge", root="blog") == "/blog/edge"
    assert address("docusaurus", "intro.md", "slug: /", root="docs") == "/docs/"


def test_only_a_whole_site_has_parts(tmp_path: Path) -> None:
    docusaurus = layout_of("docusaurus")
    assert docusaurus
    for part in ("docs", "src/pages"):
        (tmp_path / part).mkdir(parents=True)
    assert docusaurus.roots_in(tmp_path) == {}
    (tmp_path / "docusaurus.config.ts").touch()
    assert docusaurus.roots_in(tmp_path) == {"docs": "docs", "src/pages": ""}


def test_old_addresses_are_those_of_the_site() -> None:
    fields = split_front_matter("---\naliases: [/old/, 'A title in a vault']\nredirect_from: /older\n---\n")
    assert old_addresses(fields, BASE) == (f"{BASE}/old/", f"{BASE}/older")
