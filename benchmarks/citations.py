"""Measure how many wrong footnotes are found, and how many right ones are lost.

Run `python -m benchmarks.citations DATA...`; each folder holds posts.jsonl (slug, title, html), questions.jsonl
(question, kind, slug of the right posts, and answers or a reference) and optionally paraphrases.jsonl (slug of a
post, and a text that says in other words what the post says). `--words` compares words alone, without meanings.

Statements are made from answerable questions: the question with an answer put in, a sentence of the right passage with
words left out and clauses in another order, and the sentences of a reference that was written for the question. Each is
paired with its passage and with the four best passages of other posts. The limits were set on the first half of the
articles.
"""

import argparse
import json
import random
import re
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path
from typing import Any

from core.answering.citation_verifier import CitationVerifier
from core.domain import Passage, Post
from core.ingestion.chunker import chunk
from core.ingestion.html_to_markdown import to_markdown
from core.language.detection import post_language
from core.language.sentences import split_sentences
from core.language.terms import query_words, terms
from core.language.words import words
from core.models.protocols import NumberedPassage, SentenceVectors
from core.models.sentence_vectors import LocalSentenceVectors

WRONG = 4
MIN_WORDS = 5
DROPPED = 0.2
"""Share of a sentence's words that are left out."""
TAKEN = 0.5
"""Share of a reference sentence's words in the post from which it counts as taken from there."""

