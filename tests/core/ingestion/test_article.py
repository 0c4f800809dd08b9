"""The article is extracted from a page completely, with its structure and without hidden text."""

from contextlib import suppress

import pytest

from core.errors import SourceReadError
from core.ingestion.article import Article, decode, extract
from core.ingestion.fetch_result import Fetched
from tests.servers.blog import PLAIN, WORDPRESS

ADDRESS = "https://blog.example/posts/one/"
PARAGRAPH = "<p>Redis keeps vectors beside the posts, so that a question finds what means the same, in other words.</p>"
PARAGRAPHS = "".join(PARAGRAPH.replace("in other words", f"for the {n} time") for n in ("1st", "2nd", "3rd", "4th"))
UNSEEN = (
    "<script>spy()</script><style>p { color: red }</style><noscript>Enable it</noscript><template>Blank</template>"
    "<!-- remark --><div hidden>Hidden one</div><span aria-hidden='true'>Hidden two</span>"
)
WORDS_UNSEEN = ("spy", "color", "Enable it", "Blank", "remark", "Hidden one", "Hidden two")
SHAPES = """<h2>Setup</h2><pre><code class="language-python">def f():
    return 1 &lt; 2
</code></pre><p>Call <code>f()</code> <strong>now</strong>.</p><ul><li>one<ul><li>deeper</li></ul></li><li>two</li></ul>
<table><tr><th>Key</th><th>Value</th></tr><tr><td>a</td><td>1</td></tr></table>
<p>See <a href="../two/">the other</a>.</p>"""


def page(content: str, theme: str = WORDPRESS) -> str:
    return theme.format(
        meta="", title="One", date="2026-01-01", html=content, recent="<li><a href='/x/'>Another one</a></li>"
    )


@pytest.mark.parametrize("selector", ["article", "", ".entry-content", ".nowhere"])
def test_article_is_extracted_without_page_boilerplate(selector: str) -> None:
    article = extract(page(PARAGRAPHS), ADDRESS, selector)
    assert article.title == "One"
    assert article.text.count("Redis keeps vectors") == 4
    for around in ("Home", "Recent posts", "powered by", "Subscribe"):
        assert around not in article.text


@pytest.mark.parametrize("selector", ["article", ""])
def test_invisible_elements_are_dropped(selector: str) -> None:
    text = extract(page(PARAGRAPHS + UNSEEN + PARAGRAPH), ADDRESS, selector).text
    assert text.count("Redis keeps vectors") == 5
    assert [word for word in WORDS_UNSEEN if word in text] == []


def test_unrecognised_page_falls_back_to_all_visible_text() -> None:
    html = f"<header>Top</header><nav>Menu</nav><p>Short.</p>{UNSEEN}<form>Search</form><footer>End</footer>"
    assert extract(f"<body>{html}</body>", ADDRESS).text == "Short."


@pytest.mark.parametrize("selector", [".entry-content", ""])
def test_code_lists_tables_and_links_keep_their_structure(selector: str) -> None:
    text = extract(page(PARAGRAPHS + SHAPES + PARAGRAPH), ADDRESS, selector).text
    assert "## Setup" in text
    assert "def f():\n    return 1 < 2\n```" in text
    assert "Call `f()` **now**." in text
    assert "- one\n  - deeper\n- two" in text
    assert "| Key | Value |\n| --- | --- |\n| a | 1 |" in text
    assert "[the other](https://blog.example/posts/two/)" in text


def test_code_language_is_kept() -> None:
    assert "```python\ndef f():" in extract(page(SHAPES), ADDRESS, ".entry-content").text


@pytest.mark.parametrize(
    ("code", "markdown"),
    [
        ("<pre>a\n  b</pre>", "```\na\n  b\n```"),
        ("<pre><code>a\n\n  b\n</code></pre>", "```\na\n\n  b\n```"),
        ("<pre><code><span>a</span>(<span>1</span>)\n</code></pre>", "```\na(1)\n```"),
        ("<p>A <code>x = 1</code> within.</p>", "A `x = 1` within."),
        ("<ul><li><code>one</code> is</li><li><code>two</code></li></ul>", "- `one` is\n- `two`"),
        ("<pre><code>```\nx\n```</code></pre>", "````\n```\nx\n```\n````"),
    ],
)
def test_code_blocks_and_inline_code_are_distinguished(code: str, markdown: str) -> None:
    assert markdown in extract(page(PARAGRAPHS + code + PARAGRAPH), ADDRESS).text


def test_overlapping_selections_are_read_once() -> None:
    assert extract(page(PARAGRAPH), ADDRESS, "article, .entry-content, p").text.count("Redis keeps vectors") == 1


def test_every_selected_element_is_read() -> None:
    assert extract("<p>One.</p><div>No.</div><p>Two.</p>", ADDRESS, "p").text == "One.\n\nTwo."


@pytest.mark.parametrize("selector", ["[[", "p:nowhere", "p >"])
def test_invalid_selector_is_reported(selector: str) -> None:
    with pytest.raises(SourceReadError, match="not a valid CSS selector"):
        extract(page(PARAGRAPH), ADDRESS, selector)


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>Page</title>", "Page"),
        ("<title>Page – Blog</title><body><h1>One <em>more</em></h1>", "One more"),
        ("<meta property='og:title' content=' Shared '><title>Page</title><body><h1>One</h1>", "Shared"),
        ("<meta property='og:title' content=''><title>Page</title><body><h1> </h1>", "Page"),
        ("<title></title>", ""),
        ("", ""),
    ],
)
def test_title_comes_from_metadata_heading_or_title_element(head: str, title: str) -> None:
    assert extract(f"<html><head>{head}<p>Words.</p></html>", ADDRESS).title == title


@pytest.mark.parametrize(
    "html", ["", " ", "<html></html>", "<body><script>x</script></body>", "<h1></h1>", "<!-- x -->"]
)
def test_page_without_text_gives_empty_article(html: str) -> None:
    assert extract(html, ADDRESS) == Article("", "")


@pytest.mark.parametrize("html", ["<div>" * 3_000 + "Words.", "<b>" * 3_000 + "Words.", "<table>" * 500 + "Words."])
def test_deeply_nested_page_is_read_or_rejected(html: str) -> None:
    with suppress(SourceReadError):
        assert extract(html, ADDRESS).text in {"", "Words.", "**Words.**"}


@pytest.mark.parametrize(
    ("written", "served", "declared"),
    [
        ("utf-8", "utf-8", ""),
        ("utf-8", None, '<meta charset="utf-8">'),
        ("utf-8", None, ""),
        ("windows-1252", "windows-1252", ""),
        ("windows-1252", None, '<meta charset="windows-1252">'),
        ("iso-8859-1", "iso-8859-1", '<meta charset="utf-8">'),
        ("utf-8", "no-such-charset", '<meta charset="utf-8">'),
        ("utf-8-sig", None, ""),
        ("utf-16", None, ""),
        ("shift_jis", None, '<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">'),
    ],
)
def test_charset_is_detected_from_server_page_or_bytes(written: str, served: str | None, declared: str) -> None:
    words = "これは日本語のページです" if written == "shift_jis" else "Zwölf Straßen führen müde nach Köln"
    body = f"<html><head>{declared}</head><body>{PLAIN[:15]}<p>{words}</p></body></html>".encode(written)
    assert words in decode(Fetched(ADDRESS, body, "text/html", served))
