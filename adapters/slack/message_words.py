"""The words of messages beside their text: attachments, forwarded messages, and the blocks of other apps."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_CHARS = 2_000
"""Of what a message carries beside its text."""

_OWN_TEXT = ("header", "section", "context", "rich_text", "markdown", "alert", "card")
"""Types of blocks that contain something to read; buttons and pickers do not."""

_IN_LINE = ("text", "link", "user", "usergroup", "channel", "emoji", "broadcast", "date", "color", "team")
"""Types of the pieces of one line of rich text."""

_EMPHASIS = re.compile(r"(?<![\w*_~`])([*_~`]{1,3})(?=\S)([^*_~`\n]+)(?<=\S)\1(?![\w*_~`])")


def words_of(message: Mapping[str, Any]) -> str:
    """Return all that a message says: its text, else its blocks, then its attachments."""
    text = message.get("text") or "\n".join(filter(None, _block_texts(message.get("blocks"))))
    return "\n".join(part for part in (text, attached(message)) if part)[:MAX_CHARS]


def attached(message: Mapping[str, Any]) -> str:
    """Return the words of a message's attachments, such as the messages that it forwards or quotes."""
    attachments = message.get("attachments")
    listed = attachments if isinstance(attachments, list) else []
    return "\n".join(filter(None, map(_attachment_words, listed)))[:MAX_CHARS]


def _attachment_words(attachment: Any) -> str:
    if not isinstance(attachment, Mapping):
        return ""
    parts = [_without_emphasis(_text(attachment.get(name))) for name in ("pretext", "title", "text")]
    parts += [
        f"{_text(field.get('title'))}: {_text(field.get('value'))}"
        for field in attachment.get("fields") or ()
        if isinstance(field, Mapping)
    ]
    if not any(parts[1:]):
        inner = [each.get("message") for each in attachment.get("message_blocks") or () if isinstance(each, Mapping)]
        nested = [attachment.get("blocks"), *(each.get("blocks") for each in inner if isinstance(each, Mapping))]
        parts += ["\n".join(filter(None, _block_texts(blocks))) for blocks in nested]
    said = "\n".join(filter(None, parts)) or _text(attachment.get("fallback"))
    author = _text(attachment.get("author_name") or attachment.get("author_subname"))
    return f"{author}: {said}" if author and said else said


def _block_texts(blocks: Any) -> Iterator[str]:
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") in _OWN_TEXT:
            yield _inner_text(block).strip()


def _inner_text(part: Any) -> str:
    """Return the text of a block or an element, at any depth."""
    match part:
        case str():
            return part
        case {"type": "mrkdwn", "text": str(text)}:
            return _without_emphasis(text)
        case list():
            in_line = all(isinstance(each, Mapping) and each.get("type") in _IN_LINE for each in part)
            return ("" if in_line else "\n").join(filter(None, map(_inner_text, part)))
        case {"type": "user", "user_id": str(user)}:
            return f"<@{user}>"
        case {"type": "emoji", "name": str(name)}:
            return f":{name}:"
        case Mapping():
            own = [_inner_text(part.get(name)) for name in ("title", "text", "fields", "elements")]
            return "\n".join(filter(None, own)) or _text(part.get("url"))
    return ""


def _without_emphasis(mrkdwn: str) -> str:
    """Return mrkdwn without the marks of bold, italic, struck and code."""
    return _EMPHASIS.sub(r"\2", mrkdwn)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
