"""The result of one question, as it is saved and compared."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, computed_field

from bot.evaluation.examples import Example
from core.domain import Confidence

MRR_K = 10


class AnswerResult(BaseModel):
    """A whole answer. `right_post_cited` is None if no right post is known, `support` (0 to 1) without footnotes,
    `overlap` without a reference, `dollars` for a model whose price is unknown; `error` says why there is no answer."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text: str = ""
    answered: bool = False
    cited: tuple[str, ...] = ()
    right_post_cited: bool | None = None
    support: float | None = None
    overlap: float | None = None
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = None
    error: str = ""


class Result(Example):
    """An example with its result. `rank` of the right post counts from 1; None if not found or not known."""

    relevance: float = 0.0
    confidence: Confidence = "sure"
    rank: int | None = None
    answer_found: bool | None = None
    found: tuple[str, ...] = ()
    answer: AnswerResult | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def refused(self) -> bool:
        """Whether the search alone said no."""
        return self.confidence == "none"

    @property
    def reciprocal_rank(self) -> float:
        return 1 / self.rank if self.rank and self.rank <= MRR_K else 0.0


def rank_of(right: Sequence[str], urls: Sequence[str]) -> int | None:
    """Return the rank of the first right post, from 1. A trailing slash makes no difference, nor does a page of it."""
    wanted = {url.rstrip("/") for url in right}
    found = (url.partition("#page=")[0].rstrip("/") for url in urls)
    return next((rank for rank, url in enumerate(found, start=1) if url in wanted), None)
