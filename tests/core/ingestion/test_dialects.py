"""The notations of site generators become what their readers see, or go."""

import re

import pytest

from core.ingestion.dialects import plain_markdown
from tests.core.growth import assert_linear

HUGO = """
Peen {{< icon "hammer" >}}the edge, see [honing]({{< relref "hone.md" >}}). {{/* not yet */}}

{{< figure src="/edge.png" caption="A thin edge" >}}

{{% notice tip %}}
Hone often.
{{% /notice %}}

{{< tabs >}}
{{< tab "Steel" >}}
Wet stone.
{{< /tab >}}
{{% tab name="Bronze" %}}
Hammer.
{{% /tab %}}
{{< /tabs >}}

{{< highlight go "linenos=table" >}}
x := {{ .Edge }}
{{< /highlight >}}

## Care {#care}
"""
HUGO_SEEN = """
Peen the edge, see honing.

A thin edge

**Tip**

Hone often.

**Steel**

Wet stone.

**Bronze**

Hammer.

```go
x := {{ .Edge }}
```

## Care
"""
JEKYLL = """
{% assign title = "hidden" %}{% include toc.html %}
Welcome to {{ page.title }}, [home]({{ site.baseurl }}/).

{% comment %} Later. {% endcomment %}
{% highlight ruby linenos %}
puts "{{ x }}"
{% endhighlight %}

Write {% raw %}{{ name }}{% endraw %} and `{% tag %}`.
{: .note }

{::comment}never{:/comment}
{% include note.html content="Mind the edge." %}
"""
JEKYLL_SEEN = """
Welcome to Scythes, [home](/).

```ruby
puts "{{ x }}"
```

Write {{ name }} and `{% tag %}`.

Mind the edge.
"""
DOCUSAURUS = """
import Tabs from '@theme/Tabs';
import {
  TabItem,
} from '@theme/TabItem';

export const edge = 'thin';

:::note[Mind the edge]
It is {edge}{" "}sharp. {/* todo */}
:::

:::tip
Hone.
:::

<Tabs>
<TabItem value="steel" label="Steel">

Wet `{stone}` and $\\frac{a}{b}$.

</TabItem>
</Tabs>
<Figure src={image} />
"""
DOCUSAURUS_SEEN = """
**Mind the edge**

It is sharp.

**Tip**

Hone.

**Steel**

Wet `{stone}` and $\\frac{a}{b}$.
"""
MKDOCS = """
!!! note "Mind the edge"
    It is sharp.

    ```sh
    hone --wet
    ```

    ??? danger
        Very.

1. Peen

    !!! tip ""
        Gently.

=== "Steel"
    Wet stone.

=== "Bronze"
    Hammer.

--8<-- "footer.md"
[TOC]
A [button](x.md){ .md-button }
"""
MKDOCS_SEEN = """
**Mind the edge**

It is sharp.

```sh
hone --wet
```

**Danger**

Very.

1. Peen

    Gently.

**Steel**

Wet stone.

**Bronze**

Hammer.

A [button](x.md)
"""
VITEPRESS = """
# {{ $frontmatter.title }}

[[toc]]

::: details Click for more
It is sharp.
:::

::: code-group
```sh [npm]
npm i
```
:::

<<< @/snippets/edge.js{2}

> [!WARNING]
> Sharp.

<Badge type="tip" text="new" /> <MyMap>below</MyMap>
"""
VITEPRESS_SEEN = """
# Scythes

**Click for more**

It is sharp.

```sh [npm]
npm i
```

> **Warning**
> Sharp.

**new**

below
"""
OBSIDIAN = """
See [[Peening]], [[tools/Anvil|the anvil]] and [[Honing#Wet]]. %% ask Ann %%

![[edge.png]] ![[Care]] [[1]](https://a.example) list[[0]] `[[code]]`

> [!tip]- Folded
> Hone. ^hone-1
"""
OBSIDIAN_SEEN = """
See Peening, the anvil and Honing.

Care [[1]](https://a.example) list[[0]] `[[code]]`

> **Folded**
> Hone.
"""
ELEVENTY = """
{# never shown #}
{% set edge = "thin" %}{% for tool in tools %}
- {{ tool.name | upper }}hammer
{% endfor %}
Read {{ title }}.
"""
ELEVENTY_SEEN = """
- hammer

Read Scythes.
"""
PLAIN = """
Text with {braces}, a == b, 100%, 50%% off, x^2, {{ name }}, List<String> and \\frac{.5}{x}.

Call `timer[Symbol.dispose]()` of <T as Trait>::X.

Heading
===

```
{{< code >}} [[x]]
!!! note
```
"""


def seen(text: str, is_mdx: bool = False) -> str:
    """Return what is left, without blanks in a row, at the end of lines and beside what has gone."""
    text = re.sub(r"(?<=\S) (?= )|^ (?=\S)", "", plain_markdown(text, {"title": "Scythes"}, is_mdx), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)).strip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param(HUGO, HUGO_SEEN, id="hugo"),
        pytest.param(JEKYLL, JEKYLL_SEEN, id="jekyll"),
        pytest.param(MKDOCS, MKDOCS_SEEN, id="mkdocs"),
        pytest.param(VITEPRESS, VITEPRESS_SEEN, id="vitepress"),
        pytest.param(OBSIDIAN, OBSIDIAN_SEEN, id="obsidian"),
        pytest.param(ELEVENTY, ELEVENTY_SEEN, id="eleventy"),
        pytest.param(PLAIN, PLAIN, id="plain"),
    ],
)
def test_notations_become_what_readers_see(text: str, left: str) -> None:
    assert seen(text) == left.strip()


def test_mdx_loses_its_modules_components_and_expressions() -> None:
    assert seen(DOCUSAURUS, is_mdx=True) == DOCUSAURUS_SEEN.strip()


HOSTILE = (
    *(
        "{{< highlight a >}}",
        "{% raw %}",
        "{% comment %}",
        "{/*",
        "{{/*",
        "%% ",
        "{# ",
        "[[a",
        "{{<",
        "{%a ",
        "<A ",
        '<A b="',
    ),
    *("$$", "$a ", "``a ", "`a``", "!!! a\n ", ":::a\n", "::: a    ", "> [!a]\n", "{: ", "import a\n", "{ ", " ^abcd"),
)


def test_unclosed_notations_take_linear_time() -> None:
    def work(size: int) -> None:
        plain_markdown("\n\n".join(piece * (size // len(piece)) for piece in HOSTILE), {}, is_mdx=True)

    assert_linear(work, 20_000)
