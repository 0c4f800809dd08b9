"""JSON documents of answers and passages, for the web API and the terminal."""

from typing import Any

from core.dates import month_text
from core.domain import Answer, Footnote, ScoredPassage


def answer_document(answer: Answer) -> dict[str, Any]:
    """Return the document that `footnoted ask --json` prints and the web API sends."""
    return {
        "answer": answer.text,
        "grounded": answer.grounded,
        "confidence": answer.confidence,
        "sources": [{**footnote_document(footnote), "support": footnote.support} for footnote in answer.footnotes],
        "nearest": [footnote_document(footnote) for footnote in answer.nearest],
        "timings_ms": answer.timings_ms,
    }


def footnote_document(footnote: Footnote) -> dict[str, Any]:
    """Return the document of a source or a nearest post."""
    document = {"number": footnote.number, "title": footnote.title, "url": footnote.url, "score": footnote.score}
    if footnote.published:
        document |= {"published": footnote.published.isoformat(), "month": month_text(footnote.published)}
    return document


def match_document(match: ScoredPassage) -> dict[str, Any]:
    """Return the document of a passage that was found; `score` is between 0 and 1."""
    passage = match.passage
    return {
        "url": passage.url,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "score": match.score,
    }
