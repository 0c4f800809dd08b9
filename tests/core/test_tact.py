"""Which lines that do not mention the bot are questions that it may answer."""

import pytest

from core.domain import Person, Question, Turn
from core.tact import asks_bot, is_question, speaks_to_person

QUESTIONS = [
    "How do I prune roses",
    "and in winter",
    "Also, how do I prune roses?",
    "Team, how do we request a day off?",
    "tell me about bees",
    "Wie lange dauert Kompost",
    "¿Cómo riego los tomates?",
    "Сколько живут пчёлы",
    "ミツバチは冬に何を食べますか",
    "蜜蜂冬天吃什么",
]
STATEMENTS = [
    "I watered my roses yesterday, and it went well",
    "We moved to Lisbon.",
    "ok cool, I'll try that tomorrow",
    "see https://garden.example/?a=1 for that",
]


@pytest.mark.parametrize("text", QUESTIONS)
def test_questions_and_requests_are_recognised(text: str) -> None:
    assert is_question(text)
    assert not speaks_to_person(text)


@pytest.mark.parametrize("text", STATEMENTS)
def test_statements_are_no_questions(text: str) -> None:
    assert not is_question(text)


@pytest.mark.parametrize(
    "text", ["Bob, what do you think?", "hey Carol: when is lunch?", "Anna, kannst du das ansehen?"]
)
def test_a_question_that_begins_with_a_name_is_to_that_person(text: str) -> None:
    assert speaks_to_person(text)
    assert not asks_bot(Question(text))


@pytest.mark.parametrize(
    ("author", "text", "asks"),
    [("Bob", "why?", False), ("Alice", "why?", True), ("Bob", "How long does compost take in a drum?", True)],
)
def test_a_line_that_leans_on_what_another_person_said_is_to_that_person(author: str, text: str, asks: bool) -> None:
    turns = (
        Turn("user", "How do I compost?"),
        Turn("assistant", "In a heap."),
        Turn("user", f"{author}: I use a drum."),
    )
    assert asks_bot(Question(text, person=Person("1", "Alice"), history=turns)) is asks
