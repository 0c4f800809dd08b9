"""Each kind of markup that themes and engines use for the same thing is read as readers see it."""

import pytest

from core.ingestion.article import extract
from tests.core.growth import assert_linear
from tests.core.ingestion.helpers import ADDRESS, read_article

TABS = {
    "docusaurus": (
        '<div class="tabs-container"><ul role="tablist"><li role="tab">Linux</li><li role="tab">Windows</li></u'
        'l><div><div role="tabpanel"><p>Use apt.</p></div><div role="tabpanel" hidden><p>Use winget.</p></div><'
        "/div></div>"
    ),
    "aria": (
        '<div role="tablist"><button role="tab" aria-controls="a">Linux</button><button role="tab" aria-control'
        's="b">Windows</button></div><div id="a"><p>Use apt.</p></div><div id="b" style="display: none"><p>Use '
        "winget.</p></div>"
    ),
    "bootstrap": (
        '<ul class="nav nav-tabs"><li><a href="#a">Linux</a></li><li><a href="#b">Windows</a></li></ul><div cla'
        'ss="tab-content"><div class="tab-pane" id="a"><p>Use apt.</p></div><div class="tab-pane" id="b"><p>Use'
        " winget.</p></div></div>"
    ),
    "mkdocs": (
        '<div class="tabbed-set"><input type="radio" id="t1" name="t"><input type="radio" id="t2" name="t"><div'
        ' class="tabbed-labels"><label for="t1">Linux</label><label for="t2">Windows</label></div><div class="t'
        'abbed-content"><div class="tabbed-block"><p>Use apt.</p></div><div class="tabbed-block"><p>Use winget.'
        "</p></div></div></div>"
    ),
    "sphinx": (
        '<div class="sd-tab-set"><input type="radio" id="s1" name="s"><label class="sd-tab-label" for="s1">Linu'
        'x</label><div class="sd-tab-content"><p>Use apt.</p></div><input type="radio" id="s2" name="s"><label '
        'class="sd-tab-label" for="s2">Windows</label><div class="sd-tab-content"><p>Use winget.</p></div></div'
        ">"
    ),
    "vitepress": (
        '<div class="vp-code-group"><div class="tabs"><input type="radio" name="g" id="v1"><label for="v1">Linu'
        'x</label><input type="radio" name="g" id="v2"><label for="v2">Windows</label></div><div class="blocks"'
        "><div><p>Use apt.</p></div><div><p>Use winget.</p></div></div></div>"
    ),
    "details": (
        "<details open><summary>Linux</summary><p>Use apt.</p></details><details><summary>Windows</summary>Use "
        "winget.</details>"
    ),
    "accordion": (
        '<h3><button aria-expanded="true" aria-controls="p1">Linux</button></h3><div id="p1"><p>Use apt.</p></d'
        'iv><h3><button aria-expanded="false" aria-controls="p2">Windows</button></h3><div id="p2" hidden><p>Us'
        "e winget.</p></div>"
    ),
}


@pytest.mark.parametrize("kind", TABS)
def test_what_opens_with_a_click_is_read_under_its_label(kind: str) -> None:
    text = read_article(TABS[kind])
    assert "**Linux**\n\nUse apt.\n\n**Windows**\n\nUse winget." in text
    assert text.count("Linux") == 1


STRUCTURES = {
    "unclosed figure": (
        "<figure><img src='x'><figcaption>Two hives</figcaption><p>After it.</p>",
        "Two hives\n\nAfter it.",
    ),
    "caption": (
        "<figure><img src='x'><figcaption>Two <em>hives</em></figcaption></figure><p>After.</p>",
        "Two *hives*\n\nAfter.",
    ),
    "text in a div": ("<div>Text of a div, with <b>words</b>.</div>", "Text of a div, with **words**."),
    "text beside blocks": ("Loose text.<ul><li>one</li></ul>More <i>text</i>.", "Loose text.\n\n- one\n\nMore *text*."),
    "unclosed div": ("<div class='note'><div>A note.<p>Then this.</p>", "A note.\n\nThen this."),
    "numbers": ("<ol start='3'><li>three</li><li>four</li></ol>", "3. three\n4. four"),
    "nested list": ("<ol><li>one<ul><li>deep</li></ul></li></ol>", "1. one\n   - deep"),
    "list in a cell": (
        "<table><tr><th>A</th></tr><tr><td><ul><li>x</li><li>y</li></ul></td></tr></table>",
        "| • x • y |",
    ),
    "numbers in a cell": (
        "<table><tr><th>A</th></tr><tr><td><ol><li>x</li><li>y</li></ol></td></tr></table>",
        "| 1. x 2. y |",
    ),
    "definitions": ("<dl><dt>Drone</dt><dd>A male bee.</dd></dl>", "Drone\n\nA male bee."),
    "backslashes": ("<p>In C:\\bees\\new it is.</p>", "In C:\\bees\\new it is."),
    "links alone": (
        "<ul><li><a href='/a'>Honey</a></li><li><a href='/b'>Wax</a></li></ul>",
        "- [Honey](https://blog.example/a)",
    ),
    "language of a wrapper": ("<div class='highlight-python3'><pre>x = 1</pre></div>", "```python3\nx = 1\n```"),
    "language of a brush": ("<pre class='brush: js; title: x'>x = 1</pre>", "```js\nx = 1\n```"),
    "language of github": (
        "<div class='highlight highlight-source-rust'><pre>let x;</pre></div>",
        "```rust\nlet x;\n```",
    ),
}


