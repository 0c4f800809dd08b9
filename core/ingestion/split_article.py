"""Articles that a site splits over several pages."""

import re
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

MAX_PAGES = 20
"""Of one article."""

_LINK = re.compile(r"<(?:a|link)\b([^<>]{1,2000})>", re.IGNORECASE)
_LEADS_ON = re.compile(
    r"""\brel\s*=\s*["']?[^"'>]*\bnext\b|\bclass\s*=\s*["']?[^"'>]*\bpost-page-numbers\b""", re.IGNORECASE
)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_PAGE_PARAMETERS = frozenset({"page", "p", "pg", "paged", "pagenum", "seite"})


def next_page(html: str, first: str, number: int) -> str:
    """Return the address of the page after page `number` of the article that begins at `first`; empty if there is none.
    Links to the next article are marked in the same way, so that the address has to be that of the first page with a
    number."""
    for link in _LINK.finditer(html):
        if not _LEADS_ON.search(link[1]) or not (href := _HREF.search(link[1])):
            continue
        try:
            address = urljoin(first, unescape(next(filter(None, href.groups()), "")).strip())
            if _page_number(address, first) == number + 1:
                return address
        except ValueError:
            continue
    return ""


def _page_number(address: str, first: str) -> int | None:
    """Return the number that an address adds to that of the first page; None if it differs in anything else."""
    one, other = urlsplit(first), urlsplit(address)
    if one.netloc != other.netloc or not one.path.strip("/"):
        return None
    if one.query != other.query:
        added = [pair for pair in parse_qsl(other.query) if pair not in parse_qsl(one.query)]
        same_path = one.path.rstrip("/") == other.path.rstrip("/")
        paged = same_path and len(added) == 1 and added[0][0].lower() in _PAGE_PARAMETERS and added[0][1].isdecimal()
        return int(added[0][1][:4]) if paged else None
    stem, dot, extension = one.path.rpartition(".")
    if dot and "/" not in extension:
        pattern = rf"{re.escape(stem)}(?:[-_]|/)(\d{{1,4}})\.{re.escape(extension)}"
    else:
        pattern = rf"{re.escape(one.path.rstrip('/'))}/(?:page[/-]?|p)?(\d{{1,4}})/?"
    found = re.fullmatch(pattern, other.path)
    return int(found[1]) if found else None
