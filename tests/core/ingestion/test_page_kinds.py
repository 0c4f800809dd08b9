"""Each kind of markup that themes and engines use for the same thing is read as readers see it."""

import pytest

from core.ingestion.article import extract
from tests.core.growth import assert_linear

ADDRESS = "https://blog.example/2023/03/05/bees/"
WORDS = "The hives stand on a flat roof, and in winter the bees keep the queen warm all night, {n} of them."
LINES = "server {\n    listen 443;\n}"


def read(inner: str, head: str = "", around: str = "<main><article>{}</article></main>") -> str:
    """Return the article of a page with paragraphs before and after the markup."""
    before, after = (f"<p>{WORDS.format(n=n)}</p>" * 3 for n in ("hundreds", "thousands"))
    body = around.format(f"<h1>Bees on the roof</h1>{before}{inner}{after}")
    nav, footer = "<nav><a href='/'>Home</a></nav>", "<footer>All rights reserved</footer>"
    return extract(f"<html><head>{head}</head><body>{nav}{body}{footer}</body></html>", ADDRESS).text


NUMBERED = {
    "hugo": (
        '<div class="highlight"><table class="lntable"><tr><td class="lntd"><pre class="chroma"><code><span cla'
        'ss="lnt">1\n</span><span class="lnt">2\n</span><span class="lnt">3\n</span></code></pre></td><td class'
        '="lntd"><pre class="chroma"><code class="language-nginx" data-lang="nginx"><span class="line"><span cl'
        'ass="cl">server {\n</span></span><span class="line"><span class="cl">    listen 443;\n</span></span><s'
        'pan class="line"><span class="cl">}\n</span></span></code></pre></td></tr></table></div>'
    ),
    "hugo inline": (
        '<div class="highlight"><pre><code class="language-nginx"><span style="display:flex"><span style="user-'
        'select:none">1</span><span>server {\n</span></span><span style="display:flex"><span style="user-select'
        ': none">2</span><span>    listen 443;\n</span></span><span class="ln">3</span>}</code></pre></div>'
    ),
    "jekyll": (
        '<div class="language-nginx highlighter-rouge"><div class="highlight"><pre><code><table class="rouge-ta'
        'ble"><tbody><tr><td class="rouge-gutter gl"><pre class="lineno">1\n2\n3\n</pre></td><td class="rouge-c'
        'ode"><pre>server {\n    listen 443;\n}\n</pre></td></tr></tbody></table></code></pre></div></div>'
    ),
    "pygments": (
        '<div class="highlight-nginx"><table class="highlighttable"><tr><td class="linenos"><div class="linenod'
        'iv"><pre><span class="normal">1</span>\n<span class="normal">2</span>\n<span class="normal">3</span></'
        'pre></div></td><td class="code"><div><pre><span></span><code>server {\n    listen 443;\n}\n</code></pr'
        "e></div></td></tr></table></div>"
    ),
    "hexo": (
        '<figure class="highlight nginx"><table><tr><td class="gutter"><pre><span class="line">1</span><br><spa'
        'n class="line">2</span><br><span class="line">3</span><br></pre></td><td class="code"><pre><span class'
        '="line">server {</span><br><span class="line">    listen 443;</span><br><span class="line">}</span><br'
        "></pre></td></tr></table></figure>"
    ),
    "syntaxhighlighter": (
        '<div class="syntaxhighlighter nginx"><table><tbody><tr><td class="gutter"><div class="line number1">1<'
        '/div><div class="line number2">2</div><div class="line number3">3</div></td><td class="code"><div clas'
        's="container"><div class="line number1"><code class="plain">server {</code></div><div class="line numb'
        'er2"><code class="spaces">    </code><code class="plain">listen 443;</code></div><div class="line numb'
        'er3"><code class="plain">}</code></div></div></td></tr></tbody></table></div>'
    ),
    "highlight.js": (
        '<pre><code class="hljs nginx"><table class="hljs-ln"><tbody><tr><td class="hljs-ln-line hljs-ln-number'
        's" data-line-number="1"></td><td class="hljs-ln-line hljs-ln-code">server {</td></tr><tr><td class="hl'
        'js-ln-numbers" data-line-number="2"></td><td class="hljs-ln-code">    listen 443;</td></tr><tr><td cla'
        'ss="hljs-ln-numbers" data-line-number="3"></td><td class="hljs-ln-code">}</td></tr></tbody></table></c'
        "ode></pre>"
    ),
    "github": (
        '<table class="highlight js-file-line-container" data-tab-size="8"><tr><td class="blob-num" data-line-n'
        'umber="1"></td><td class="blob-code">server {</td></tr><tr><td class="blob-num" data-line-number="2"><'
        '/td><td class="blob-code">    listen 443;</td></tr><tr><td class="blob-num" data-line-number="3"></td>'
        '<td class="blob-code">}</td></tr></table>'
    ),
    "docusaurus": (
        '<div class="language-nginx codeBlockContainer"><pre class="prism-code language-nginx"><code><span clas'
        's="token-line codeLine"><span class="codeLineNumber_Tfdd"></span><span class="codeLineContent">server '
        '{</span><br></span><span class="token-line"><span class="codeLineContent">    listen 443;</span><br></'
        'span><span class="token-line"><span>}</span><br></span></code></pre><div class="buttonGroup"><button>C'
        "opy</button></div></div>"
    ),
    "prism": (
        '<pre class="line-numbers language-nginx"><code class="language-nginx">server {\n    listen 443;\n}<spa'
        'n aria-hidden="true" class="line-numbers-rows"><span></span><span></span><span></span></span></code></'
        "pre>"
    ),
    "prettify": (
        '<pre class="prettyprint linenums lang-nginx"><ol class="linenums"><li class="L0"><span>server {</span>'
        '</li><li class="L1"><span>    listen 443;</span></li><li class="L2"><span>}</span></li></ol></pre>'
    ),
    "two blocks": (
        '<div class="code"><div class="gutter"><pre>1\n2\n3</pre></div><div class="body"><pre data-lang="nginx"'
        ">server {\n    listen 443;\n}</pre></div></div>"
    ),
}


