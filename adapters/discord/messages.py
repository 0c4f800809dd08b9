"""Message content, buttons and forms as Discord's JSON. All functions are pure."""

from collections.abc import Sequence
from typing import Any

import discord
from discord import ui

from adapters.discord.escaping import cut_message, plain, shorten
from core.chat import texts
from core.chat.answer_details import (
    LEFT_OUT_HEADING,
    UNDERSTOOD_HEADING,
    USED_HEADING,
    answer_details,
    date_of,
    fit_rows,
    score_text,
    sources_of,
)
from core.domain import Answer, ScoredPassage, StoredQuestion
from core.errors import FootnotedError
from core.i18n import N_, gettext, ngettext

GREETING = N_(
    "Ask me something, and I answer from the posts, with footnotes.\n"
    "- `/ask` answers here; with `private: True`, only you see the answer.\n"
    "- Mention {bot}, reply to one of my answers, or send me a direct message.\n"
    "- `/sources` lists what I answer from, and `/forget` makes me forget what was asked here.\n"
    "- Delete your question to stop its answer, or edit it to get a new one."
)

MAX_TITLE = 120
MAX_URL = 500
"""Characters; a longer address is left out and only its title is shown."""
MAX_QUOTE = 200
MAX_LABEL = 80
MAX_BUTTON_ROWS = 5
MAX_PASSAGES = 5
"""Passages in each list of an explanation."""
MAX_LIST, MAX_LIST_ROWS = 1_700, 40
"""Characters and rows of a list, to which headings, bullets and line ends are added."""
MAX_REASON = 1_000
FORM_TIMEOUT = 900.0
"""Seconds after which discord.py forgets a form that was not sent."""

UP, DOWN, WHY, AGAIN, REASON, EXAMPLE, CANCEL = "up", "down", "why", "again", "reason", "example", "cancel"
"""Actions of buttons."""

REASON_FIELD = "reason"
"""The custom id of the form's text field, and the option of a sent form that holds its text."""

Json = dict[str, Any]


def custom_id(action: str, subject: str) -> str:
    """Return the custom id of a button or form. Never change its format: buttons on old messages still use it."""
    return f"footnoted:{action}:{subject}"


def _split_custom_id(component: Json) -> tuple[str, str]:
    action, _, subject = str(component.get("custom_id", "")).removeprefix("footnoted:").partition(":")
    return action, subject


def question_id_of(rows: Sequence[Json]) -> str:
    """Return the id of a question from the buttons under its answer or failure; an empty string for other buttons."""
    buttons = (button for row in rows for button in row.get("components") or ())
    return next((subject for action, subject in map(_split_custom_id, buttons) if action in {WHY, AGAIN}), "")


def message_content(text: str, *rows: Json) -> Json:
    """Return a message's content, which replaces the previous one as a whole."""
    return {"content": text, "components": list(rows)}


def answer_buttons(question_id: str, rated: bool = True) -> Json:
    """Return the buttons to rate and explain an answer."""
    rating = (_button(custom_id(UP, question_id), emoji="👍"), _button(custom_id(DOWN, question_id), emoji="👎"))
    why = _button(custom_id(WHY, question_id), gettext(texts.WHY_LABEL))
    return _row(*(rating if rated else ()), why)


def again_button(question_id: str) -> Json:
    """Return the button under a failed answer."""
    return _row(_button(custom_id(AGAIN, question_id), gettext(texts.AGAIN_LABEL)))


def reason_button(question_id: str) -> Json:
    """Return the button that opens the form for a reason."""
    return _row(_button(custom_id(REASON, question_id), gettext(texts.REASON_BUTTON)))


def cancel_button() -> Json:
    """Return the button that cancels the run."""
    return _row(_button(custom_id(CANCEL, "run"), gettext(texts.CANCEL_LABEL)))


def reason_form(question_id: str) -> ui.Modal:
    """Return the form that asks what was wrong with an answer.

    Its custom id contains the question's id, so any process can handle it.
    """
    form = ui.Modal(title=gettext(texts.REASON_TITLE), custom_id=custom_id(REASON, question_id), timeout=FORM_TIMEOUT)
    field: ui.TextInput[Any] = ui.TextInput(
        label=gettext(texts.REASON_LABEL),
        style=discord.TextStyle.paragraph,
        custom_id=REASON_FIELD,
        max_length=MAX_REASON,
        placeholder=gettext(texts.REASON_PLACEHOLDER),
    )
    form.add_item(field)
    return form


def read_form(data: Any) -> tuple[str, str] | None:
    """Return the question's id and the reason in a sent form; None for other forms."""
    action, question_id = _split_custom_id(data)
    return (question_id, _reason(data.get("components") or ())) if action == REASON else None


