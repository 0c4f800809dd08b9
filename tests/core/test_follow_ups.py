"""A follow-up is searched with the question that says what it is about."""

import pytest

from core.domain import Question, Turn
from core.follow_ups import lacks_context, leans_on_history, previous_question

INSTALL = "How do I install the printer driver?"


def asked(text: str, *before: str) -> Question:
    return Question(
        text, history=tuple(turn for each in before for turn in (Turn("user", each), Turn("assistant", ".")))
    )


@pytest.mark.parametrize(
    ("before", "previous"),
    [
        ((), ""),
        ((INSTALL,), INSTALL),
        (("Can I scan with it?", INSTALL), INSTALL),
        ((INSTALL, "Thanks, and on Windows?"), f"{INSTALL}\nThanks, and on Windows?"),
        ((INSTALL, "Why?", "Really?"), f"{INSTALL}\nWhy?\nReally?"),
        (("1?", "2?", "3?", "4?"), "2?\n3?\n4?"),
    ],
)
def test_earlier_questions_are_taken_together_until_there_is_a_topic(before: tuple[str, ...], previous: str) -> None:
    assert previous_question(asked("And how long does that take?", *before)) == previous


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("And on Windows?", True),
        ("How long does it usually take until the driver is loaded?", True),
        ("Which paper sizes does the second tray accept?", False),
    ],
)
def test_pronouns_and_fragments_lean_on_the_conversation(text: str, leans: bool) -> None:
    assert leans_on_history(asked(text, INSTALL)) is leans
    assert not leans_on_history(asked(text))


@pytest.mark.parametrize(
    ("text", "lacks"), [("Can I return it?", True), ("Can I return shoes?", False), (INSTALL, False)]
)
def test_first_question_that_only_points_lacks_its_context(text: str, lacks: bool) -> None:
    assert lacks_context(asked(text)) is lacks
    assert not lacks_context(asked(text, INSTALL))
