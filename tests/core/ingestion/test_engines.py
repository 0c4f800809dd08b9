"""A post is read whole, and alone, from the pages of six blog engines."""

from datetime import UTC, datetime

import pytest

from core.ingestion.article import extract
from tests.core.ingestion.engine_pages import AROUND, ENGINES

ADDRESS = "https://hive.example/wintering-bees/"
CONTENT = """<p>The hives stand on a flat roof, and in winter the bees keep the queen warm all night.</p>
<figure class="wp-block-image kg-card"><img src="roof.jpg" alt=""><figcaption>The roof in January</figcaption></figure>
<h2 id="cold">When it is cold</h2>
<p>They need <strong>twenty kilograms</strong> of honey, <a href="/honey/">as we wrote</a>.</p>
<ol><li>Close the hive in October.</li><li>Open it in March.</li></ol>
<pre><code class="language-python">def warm(bees):
    return bees * 0.5
</code></pre><blockquote><p>A hive is a stove.</p></blockquote>
<table><tr><th>Month</th><th>Honey</th></tr><tr><td>May</td><td>12 kg</td></tr></table>
<p>In spring the first flowers open on the roofs around, and the cluster dissolves within a few days.</p>"""
PARTS = (
    "The hives stand on a flat roof, and in winter the bees keep the queen warm all night.",
    "The roof in January",
    "## When it is cold",
    "They need **twenty kilograms** of honey, [as we wrote](https://hive.example/honey/).",
    "1. Close the hive in October.\n2. Open it in March.",
    "```python\ndef warm(bees):\n    return bees * 0.5\n```",
    "> A hive is a stove.",
    "| Month | Honey |\n| --- | --- |\n| May | 12 kg |",
    "and the cluster dissolves within a few days.",
)


@pytest.mark.parametrize("engine", ENGINES)
def test_post_is_read_whole_and_alone(engine: str) -> None:
    article = extract(ENGINES[engine].replace("{content}", CONTENT), ADDRESS)
    assert article.title == "Wintering bees"
    assert article.author == "Ada Bee"
    assert article.published == datetime(2023, 3, 5, 9, tzinfo=UTC)
    assert article.notice == ""
    assert [part for part in PARTS if article.text.count(part) != 1] == []
    assert [word for word in AROUND if word in article.text] == []
