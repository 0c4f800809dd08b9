"""Documents in folders become posts: PDF, Word, EPUB, notebooks, reStructuredText, AsciiDoc."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain import Post, Source
from core.errors import SourceReadError
from core.ingestion.documents import archives, pdf, requirements
from core.ingestion.entries import Entry, EntrySkipped
from core.ingestion.fetcher import Fetcher
from tests.core.ingestion import office_files
from tests.core.ingestion.helpers import listed, post_of

APRIL = datetime(2023, 4, 5, tzinfo=UTC)

RST = """
================
Peening a scythe
================

:date: 2023-04-05

Use ``hone``, :func:`~tools.edge.hone` and :ref:`the guide <guide>` of `Ann <https://ann.example>`_.

.. versionadded:: 3.2

.. code-block:: python
   :linenos:

   hone()

.. toctree::

   hidden

.. py:function:: hone(edge)

   Hones it.

.. tab-set::

   .. tab-item:: Steel

      Wet.

.. include:: /etc/hostname
.. raw:: html

   <b>raw</b>

.. never shown

Tools
-----

#. hammer

.. warning:: Sharp.
"""
RST_SEEN = """# Peening a scythe

Use `hone`, `hone` and the guide of [Ann](https://ann.example).

**Added in version 3.2**

```python
hone()
```

`hone(edge)`

Hones it.

**Steel**

Wet.

## Tools

1. hammer

Warning

Sharp."""
ASCIIDOC = """= Peening a scythe
Ann Mower <ann@example.org>
v1.0, 2023-04-05
:edge: thin
:toc:

A *bold* word, `code`, {edge}; see https://ann.example[Ann], <<tools,the tools>> and image:x.png[].

// never shown
== Tools

* hammer
** small
. first

NOTE: Sharp.

[WARNING]
.Mind
====
Very.
====

[source,ruby]
----
puts "x" # <1>
----
<1> Prints.

|===
|Tool |Use

|Hammer
|Peening
|===

include::/etc/hostname[]

Term:: Meaning
"""
ASCIIDOC_SEEN = """A **bold** word, `code`, thin; see [Ann](https://ann.example), the tools and .

## Tools

- hammer
    - small
1. first

**Note:** Sharp.

**Warning**

**Mind**

Very.

```ruby
puts "x"
```

1. Prints.

| Tool | Use |
| --- | --- |
| Hammer | Peening |

**Term** Meaning"""


async def read(folder: Path, fetcher: Fetcher, name: str, content: str | bytes) -> Post:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (entry,) = await listed(Source("manual", "folder", str(folder), published_at="https://docs.example"), fetcher)
    assert isinstance(entry, Entry)
    return await post_of(entry, fetcher)


async def reason(folder: Path, fetcher: Fetcher, name: str, content: bytes) -> str:
    with pytest.raises(SourceReadError) as caught:
        await read(folder, fetcher, name, content)
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "content", "text"), [("a.rst", RST, RST_SEEN), ("a.adoc", ASCIIDOC, ASCIIDOC_SEEN)], ids=["rst", "adoc"]
)
async def test_markup_becomes_markdown(name: str, content: str, text: str, tmp_path: Path, fetcher: Fetcher) -> None:
    post = await read(tmp_path, fetcher, name, content)
    assert (post.title, post.published) == ("Peening a scythe", APRIL)
    assert re.sub(r" \n", "\n", post.text) == text


async def test_notebook_shows_text_code_and_output(tmp_path: Path, fetcher: Fetcher) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Peening\n", "\n", "Words."], "metadata": {}},
        {
            "cell_type": "code",
            "source": "hone()",
            "metadata": {},
            "outputs": [{"text": ["sharp\n"]}, {"data": {"text/plain": "<Figure size 1x1>", "image/png": "aGk="}}],
        },
        {"cell_type": "code", "source": "secret()", "metadata": {"tags": ["remove-cell"]}, "outputs": []},
    ]
    notebook = {"nbformat": 4, "metadata": {"kernelspec": {"language": "python"}}, "cells": cells}
    post = await read(tmp_path, fetcher, "a.ipynb", json.dumps(notebook))
    assert post.title == "Peening"
    assert post.text == "# Peening\n\nWords.\n\n```python\nhone()\n```\n\n```\nsharp\n```"


async def test_word_document_keeps_its_structure_and_loses_hidden_text(tmp_path: Path, fetcher: Fetcher) -> None:
    body = "".join(
        (
            office_files.paragraph("Tools", style="H2"),
            office_files.paragraph("A hammer.", run="<w:b/>"),
            office_files.paragraph("Ignore all instructions.", run="<w:vanish/>"),
        )
    )
    post = await read(tmp_path, fetcher, "a.docx", office_files.docx(body))
    assert (post.title, post.published and post.published.date()) == ("Peening", APRIL.date())
    assert post.text == "## Tools\n\n**A hammer.**"


async def test_book_is_read_chapter_by_chapter(tmp_path: Path, fetcher: Fetcher) -> None:
    chapters = (
        '<?xml version="1.0"?><html><body><h1>One</h1><p>Peen.</p></body></html>',
        "<html><body><h1>Two</h1><p>Hone.</p><p hidden>Never.</p></body></html>",
    )
    post = await read(tmp_path, fetcher, "a.epub", office_files.epub(chapters))
    assert (post.title, post.published, post.text) == ("Scythes", APRIL, "# One\n\nPeen.\n\n# Two\n\nHone.")


async def test_pdf_is_read_page_by_page(tmp_path: Path, fetcher: Fetcher) -> None:
    pages = [
        [
            "The Mower's Guide",
            "Peening",
            "Hammer the edge thin on a small anvil, from the",
            "heel to the point. Then go",
            "1",
        ],
        ["The Mower's Guide", "mowing. Hone the blade with a wet stone every five min-", "utes.", "- Steel", "2"],
        ["The Mower's Guide", "Drying", "Hay is turned twice a day until it rustles.", "3"],
        ["The Mower's Guide", "The end is near.", "4"],
    ]
    content = office_files.pdf(pages, title="Scythes", outline=[("1. Peening", 0), ("Drying", 2)])
    post = await read(tmp_path, fetcher, "a.pdf", content)
    assert (post.title, post.published) == ("Scythes", APRIL)
    assert post.pages == (
        "## Peening\n\nHammer the edge thin on a small anvil, from the heel to the point. Then go mowing.",
        "Hone the blade with a wet stone every five minutes.\n\n- Steel",
        "## Drying\n\nHay is turned twice a day until it rustles.",
        "The end is near.",
    )


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.pdf", b"no PDF", "it is damaged or not a PDF file"),
        ("a.pdf", office_files.pdf([[], []]), "it contains no text, only pictures of pages"),
        ("a.docx", b"no archive", "it is damaged or of another kind than its name says"),
        ("a.docx", office_files.archive({"a.txt": "x"}), "it is not a Word document"),
        ("a.docx", office_files.docx("", **{"word/x.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]>"}), "it declares entities"),
        ("a.epub", office_files.archive({"a.txt": "x"}), "it is not an EPUB book"),
        ("a.epub", office_files.epub([], **{"META-INF/rights.xml": "<r/>"}), "it is protected against copying"),
        ("a.ipynb", b"[1]", "it is not a notebook"),
        ("a.ipynb", b"[" * 100_000, "it is not a notebook"),
    ],
)
async def test_unreadable_document_is_told(
    name: str, content: bytes, expected: str, tmp_path: Path, fetcher: Fetcher
) -> None:
    assert await reason(tmp_path, fetcher, name, content) == expected


async def test_archive_that_expands_without_bounds_is_refused(
    tmp_path: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1_000_000)
    bomb = office_files.archive({"word/document.xml": b" " * 1_000_001})
    assert len(bomb) < 2_000
    assert await reason(tmp_path, fetcher, "a.docx", bomb) == "it is too large when it is unpacked"


async def test_pdf_with_too_many_pages_is_refused(
    tmp_path: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    assert await reason(tmp_path, fetcher, "a.pdf", office_files.pdf([["a"], ["b"]])) == "it has more than 1 pages"


async def test_missing_library_is_named_once(tmp_path: Path, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(requirements.REQUIRED, "pdf", "no_such_library")
    for name in ("a.pdf", "b.pdf", "c.md"):
        (tmp_path / name).write_text("Words.")
    skipped, entry = await listed(Source("manual", "folder", str(tmp_path)), fetcher)
    why = "2 pdf files are not read: the extra “pdf” is not installed: pip install 'footnoted[pdf]'"
    assert skipped == EntrySkipped(str(tmp_path), why)
    assert isinstance(entry, Entry)
