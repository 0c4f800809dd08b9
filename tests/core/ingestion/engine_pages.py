"""Pages as six blog engines make them, around the same post: `{content}` is replaced by its HTML."""

WORDPRESS = """<!doctype html><html lang="en-US"><head><meta charset="UTF-8"><title>Wintering bees &#8211; The
Hive</title> <meta property="og:title" content="Wintering bees - The Hive"><meta property="og:site_name" content="The
Hive"> <meta property="article:published_time" content="2023-03-05T09:00:00+00:00"><meta name="author" content="Ada
Bee"> <link rel="next" href="/older/"></head><body class="post-template-default single"><a class="skip-link"
href="#content">Skip to content</a><header class="wp-block-template-part"><p class="wp-block-site-title"><a
href="/">The Hive</a></p><nav><ul> <li><a href="/about/">About us</a></li></ul></nav></header><main
class="wp-block-group"><h1 class="wp-block-post-title">Wintering bees</h1><div class="entry-content
wp-block-post-content">{content}<div class="sharedaddy sd-sharing-enabled"><h3>Share this: </h3><ul><li><a
href="?share=x">Tweet</a></li></ul></div><div id="jp-relatedposts" class="jp-relatedposts"><h3>Related</h3>
<p>Chickens in spring</p></div></div><nav class="post-navigation"><a rel="prev" href="/a/">Previous post</a></nav><div
id="comments" class="comments-area"><h2>One reply</h2><ol class="comment-list"><li class="comment"><p>Lovely, I read
every word of it twice!</p></li></ol></div></main><aside class="widget-area"><h2>Archives</h2></aside><footer>Proudly
powered by WordPress </footer></body></html>"""

GHOST = """<!DOCTYPE html><html lang="en"><head><title>Wintering bees</title><meta property="og:site_name"
content="The Hive"> <script type="application/ld+json">{"@context": "https://schema.org", "@type": "Article",
"publisher": {"@type": "Organization", "name": "The Hive"}, "author": {"@type": "Person", "name": "Ada Bee"},
"headline": "Wintering bees", "datePublished": "2023-03-05T09:00:00.000Z"}</script></head><body
class="post-template"><header class="gh-head"><a href="/">The Hive</a><a
href="#/portal/signup">Subscribe</a></header><main class="gh-main"><article class="gh-article post"><header
class="article-header"> <h1 class="gh-article-title">Wintering bees</h1><p class="gh-article-excerpt">A cold
season.</p><div class="gh-article-meta"><a href="/author/ada/">Ada Bee</a> <time datetime="2023-03-05">Mar 5,
2023</time> 4 min read</div></header><section class="gh-content gh-canvas">{content}<div class="kg-card
kg-signup-card"><p>Sign up for more like this.</p><form><input type="email"></form></div>
</section></article></main><div class="gh-comments"><p>Member discussion: lovely!</p></div><footer
class="gh-foot">Powered by Ghost </footer></body></html>"""

HUGO = """<!DOCTYPE html><html lang="en" dir="auto"><head><title>Wintering bees | The Hive</title><meta name="author"
content="Ada Bee"><meta property="og:title" content="Wintering bees"><script type="application/ld+json">{"@type":
"BlogPosting", "name": "Wintering bees", "datePublished": "2023-03-05T09:00:00Z"}</script></head><body
id="top"><header class="header"><nav class="nav"><a href="/">The Hive</a><ul id="menu"><li><a
href="/tags/">Tags</a></li></ul></nav></header><main class="main"><article class="post-single"><header
class="post-header"><h1 class="post-title">Wintering bees</h1><div class="post-meta"><span>March 5, 2023</span> · 4
min</div></header><div class="toc"><details><summary>Table of Contents</summary><ul><li><a href="#cold">Cold</a></li>
</ul></details></div><div class="post-content">{content}</div><footer class="post-footer"><ul class="post-tags"><li><a
href="/t/"> garden</a></li></ul></footer></article></main><footer class="footer">Powered by Hugo &amp;
PaperMod</footer></body></html>"""

