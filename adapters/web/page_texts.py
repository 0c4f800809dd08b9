"""The page in the reader's language: the server fills its frame and hands its scripts their sentences."""

import html
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from string import Template

from core.i18n import N_, gettext, language, ngettext

PAGE = Path(__file__).parent / "page"
# Read here rather than with the first request, which is within the event loop.
_FRAME = Template((PAGE / "index.html").read_text(encoding="utf-8"))

FRAME = {
    "description": N_("Answers from the posts, with footnotes to their sources."),
    "new_conversation": N_("New conversation"),
    "motto": N_("Ask the posts."),
    "promise": N_("Every answer has footnotes to the posts it is based on."),
    "example_questions": N_("Example questions"),
    "conversation": N_("Conversation"),
    "requires_scripts": N_("This page requires JavaScript."),
    "your_question": N_("Your question"),
    "ask_a_question": N_("Ask a question"),
    "ask": N_("Ask"),
    "stop": N_("Stop"),
    "keys": N_("Press Enter to send, Shift+Enter for a new line, Escape to stop an answer."),
    "reading_posts": N_("Reading posts"),
    "close": N_("Close"),
    "token_required": N_("This bot requires a token"),
    "token_hint": N_("Ask the person who runs it. The token is kept until you close this tab."),
    "token": N_("Token"),
    "continue_": N_("Continue"),
}
"""The `$names` in index.html."""

SENTENCES = {
    "searching": N_("Searching the posts…"),
    "reading": N_("Reading {titles}…"),
    "readingMore": N_("Reading {titles} and {count} more…"),
    "thinking": N_("Thinking…"),
    "connectionLost": N_("The connection was lost."),
    "stopped": N_("You stopped this answer."),
    "newConversation": N_("New conversation."),
    "notDeleted": N_("The server could not delete the previous conversation."),
    "notReached": N_("The server could not be reached to delete the previous conversation."),
    "notResponding": N_("The server is not responding yet."),
    "serverError": N_("The server returned an error ({status})."),
    "offline": N_("Offline mode: answers are quoted from the posts without a language model."),
    "noPosts": N_("No posts have been read yet."),
    "basedOn": N_("Answers are based on {posts} and written by {model}."),
    "readingSource": N_("Reading {source}: {amount}. You can already ask questions."),
    "amountOf": N_("{read} of {posts}"),
    "unread": N_("{count} could not be read"),
    "finishedReading": N_("Finished reading. {posts}."),
    "copy": N_("Copy"),
    "copied": N_("Copied"),
    "copyFailed": N_("Copy failed"),
    "copyAnswer": N_("Copy this answer with its footnotes"),
    "reference": N_("Reference {id}"),
    "tryAgain": N_("Try again"),
    "seconds": N_("{seconds} s"),
    "footnote": N_("Footnote {number}: {title}"),
    "footnotesLabel": N_("Footnotes"),
    "nearest": N_("Nearest posts"),
    "opening": N_("Opening…"),
    "notOpened": N_("This post could not be opened."),
    "tokenRequired": N_("This bot requires a token."),
    "tokenWrong": N_("This token is not correct."),
    "tokenForm": N_("A token consists of ASCII letters, digits and punctuation, without spaces."),
}
"""What the scripts show, by the names that they use."""


_SAMPLES = {"one": 1, "few": 2, "many": 5, "other": 5}
"""A number of each of the plural categories of Unicode, for whole numbers of the languages that the bot speaks."""


def index_html() -> str:
    """Return the page in the current language."""
    return _index_html(language())


@lru_cache
def _index_html(language: str) -> str:
    texts = {name: html.escape(gettext(text)) for name, text in FRAME.items()}
    return _FRAME.substitute(texts, language=language, texts=json.dumps(_sentences()).replace("<", "\\u003c"))


def _sentences() -> dict[str, object]:
    return {
        **{name: gettext(text) for name, text in SENTENCES.items()},
        "posts": _forms(lambda count: ngettext("{count} post", "{count} posts", count)),
        "footnotes": _forms(lambda count: ngettext("{count} footnote", "{count} footnotes", count)),
    }


def _forms(text_of: Callable[[int], str]) -> dict[str, str]:
    """Return the text of each plural category, with `{count}` in place of the number."""
    return {category: text_of(count).replace(str(count), "{count}") for category, count in _SAMPLES.items()}
