"""Files of a folder become posts: Markdown, text and HTML, with their front matter."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from core.domain import Omission, Source
from core.errors import SourceReadError
from core.ingestion import folder as folders
from core.ingestion.entries import Entry, EntrySkipped
from core.ingestion.fetcher import Fetcher
from tests.core.ingestion import helpers
from tests.core.ingestion.helpers import files_of, post_of_file, to_post


async def test_files_are_listed_recursively_by_name(folder: Path, fetcher: Fetcher) -> None:
    for name in (
        "b.md",
        "a.txt",
        "sub/c.HTML",
        "sub/deeper/d.markdown",
        "e.htm",
        ".hidden.md",
        ".git/f.md",
        "g.png",
        "h",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Words.")
    (folder / "folder.md").mkdir()
    items = await files_of(folder, fetcher)
    assert [item.url.removeprefix("manual/") for item in items if isinstance(item, Entry)] == [
        "a.txt",
        "b.md",
        "e.htm",
        "sub/c.HTML",
        "sub/deeper/d.markdown",
    ]


async def test_missing_folder_is_reported(folder: Path, fetcher: Fetcher) -> None:
    with pytest.raises(SourceReadError, match="the folder does not exist"):
        await files_of(folder / "gone", fetcher)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"include": ("*.md",)}, ["a.md", "sub/b.md"]),
        ({"include": ("sub/*",)}, ["sub/b.md", "sub/c.txt"]),
        ({"exclude": ("sub/*",)}, ["a.md"]),
        ({"limit": 2}, ["a.md", "sub/b.md"]),
    ],
)
async def test_filters_match_paths_within_the_folder(
    options: dict[str, object], names: list[str], folder: Path, fetcher: Fetcher
) -> None:
    (folder / "sub").mkdir()
    for name in ("a.md", "sub/b.md", "sub/c.txt"):
        (folder / name).write_text("Words.")
    items = await files_of(folder, fetcher, **options)
    assert [item.url for item in items if isinstance(item, Entry)] == [f"manual/{name}" for name in names]


@pytest.mark.parametrize(
    ("published_at", "url"),
    [
        ("", "manual/a%20b/%C3%BC.md"),
        ("https://docs.example/", "https://docs.example/a%20b/%C3%BC.md"),
        ("https://docs.example/manual/", "https://docs.example/manual/a%20b/%C3%BC.md"),
        ("https://docs.example/manual", "https://docs.example/manual/a%20b/%C3%BC.md"),
    ],
)
async def test_file_has_its_public_url(published_at: str, url: str, folder: Path, fetcher: Fetcher) -> None:
    (folder / "a b").mkdir()
    assert (await post_of_file(folder, fetcher, "a b/ü.md", "Words.", published_at=published_at)).url == url


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.md", "---\ntitle: From the matter\n---\n# Heading\n\nWords.", "From the matter"),
        ("a.md", "---\ntitle: 2026\n---\nWords.", "2026"),
        ("a.md", "Before.\n\n# Heading #\n\nWords.", "Heading"),
        ("a.md", "Heading\n=======\n\nWords.", "Heading"),
        ("a.md", "# C#\n\nWords.", "C#"),
        ("a.md", "```sh\n# a comment\n```\n\n# Heading", "Heading"),
        ("how-to_begin.md", "Words.", "how to begin"),
        ("how-to.txt", "# not Markdown\n\nWords.", "how to"),
        ("a.html", "<title>Page</title><p>Words.</p>", "Page"),
        ("a.html", "<title>Page – Site</title><h1>Heading</h1><p>Words.</p>", "Heading"),
        ("a.html", "<p>Words.</p>", "manual/a.html"),
    ],
)
async def test_file_title_comes_from_metadata_heading_or_name(
    name: str, text: str, title: str, folder: Path, fetcher: Fetcher
) -> None:
    assert (await post_of_file(folder, fetcher, name, text)).title == title


@pytest.mark.parametrize(
    ("matter", "published"),
    [
        ("date: 2026-01-12", datetime(2026, 1, 12, tzinfo=UTC)),
        ("date: '2026-01-12'", datetime(2026, 1, 12, tzinfo=UTC)),
        ("date: 2026-01-12 10:30:00", datetime(2026, 1, 12, 10, 30, tzinfo=UTC)),
        ("date: 2026-01-12T10:30:00+02:00", datetime(2026, 1, 12, 10, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("date: '2026-01-12T10:30:00Z'", datetime(2026, 1, 12, 10, 30, tzinfo=UTC)),
        ("date: 2026-02-30", None),
        ("date: soon", None),
        ("date: 7", None),
        ("tags: [a]", None),
    ],
)
async def test_publication_date_comes_from_front_matter(
    matter: str, published: datetime | None, folder: Path, fetcher: Fetcher
) -> None:
    post = await post_of_file(folder, fetcher, "a.md", f"---\n{matter}\n---\n\nWords.")
    assert (post.published, post.text) == (published, "Words.")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("---\ntitle: x\n---\nWords.", "Words."),
        ("---\r\ntitle: x\r\n---\r\n\r\nWords.", "Words."),
        ("---\ntitle: [not: yaml\n---\nWords.", "Words."),
        ("---\n\n---\nWords.", "Words."),
        ("Words.\n\n---\n\nMore.\n\n---\n", "Words.\n\n---\n\nMore.\n\n---"),
        ("---\n\nA text between rules.\n\n---\n\nMore.", "---\n\nA text between rules.\n\n---\n\nMore."),
        ("---\n# Heading\n\n---\nWords.", "---\n# Heading\n\n---\nWords."),
        ("---\nnever closed", "---\nnever closed"),
    ],
)
async def test_front_matter_is_separated_from_text(text: str, left: str, folder: Path, fetcher: Fetcher) -> None:
    assert (await post_of_file(folder, fetcher, "a.md", text)).text == left


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
async def test_files_of_common_encodings_are_read(encoding: str, folder: Path, fetcher: Fetcher) -> None:
    text = "---\ntitle: Zwölf Straßen\n---\nÜber zwölf Straßen läuft man müde nach Köln."
    post = await post_of_file(folder, fetcher, "a.md", text.encode(encoding))
    assert (post.title, post.text) == ("Zwölf Straßen", "Über zwölf Straßen läuft man müde nach Köln.")


async def test_html_files_are_parsed_as_pages(folder: Path, fetcher: Fetcher) -> None:
    page = "<nav>Home</nav><main><h2>Setup</h2><p>Words.</p><pre><code>x = 1</code></pre></main>"
    post = await post_of_file(folder, fetcher, "a.html", page, selector="main")
    assert post.text == "## Setup\n\nWords.\n\n```\nx = 1\n```"


async def test_file_without_text_is_rejected(folder: Path, fetcher: Fetcher) -> None:
    with pytest.raises(SourceReadError, match="it contains no text"):
        await post_of_file(folder, fetcher, "a.md", "---\ntitle: x\n---\n")


async def test_huge_file_is_skipped_and_reported(
    folder: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_BYTES", 1024 * 1024)
    (folder / "a.md").write_bytes(b"x" * (1024 * 1024 + 1))
    (folder / "b.md").write_text("Words.")
    huge, other = await files_of(folder, fetcher)
    assert huge == EntrySkipped(str(folder / "a.md"), "it is larger than 1 MB")
    assert isinstance(other, Entry)


async def test_file_with_undecodable_name_is_read(folder: Path, fetcher: Fetcher) -> None:
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("Words.")
    (entry,) = await files_of(folder, fetcher)
    assert isinstance(entry, Entry)
    post = await to_post(entry, None)
    assert (post.url, post.title) == ("manual/caf%E9.md", "caf\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("iso-8859-1", "Voilà du déjà vu."),
        ("iso-8859-1", "Le déjeuner à la forêt, déjà prêt."),
        ("iso-8859-1", "Più città è così perché può."),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy v lese."),
        ("cp1252", "“¿Dónde está el niño?” — «aquí»"),
        ("iso-8859-1", "naïve café"),
        (
            "cp1250",
            "Kosę klepie się na małym kowadle, od pięty aż po sam czubek, żeby ostrze łatwo cięło.",
        ),
        ("cp1251", "Косу отбивают на маленькой наковальне, от пятки к носку, пока лезвие не станет тонким."),
        (
            "shift_jis",
            "鎌の刃は小さな金床の上で根元から先端まで薄く叩いて、五分ごとに濡れた砥石で研ぎます。",
        ),
    ],
)
async def test_encoding_is_guessed_by_language(encoding: str, text: str, folder: Path, fetcher: Fetcher) -> None:
    assert (await post_of_file(folder, fetcher, "a.txt", text.encode(encoding))).text == text


async def test_damaged_utf_8_is_not_taken_for_another_encoding(folder: Path, fetcher: Fetcher) -> None:
    post = await post_of_file(folder, fetcher, "a.txt", "Déjà vu, très près, à côté".encode() + b"\xe9.")
    assert post.text == "Déjà vu, très près, à côté\N{REPLACEMENT CHARACTER}."


async def test_declared_encoding_of_html_counts(folder: Path, fetcher: Fetcher) -> None:
    page = '<meta charset="windows-1250"><title>Kosa</title><p>Kosa jest łatwa.</p>'.encode("cp1250")
    assert "łatwa" in (await post_of_file(folder, fetcher, "a.html", page)).text


async def test_what_is_left_out_is_counted(folder: Path, fetcher: Fetcher) -> None:
    for name in (
        *("a.md", "_index.md", "_posts/2023-04-05-b.md"),  # posts
        *("_draft.md", "_layouts/page.html", "_includes/x.md"),
        *(".git/x.md", ".DS_Store"),
        *("node_modules/left-pad/README.md", "docs/node_modules/x.md"),
        *("a.xyz", "b.xyz", "c.xyz", "a.PNG", "b.png", "LICENSE"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Words.")
    (folder / "c.md").write_text("---\ndraft: true\n---\nNot yet.")
    items = await helpers.events_of(Source("manual", "folder", str(folder)), fetcher)
    assert [item.url for item in items if isinstance(item, Entry)] == [
        "manual/_index.md",
        "manual/_posts/2023-04-05-b.md",
        "manual/a.md",
    ]
    assert {item.reason: item for item in items if isinstance(item, Omission)} == {
        "underscored": Omission("underscored", 3),
        "hidden": Omission("hidden", 2),
        "dependencies": Omission("dependencies", 2),
        "kind": Omission("kind", 6, (".xyz", ".png", "LICENSE")),
        "draft": Omission("draft", 1),
    }


async def test_include_may_name_what_begins_with_an_underscore(folder: Path, fetcher: Fetcher) -> None:
    for name in ("_docs/guide/a.md", "_drafts/b.md", "c.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Words.")
    items = await files_of(folder, fetcher, include=("_docs/*", "*.md"), published_at="https://docs.example/")
    assert [item.url for item in items if isinstance(item, Entry)] == [
        "https://docs.example/_docs/guide/a.md",
        "https://docs.example/c.md",
    ]


async def test_only_the_content_of_a_whole_site_is_read(folder: Path, fetcher: Fetcher) -> None:
    for name in ("hugo.toml", "content/posts/a.md", "layouts/page.html", "README.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("Words.")
    source = Source("blog", "folder", str(folder), published_at="https://blog.example", layout="hugo")
    items = await helpers.events_of(source, fetcher)
    assert [item.url for item in items if isinstance(item, Entry)] == ["https://blog.example/posts/a/"]
    assert [item for item in items if isinstance(item, Omission)] == [Omission("outside", 3)]


async def test_date_and_title_may_be_in_the_file_name(folder: Path, fetcher: Fetcher) -> None:
    post = await post_of_file(folder, fetcher, "2023-04-05-drying-hay.md", "Words.")
    assert (post.title, post.published) == ("drying hay", datetime(2023, 4, 5, tzinfo=UTC))


async def test_broken_front_matter_is_a_warning(folder: Path, fetcher: Fetcher) -> None:
    (folder / "a.md").write_text("---\ntitle: Foo: bar\ndate: 2023-04-05\n---\nWords.")
    (entry,) = await files_of(folder, fetcher)
    assert isinstance(entry, Entry)
    assert (entry.title, entry.published, entry.body) == ("Foo: bar", datetime(2023, 4, 5, tzinfo=UTC), "Words.")
    assert entry.warning.startswith("its front matter is not valid YAML (line 2: ")


async def test_dangling_symlink_is_ignored(folder: Path, fetcher: Fetcher) -> None:
    (folder / "a.md").symlink_to(folder / "gone.md")
    assert await files_of(folder, fetcher) == []
