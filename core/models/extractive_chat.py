"""Answers without a language model: the sentences of the passages that best answer, quoted, each with its footnote."""

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

import structlog

from core.errors import EmbeddingMismatchError, ModelError
from core.markdown import Block, heading_text, parse_blocks, split_sentences
from core.models.protocols import Embedder, NumberedPassage, Prompt
from core.words import content_words, stem, words

log = structlog.get_logger()

MOST_QUOTES = 3
LONGEST_QUOTE = 900
"""Characters. A sentence that announces a list or a command is quoted together with it, up to here."""

CLOSE = 0.7
"""How good a further quote has to be, measured on the best one."""

FURTHER = 0.96
"""What a sentence is worth, measured on the one before it under the same heading: texts answer their headings first."""

SHORTEST = 4
"""Words. Less is no sentence but a label."""

_BULLET = re.compile(r"\A[-*+]\s+")


@dataclass(frozen=True, slots=True)
class Quote:
    """A stretch of a passage that stands by itself, under the number that cites its post. `opening` is the part that is
    held against the question, with the heading above it: a list is quoted for the sentence that announces it. `worth`
    says how good its place is, at most 1: in a better passage, and nearer to the heading."""

    number: int
    text: str
    opening: str
    worth: float


class ExtractiveChatModel:
    """Composes from the prompt's passages, and reads no instructions. Needs the embedder to tell what is meant."""

    name = "extraction"
    follows_instructions = False

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        quotes = [quote for passage in prompt.passages for quote in _quotes(passage)]
        # Passages of nothing but code or tables have no sentences: the best is quoted as it stands.
        quotes = quotes or [_whole(passage) for passage in prompt.passages[:1]]
        asked = f"{prompt.question.previous} {prompt.question.text}".strip()
        meaning = await self._meaning(asked, quotes)
        for place, quote in enumerate(_best(quotes, _scores(asked, quotes, meaning))):
            yield ("\n\n" if place else "") + _quoted(quote)

    async def _meaning(self, asked: str, quotes: Sequence[Quote]) -> list[float]:
        """The cosine of each quote to the question. Without vectors the words alone choose."""
        try:
            vectors = await self._embedder.embed([asked, *(quote.opening for quote in quotes)])
        except (ModelError, EmbeddingMismatchError) as error:
            log.warning("quotes are chosen by words alone", cause=str(error))
            return [0.0] * len(quotes)
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]


def _quotes(numbered: NumberedPassage) -> Iterator[Quote]:
    rows = list(parse_blocks(numbered.passage.text))
    heading = numbered.passage.heading
    worth = 0.5 + 0.5 * numbered.score
    for place, block in enumerate(rows):
        if block.kind == "heading":
            heading, worth = heading_text(block), 0.5 + 0.5 * numbered.score
        if block.kind in {"heading", "code", "table"}:
            continue
        stretches = list(_stretches(block))
        for count, stretch in enumerate(stretches, 1):
            text = stretch
            following = rows[place + 1] if count == len(stretches) and place + 1 < len(rows) else None
            if stretch.endswith(":") and following and len(stretch) + len(following.text) <= LONGEST_QUOTE:
                text = f"{stretch}\n\n{following.text}"
            if len(words(stretch)) >= SHORTEST:
                yield Quote(numbered.number, text, f"{heading} {stretch}", worth)
                worth *= FURTHER


def _whole(numbered: NumberedPassage) -> Quote:
    passage = numbered.passage
    return Quote(numbered.number, f"{passage.heading or passage.title}:\n\n{passage.text}", passage.title, 1.0)


def _stretches(block: Block) -> Iterator[str]:
    if block.kind == "list":
        yield from (_BULLET.sub("", line.strip(), count=1) for line in block.text.splitlines() if line.strip())
        return
    yield from (" ".join(sentence.split()) for sentence in split_sentences(block.text))


def _scores(asked: str, quotes: Sequence[Quote], meaning: Sequence[float]) -> list[float]:
    """Half by meaning, half by the share of the question's words, rare ones counting more, times its worth."""
    stems = [{stem(word) for word in words(quote.opening)} for quote in quotes]
    seen = Counter(word for found in stems for word in found)
    weights = {word: math.log(1 + len(quotes) / (1 + seen[word])) for word in map(stem, content_words(asked))}
    total = sum(weights.values()) or 1.0
    return [
        (0.5 * max(cosine, 0.0) + 0.5 * sum(weights[word] for word in weights if word in found) / total) * quote.worth
        for quote, found, cosine in zip(quotes, stems, meaning, strict=True)
    ]


def _best(quotes: Sequence[Quote], scores: Sequence[float]) -> list[Quote]:
    """The best quotes, best first, none twice and none that only says a part of another."""
    kept: list[Quote] = []
    ranked = sorted(zip(scores, range(len(quotes)), strict=True), key=lambda pair: (-pair[0], pair[1]))
    for score, place in ranked:
        quote = quotes[place]
        if len(kept) == MOST_QUOTES or score < CLOSE * ranked[0][0]:
            break
        if not any(quote.text in other.text or other.text in quote.text for other in kept):
            kept.append(quote)
    return kept


def _quoted(quote: Quote) -> str:
    """A block quote; the footnote stands behind its first paragraph, so that it never lands in a code block."""
    opening, _, rest = quote.text.partition("\n\n")
    lines = f"{opening} [{quote.number}]" + (f"\n\n{rest}" if rest else "")
    return "\n".join(f"> {line}".rstrip() for line in lines.splitlines())