def _reason(components: Any) -> str:
    """Find the reason field in rows (`components`) or labels (`component`)."""
    for component in components:
        if component.get("custom_id") == REASON_FIELD:
            return str(component.get("value") or "")
        if found := _reason(component.get("components") or [part for part in [component.get("component")] if part]):
            return found
    return ""


def source_list(answer: Answer) -> str:
    """Return the sources, or the nearest posts, as small print. At most 1,900 characters, to fit a message alone."""
    listed = sources_of(answer)
    rows = [f"{mark}{_link(footnote.title, footnote.url)}{date_of(footnote)}" for mark, footnote in listed.rows]
    lines = [f"**{listed.heading}**", *fit_rows(rows, MAX_LIST, MAX_LIST_ROWS)]
    return "\n".join(f"-# {line}" for line in lines) if rows else ""


def quote(question: str) -> str:
    """Return a question as one quoted line."""
    return f"> {plain(shorten(question, MAX_QUOTE))}"


def failure(error: FootnotedError) -> str:
    """Return the error's sentence and id."""
    return f"⚠️ {plain(error.translated_message)}  `{error.id}`"


def greeting(bot_id: str, examples: Sequence[str]) -> Json:
    """Return the help, with a button per example; a button's label is the question."""
    text = gettext(GREETING).format(bot=f"<@{bot_id}>")
    fitting = [example for example in examples if 0 < len(example.strip()) <= MAX_LABEL][:MAX_BUTTON_ROWS]
    rows = [_row(_button(custom_id(EXAMPLE, str(at)), example)) for at, example in enumerate(fitting)]
    return message_content(f"{text}\n\n{gettext(texts.FOR_EXAMPLE)}" if rows else text, *rows)


def posts_by_source(posts: dict[str, int]) -> str:
    """Return the indexed sources with their numbers of posts, one per line."""
    if not posts:
        return gettext("Nothing has been indexed yet.")
    rows = [
        plain(shorten(source, MAX_TITLE)) + ": " + ngettext("{count} post", "{count} posts", count)
        for source, count in posts.items()
    ]
    return _bulleted(N_("What I answer from"), fit_rows(rows, MAX_LIST, MAX_LIST_ROWS))


def explanation(stored: StoredQuestion) -> str:
    """Return how an answer was made."""
    details = answer_details(stored)
    if details is None:
        return gettext(texts.NOT_ANSWERED)
    parts = [
        f"**{gettext(UNDERSTOOD_HEADING)}**\n{plain(shorten(details.understood, 300))}",
        f"{details.relevance}\n{details.support}".rstrip(),
        _bulleted(USED_HEADING, _passages(details.used)),
        _bulleted(LEFT_OUT_HEADING, _passages(details.left_out)),
        f"-# {details.footer}",
    ]
    return cut_message("\n\n".join(part for part in parts if part))


def _row(*buttons: Json) -> Json:
    return {"type": discord.ComponentType.action_row.value, "components": list(buttons)}


def _button(id_: str, label: str = "", emoji: str = "") -> Json:
    shown: Json = {"label": shorten(label, MAX_LABEL)} if label else {}
    kind, style = discord.ComponentType.button.value, discord.ButtonStyle.secondary.value
    icon: Json = {"emoji": {"name": emoji}} if emoji else {}
    return {"type": kind, "style": style, "custom_id": id_, **shown, **icon}


def _link(title: str, url: str) -> str:
    """Return a post's title, linked to its web address or followed by its file name."""
    shown = plain(shorten(title, MAX_TITLE))
    if not url.startswith(("http://", "https://")):
        return f"{shown} ({plain(shorten(url, MAX_TITLE))})"
    url = "%20".join(url.split())
    for sign, escaped in (("<", "%3C"), (">", "%3E"), ("(", "%28"), (")", "%29")):
        url = url.replace(sign, escaped)
    return f"[{shown}](<{url}>)" if len(url) <= MAX_URL else shown


def _passages(hits: Sequence[ScoredPassage]) -> list[str]:
    rows = [
        plain(shorten(hit.passage.title, 80))
        + (f" › {plain(shorten(hit.passage.heading, 60))}" if hit.passage.heading else "")
        + f" ({score_text(hit)})"
        for hit in hits
    ]
    return fit_rows(rows, MAX_LIST, MAX_PASSAGES)


def _bulleted(heading: str, rows: Sequence[str]) -> str:
    return "\n".join([f"**{gettext(heading)}**", *(f"- {row}" for row in rows)]) if rows else ""
