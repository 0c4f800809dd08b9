"""Answers and matches as JSON documents, the same on the web and in the terminal."""

from typing import Any

from core.domain import Answer, Footnote, ScoredPassage


def answer_document(answer: Answer) -> dict[str, Any]:
    """What `footnoted ask --json` prints and the web's API sends."""
    return {
        "answer": answer.text,
        "grounded": answer.grounded,
        "sources": [footnote_document(footnote) for footnote in answer.footnotes],
        "nearest": [footnote_document(footnote) for footnote in answer.nearest],
        "timings_ms": answer.timings_ms,
    }


def footnote_document(footnote: Footnote) -> dict[str, Any]:
    return {"number": footnote.number, "title": footnote.title, "url": footnote.url, "score": footnote.score}


def match_document(match: ScoredPassage) -> dict[str, Any]:
    """A found passage; `score` lies between 0 and 1."""
    passage = match.passage
    return {
        "url": passage.url,
        "title": passage.title,
        "heading": passage.heading,
        "text": passage.text,
        "score": match.score,
    }
