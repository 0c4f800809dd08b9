"""Replies over HTTP: a stream of server-sent events, or one JSON document."""

import json
from typing import Any

from aiohttp import web

from core.answerer import Found, Searching
from core.chat.documents import answer_document, match_document
from core.domain import Answer
from core.errors import FootnotedError, QuestionTooLongError, TooManyQuestionsError


class EventStreamReply:
    """Sends every step as an event of the same name. The text is sent as what was added to it."""

    def __init__(self, response: web.StreamResponse) -> None:
        self._response = response
        self._sent = 0

    async def note(self, progress: Searching | Found) -> None:
        match progress:
            case Searching():
                await self._send("searching", {"question": progress.question.text})
            case Found():
                await self._send("found", {"passages": [match_document(match) for match in progress.hits]})

    async def grow(self, text: str) -> None:
        await self._send("wrote", {"text": text[self._sent :]})
        self._sent = len(text)

    async def finish(self, answer: Answer) -> None:
        await self._send("answered", answer_document(answer))

    async def fail(self, error: FootnotedError) -> None:
        await self._send("failed", {"sentence": error.user_message, "id": error.id})

    async def _send(self, event: str, data: dict[str, Any]) -> None:
        await self._response.write(f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())


class DocumentReply:
    """Keeps the end of an answer, for a response that is sent at once."""

    def __init__(self) -> None:
        self._response: web.Response | None = None

    @property
    def response(self) -> web.Response:
        """What to send, once `deliver` has returned."""
        if self._response is None:
            raise RuntimeError("the reply has not ended")
        return self._response

    async def note(self, progress: Searching | Found) -> None:
        """A document does not show progress."""

    async def grow(self, text: str) -> None:
        """Nor does it grow."""

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
            {"error": error.user_message, "id": error.id}, status=status, headers=headers
        )
