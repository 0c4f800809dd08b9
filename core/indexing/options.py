"""What a run is to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.domain import Source


@dataclass(frozen=True, slots=True)
class ReindexOptions:
    """What is to be done. `sources` are all that are configured, of which `only` one may be read. `about` are facts to
    be kept with an edition of all of them. A `dry_run` writes nothing; `force` publishes whatever is left."""

    sources: Sequence[Source]
    only: str = ""
    dry_run: bool = False
    force: bool = False
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def wanted(self) -> list[Source]:
        return [source for source in self.sources if not self.only or source.name == self.only]

    @property
    def names(self) -> set[str]:
        return {source.name for source in self.sources}
