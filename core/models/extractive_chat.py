"""Answers without a language model: the best sentences of the passages, quoted with footnotes."""

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

import structlog

from core.errors import EmbeddingMismatchError, ModelError
from core.follow_ups import previous_question
from core.language.sentences import split_sentences
from core.language.terms import query_words, terms
from core.markdown import Block, heading_text, parse_blocks
from core.models.protocols import Embedder, NumberedPassage, Prompt

log = structlog.get_logger()

MAX_QUOTES = 3
MAX_BLOCK_LENGTH = 1_800
"""Characters up to which a list, a table or a code block is quoted, in full: half of a how-to is of little use."""

MIN_SCORE_RATIO = 0.7
"""Minimum score of further quotes, relative to the best one."""

POSITION_DECAY = 0.96
"""Weight of a sentence relative to the one before it: texts answer their headings first."""

MIN_WORDS = 4
"""Shorter texts are labels, not sentences."""

_BULLET = re.compile(r"\A[-*+]\s+")
_STEPS = re.compile(r"\s*\d{1,3}[.)]\s")


@dataclass(frozen=True, slots=True)
class Quote:
    """Part of a passage, with the number that cites its post.

    `opening` is compared with the question: the heading and the first sentence, since a list is quoted for the sentence
    that introduces it. `weight` (at most 1) is higher in better passages and nearer to the heading.
    """

    number: int
    text: str
    opening: str
    weight: float
    language: str = ""


class ExtractiveChatModel:
    """Quotes the prompt's passages and ignores instructions. The embedder compares sentences with the question."""

    name = "extraction"
    follows_instructions = False
    limitations = ()

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        quotes = [quote for passage in prompt.passages for quote in _quotes(passage)]
        # Passages with only code or tables have no sentences: the best one is quoted whole.
        quotes = quotes or [_whole(passage) for passage in prompt.passages[:1]]
        asked = f"{previous_question(prompt.question)} {prompt.question.text}".strip()
        cosines = await self._cosines(asked, quotes)
        for index, quote in enumerate(_best(quotes, _scores(asked, quotes, cosines))):
            yield ("\n\n" if index else "") + _quoted(quote)

    async def _cosines(self, asked: str, quotes: Sequence[Quote]) -> list[float]:
        """Return the cosine similarity of each quote to the question; zeros if the embedder fails."""
        try:
            vectors = await self._embedder.embed([asked, *(quote.opening for quote in quotes)])
        except (ModelError, EmbeddingMismatchError) as error:
            log.warning("quotes ranked without embeddings", cause=str(error))
            return [0.0] * len(quotes)
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


def _quotes(numbered: NumberedPassage) -> Iterator[Quote]:
    rows = list(parse_blocks(numbered.passage.text))
    heading, language = numbered.passage.heading, numbered.passage.language
    weight = 0.5 + 0.5 * numbered.score
    for index, block in enumerate(rows):
        if block.kind == "heading":
            heading, weight = heading_text(block), 0.5 + 0.5 * numbered.score
            continue
        if block.kind in {"code", "table"} or _STEPS.match(block.text):
            is_introduced = index > 0 and rows[index - 1].text.endswith(":")  # and so quoted with its introduction
            if not is_introduced and len(block.text) <= MAX_BLOCK_LENGTH:
                head = heading or numbered.passage.title
                opening = f"{head} {block.text.splitlines()[0]}" if block.kind == "table" else head
                yield Quote(numbered.number, _headed(head, block.text), opening, weight, language)
            continue
        stretches = list(_stretches(block, language))
        for count, stretch in enumerate(stretches, 1):
            text = stretch
            following = rows[index + 1] if count == len(stretches) and index + 1 < len(rows) else None
            if stretch.endswith(":") and following and len(following.text) <= MAX_BLOCK_LENGTH:
                text = f"{stretch}\n\n{following.text}"
            if len(terms(stretch, language)) >= MIN_WORDS or text != stretch:
                yield Quote(numbered.number, text, f"{heading} {stretch}", weight, language)
                weight *= POSITION_DECAY


def _whole(numbered: NumberedPassage) -> Quote:
    passage = numbered.passage
    return Quote(numbered.number, _headed(passage.heading or passage.title, passage.text), passage.title, 1.0)


def _headed(heading: str, text: str) -> str:
    return f"{heading}{'' if heading.endswith(('?', '？', '!', ':')) else ':'}\n\n{text}"


def _stretches(block: Block, language: str) -> Iterator[str]:
    if block.kind == "list":
        yield from (_BULLET.sub("", line.strip(), count=1) for line in block.text.splitlines() if line.strip())
        return
    yield from (" ".join(sentence.split()) for sentence in split_sentences(block.text, language))


def _scores(asked: str, quotes: Sequence[Quote], cosines: Sequence[float]) -> list[float]:
    """Score quotes: half cosine, half IDF-weighted share of the question's words, times the quote's weight."""
    stems = [set(terms(quote.opening, quote.language)) for quote in quotes]
    seen = Counter(word for found in stems for word in found)
    asked_words = query_words(asked, dict.fromkeys(quote.language for quote in quotes))
    weights = {
        variant: math.log(1 + len(quotes) / (1 + seen[variant])) for word in asked_words for variant in word.variants
    }
    total = sum(weights.values()) or 1.0
    return [
        (0.5 * max(cosine, 0.0) + 0.5 * sum(weights[word] for word in weights if word in found) / total) * quote.weight
        for quote, found, cosine in zip(quotes, stems, cosines, strict=True)
    ]


def _best(quotes: Sequence[Quote], scores: Sequence[float]) -> list[Quote]:
    """Return the best quotes, best first, without duplicates and parts of each other."""
    kept: list[Quote] = []
    ranked = sorted(zip(scores, range(len(quotes)), strict=True), key=lambda pair: (-pair[0], pair[1]))
    for score, index in ranked:
        quote = quotes[index]
        if len(kept) == MAX_QUOTES or score < MIN_SCORE_RATIO * ranked[0][0]:
            break
        if not any(quote.text in other.text or other.text in quote.text for other in kept):
            kept.append(quote)
    return kept


def _quoted(quote: Quote) -> str:
    """Format a block quote. The footnote follows the first paragraph, so that it is never inside a code block."""
    opening, _, rest = quote.text.partition("\n\n")
    lines = f"{opening} [{quote.number}]" + (f"\n\n{rest}" if rest else "")
    return "\n".join(f"> {line}".rstrip() for line in lines.splitlines())
