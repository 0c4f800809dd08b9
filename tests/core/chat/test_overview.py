"""What admins are shown of the questions that the posts did not answer."""

from collections import Counter
from datetime import UTC, datetime

from core.chat.overview import Overview
from core.retrieval.gaps import QuestionGap
from core.storage.statistics import Figures

NOW = datetime(2026, 11, 2, tzinfo=UTC)


def shown(gaps: list[QuestionGap] | None) -> str:
    return Overview(7, Figures(NOW.date(), {}, {}, (), (), {}), Counter(), gaps).gaps_report()


def test_unanswered_questions_are_listed_with_how_often_they_were_asked() -> None:
    assert "- 3× `How do bees sleep?`" in shown([QuestionGap("How do bees sleep?", 3, NOW)])


def test_no_unanswered_question_is_told_with_the_period() -> None:
    assert shown([]) == "There are no unanswered questions to show from the last 7 days."


def test_questions_that_could_not_be_grouped_are_not_taken_for_answered() -> None:
    assert "cannot be grouped right now" in shown(None)
