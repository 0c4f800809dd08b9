"""The emoji that the bot reacts with, in one place; `[emoji]` in footnoted.toml replaces them."""

from collections.abc import Mapping
from typing import Literal

EmojiName = Literal["working", "unanswered", "thanks", "greeting", "farewell", "reaction", "warning"]
"""`working`: where no status can be shown; `unanswered`: a question that was noted; the next four answer small talk."""

DEFAULT_EMOJI: Mapping[str, str] = {
    "working": "👀",
    "unanswered": "👀",
    "thanks": "❤️",
    "greeting": "👋",
    "farewell": "👋",
    "reaction": "👍",
    "warning": "⚠️",
}

_SHORT_NAMES = {
    "👀": "eyes",
    "❤": "heart",
    "👋": "wave",
    "👍": "+1",
    "👎": "-1",
    "⚠": "warning",
    "🙏": "pray",
    "🙌": "raised_hands",
    "👏": "clap",
    "👌": "ok_hand",
    "💪": "muscle",
    "🫡": "saluting_face",
    "😊": "blush",
    "🙂": "slightly_smiling_face",
    "😀": "grinning",
    "🤗": "hugging_face",
    "🎉": "tada",
    "✅": "white_check_mark",
    "✔": "heavy_check_mark",
    "❌": "x",
    "❓": "question",
    "❗": "exclamation",
    "🔍": "mag",
    "⏳": "hourglass_flowing_sand",
    "💭": "thought_balloon",
    "💡": "bulb",
    "📌": "pushpin",
    "📚": "books",
    "🤖": "robot_face",
    "🚨": "rotating_light",
    "⭐": "star",
    "🌱": "seedling",
}


def short_name(emoji: str) -> str:
    """Return Slack's name of an emoji; a name, such as that of a workspace's own emoji, stays as it is."""
    return _SHORT_NAMES.get(emoji.replace("\ufe0f", ""), emoji.strip(":"))
