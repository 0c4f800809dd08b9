"""Questions for the newest posts, or for those of a time, are told from all others."""

from datetime import UTC, datetime

import pytest

from core.question_dates import DatedQuestion, dated_question

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MARCH = datetime(2023, 3, 1, tzinfo=UTC)
LAST_MARCH = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "question", "expected"),
    [
        ("en", "What's new since March?", DatedQuestion("", LAST_MARCH)),
        ("en", "what is new since March 2023", DatedQuestion("", MARCH)),
        ("en", "What's new since last week?", DatedQuestion("", datetime(2026, 11, 16, tzinfo=UTC))),
        ("en", "What's new in the last two weeks?", DatedQuestion("", datetime(2026, 11, 9, tzinfo=UTC))),
        ("en", "articles since 2023-03-01 on async traits", DatedQuestion("async traits", MARCH)),
        ("en", "posts about bees from 2023", DatedQuestion("bees", MARCH.replace(month=1), MARCH.replace(2024, 1))),
        ("en", "Which posts were published before March 2023?", DatedQuestion("", None, MARCH)),
        ("en", "What's the latest post on Redis?", DatedQuestion("Redis")),
        ("en", "show me the newest articles", DatedQuestion("")),
        ("en", "What's new?", DatedQuestion("")),
        ("de", "Was gibt es Neues seit März 2023?", DatedQuestion("", MARCH)),
        ("de", "Der neueste Beitrag über Bienen", DatedQuestion("Bienen")),
        ("es", "¿Qué hay de nuevo desde marzo de 2023?", DatedQuestion("", MARCH)),
        ("fr", "Quoi de neuf depuis mars 2023 ?", DatedQuestion("", MARCH)),
        ("fr", "Le dernier article sur les abeilles", DatedQuestion("abeilles")),
        ("it", "novità da marzo 2023", DatedQuestion("", MARCH)),
        ("pt", "novidades desde março de 2023", DatedQuestion("", MARCH)),
        ("nl", "Wat is er nieuw sinds maart 2023?", DatedQuestion("", MARCH)),
        ("ru", "что нового с марта 2023", DatedQuestion("", MARCH)),
        ("ja", "2023年3月以降の新着記事は？", DatedQuestion("", MARCH)),
        ("zh", "2023年3月以来有什么新文章？", DatedQuestion("", MARCH)),
        ("zh", "关于蜜蜂的最新文章", DatedQuestion("蜜蜂")),
    ],
)
def test_question_about_dates_is_understood(language: str, question: str, expected: DatedQuestion) -> None:
    assert dated_question(question, (language, "en"), NOW) == expected


@pytest.mark.parametrize(
    "question",
    [
        "How do I post a photo in March?",
        "What is the latest version of Python?",
        "Since when do you have bees?",
        "How long has the queen lived since March?",
        "What's new in Redis 8?",
        "What did the last step say?",
        "Was ist seit März kaputt?",
        "",
    ],
)
def test_other_question_is_not_answered_by_date(question: str) -> None:
    assert dated_question(question, ("de", "en"), NOW) is None
