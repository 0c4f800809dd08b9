"""Follow-ups: which earlier question one is about, and whether it can be understood alone."""

from core.domain import Question
from core.i18n import language
from core.language.stop_words import stop_words
from core.language.words import count_words, pieces, words

FEW_WORDS = 3
"""Telling words below which a question leans on what was said before."""
MAX_QUESTIONS = 3
"""Earlier questions that are taken together until they say what they are about."""

_POINTERS = frozenset(
    "it its they them their this that these those he she him ones there "
    "ihn ihm dies dieses davon damit dafür dort ils elles ça cela celui celle "
    "eso esto él ella ellos ellas isto isso ele ela eles elas esso essa questo quello "
    "hij zij ze dit daarvan daarmee он она оно они это".split()
)
"""Pronouns that are nothing else, in the languages of the bot's own sentences that have blanks."""


def previous_question(question: Question) -> str:
    """Return the question before this one, empty if there is none.

    Where that says little ("thanks, and on Windows?"), the ones before it come first, until there is a topic.
    """
    asked = [turn.content for turn in question.history if turn.role == "user"]
    taken: list[str] = []
    while asked and len(taken) < MAX_QUESTIONS and not (taken and telling_words("\n".join(taken)) >= FEW_WORDS):
        taken.insert(0, asked.pop())
    return "\n".join(taken)


def leans_on_history(question: Question) -> bool:
    """Return whether a question follows others and cannot be understood without them."""
    return bool(question.history) and (telling_words(question.text) < FEW_WORDS or _points(question.text))


def lacks_context(question: Question) -> bool:
    """Return whether a first question speaks of something that it does not name: "Can I return it?"."""
    return not question.history and telling_words(question.text) < FEW_WORDS and _points(question.text)


def telling_words(text: str) -> int:
    """Count the distinct words of a text that are not stop words."""
    ignored = stop_words("en") | stop_words(language())
    telling = {piece: count_words(piece) if unspaced else 1 for piece, unspaced in pieces(text)}
    return sum(count for piece, count in telling.items() if piece not in ignored)


def _points(text: str) -> bool:
    return not _POINTERS.isdisjoint(words(text))
