"""What is known of the posts before a run, and what becomes of each of them in it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from core.index.publication import Change
from core.index.version import PostRecord
from core.indexing.progress import Diff, PostTitle
from core.ingestion.urls import url_identity


class ChangeTracker:
    """Every post of the `ledger` stays as it is, unless something else is said of it. Of addresses that lead to the
    same post, the first that is claimed counts."""

    def __init__(self, ledger: Mapping[str, PostRecord]) -> None:
        self.ledger = ledger
        self._urls = {url_identity(other): url for url, record in ledger.items() for other in (*record.also, url)}
        self._claimed: set[str] = set()
        self._kept: dict[str, PostRecord] = {}
        self._fresh: dict[str, PostRecord] = {}
        self._gone: set[str] = set()
        self._instead: dict[str, str] = {}

    def url_of(self, address: str) -> str:
        """The address of the post that this one leads to, as far as that is known."""
        return self._urls.get(url_identity(address), address)

    def claim(self, address: str) -> bool:
        """Whether nobody has claimed the post before; from now on somebody has."""
        name = url_identity(self.url_of(address))
        if name in self._claimed:
            return False
        self._claimed.add(name)
        return True

    def listed_by(self, source: str, listing: str) -> Iterator[tuple[str, PostRecord]]:
        """The posts that a page of a source's listing had when it was read last."""
        return (
            (url, record)
            for url, record in self.ledger.items()
            if record.source == source and record.listing == listing and listing
        )

    def keep(self, url: str, record: PostRecord) -> None:
        """The post's passages stay; its line in the ledger may be another."""
        self._kept[url] = record

    def bring(self, url: str, record: PostRecord, before: str = "") -> None:
        """The post is new or has changed. `before` is the address that it had, where that was another one."""
        self._fresh[url] = record
        if before and before != url:
            self._instead[before] = url

    def remove(self, url: str) -> None:
        """The post is to go."""
        self._gone.add(url)

    def lead(self, address: str, url: str) -> None:
        """Remembers that an address leads to a post, so that it need not be asked again."""
        known = self.url_of(url)
        for records in (self._fresh, self._kept):
            if known in records:
                record = records[known]
                if address not in record.also:
                    records[known] = replace(record, also=(*record.also, address))
                return

    def remove_unlisted(self, complete: Collection[str], configured: Collection[str] | None) -> None:
        """Removes what sources whose listing is `complete` do not list any more, and, where all sources have been read,
        what belongs to none of those that are `configured`."""
        for url, record in self.ledger.items():
            claimed = url_identity(url) in self._claimed
            if (record.source in complete and not claimed) or (configured and record.source not in configured):
                self._gone.add(url)

    def change(self) -> Change:
        """What comes of it all."""
        gone = {url for url in self._gone | set(self._instead) if url not in self._fresh and url in self.ledger}
        kept = {
            url: self._kept.get(url, record)
            for url, record in self.ledger.items()
            if url not in gone and url not in self._fresh
        }
        return Change(kept, dict(self._fresh), {url: self.ledger[url] for url in gone})

    def diff(self) -> Diff:
        """The same for people."""
        change, moved = self.change(), set(self._instead.values())
        new: list[PostTitle] = []
        changed: list[PostTitle] = []
        for url, record in change.upserted.items():
            known = url in self.ledger or url in moved
            (changed if known else new).append(PostTitle(record.title, url))
        removed = [PostTitle(record.title, url) for url, record in change.removed.items() if url not in self._instead]
        return Diff(tuple(new), tuple(changed), tuple(removed))
