"""What the bot's messages are made of, as Slack's blocks. All of it is pure."""

from collections.abc import Sequence
from typing import Any

from adapters.slack.escaping import escape, neutralize_mentions
from core.domain import Answer, Footnote, ScoredPassage, StoredQuestion
from core.errors import FootnotedError

Block = dict[str, Any]

FEEDBACK = "feedback"
WHY = "why"
AGAIN = "again"
SHARE = "share"
REASON = "reason"
EXAMPLE = "example"
CANCEL = "cancel_reindex"
"""Names of actions: what a button does. Its value says for which question. Where several buttons of one message do the
same, each has a number behind its action's name."""

LONGEST_SECTION = 3_000
LONGEST_SOURCES = 2_000
"""Characters of all sources together: they share their message with text, and Slack takes some 13,000 in all."""
LONGEST_MATCHES = 2_800
"""Characters of the passages in one section."""
LONGEST_UNDERSTOOD = 2_500
LONGEST_TITLE = 120
LONGEST_BUTTON = 75
LONGEST_VALUE = 2_000
MOST_SHOWN = 8


def markdown(text: str) -> Block:
    """A part of an answer; up to 12,000 characters in one message."""
    return {"type": "markdown", "text": text}


def sources(answer: Answer) -> list[Block]:
    """Where the answer comes from, or the nearest posts, in one small line each."""
    listed, head = (answer.footnotes, "Sources") if answer.footnotes else (answer.nearest, "Nearest posts")
    if not listed:
        return []
    rows = [_source(footnote, numbered=bool(answer.footnotes)) for footnote in listed]
    return [context("\n".join([f"*{head}*", *_that_fit(rows, LONGEST_SOURCES)]))]


def answer_buttons(question_id: str, shareable: bool = False) -> list[Block]:
    """Two thumbs, and why. The block's name says that the answer above it is whole."""
    why = button("Why this answer?", WHY, question_id)
    share = [button("Share in channel", SHARE, question_id, style="primary")] if shareable else []
    return [
        {
            "type": "context_actions",
            "block_id": whole(question_id),
            "elements": [
                {
                    "type": "feedback_buttons",
                    "action_id": FEEDBACK,
                    "positive_button": {
                        "text": plain("Good answer"),
                        "value": f"up:{question_id}",
                        "accessibility_label": "This answer was good",
                    },
                    "negative_button": {
                        "text": plain("Bad answer"),
                        "value": f"down:{question_id}",
                        "accessibility_label": "This answer was bad",
                    },
                }
            ],
        },
        {"type": "actions", "block_id": f"more:{question_id}", "elements": [*share, why]},
    ]


def whole(question_id: str) -> str:
    """The name of the block that ends a finished answer."""
    return f"answer:{question_id}"


def failure(error: FootnotedError, question_id: str, question_ts: str = "") -> list[Block]:
    """One calm sentence, its id, and a way to ask again: which question, and the message in which it was asked."""
    sentence = f":warning: {escape(error.user_message)}  `{error.id}`"
    return [
        section(sentence),
        {
            "type": "actions",
            "block_id": whole(question_id),
            "elements": [button("Try again", AGAIN, f"{question_id}:{question_ts}")],
        },
    ]


def limited(error: FootnotedError, question_id: str, question_ts: str) -> list[Block]:
    """For one person alone: they ask more than the limit."""
    again = button("Try again", AGAIN, f"{question_id}:{question_ts}")
    return [section(f"{escape(error.user_message)}  `{error.id}`"), {"type": "actions", "elements": [again]}]


def reason_offer(question_id: str) -> list[Block]:
    """After a thumb down."""
    return [
        section("Thank you. Would you say what was wrong? Whoever looks after this bot will read it."),
        {"type": "actions", "elements": [button("Say what was wrong", REASON, question_id)]},
    ]


def reason_form(question_id: str) -> Block:
    """The window in which a reason is written."""
    return {
        "type": "modal",
        "callback_id": REASON,
        "private_metadata": question_id,
        "title": plain("What was wrong?"),
        "submit": plain("Send"),
        "close": plain("Cancel"),
        "blocks": [
            {
                "type": "input",
                "block_id": REASON,
                "label": plain("A word on the answer"),
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON,
                    "multiline": True,
                    "max_length": 1_000,
                    "placeholder": plain("It is out of date; it misses the point; …"),
                },
            }
        ],
    }


