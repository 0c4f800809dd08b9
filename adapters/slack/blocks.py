"""The Block Kit blocks of the bot's messages; pure functions."""

from collections.abc import Sequence
from typing import Any

from adapters.slack.escaping import escape, neutralize_mentions
from core.chat import texts
from core.chat.answer_details import (
    LEFT_OUT_HEADING,
    UNDERSTOOD_HEADING,
    USED_HEADING,
    answer_details,
    answer_summary,
    date_of,
    fit_rows,
    score_text,
    sources_of,
)
from core.domain import Answer, ScoredPassage, StoredQuestion
from core.errors import FootnotedError
from core.i18n import N_, gettext

Block = dict[str, Any]

GREETING = N_(
    "Hello! Ask me something, and I answer from the posts, with footnotes: mention {bot} in a channel, send me a "
    "direct message, or use `/ask`. You don't need to mention me again in threads where I have answered."
)

FEEDBACK = "feedback"
WHY = "why"
AGAIN = "again"
SHARE = "share"
REASON = "reason"
EXAMPLE = "example"
CANCEL = "cancel_reindex"
DETAILS = "details"
"""Action ids. A button's value tells which question it is about. Where a message has several buttons of one kind,
`:` and a number follow the action id."""

MAX_SECTION = 3_000
MAX_SOURCES = 2_000
"""Characters of all sources together: Slack takes about 13,000 in a message."""
MAX_LIST = 2_800
"""Characters of the passages in one section."""
MAX_UNDERSTOOD = 2_500
MAX_TITLE = 120
MAX_BUTTON = 75
MAX_VALUE = 2_000
MAX_EXAMPLES = 8
MAX_PASSAGES = 8


def markdown(text: str) -> Block:
    """Return a block of Markdown; one message takes up to 12,000 characters."""
    return {"type": "markdown", "text": text}


def sources(answer: Answer) -> list[Block]:
    """Return the sources or the nearest posts, in small print."""
    listed = sources_of(answer)
    if not listed.rows:
        return []
    if not answer.footnotes and not answer.asks_back:
        nearest = " · ".join(_link(footnote.title, footnote.url) for _, footnote in listed.rows)
        return [context(_truncate(f"*{listed.heading}*  {nearest}", MAX_SOURCES))]
    rows = [mark + _link(footnote.title, footnote.url) + date_of(footnote) for mark, footnote in listed.rows]
    return [context("\n".join([f"*{listed.heading}*", *fit_rows(rows, MAX_SOURCES)]))]


def answer_buttons(question_id: str, shareable: bool = False, rated: bool = True) -> list[Block]:
    """Return the rating buttons and “Why this answer?”; a block id marks the answer above as complete."""
    why = button(gettext(texts.WHY_LABEL), WHY, question_id)
    share = [button(gettext(texts.SHARE_LABEL), SHARE, question_id, style="primary")] if shareable else []
    more = {"type": "actions", "elements": [*share, why]}
    if not rated:
        return [{**more, "block_id": answer_block_id(question_id)}]
    return [
        {
            "type": "context_actions",
            "block_id": answer_block_id(question_id),
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": FEEDBACK,
                    "positive_button": {
                        "text": plain(gettext("Good answer")),
                        "value": f"up:{question_id}",
                        "accessibility_label": gettext("This answer was good"),
                    },
                    "negative_button": {
                        "text": plain(gettext("Bad answer")),
                        "value": f"down:{question_id}",
                        "accessibility_label": gettext("This answer was bad"),
                    },
                }
            ],
        },
        {**more, "block_id": f"more:{question_id}"},
    ]


def answer_block_id(question_id: str) -> str:
    """Return the id of the block that ends a finished answer."""
    return f"answer:{question_id}"


def failure(error: FootnotedError, question_id: str, question_ts: str = "", warning: str = "warning") -> list[Block]:
    """Return an error, with a button to try again unless that is of no use."""
    told = section(f":{warning}: {error_text(error)}")
    if not texts.can_retry(error):
        return [{**told, "block_id": answer_block_id(question_id)}]
    return [told, *again(question_id, question_ts)]


def again(question_id: str, question_ts: str) -> list[Block]:
    """Return the button to try again, below a message that is complete."""
    return [{**_actions(_again_button(question_id, question_ts)), "block_id": answer_block_id(question_id)}]


def rate_limited(error: FootnotedError, question_id: str, question_ts: str) -> list[Block]:
    """Return the error of a user who asks too often, which only they see."""
    return [section(error_text(error)), _actions(_again_button(question_id, question_ts))]


def error_text(error: FootnotedError) -> str:
    """Return an error's sentence and id as mrkdwn."""
    return f"{escape(error.translated_message)}  `{error.id}`"


def reason_offer(question_id: str) -> list[Block]:
    """Return the question that follows a bad rating."""
    offer = _actions(button(gettext(texts.REASON_BUTTON), REASON, question_id))
    return [section(gettext(texts.REASON_OFFER)), offer]


