"""`footnoted sources check`: what would be read of an address, before it is."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.console import print_json, readable
from bot.cli.exit_codes import FAILED, OK
from bot.cli.reindex_output import LISTINGS
from bot.config.settings import Settings
from bot.index_builder import AGENT
from core.chat.run_texts import OMISSIONS
from core.domain import Source
from core.errors import SourceReadError
from core.ingestion.fetcher import Fetcher
from core.ingestion.preview import Preview, PreviewListing, Sample, preview

REASONS = {reason: text.partition(":")[0] for reason, text in OMISSIONS.items()} | {
    "pattern": "left out by include or exclude",
    "robots": "robots.txt does not allow it",
}
"""Why posts are skipped; the reasons of failures are sentences already."""


async def check(settings: Settings, address: str, out: Console, json: bool = False) -> int:
    """Show what the source of this name or address has; return the exit code, FAILED if there is nothing to read."""
    source = _source(settings, address)
    try:
        async with Fetcher(AGENT) as fetcher:
            found = await preview(source, fetcher)
    except SourceReadError as error:
        if json:
            print_json({"address": source.address, "posts": 0, "error": error.reason})
        else:
            out.print(Text.assemble(("✗ ", "yellow"), readable(error.address), f": {readable(error.reason)}"))
        return FAILED
    if json:
        print_json(_document(source, found))
    else:
        _show(source, found, out)
    return OK if found.posts else FAILED


def _source(settings: Settings, address: str) -> Source:
    """Return the configured source of this name or address, else a new one."""
    for source in settings.all_sources:
        if address in {source.name, source.address}:
            return source
    if address.startswith(("http://", "https://")):
        return Source(address, "site", address)
    if Path(address).is_dir():
        return Source(Path(address).name, "folder", address)
    return Source(address, "site", f"https://{address}")


def _document(source: Source, found: Preview) -> dict[str, Any]:
    return {
        "address": source.address,
        "found": [asdict(listing) for listing in found.listings],
        "posts": found.posts,
        "more": found.more,
        "whole": found.whole,
        "newest": found.newest.isoformat() if found.newest else None,
        "oldest": found.oldest.isoformat() if found.oldest else None,
        "samples": [
            {**asdict(sample), "published": sample.published.isoformat() if sample.published else None}
            for sample in found.samples
        ],
        "skipped": [
            {"reason": REASONS.get(reason, reason), "count": skipped.count, "example": skipped.example}
            for reason, skipped in found.skipped.items()
        ],
        "error": None,
    }


def _show(source: Source, found: Preview, out: Console) -> None:
    for listing in found.listings:
        out.print(_listing_text(listing), soft_wrap=True)
    out.print(Text(_summary(found)))
    for sample in found.samples:
        _show_sample(sample, out)
    if found.skipped:
        out.print(Text("\nSkipped", style="bold"))
        table = Table.grid(padding=(0, 2))
        for reason, skipped in found.skipped.items():
            example = f"  {readable(skipped.example)}" if skipped.example else ""
            table.add_row(
                Text(f"{skipped.count:,}", justify="right"),
                Text.assemble(readable(REASONS.get(reason, reason)), (example, "dim"), overflow="fold"),
            )
        out.print(table)
    if found.posts and source.kind == "site":
        followed = any(listing.kind == "links" for listing in found.listings)
        setting = f'site = "{source.address}"' if followed else f"FEEDS={source.address}"
        file = "a [[sources]] table of footnoted.toml" if followed else ".env"
        out.print(Text.assemble("\nTo read it, set ", (setting, "bold"), f" in {file}."), soft_wrap=True)


def _listing_text(listing: PreviewListing) -> Text:
    posts = f"{listing.posts:,} post{'s' if listing.posts != 1 else ''}"
    return Text.assemble(
        ("✓ ", "green"),
        f"{LISTINGS.get(listing.kind, listing.kind)} ",
        (readable(listing.address), "bold"),
        (f"  {posts}", "dim"),
    )


def _summary(found: Preview) -> str:
    if not found.posts:
        return "Nothing to read was found."
    total = f"{'At least ' if found.more else ''}{found.posts:,} post{'s' if found.posts != 1 else ''}"
    pages = found.posts - found.whole
    where = (
        "all of them whole in the source"
        if not pages
        else "each to be fetched from its page"
        if not found.whole
        else f"{found.whole:,} of them whole in the source, {pages:,} to be fetched from their pages"
    )
    newest = f", the newest from {found.newest:%Y-%m-%d}" if found.newest else ""
    return f"{total}{newest}; {where}."


def _show_sample(sample: Sample, out: Console) -> None:
    day = f"  {sample.published:%Y-%m-%d}" if sample.published else ""
    out.print(Text.assemble("\n", (readable(sample.title) or "(no title)", "bold"), (day, "dim")))
    out.print(Text(readable(sample.url), style="dim"), soft_wrap=True)
    if sample.reason:
        out.print(Text.assemble(("✗ ", "yellow"), readable(sample.reason)))
    else:
        out.print(Text(readable(sample.text)))