@pytest.mark.parametrize("theme", NUMBERED)
def test_code_beside_line_numbers_is_one_block_without_the_numbers(theme: str) -> None:
    text = read(NUMBERED[theme])
    language = "" if theme == "github" else "nginx"
    assert f"```{language}\n{LINES}\n```" in text
    assert text.count("```") == 2
    assert "| ---" not in text
    assert "Copy" not in text


def test_table_of_numbers_stays_a_table() -> None:
    text = read(
        "<table><tr><th>Hive</th><th>Bees</th></tr><tr><td>1</td><td>900</td></tr><tr><td>2</td><td>800</td></tr></table>"
    )
    assert "| Hive | Bees |\n| --- | --- |\n| 1 | 900 |\n| 2 | 800 |" in text


FORMULAS = {
    "katex": (
        '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>E</mi></mrow><annotation enc'
        'oding="application/x-tex">E=mc^2</annotation></semantics></math></span><span class="katex-html" aria-h'
        'idden="true">E=mc2</span></span>'
    ),
    "mathjax 2": (
        '<span class="MathJax_Preview">E=mc2</span><span class="MathJax" id="M-1">E=mc2</span><script type="mat'
        'h/tex">E=mc^2</script>'
    ),
    "mathml": '<math alttext="E=mc^2"><mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup></math>',
    "wikipedia": (
        '<span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;"><math><sema'
        'ntics><mrow><mi>E</mi></mrow><annotation encoding="application/x-tex">{\\displaystyle E=mc^2}</annotat'
        'ion></semantics></math></span><img src="https://w.example/math/render/svg/1" alt="E=mc^2"></span>'
    ),
    "delimiters": "\\(E=mc^2\\)",
    "pandoc": '<span class="math inline">E=mc^2</span>',
    "wordpress": '<img src="https://s0.wp.com/latex.php?latex=E" alt="E=mc^2" class="latex" />',
    "dollars": "$E=mc^2$",
}


@pytest.mark.parametrize("engine", FORMULAS)
def test_formula_is_read_once_as_tex(engine: str) -> None:
    text = read(f"<p>Energy is {FORMULAS[engine]} and no more.</p>")
    assert "Energy is $E=mc^2$ and no more." in text


def test_displayed_formula_keeps_its_commands() -> None:
    annotation = '<annotation encoding="application/x-tex">\\frac{a}{b}_1</annotation>'
    math = f'<math display="block"><semantics><mi>x</mi>{annotation}</semantics></math>'
    inner = f'<div><span class="katex-display"><span class="katex">{math}</span></span></div>'
    for markup in (inner, "<div>\\[\\frac{a}{b}_1\\]</div>", "$$\\frac{a}{b}_1$$"):
        assert read(markup).count("$$\\frac{a}{b}_1$$") == 1


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
    text = read(TABS[kind])
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
    text = read(markup)
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
    text = read(NOTES[engine])
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
    text = read(trap, around=SCRIPTED[kind])
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