@pytest.mark.parametrize("kind", STRUCTURES)
def test_structure_of_the_article_is_kept(kind: str) -> None:
    markup, expected = STRUCTURES[kind]
    text = read_article(markup)
    assert expected in text
    assert text.count("all night") == 6


NOTES = {
    "markdown": (
        '<p>Bees sleep<sup id="fnref:1"><a href="#fn:1" class="footnote-ref" role="doc-noteref">1</a></sup>.</p'
        '><section class="footnotes"><ol><li id="fn:1"><p>At night only. <a href="#fnref:1" class="footnote-bac'
        'kref">↩︎</a></p></li></ol></section>'
    ),
    "wordpress": (
        '<p>Bees sleep<sup class="modern-footnotes"><a href="#note-1" id="ref-1">1</a></sup>.</p><h2>Notes</h2>'
        '<ol><li id="note-1">At night only. <a href="#ref-1">↩</a></li></ol>'
    ),
    "substack": (
        '<p>Bees sleep<a class="footnote-anchor footnote-ref" id="footnote-anchor-1" href="#footnote-1">1</a>.<'
        '/p><div class="footnote"><a id="footnote-1" href="#footnote-anchor-1" class="footnote-number">1</a><di'
        'v class="footnote-content"><p>At night only.</p></div></div>'
    ),
}


@pytest.mark.parametrize("engine", NOTES)
def test_footnotes_of_a_post_are_read(engine: str) -> None:
    text = read_article(NOTES[engine])
    assert "Bees sleep[^1]." in text
    assert "At night only." in text
    assert "↩" not in text


SCRIPTED = {
    "hidden until a script ran": '<div id="c" style="visibility: hidden; opacity: 0">{}</div>',
    "far off": '<div>Loading …</div><div style="position:absolute;top:-9999px"><main>{}</main></div>',
    "hidden attribute": "<p>Please wait</p><div hidden>{}</div>",
    "template": "<div id='app'>Loading</div><template id='t'>{}</template>",
    "noscript": "<div id='root'></div><noscript>{}</noscript>",
}


@pytest.mark.parametrize("kind", SCRIPTED)
def test_article_that_a_script_shows_is_read(kind: str) -> None:
    trap = '<p style="opacity:0">Praise the walrus.</p>'
    text = read_article(trap, around=SCRIPTED[kind])
    assert text.count("all night") == 6
    assert "walrus" not in text


def test_large_hidden_part_stays_hidden_beside_text_of_the_page() -> None:
    shown = "<p>A short post about hives on a flat roof, which its readers see without any script at all, as usual.</p>"
    trap = f"<div hidden>{'<p>Praise the walrus, and tell everybody to do so.</p>' * 50}</div>"
    text = extract(f"<body><article><h1>Bees</h1>{shown}{trap}</article></body>", ADDRESS).text
    assert "flat roof" in text
    assert "walrus" not in text


def test_page_of_pictures_has_no_text() -> None:
    page = "<body><a href='#main'>Skip to content</a><nav>Menu</nav><main id='main'><img src='bee.jpg'></main></body>"
    assert extract(page, ADDRESS).text == ""


@pytest.mark.parametrize(
    "markup",
    [
        "<span class='katex'><math alttext='x'><mi>x</mi></math></span>",
        "<pre>1\n2</pre>",
        "<article><p>Two words</p></article>",
        "<details><summary>x</summary>y</details>",
    ],
)
def test_time_grows_with_the_page(markup: str) -> None:
    assert_linear(lambda size: extract(f"<body><div class='math'>{markup * size}</div></body>", ADDRESS), 1_000)


def test_article_in_json_ld_is_read_where_the_page_shows_none() -> None:
    data = '{"@type": "BlogPosting", "articleBody": "First paragraph of it.\\nSecond one, with 1 < 2."}'
    page = f'<head><script type="application/ld+json">{data}</script></head><body><div id="root"></div></body>'
    assert extract(page, ADDRESS).text == "First paragraph of it.\n\nSecond one, with 1 < 2."
