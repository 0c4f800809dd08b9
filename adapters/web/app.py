"""The web page and its JSON API."""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from adapters.web.monitoring import Monitoring
from adapters.web.page_texts import PAGE, index_html
from adapters.web.reply import DocumentReply, EventStreamReply
from adapters.web.security import (
    LOCAL_ONLY,
    MAX_BODY_BYTES,
    SELF_AUTHENTICATED_PATHS,
    TOKEN,
    guard,
    refused,
    sender,
    set_headers,
)
from core.answerer import AnswerEvent
from core.chat.delivery import deliver
from core.chat.services import ChatServices
from core.domain import Conversation, Question
from core.errors import TooManyQuestionsError
from core.i18n import forget_language, gettext, use_language
from core.indexing.progress import Progress
from core.telemetry import emit_refused

EXAMPLES = 6
MAX_LANGUAGES = 20
DEFAULT_MONITORING = tuple(Monitoring().routes())

_CONVERSATION_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


async def _no_limit(sender: str) -> None: ...


@dataclass(frozen=True, slots=True)
class About:
    """What the page says about the bot; `model` is None without a language model."""

    offline: bool
    model: str | None
    sources: str
    name: str = "Footnoted"


@dataclass(frozen=True, slots=True)
class WebPage:
    """Request handlers. `progress` is that of the reindex run of this process, if one is in progress.

    `admit` raises TooManyQuestionsError for a sender over the rate limit.
    """

    services: ChatServices
    progress: Callable[[], Progress | None]
    about: About
    admit: Callable[[str], Awaitable[None]] = _no_limit

    async def index(self, request: web.Request) -> web.StreamResponse:
        _use_language_of(request)
        headers = {"Vary": "Accept-Language"}
        return web.Response(text=index_html(), content_type="text/html", charset="utf-8", headers=headers)

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Return the model, the size of the index, progress of a run and example questions."""
        _use_language_of(request)
        stats = await self.services.stats()
        progress = self.progress()
        return web.json_response(
            {
                "name": self.about.name,
                "offline": self.about.offline,
                "model": self.about.model,
                "posts": stats.posts,
                "passages": stats.passages,
                "reading": {"source": self.about.sources, **_progress_json(progress)} if progress else None,
                "examples": await self.services.examples(limit=EXAMPLES),
            }
        )

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Answer a question, as server-sent events or as one JSON document."""
        question = _question(await _body(request))
        _use_language_of(request)
        if "text/event-stream" not in request.headers.get("Accept", ""):
            document = DocumentReply()
            await deliver(self._answer(question, sender(request)), document)
            return document.response
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        await deliver(self._answer(question, sender(request)), EventStreamReply(response))
        await response.write_eof()
        return response

    async def _answer(self, question: Question, client: str) -> AsyncGenerator[AnswerEvent, None]:
        # Inside the stream, so that a rate-limited question is reported like any failed one.
        try:
            await self.admit(client)
        except TooManyQuestionsError:
            emit_refused("web", TooManyQuestionsError.code)
            raise
        async with aclosing(self.services.ask(question)) as events:
            async for event in events:
                yield event

    async def forget_conversation(self, request: web.Request) -> web.StreamResponse:
        conversation = _conversation(await _body(request))
        if conversation is None:
            raise refused(web.HTTPBadRequest, 'Name the conversation: {"conversation": "…"}.')
        await self.services.forget(conversation)
        return web.json_response({})

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Return a post that has no public address, for the dialog."""
        post = await self.services.post(request.query.get("url", ""))
        if post is None:
            _use_language_of(request)
            raise refused(web.HTTPNotFound, gettext("Post not found."))
        return web.json_response({"title": post.title, "url": post.url, "text": post.text})


def web_app(
    services: ChatServices,
    progress: Callable[[], Progress | None],
    about: About,
    local_only: bool = True,
    monitoring: Sequence[web.RouteDef] = DEFAULT_MONITORING,
    platform_routes: Sequence[web.RouteDef] = (),
    token: str = "",
    admit: Callable[[str], Awaitable[None]] = _no_limit,
) -> web.Application:
    """Build the application.

    With `local_only` it accepts only requests to a name of this machine, against DNS rebinding. `platform_routes`
    authenticate their senders themselves. With a `token`, the API requires it.
    """
    page = WebPage(services, progress, about, admit)
    app = web.Application(middlewares=[guard], client_max_size=MAX_BODY_BYTES)
    app[LOCAL_ONLY] = local_only
    app[TOKEN] = token
    app[SELF_AUTHENTICATED_PATHS] = frozenset(route.path for route in platform_routes)
    app.on_response_prepare.append(set_headers)
    app.add_routes(
        [
            web.get("/", page.index),
            web.static("/page", PAGE),
            web.get("/api/status", page.status),
            web.get("/api/post", page.post),
            web.post("/api/ask", page.ask),
            web.post("/api/forget", page.forget_conversation),
            *monitoring,
            *platform_routes,
        ]
    )
    return app


def _use_language_of(request: web.Request) -> None:
    forget_language()  # one task serves all requests of a connection
    use_language(*_accepted_languages(request))


def _accepted_languages(request: web.Request) -> list[str]:
    """Return the language tags of the Accept-Language header, the preferred first."""
    weighted = []
    for accepted in request.headers.get("Accept-Language", "").split(",")[:MAX_LANGUAGES]:
        tag, _, weight = accepted.strip().partition(";q=")
        weighted.append((_weight(weight), tag))
    return [tag for weight, tag in sorted(weighted, key=lambda each: -each[0]) if weight > 0]


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def _progress_json(progress: Progress) -> dict[str, Any]:
    return {
        "read": progress.done - progress.failed,
        "found": None if progress.listing else progress.listed,
        "failed": progress.failed,
    }


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except web.HTTPRequestEntityTooLarge:
        sentence = f"The body is larger than {MAX_BODY_BYTES // 1024} KB."
        limits = {"max_size": MAX_BODY_BYTES, "actual_size": MAX_BODY_BYTES + 1}
        raise refused(web.HTTPRequestEntityTooLarge, sentence, **limits) from None
    except (ValueError, LookupError, RecursionError):  # LookupError: unknown charset
        raise refused(web.HTTPBadRequest, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise refused(web.HTTPBadRequest, "The body must be a JSON object.")
    return body


def _question(body: dict[str, Any]) -> Question:
    text = body.get("question")
    if not isinstance(text, str) or not text.strip():
        raise refused(web.HTTPBadRequest, 'Ask a question: {"question": "…"}.')
    # JSON can contain lone surrogates, which cannot be encoded.
    return Question(text.strip().encode(errors="replace").decode(), _conversation(body))


def _conversation(body: dict[str, Any]) -> Conversation | None:
    id_ = body.get("conversation")
    if id_ is None or id_ == "":
        return None
    if not isinstance(id_, str) or not _CONVERSATION_ID.fullmatch(id_):
        raise refused(web.HTTPBadRequest, "A conversation ID has up to 128 letters, digits and the characters _ . : -")
    return Conversation(platform="web", channel=id_)
