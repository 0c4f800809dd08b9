"""What the bot's messages are made of: texts, buttons and forms as Discord's JSON. All of it is pure."""

from collections.abc import Sequence
from typing import Any

from adapters.discord.escaping import plain, short
from core.domain import Answer, Footnote, ScoredPassage, StoredQuestion
from core.errors import FootnotedError

LONGEST = 2_000
"""Characters of a message."""
LONGEST_TITLE = 120
LONGEST_ADDRESS = 500
"""Characters; the address of a source beyond that is left out, its title stays."""
LONGEST_LABEL = 80
MOST_SHOWN = 5

UP, DOWN, WHY, AGAIN, REASON, EXAMPLE, CANCEL = "up", "down", "why", "again", "reason", "example", "cancel"
"""What a button does."""

FORGOTTEN = "I have forgotten what was asked here, and in the threads of this channel as well."
UNKNOWN = "I do not remember this question any more; please ask it again."
NOT_YOURS = "Only who asked may ask again here; please put the question yourself."
THANKS = "Thank you for the feedback."
OFFER = "Thank you. Would you say what was wrong? Whoever looks after this bot will read it."
NOTED = "Thank you, that was noted."

Json = dict[str, Any]


def custom_id(action: str, subject: str) -> str:
    """The name of a button, the same for ever: what it does, and for what."""
    return f"footnoted:{action}:{subject}"


def subject_of(components: Sequence[Json]) -> str:
    """The question whose answer has these buttons; nothing when they are none of an answer."""
    for row in components:
        for button in row.get("components") or ():
            action, _, subject = str(button.get("custom_id", "")).removeprefix("footnoted:").partition(":")
            if action in {UP, AGAIN}:
                return subject
    return ""


def message(text: str, *rows: Json) -> Json:
    """A message's content; what stood there before is replaced as a whole."""
    return {"content": text, "components": list(rows)}


def answer_buttons(question_id: str) -> Json:
    """Two thumbs, and why."""
    return row(
        button(custom_id(UP, question_id), emoji="👍"),
        button(custom_id(DOWN, question_id), emoji="👎"),
        button(custom_id(WHY, question_id), "Why this answer?"),
    )


def again_button(question_id: str) -> Json:
    return row(button(custom_id(AGAIN, question_id), "Try again"))


def reason_button(question_id: str) -> Json:
    return row(button(custom_id(REASON, question_id), "Say what was wrong"))


def cancel_button() -> Json:
    return row(button(custom_id(CANCEL, "run"), "Cancel"))


def example_buttons(examples: Sequence[str]) -> list[Json]:
    """A button for each example; its label is the question."""
    fitting = [example for example in examples if 0 < len(example.strip()) <= LONGEST_LABEL][:MOST_SHOWN]
    return [row(button(custom_id(EXAMPLE, str(at)), example)) for at, example in enumerate(fitting)]


def sources(answer: Answer) -> str:
    """Where the answer comes from, or the nearest posts: small lines for the end of a message. At most 1,900
    characters, so that they fit into a message of their own."""
    listed, head = (answer.footnotes, "Sources") if answer.footnotes else (answer.nearest, "Nearest posts")
    if not listed:
        return ""
    lines = [f"-# **{head}**"]
    for footnote in listed:
        line = f"-# {_source(footnote, bool(answer.footnotes))}"
        if sum(map(len, lines)) + len(lines) + len(line) > LONGEST - 100:
            return "\n".join([*lines, f"-# … and {len(listed) - len(lines) + 1} more"])
        lines.append(line)
    return "\n".join(lines)


def failure(error: FootnotedError) -> str:
    """One calm sentence and its id."""
    return f"⚠️ {plain(error.user_message)}  `{error.id}`"


def greeting(me: str, examples: Sequence[str]) -> Json:
    """A short help, for a mention without a question and for /help."""
    text = (
        "Ask me something, and I answer from the posts, with footnotes.\n"
        f"- `/ask` answers here; with `private: True` only you see the answer.\n"
        f"- Mention <@{me}>, reply to one of my answers, or write to me directly.\n"
        "- `/sources` lists what I have read, and `/forget` makes me forget what was asked here.\n"
        "- Delete your question to stop its answer; edit it, and I answer anew."
    )
    rows = example_buttons(examples)
    return message(f"{text}\n\nFor example:" if rows else text, *rows)


def holdings(posts: dict[str, int]) -> str:
    """What has been read, one line a source."""
    if not posts:
        return "Nothing has been read yet."
    lines = ["**What I answer from**"]
    for source, count in posts.items():
        line = f"- {plain(short(source, LONGEST_TITLE))}: {count:,} post{'' if count == 1 else 's'}"
        if sum(map(len, lines)) + len(lines) + len(line) > LONGEST - 100:
            return "\n".join([*lines, f"- … and {len(posts) - len(lines) + 1} more"])
        lines.append(line)
    return "\n".join(lines)


def why(remembered: StoredQuestion) -> str:
    """How an answer was made, for whoever wants to know."""
    answer = remembered.answer
    if answer is None or answer.trace is None:
        return "This question was not answered, so there is nothing to tell."
    workings = answer.trace
    parts = [
        f"**Understood as**\n{plain(short(workings.understood, 300))}",
        f"The posts are about it with a certainty of {workings.relevance:.0%}.",
        _matches("Answered from", workings.given),
        _matches("Found, and left out", workings.left_out),
        f"-# {_steps(answer.timings_ms)} · {answer.tokens:,} tokens · `{remembered.question.id}`",
    ]
    return "\n\n".join(part for part in parts if part)[:LONGEST]


def row(*buttons: Json) -> Json:
    return {"type": 1, "components": list(buttons)}


def button(name: str, label: str = "", emoji: str = "") -> Json:
    shown: Json = {"label": short(label, LONGEST_LABEL)} if label else {}
    return {"type": 2, "style": 2, "custom_id": name, **shown, **({"emoji": {"name": emoji}} if emoji else {})}


def _source(footnote: Footnote, numbered: bool) -> str:
    mark = f"[{footnote.number}] " if numbered else "• "
    return mark + _link(footnote.title, footnote.url)


def _link(title: str, url: str) -> str:
    """A post by its title, as a link when it has a web address; its name in the folder when it has none."""
    shown = plain(short(title, LONGEST_TITLE))
    if not url.startswith(("http://", "https://")):
        return f"{shown} ({plain(short(url, LONGEST_TITLE))})"
    url = "%20".join(url.split())
    for sign, escaped in (("<", "%3C"), (">", "%3E"), ("(", "%28"), (")", "%29")):
        url = url.replace(sign, escaped)
    return f"[{shown}](<{url}>)" if len(url) <= LONGEST_ADDRESS else shown


def _matches(head: str, matches: Sequence[ScoredPassage]) -> str:
    if not matches:
        return ""
    rows = [
        f"- {plain(short(match.passage.title, 80))}"
        + (f" › {plain(short(match.passage.heading, 60))}" if match.passage.heading else "")
        + f" ({match.score:.2f}: meaning {match.vector_score:.2f}, words {match.text_score:.2f})"
        for match in matches[:MOST_SHOWN]
    ]
    more = [f"- … and {len(matches) - MOST_SHOWN} more"] if len(matches) > MOST_SHOWN else []
    return "\n".join([f"**{head}**", *rows, *more])


def _steps(timings_ms: dict[str, float]) -> str:
    names = {"found": "found", "first_token": "first words", "total": "whole answer"}
    steps = (f"{names.get(step, step)} after {ms / 1000:.2f} s" for step, ms in timings_ms.items())
    return ", ".join(steps).capitalize()