_QUESTION_WORD = re.compile(r"\b(?:what|which|who|whom|whose|when|where|why|how many|how much|how)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A statement with the passages of the post that it is from, number 1, and of other posts, from number 2."""

    kind: str
    article: str
    text: str
    given: tuple[NumberedPassage, ...]


@dataclass
class Counts:
    """`lost` and `moved` are right footnotes that were removed or changed; the others are wrong ones."""

    right: int = 0
    lost: int = 0
    moved: int = 0
    wrong: int = 0
    found: int = 0
    corrected: int = 0
    alone: int = 0
    found_alone: int = 0
    seconds: list[float] = field(default_factory=list)

    def row(self) -> str:
        return (
            f"{self.right:5} right, touched {(self.lost + self.moved) / max(1, self.right):.3f} "
            f"(moved {self.moved / max(1, self.right):.3f}); "
            f"{self.wrong} wrong, found {self.found / max(1, self.wrong):.3f} "
            f"(corrected {self.corrected / max(1, self.wrong):.3f}), "
            f"found without the right passage {self.found_alone / max(1, self.alone):.3f}; "
            f"{1000 * sum(self.seconds) / max(1, len(self.seconds)):.2f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--words", action="store_true")
    options = parser.parse_args()
    vectors = LocalSentenceVectors()
    if not options.words:
        vectors.load()
    for folder in options.data:
        counts: dict[tuple[str, str], Counts] = defaultdict(Counts)
        for pair in pairs(folder):
            half = "first half" if zlib.crc32(pair.article.encode()) % 2 else "second half"
            measure(pair, counts[pair.kind, half], vectors)
        for (kind, half), row in sorted(counts.items()):
            print(f"{folder.name:14} {kind:22} {half:12} {row.row()}")


def measure(pair: Pair, counts: Counts, vectors: SentenceVectors) -> None:
    verifier = CitationVerifier(pair.given, vectors)
    began = time.perf_counter()
    verified = verifier.verify(pair.text, [1])
    counts.seconds.append(time.perf_counter() - began)
    counts.right += 1
    counts.lost += not verified
    counts.moved += bool(verified) and 1 not in verified
    others = list(dict.fromkeys(each.number for each in pair.given if each.number > 1))
    for number in others[:2]:
        verified = verifier.verify(pair.text, [number])
        counts.wrong += 1
        counts.found += number not in verified
        counts.corrected += 1 in verified
        rest = CitationVerifier([each for each in pair.given if each.number > 1], vectors)
        alone = rest.verify(pair.text, [number])
        counts.alone += 1
        counts.found_alone += number not in alone


def pairs(folder: Path) -> Iterator[Pair]:
    posts = _lines(folder / "posts.jsonl")
    passages = [passage for post in posts for passage in chunk(_post(post))]
    search = WordSearch(passages)
    chance = random.Random(1)
    for question in _lines(folder / "questions.jsonl"):
        if question["kind"] == "answerable":
            yield from _pairs_of(question, search, chance)
    for paraphrase in _lines(folder / "paraphrases.jsonl"):
        own = [passage for passage in passages if passage.url == paraphrase["slug"]][:3]
        others = [each for each in search.rank(f"{own[0].title} {own[0].text}") if each.url != paraphrase["slug"]]
        yield Pair("paraphrase", _article(paraphrase["slug"]), paraphrase["text"], _given(own, others))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def _article(slug: str) -> str:
    return re.sub(r"-\d+$", "", slug)


def _given(own: Sequence[Passage], others: Sequence[Passage]) -> tuple[NumberedPassage, ...]:
    urls = [own[0].url, *dict.fromkeys(passage.url for passage in others[:WRONG])]
    return tuple(NumberedPassage(urls.index(each.url) + 1, each, 0.5) for each in (*own, *others[:WRONG]))


def _post(post: dict[str, Any]) -> Post:
    text = to_markdown(post["html"], "")
    return Post(post["slug"], post["title"], text, "", language=post_language(text, ""))


def _pairs_of(question: dict[str, Any], search: "WordSearch", chance: random.Random) -> Iterator[Pair]:
    slugs = [question["slug"]] if isinstance(question["slug"], str) else question["slug"]
    answers = [answer.lower() for answer in question.get("answers", ())]
    earlier = question.get("earlier", [])
    ranked = search.rank(" ".join([*earlier[-1:], question["question"]]))

    def answered(passage: Passage) -> bool:
        return not answers or any(answer in passage.text.lower() for answer in answers)

    right = [passage for passage in ranked if passage.url in slugs and answered(passage)]
    wrong = [passage for passage in ranked if passage.url not in slugs and not (answers and answered(passage))]
    if not right:
        return
    own = right[:1] if answers else [passage for passage in right if passage.url == right[0].url][:3]
    given = _given(own, wrong)
    article = (earlier[:1] or [question["question"]])[0] if not answers else _article(slugs[0])
    for kind, text in _statements(question, own, len(slugs) == 1, chance):
        yield Pair(kind, article, text, given)


def _statements(
    question: dict[str, Any], own: Sequence[Passage], one_post: bool, chance: random.Random
) -> Iterator[tuple[str, str]]:
    if answers := question.get("answers"):
        if _QUESTION_WORD.search(question["question"]):
            yield "question with answer", _stated(question["question"], chance.choice(answers))
    elif one_post:
        post = {term for passage in own for term in terms(passage.embedding_text, "en")}
        for sentence in split_sentences(question["reference"]):
            known = [word.variants[0] in post for word in query_words(sentence, ["en"])]
            if len(words(sentence)) >= MIN_WORDS:
                kind = "reference" if sum(known) >= TAKEN * len(known) else "reference, not taken"
                yield kind, sentence.strip()
    sentences = [sentence for sentence in split_sentences(own[0].text) if len(words(sentence)) >= 2 * MIN_WORDS]
    if sentences:
        yield "sentence", _reworded(chance.choice(sentences), chance)


def _stated(question: str, answer: str) -> str:
    """Put the answer in the place of the question word."""
    before, after = _QUESTION_WORD.split(question.strip().rstrip("?"), maxsplit=1)
    stated = re.sub(r"\b(?:do|does|did)\b ?", "", f"{before}{answer}{after}", count=1)
    return f"{stated[0].upper()}{stated[1:]}."


def _reworded(sentence: str, chance: random.Random) -> str:
    clauses = [clause.strip(" .") for clause in re.split("[,;，、]", sentence) if clause.strip(" .")]
    chance.shuffle(clauses)
    kept = (" ".join(word for word in clause.split() if chance.random() > DROPPED) or clause for clause in clauses)
    return f"{', '.join(kept)}."


class WordSearch:
    """BM25 over passages in memory."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._terms = [Counter(terms(passage.embedding_text, "en")) for passage in passages]
        self._containing = Counter(term for terms in self._terms for term in terms)
        self._average = sum(map(Counter.total, self._terms)) / len(passages)

    def rank(self, question: str) -> list[Passage]:
        asked = {word.variants[0] for word in query_words(question, ["en"])}
        order = sorted(range(len(self._passages)), key=lambda at: -self._score(asked, self._terms[at]))
        return [self._passages[at] for at in order]

    def _score(self, asked: set[str], terms: Counter[str]) -> float:
        length = 0.3 + 0.9 * terms.total() / self._average
        rarity = {term: log(1 + len(self._passages) / self._containing[term]) for term in asked if term in terms}
        return sum(rarity[term] * terms[term] * 2.2 / (terms[term] + length) for term in rarity)


if __name__ == "__main__":
    main()
