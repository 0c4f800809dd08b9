"""Sentences and labels that users read on every chat platform, in Markdown."""

from core.errors import FootnotedError

SEARCHING = "Searching the posts…"
FOR_EXAMPLE = "For example:"

WHY_LABEL = "Why this answer?"
AGAIN_LABEL = "Try again"
SHARE_LABEL = "Share in channel"
CANCEL_LABEL = "Cancel"

QUESTION_UNKNOWN = "I no longer remember this question; please ask it again."
CONVERSATION_FORGOTTEN = "I have forgotten this conversation."
CHANNEL_FORGOTTEN = "I have forgotten everything asked here, including in this channel's threads."
NOT_YOUR_QUESTION = "Only the person who asked can retry this."
NOT_ANSWERED = "This question was not answered, so there is nothing to explain."

THANKS = "Thank you for the feedback."
REASON_OFFER = "Thank you. Would you say what was wrong? The people who run this bot will read it."
REASON_BUTTON = "Say what was wrong"
REASON_TITLE = "What was wrong?"
REASON_LABEL = "What was wrong with this answer?"
REASON_PLACEHOLDER = "It is out of date; it misses the point; …"
REASON_SAVED = "Thank you; your feedback has been saved."

RUN_CANCELLING = "The run is being cancelled."
NO_RUN = "No run is in progress."


def failure_text(error: FootnotedError) -> str:
    """Return the sentence of an error with the id under which the log has it."""
    return f"{error.user_message} ({error.id})"


def asked_elsewhere_text(channel: str, remedy: str) -> str:
    """Return the direct message to a user whose channel the bot may not write in; `channel` is its id."""
    return f"You asked me in <#{channel}>. {remedy}"
