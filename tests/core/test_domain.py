"""The JSON in Redis keeps its field names, whatever the code calls them."""

import json
from datetime import UTC, datetime

from pydantic import TypeAdapter

from core.domain import Answer, AnswerTrace, Passage, Person, Question, ScoredPassage, StoredQuestion, Vote

NOW = datetime(2026, 11, 25, tzinfo=UTC)
HIT = ScoredPassage(Passage("https://blog/a", "Title", "", "Text"), 0.9, vector_score=0.8, text_score=0.7)
ANSWER = Answer("Yes [1].", True, tokens=30, output_tokens=10, trace=AnswerTrace("Why?", 0.9, (HIT,)))


def test_stored_question_keeps_its_field_names() -> None:
    form = TypeAdapter(StoredQuestion)
    stored = StoredQuestion(Question("Why?"), NOW, ANSWER)
    document = form.dump_json(stored, by_alias=True)
    answer = json.loads(document)["answer"]
    assert answer["written"] == 10
    assert set(answer["workings"]) == {"understood", "relevance", "given", "left_out"}
    [hit] = answer["workings"]["given"]
    assert (hit["score"], hit["meaning"], hit["words"]) == (0.9, 0.8, 0.7)
    assert form.validate_json(document) == stored


def test_stored_vote_keeps_its_field_names() -> None:
    form = TypeAdapter(Vote)
    vote = Vote(Person("U1"), "up", NOW, "It is right.")
    document = form.dump_json(vote, by_alias=True)
    assert set(json.loads(document)) == {"person", "thumb", "at", "reason"}
    assert form.validate_json(document) == vote
