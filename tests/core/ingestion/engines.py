"""The feeds of six engines and hosts, as their own templates write them, each with two posts; names are invented."""

from dataclasses import dataclass

CHANNEL = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Engine:
    """A feed, and what is read of it: addresses, titles, whether the posts are whole, and words of the first."""

    name: str
    feed: str
    urls: tuple[str, str]
    titles: tuple[str, str]
    whole: tuple[bool, bool]
    words: str
    media_type: str = "application/rss+xml"


WORDPRESS = Engine(
    "WordPress",
    CHANNEL
    + """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom" xmlns:slash="http://purl.org/rss/1.0/modules/slash/">
<channel><title>Garden</title><atom:link href="https://blog.example/feed/" rel="self" type="application/rss+xml" />
<link>https://blog.example/</link><language>en-US</language><generator>https://wordpress.org/?v=6.8</generator>
<item><title>Leeks &#038; frost</title><link>https://blog.example/2026/01/leeks/</link>
<comments>https://blog.example/2026/01/leeks/#respond</comments><dc:creator><![CDATA[Ada]]></dc:creator>
<pubDate>Mon, 12 Jan 2026 09:00:00 +0000</pubDate><guid isPermaLink="false">https://blog.example/?p=12</guid>
<description><![CDATA[<p>Leeks stand frost. [&#8230;]</p>
<p>The post <a href="https://blog.example/2026/01/leeks/">Leeks</a> appeared first on <a href="/">Garden</a>.</p>]]>
</description><content:encoded><![CDATA[<p>Leeks stand frost down to minus ten degrees.</p>
<p>The post <a href="https://blog.example/2026/01/leeks/">Leeks</a> appeared first on <a href="/">Garden</a>.</p>
]]></content:encoded><wfw:commentRss>https://blog.example/2026/01/leeks/feed/</wfw:commentRss></item>
<item><title>Beds</title><link>https://blog.example/2025/12/beds/</link>
<guid isPermaLink="false">https://blog.example/?p=9</guid><description><![CDATA[<p>Dig beds in autumn [&#8230;]</p>]]>
</description></item></channel></rss>""",
    ("https://blog.example/2026/01/leeks/", "https://blog.example/2025/12/beds/"),
    ("Leeks & frost", "Beds"),
    (True, False),
    "Leeks stand frost down to minus ten degrees.",
)
GHOST = Engine(
    "Ghost",
    CHANNEL
    + """<rss xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:atom="http://www.w3.org/2005/Atom" version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>
<title><![CDATA[Garden]]></title><link>https://blog.example/</link><generator>Ghost 6.0</generator><ttl>60</ttl>
<item><title><![CDATA[Leeks]]></title><description><![CDATA[Leeks stand frost.]]></description>
<link>https://blog.example/leeks/</link><guid isPermaLink="false">65a1</guid>
<media:content url="https://blog.example/content/images/leek.jpg" medium="image"/>
<content:encoded><![CDATA[<img src="https://blog.example/content/images/leek.jpg" alt="A leek"><p>Leeks stand frost
 down to minus ten degrees.</p>]]></content:encoded></item>
<item><title><![CDATA[For members]]></title><description><![CDATA[]]></description>
<link>https://blog.example/members/</link><guid isPermaLink="false">65a0</guid></item></channel></rss>""",
    ("https://blog.example/leeks/", "https://blog.example/members/"),
    ("Leeks", "For members"),
    (True, False),
    "Leeks stand frost down to minus ten degrees.",
)
HUGO = Engine(
    "Hugo",
    """<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Posts on Garden</title>
<link>https://blog.example/posts/</link><generator>Hugo</generator><language>en-us</language>
<item><title>Leeks</title><link>https://blog.example/posts/leeks/</link>
<pubDate>Mon, 12 Jan 2026 00:00:00 +0000</pubDate><guid>https://blog.example/posts/leeks/</guid>
<description>&lt;p&gt;Leeks stand frost down to minus ten degrees.&lt;/p&gt;</description></item>
<item><title>Beds</title><link>https://blog.example/posts/beds/</link>
<guid>https://blog.example/posts/beds/</guid><description>Dig beds in autumn.</description></item></channel></rss>""",
    ("https://blog.example/posts/leeks/", "https://blog.example/posts/beds/"),
    ("Leeks", "Beds"),
    (False, False),
    "Leeks stand frost down to minus ten degrees.",
)
JEKYLL = Engine(
    "Jekyll",
    """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<generator uri="https://jekyllrb.com/" version="4.4">Jekyll</generator>
<link href="https://blog.example/feed.xml" rel="self" type="application/atom+xml" />
<link href="https://blog.example/" rel="alternate" type="text/html" hreflang="en" /><title type="html">Garden</title>
<entry><title type="html">Leeks &amp;amp; frost</title>
<link href="https://blog.example/2026/01/12/leeks.html" rel="alternate" type="text/html" title="Leeks" />
<published>2026-01-12T00:00:00+00:00</published><id>https://blog.example/2026/01/12/leeks</id>
<content type="html" xml:base="https://blog.example/2026/01/12/leeks.html"><![CDATA[<p>Leeks stand frost down to minus
 ten degrees, see <a href="../11/beds.html">beds</a>.</p>]]></content>
<summary type="html"><![CDATA[Leeks stand frost.]]></summary></entry>
<entry><title type="html">Beds</title><link href="https://blog.example/2026/01/11/beds.html" rel="alternate" />
<id>https://blog.example/2026/01/11/beds</id><summary type="html">Dig beds in autumn.</summary></entry></feed>""",
    ("https://blog.example/2026/01/12/leeks.html", "https://blog.example/2026/01/11/beds.html"),
    ("Leeks & frost", "Beds"),
    (True, False),
    "ten degrees, see [beds](https://blog.example/2026/01/11/beds.html).",
    "application/atom+xml",
)
SUBSTACK = Engine(
    "Substack",
    CHANNEL
    + """<rss xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><title><![CDATA[Garden]]></title>
<link>https://blog.example</link><generator>Substack</generator>
<item><title><![CDATA[Leeks]]></title><description><![CDATA[On frost]]></description>
<link>https://blog.example/p/leeks</link><guid isPermaLink="false">https://blog.example/p/leeks</guid>
<enclosure url="https://cdn.example/leek.jpeg" length="0" type="image/jpeg"/>
<content:encoded><![CDATA[<p>Leeks stand frost down to minus ten degrees.</p>]]></content:encoded></item>
<item><title><![CDATA[Beds]]></title><description><![CDATA[For subscribers]]></description>
<link>https://blog.example/p/beds</link><guid isPermaLink="false">https://blog.example/p/beds</guid>
<content:encoded><![CDATA[<p>Dig beds.</p><p><a href="https://blog.example/p/beds">Read more</a></p>]]>
</content:encoded></item></channel></rss>""",
    ("https://blog.example/p/leeks", "https://blog.example/p/beds"),
    ("Leeks", "Beds"),
    (True, False),
    "Leeks stand frost down to minus ten degrees.",
)
MEDIUM = Engine(
    "Medium",
    CHANNEL
    + """<rss xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 version="2.0" xmlns:cc="http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html"><channel>
<title><![CDATA[Stories by Ada on Medium]]></title><link>https://blog.example/@ada?source=rss-1a2b------2</link>
<generator>Medium</generator>
<item><title><![CDATA[Leeks]]></title><link>https://blog.example/@ada/leeks-1f2e?source=rss-1a2b------2</link>
<guid isPermaLink="false">https://blog.example/p/1f2e</guid><category><![CDATA[garden]]></category>
<content:encoded><![CDATA[<p>Leeks stand frost down to minus ten degrees.</p><img src="https://blog.example/stat?event=x"
 width="1" height="1" alt="">]]></content:encoded></item>
<item><title><![CDATA[Beds]]></title><link>https://blog.example/@ada/beds-3c4d?source=rss-1a2b------2</link>
<guid isPermaLink="false">https://blog.example/p/3c4d</guid>
<description><![CDATA[<div class="medium-feed-item"><p class="medium-feed-snippet">Dig beds.</p>
<p class="medium-feed-link"><a href="https://blog.example/@ada/beds-3c4d">Continue reading on Garden Weekly »</a></p>
</div>]]></description></item></channel></rss>""",
    ("https://blog.example/@ada/leeks-1f2e", "https://blog.example/@ada/beds-3c4d"),
    ("Leeks", "Beds"),
    (True, False),
    "Leeks stand frost down to minus ten degrees.",
)
ENGINES = (WORDPRESS, GHOST, HUGO, JEKYLL, SUBSTACK, MEDIUM)
