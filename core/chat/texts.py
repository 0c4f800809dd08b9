"""Sentences and labels that users read on every chat platform, in Markdown; `gettext` translates them where they are
shown."""

from core.errors import FootnotedError, QuestionTooLongError
from core.i18n import N_, gettext, number

SEARCHING = N_("Searching the posts…")
THINKING = N_("Thinking…")
FOR_EXAMPLE = N_("For example:")

WHY_LABEL = N_("Why this answer?")
AGAIN_LABEL = N_("Try again")
SHARE_LABEL = N_("Share in channel")
CANCEL_LABEL = N_("Cancel")

QUESTION_UNKNOWN = N_("I no longer remember this question. Please ask it again.")
CONVERSATION_FORGOTTEN = N_("I have forgotten this conversation.")
THREAD_FORGOTTEN = N_("I have forgotten this conversation. Mention me to ask something new here.")
CHANNEL_FORGOTTEN = N_("I have forgotten everything asked here, including in this channel's threads.")
NOT_YOUR_QUESTION = N_("Only the person who asked can retry this.")
ALREADY_SHARED = N_("This answer has been shared already.")
DETAILS_LABEL = N_("Show details")
NOT_ANSWERED = N_("This question was not answered, so there is nothing to explain.")

THANKS = N_("Thank you for the feedback.")
REASON_OFFER = N_("Thank you. Would you like to say what was wrong? The people who run this bot will read it.")
REASON_BUTTON = N_("Say what was wrong")
REASON_TITLE = N_("What was wrong?")
REASON_LABEL = N_("What was wrong with this answer?")
REASON_PLACEHOLDER = N_("It is out of date; it misses the point; …")
REASON_SAVED = N_("Thank you. Your feedback has been saved.")

RUN_CANCELLING = N_("The run is being cancelled.")
NO_RUN = N_("No run is in progress.")


def can_retry(error: FootnotedError) -> bool:
    """Return whether the same question may be answered when it is asked again."""
    return not isinstance(error, QuestionTooLongError)


def failure_text(error: FootnotedError) -> str:
    """Return the sentence of an error with the id under which the log has it."""
    return f"{error.translated_message} ({error.id})"


def more_text(count: int) -> str:
    """Return how many rows of a list are left out."""
    return gettext("… and {count} more").format(count=number(count))


def asked_elsewhere_text(channel: str, remedy: str) -> str:
    """Return the direct message to a user whose channel the bot may not write in; `channel` is its id."""
    return gettext("You asked me in {channel}.").format(channel=f"<#{channel}>") + f" {remedy}"
