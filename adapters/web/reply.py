"""HTTP replies: server-sent events, or a single JSON document."""

import json
from typing import Any

from aiohttp import web

from core.answerer import AnswerProgress, Cited, Found, Retracted, Searching, Thinking
from core.chat.documents import answer_document, footnote_document, match_document
from core.domain import Answer
from core.errors import FootnotedError, QuestionTooLongError, TooManyQuestionsError


class EventStreamReply:
    """Sends each step as a server-sent event; `wrote` events carry only the added text, and posts first cited there."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self._sent = 0
        self._cited: list[dict[str, Any]] = []

    async def note(self, progress: AnswerProgress) -> None:
        match progress:
            case Searching():
                await self._send("searching", {"question": progress.question.text})
            case Found():
                passages = [match_document(match) for match in progress.hits]
                await self._send("found", {"passages": passages, "confidence": progress.confidence})
            case Thinking():
                await self._send("thinking", {})
            case Cited():
                self._cited.append(footnote_document(progress.footnote))
            case Retracted():
                self._sent, self._cited = 0, []
                await self._send("retracted", {})

    async def grow(self, text: str) -> None:
        sources = {"sources": self._cited} if self._cited else {}
        await self._send("wrote", {"text": text[self._sent :], **sources})
        self._sent, self._cited = len(text), []

    async def finish(self, answer: Answer) -> None:
        await self._send("answered", answer_document(answer))

    async def fail(self, error: FootnotedError) -> None:
        await self._send("failed", {"sentence": error.translated_message, "id": error.id})

    async def _send(self, event: str, data: dict[str, Any]) -> None:
        await self._response.write(f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())


class DocumentReply:
    """Collects the answer for a single response."""

    def __init__(self) -> None:
        self._response: web.Response | None = None

    @property
    def response(self) -> web.Response:
        """The response, once `deliver` has returned."""
        if self._response is None:
            raise RuntimeError("the reply is not finished")
        return self._response

    async def note(self, progress: AnswerProgress) -> None:
        """Ignore progress."""

    async def grow(self, text: str) -> None:
        """Ignore partial text."""

    async def finish(self, answer: Answer) -> None:
        self._response = web.json_response(answer_document(answer))

    async def fail(self, error: FootnotedError) -> None:
        status, headers = 503, {}
        match error:
            case TooManyQuestionsError():
                status, headers = 429, {"Retry-After": str(max(1, round(error.retry_after.total_seconds())))}
            case QuestionTooLongError():
                status = 413
        self._response = web.json_response(
            {"error": error.translated_message, "id": error.id}, status=status, headers=headers
        )
