"""The articles of a sitemap, for the peers, which run as files in this folder."""

import asyncio
import os
import xml.etree.ElementTree as ET
from urllib.request import urlopen

import aiohttp
from bs4 import BeautifulSoup

AT_ONCE = 32


def fetch_articles() -> list[tuple[str, str]]:
    """Return the address and the text of each page in SITEMAP."""
    with urlopen(os.environ["SITEMAP"]) as response:
        links = [loc.text or "" for loc in ET.fromstring(response.read()).findall(".//{*}loc")]
    return asyncio.run(_fetch(links))


async def _fetch(links: list[str]) -> list[tuple[str, str]]:
    limit = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession() as web:

        async def page(link: str) -> tuple[str, str]:
            async with limit, web.get(link) as response:
                soup = BeautifulSoup(await response.read(), "lxml")
            article = soup.find("div", class_="entry-content")
            return link, article.get_text() if article else ""

        return await asyncio.gather(*map(page, links))