def reason_form(question_id: str, channel: str, thread_ts: str) -> Block:
    """Return the modal view for the reason of a bad rating, which was given in that channel and thread."""
    return {
        "type": "modal",
        "callback_id": REASON,
        "private_metadata": f"{question_id} {channel} {thread_ts}".rstrip(),
        "title": plain(gettext(texts.REASON_TITLE)),
        "submit": plain(gettext("Send")),
        "close": plain(gettext("Cancel")),
        "blocks": [
            {
                "type": "input",
                "block_id": REASON,
                "label": plain(gettext(texts.REASON_LABEL)),
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON,
                    "multiline": True,
                    "max_length": 1_000,
                    "placeholder": plain(gettext(texts.REASON_PLACEHOLDER)),
                },
            }
        ],
    }


def greeting(bot_user: str, examples: Sequence[str]) -> list[Block]:
    """Return the help that answers a mention without a question."""
    return [section(gettext(GREETING).format(bot=f"<@{bot_user}>")), *example_buttons(examples)]


def example_buttons(examples: Sequence[str]) -> list[Block]:
    """Return a button per example question."""
    buttons = [button(example, f"{EXAMPLE}:{at}", example) for at, example in enumerate(examples[:MAX_EXAMPLES])]
    return [context(gettext(texts.FOR_EXAMPLE)), _actions(*buttons)] if buttons else []


def cancel_button() -> Block:
    """Return the button that cancels a reindex run."""
    return _actions(button(gettext(texts.CANCEL_LABEL), CANCEL, "run"))


def explanation(stored: StoredQuestion) -> list[Block]:
    """Return in a few words how an answer was made, with a button for the details."""
    summary = answer_summary(stored)
    if summary is None:
        return [section(gettext(texts.NOT_ANSWERED))]
    lines = [summary.sentence]
    if summary.understood:
        understood = _truncate(_as_words(summary.understood), MAX_UNDERSTOOD)
        lines.insert(0, gettext("I understood: “{question}”").format(question=understood))
    if summary.best:
        lines += [_place_of(summary.best), f"> {_as_words(summary.quote)}" if summary.quote else ""]
    more = _actions(button(gettext(texts.DETAILS_LABEL), DETAILS, stored.question.id))
    return [section("\n".join(filter(None, lines))), more]


def details(stored: StoredQuestion) -> list[Block]:
    """Return all that is known of how an answer was made."""
    found = answer_details(stored)
    if found is None:
        return [section(gettext(texts.NOT_ANSWERED))]
    understood = _truncate(_as_words(found.understood), MAX_UNDERSTOOD)
    return [
        section(f"*{gettext(UNDERSTOOD_HEADING)}*\n{understood}\n{found.relevance}\n{found.support}".rstrip()),
        *_passages(USED_HEADING, found.used),
        *_passages(LEFT_OUT_HEADING, found.left_out),
        context(found.footer),
    ]


def _place_of(hit: ScoredPassage) -> str:
    """Return a passage's post and heading."""
    heading = f" › {_as_words(_one_line(hit.passage.heading))}" if hit.passage.heading else ""
    return _link(hit.passage.title, hit.passage.url) + heading


def _passages(heading: str, hits: Sequence[ScoredPassage]) -> list[Block]:
    if not hits:
        return []
    rows = [f"• {_place_of(hit)}  _{score_text(hit)}_" for hit in hits]
    return [section("\n".join([f"*{gettext(heading)}*", *fit_rows(rows, MAX_LIST, MAX_PASSAGES)]))]


def _link(title: str, url: str) -> str:
    """Return a post's title, linked if it has a web address, else with the name of its file."""
    title = _as_words(_one_line(title))
    if not url.startswith(("http://", "https://")):
        return f"{title} (`{_as_words(_one_line(url))}`)" if url else title
    return f"<{escape(url).replace('|', '%7C')}|{title}>"


def _one_line(text: str) -> str:
    return _truncate(" ".join(text.split()), MAX_TITLE)


def _truncate(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def _as_words(text: str) -> str:
    """Return a post's or user's text as mrkdwn without mentions and markup."""
    return escape(neutralize_mentions(text))


def first_paragraph(blocks: Sequence[Block]) -> str:
    """Return the text of the first section, for a notification."""
    return next((block["text"]["text"] for block in blocks if block["type"] == "section"), "")


def section(text: str) -> Block:
    """Return a paragraph of mrkdwn, truncated to Slack's limit."""
    return {"type": "section", "text": _mrkdwn(_truncate(text, MAX_SECTION))}


def context(text: str) -> Block:
    """Return small grey text."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> Block:
    # Unless it is verbatim, Slack looks for channels and people in plain words.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def button(text: str, action: str, value: str, style: str = "") -> Block:
    """Return a button."""
    return {
        "type": "button",
        "text": plain(_truncate(text, MAX_BUTTON)),
        "action_id": action,
        "value": value[:MAX_VALUE],
        **({"style": style} if style else {}),
    }


def plain(text: str) -> Block:
    """Return a plain text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def _again_button(question_id: str, question_ts: str) -> Block:
    return button(gettext(texts.AGAIN_LABEL), AGAIN, f"{question_id}:{question_ts}")


def _actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}
