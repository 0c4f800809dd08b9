"""Code beside line numbers is read as code, however a theme marks the numbers."""

import pytest

from tests.core.ingestion.helpers import read_article

LINES = "server {\n    listen 443;\n}"


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
    text = read_article(NUMBERED[theme])
    language = "" if theme == "github" else "nginx"
    assert f"```{language}\n{LINES}\n```" in text
    assert text.count("```") == 2
    assert "| ---" not in text
    assert "Copy" not in text


def test_table_of_numbers_stays_a_table() -> None:
    text = read_article(
        "<table><tr><th>Hive</th><th>Bees</th></tr><tr><td>1</td><td>900</td></tr><tr><td>2</td><td>800</td></tr></table>"
    )
    assert "| Hive | Bees |\n| --- | --- |\n| 1 | 900 |\n| 2 | 800 |" in text