def greeting(me: str, examples: Sequence[str]) -> list[Block]:
    """A short help, for a mention without a question."""
    lines = [
        f"Hello. Ask me something, and I answer from the posts, with footnotes: mention <@{me}> in a channel, write to "
        "me directly, or use `/ask`. In a thread that I am in, no further mention is needed.",
    ]
    rows = [button(example, f"{EXAMPLE}:{place}", example) for place, example in enumerate(examples[:MOST_SHOWN])]
    return [
        section("\n".join(lines)),
        *([context("For example:"), {"type": "actions", "elements": rows}] if rows else []),
    ]


def why(remembered: StoredQuestion) -> list[Block]:
    """How an answer was made, for whoever wants to know."""
    answer = remembered.answer
    if answer is None or answer.trace is None:
        return [section("This question was not answered, so there is nothing to tell.")]
    workings = answer.trace
    understood = _words(workings.understood)
    asked = f"*Understood as*\n{_cut(understood, LONGEST_UNDERSTOOD)}"
    relevance = f"The posts are about it with a certainty of {workings.relevance:.0%}."
    return [
        section(f"{asked}\n{relevance}"),
        *_matches("Answered from", workings.given),
        *_matches("Found, and left out", workings.left_out),
        context(f"{_steps(answer.timings_ms)} · {answer.tokens:,} tokens · `{remembered.question.id}`"),
    ]


def _matches(head: str, matches: Sequence[ScoredPassage]) -> list[Block]:
    if not matches:
        return []
    rows = [
        f"• {_link(match.passage.title, match.passage.url)}"
        + (f" › {_words(_short(match.passage.heading))}" if match.passage.heading else "")
        + f"  _{match.score:.2f}: meaning {match.vector_score:.2f}, words {match.text_score:.2f}_"
        for match in matches
    ]
    return [section("\n".join([f"*{head}*", *_that_fit(rows, LONGEST_MATCHES, MOST_SHOWN)]))]


def _that_fit(rows: Sequence[str], longest: int, most: int | None = None) -> list[str]:
    """Whole rows, as many as there is room for, and how many there are beyond."""
    kept: list[str] = []
    for row in rows[:most]:
        if sum(map(len, kept)) + len(row) > longest:
            break
        kept.append(row)
    return kept if len(kept) == len(rows) else [*kept, f"… and {len(rows) - len(kept)} more"]


def _steps(timings_ms: dict[str, float]) -> str:
    names = {"found": "found", "first_token": "first words", "total": "whole answer"}
    steps = (f"{names.get(step, step)} after {ms / 1000:.2f} s" for step, ms in timings_ms.items())
    return ", ".join(steps).capitalize()


def _source(footnote: Footnote, numbered: bool) -> str:
    mark = f"[{footnote.number}] " if numbered else "• "
    return mark + _link(footnote.title, footnote.url)


def _link(title: str, url: str) -> str:
    """A post by its title, as a link when it has a web address."""
    title = _words(_short(title))
    if not url.startswith(("http://", "https://")):
        return title
    return f"<{escape(url).replace('|', '%7C')}|{title}>"


def _short(text: str) -> str:
    return _cut(" ".join(text.split()), LONGEST_TITLE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _words(text: str) -> str:
    """What a post or a person wrote, as mrkdwn that is nothing but words."""
    return escape(neutralize_mentions(text))


def words(blocks: Sequence[Block]) -> str:
    """The first paragraph of some blocks, for a notification."""
    return next((block["text"]["text"] for block in blocks if block["type"] == "section"), "")


def section(text: str) -> Block:
    """A paragraph of mrkdwn; what is too long for one ends with an ellipsis."""
    return {"type": "section", "text": _mrkdwn(_cut(text, LONGEST_SECTION))}


def context(text: str) -> Block:
    """Small grey text."""
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _mrkdwn(text: str) -> Block:
    """Verbatim: Slack would look for channels and people in plain words, too."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def button(text: str, action: str, value: str, style: str = "") -> Block:
    """A button that names its action, and in its value for what."""
    return {
        "type": "button",
        "text": plain(_cut(text, LONGEST_BUTTON)),
        "action_id": action,
        "value": value[:LONGEST_VALUE],
        **({"style": style} if style else {}),
    }


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}
