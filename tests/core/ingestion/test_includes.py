"""Files that include others are read with them, within their folder."""

from pathlib import Path

import pytest

from core.ingestion import includes
from core.ingestion.fetcher import Fetcher
from tests.core.ingestion.helpers import post_of_file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", '--8<-- "_parts/b.md"'),
        ("a.md", "<!--@include: ./_parts/b.md-->"),
        ("a.md", '{% include-markdown "_parts/b.md" %}'),
        ("a.adoc", "include::_parts/b.md[leveloffset=1]"),
        ("a.rst", ".. include:: _parts/b.md"),
        ("a.mdx", "import B from './_parts/b.md';\n\n<B name='x' />"),
    ],
)
async def test_included_file_is_read_where_it_is_included(name: str, text: str, folder: Path, fetcher: Fetcher) -> None:
    (folder / "_parts").mkdir()
    (folder / "_parts" / "b.md").write_text("---\ntitle: B\n---\nPeen the edge.\n")
    post = await post_of_file(folder, fetcher, name, f"Before.\n\n{text}\n\nAfter.")
    assert post.text.split() == ["Before.", "Peen", "the", "edge.", "After."]


async def test_files_that_include_each_other_end(folder: Path, fetcher: Fetcher) -> None:
    (folder / "_b.md").write_text("B.\n\n{!a.md!}\n")
    post = await post_of_file(folder, fetcher, "a.md", "A.\n\n{!_b.md!}\n")
    assert 2 < len(post.text.split()) <= includes.MAX_INCLUDES + 1


@pytest.mark.parametrize("path", ["../secret.md", ".env", "/etc/hostname", "gone.md", "a.md"])
async def test_nothing_outside_the_folder_is_included(path: str, folder: Path, fetcher: Fetcher) -> None:
    for secret in (folder / ".env", folder.parent / "secret.md"):
        secret.write_text("Secret.")
    post = await post_of_file(folder, fetcher, "a.md", f'Before.\n\n--8<-- "{path}"\n\nAfter.')
    assert post.text.split() == ["Before.", "After."]
