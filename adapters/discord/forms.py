"""The form in which somebody says what was wrong with an answer. It is read by its name when it comes back, so that it
does not matter which process opened it."""

from typing import Any

import discord
from discord import ui

from adapters.discord.messages import REASON, custom_id

LONGEST_REASON = 1_000
OPEN_FOR = 900.0
"""Seconds after which discord.py forgets a form that was not sent."""


class ReasonForm(ui.Modal):
    """One field; the question is in the form's name."""

    def __init__(self, question_id: str) -> None:
        super().__init__(title="What was wrong?", custom_id=custom_id(REASON, question_id), timeout=OPEN_FOR)
        field: ui.TextInput[Any] = ui.TextInput(
            label="A word on the answer",
            style=discord.TextStyle.paragraph,
            custom_id=REASON,
            max_length=LONGEST_REASON,
            placeholder="It is out of date; it misses the point; …",
        )
        self.add_item(field)


def read_form(data: Any) -> tuple[str, str] | None:
    """The question's id and the reason in a form that was sent; None for forms of others."""
    kind, _, subject = str(data.get("custom_id", "")).removeprefix("footnoted:").partition(":")
    return (subject, _value(data.get("components") or ())) if kind == REASON else None


def _value(components: Any) -> str:
    """What was written into the field, wherever it stands."""
    for component in components:
        if component.get("custom_id") == REASON:
            return str(component.get("value") or "")
        if found := _value(component.get("components") or [part for part in [component.get("component")] if part]):
            return found
    return ""