JEKYLL = """<!DOCTYPE html><html lang="en"><head><title>Wintering bees | The Hive</title><meta name="author"
content="Ada Bee"> <meta property="og:title" content="Wintering bees"><meta property="og:site_name" content="The
Hive"></head><body><header class="site-header"><a class="site-title" href="/">The Hive</a><nav class="site-nav"><a
href="/about/">About</a></nav></header><main class="page-content"><div class="wrapper"><article class="post h-entry"
itemscope itemtype="http://schema.org/BlogPosting"><header class="post-header"><h1 class="post-title p-name"
itemprop="name headline">Wintering bees</h1><p class="post-meta"><time class="dt-published"
datetime="2023-03-05T09:00:00+00:00" itemprop="datePublished">Mar 5, 2023</time></p></header><div class="post-content
e-content" itemprop="articleBody">{content}</div><a class="u-url" href="/bees/" hidden></a></article></div></main>
<footer class="site-footer h-card"><p>Notes from a roof, powered by Jekyll.</p></footer></body></html>"""

SUBSTACK = """<!DOCTYPE html><html lang="en"><head><title>Wintering bees - by Ada Bee - The Hive</title><meta
property="og:title" content="Wintering bees"><script type="application/ld+json">{"@type": "NewsArticle", "headline":
"Wintering bees", "datePublished": "2023-03-05T09:00:00+00:00", "author": [{"@type": "Person", "name": "Ada Bee"}],
"publisher": {"@type": "Organization", "name": "The Hive"}}</script></head><body><div id="entry"><div
class="topbar"><h1 class="pencraft"><a href="/">The Hive</a></h1><button>Subscribe</button></div><div
class="single-post-container"><div class="single-post"><article class= "newsletter-post post"><div
class="post-header"><h1 class="post-title published">Wintering bees</h1><h3 class="subtitle">A cold season </h3><div
class="pencraft byline-wrapper"><a href="/@ada">Ada Bee</a> Mar 05, 2023</div></div><div
class="available-content"><div class= "body markup" dir="auto">{content}<div class="subscription-widget-wrap"><form
class="subscription-widget-subscribe"><p>Thanks for reading! Subscribe for free.</p><input
type="email"></form></div></div></div></article></div></div><div class="comments-page"><h4> Discussion about this
post</h4><p>Lovely!</p></div></div></body></html>"""

MEDIUM = """<!doctype html><html lang="en"><head><title>Wintering bees. A cold season | by Ada Bee |
Medium</title><meta property="og:title" content="Wintering bees"><meta property="og:site_name" content="Medium"><meta
name="author" content="Ada Bee"> <meta property="article:published_time"
content="2023-03-05T09:00:00.000Z"></head><body><div id="root"><div class="a b"><a href="/">Open in
app</a><button>Sign up</button></div><article><div class="l"><section><div><h1 class="pw-post-title">Wintering
bees</h1><div class="speechify-ignore ab"><a href="/@ada"><p class="be b">Ada Bee</p></a><span>4 min read</span><span
data-testid="storyPublishDate">Mar 5, 2023</span></div><div class="ab"><p class="be b">--</p><p class="be
b">Listen</p><p class="be b">Share</p></div>{content}</div></section> </div></article><div class="footer"><h2>Written
by Ada Bee</h2><p>1.2K Followers</p></div><div class="recommended"><h2>More from Ada Bee </h2><p>Chickens in
spring</p></div></div></body></html>"""

ENGINES = {
    "wordpress": WORDPRESS,
    "ghost": GHOST,
    "hugo": HUGO,
    "jekyll": JEKYLL,
    "substack": SUBSTACK,
    "medium": MEDIUM,
}

AROUND = (
    "Skip to", "About", "Tweet", "Related", "Chickens", "Previous", "reply", "Lovely", "Archives", "powered",
    "Subscribe",    "Sign up", "Discussion", "Table of Contents", "Followers", "Open in app",
)  # fmt: skip
"""What stands around the post."""
