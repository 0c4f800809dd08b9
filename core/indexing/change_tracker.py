"""The known posts before a run, and what becomes of each of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from core.index.publication import Change
from core.index.version import PostRecord
from core.indexing.progress import Diff, PostTitle
from core.ingestion.urls import url_identity


class ChangeTracker:
    """Records changes to the posts of `ledger`; every other post stays as it is.

    When several addresses lead to one post, the first one claimed wins.
    """

    def __init__(self, ledger: Mapping[str, PostRecord]) -> None:
        self.ledger = ledger
        self._url_by_identity = {
            url_identity(address): url for url, record in ledger.items() for address in (*record.also, url)
        }
        self._claimed: set[str] = set()
        self._retained: dict[str, PostRecord] = {}
        self._upserted: dict[str, PostRecord] = {}
        self._removed: set[str] = set()
        self._moved: dict[str, str] = {}

    def resolve(self, address: str) -> str:
        """Return the URL of the post that an address is known to lead to, else the address itself."""
        return self._url_by_identity.get(url_identity(address), address)

    def claim(self, address: str) -> bool:
        """Claim the post behind an address; return False if it was claimed before."""
        name = url_identity(self.resolve(address))
        if name in self._claimed:
            return False
        self._claimed.add(name)
        return True

    def listed_on(self, source: str, listing: str) -> Iterator[tuple[str, PostRecord]]:
        """Yield the posts that a page of a source's listing had when it was last read."""
        return (
            (url, record)
            for url, record in self.ledger.items()
            if record.source == source and record.listing == listing and listing
        )

    def retain(self, url: str, record: PostRecord) -> None:
        """Keep the passages of a post and update its record."""
        self._retained[url] = record

    def upsert(self, url: str, record: PostRecord, previous_url: str = "") -> None:
        """Add or replace a post; `previous_url` is where it was before, if it was known."""
        self._upserted[url] = record
        if previous_url and previous_url != url:
            self._moved[previous_url] = url

    def remove(self, url: str) -> None:
        self._removed.add(url)

    def revert(self, url: str) -> None:
        """Take an `upsert` back: the post stays as it was, where it was."""
        self._upserted.pop(url, None)
        self._moved = {old: new for old, new in self._moved.items() if new != url}

    def alias(self, address: str, url: str) -> None:
        """Remember that an address leads to a post, so that the next run need not ask."""
        known = self.resolve(url)
        for records in (self._upserted, self._retained):
            if known in records:
                record = records[known]
                if address not in record.also:
                    records[known] = replace(record, also=(*record.also, address))
                return

    def remove_unlisted(self, complete: Collection[str], configured: Collection[str] | None) -> None:
        """Remove posts that their source no longer lists, for sources whose listing is `complete`.

        Unless `configured` is None, also remove the posts of all other sources.
        """
        for url, record in self.ledger.items():
            claimed = url_identity(url) in self._claimed
            if (record.source in complete and not claimed) or (configured and record.source not in configured):
                self._removed.add(url)

    def change(self) -> Change:
        """Return the recorded changes as they are to be published."""
        gone = {url for url in self._removed | set(self._moved) if url not in self._upserted and url in self.ledger}
        kept = {
            url: self._retained.get(url, record)
            for url, record in self.ledger.items()
            if url not in gone and url not in self._upserted
        }
        return Change(kept, dict(self._upserted), {url: self.ledger[url] for url in gone})

    def diff(self) -> Diff:
        """Return the recorded changes as titles; a moved post counts as changed."""
        change, moved = self.change(), set(self._moved.values())
        new: list[PostTitle] = []
        changed: list[PostTitle] = []
        for url, record in change.upserted.items():
            known = url in self.ledger or url in moved
            (changed if known else new).append(PostTitle(record.title, url, record.source))
        removed = [
            PostTitle(record.title, url, record.source)
            for url, record in change.removed.items()
            if url not in self._moved
        ]
        return Diff(tuple(new), tuple(changed), tuple(removed))
