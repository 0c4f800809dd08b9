"""Which pages of a site are read: those below its address, except lists of other pages."""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from core.domain import OmissionReason, Source
from core.ingestion.urls import site_host, url_identity

MAX_PARAMETERS = 2
MAX_REPEATS = 2
"""Of one name within a path; links that are relative by mistake repeat it without end."""

_LIST = re.compile(
    r"/(tags?|categor(y|ies|ia|ie)|kategorien?|schlagwort|authors?|autor|users?|search|page|comments|wp-json)(/|\Z)"
    r"|/archives?/?\Z|/(19|20)\d\d(/\d\d?(/\d\d?)?)?/?\Z|/page/?\d+/?\Z"
)
_LIST_SITEMAP = re.compile(r"(categor|tag|author|taxonom|user|image|video|product_cat)[\w-]*\.xml")
_FILE = re.compile(
    r"\.(7z|atom|avif|bz2|css|csv|dmg|docx?|eot|epub|exe|gif|gz|ico|ics|iso|jpe?g|js|json|m4[av]|mov|mp[34]|og[gv]|pdf"
    r"|png|pptx?|rss|svg|tar|tiff?|torrent|ttf|wav|webm|webp|woff2?|xlsx?|xml|zip)\Z",
    re.IGNORECASE,
)
_CHOICE = re.compile(r"(replytocom|share|print|sort|order(by)?|filter|add-to-cart|s|q|query|search|redirect_to)")
"""Parameters that show a page in another way, or something else than a page."""


class SiteScope:
    """The pages of a source that is a site. With `include`, the source says itself what it wants."""

    def __init__(self, source: Source, final_url: str) -> None:
        self._hosts = {site_host(source.address), site_host(final_url)}
        self._folder = urlsplit(source.address).path.rpartition("/")[0] + "/"
        self._home = {url_identity(source.address), url_identity(final_url)}
        self._chosen = bool(source.include)

    def omission(self, address: str, listing: str = "", is_blog: bool = False) -> OmissionReason | None:
        """Return why a page is no post, if so. `listing` is the sitemap that has it; the home page of a blog, which has
        a feed, is a list of posts."""
        try:
            path = urlsplit(address).path
        except ValueError:
            return "elsewhere"
        if site_host(address) not in self._hosts or not f"{path}/".startswith(self._folder):
            return "elsewhere"
        if _FILE.search(path):
            return "attachment"
        is_list = (
            _LIST.search(path) or _LIST_SITEMAP.search(listing) or (is_blog and url_identity(address) in self._home)
        )
        return "list" if is_list and not self._chosen else None

    def may_follow(self, address: str) -> bool:
        """Return whether a link stays within the site and leads to a page, and not into a maze."""
        if self.omission(address) in {"elsewhere", "attachment"}:
            return False
        parts = urlsplit(address)
        parameters = parse_qsl(parts.query)
        names: Sequence[str] = [name for name in parts.path.split("/") if name]
        return (
            len(parameters) <= MAX_PARAMETERS
            and not any(_CHOICE.fullmatch(name.lower()) for name, _ in parameters)
            and all(names.count(name) <= MAX_REPEATS for name in names)
        )
