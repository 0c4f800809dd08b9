"""The web page and its interface: ask, look up a post, forget a conversation."""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.web.monitoring import Monitoring
from adapters.web.reply import DocumentReply, EventStreamReply
from adapters.web.security import LARGEST_BODY, LOCAL_ONLY, SELF_AUTHENTICATED_PATHS, TOKEN, guard, sender, set_headers
from core.answerer import Answerer, AnswerEvent
from core.chat.delivery import deliver
from core.domain import Conversation, Question
from core.errors import TooManyQuestionsError
from core.index.catalog import Catalog
from core.indexing.progress import Progress
from core.telemetry import emit_refused

PAGE = Path(__file__).parent / "page"
EXAMPLES = 6
ALONE = tuple(Monitoring().routes())

_CONVERSATION = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


async def _everybody(sender: str) -> None:
    """Asks without a limit."""


@dataclass(frozen=True, slots=True)
class About:
    """What the page says about the bot; `model` is None when no language model is used."""

    offline: bool
    model: str | None
    sources: str
    name: str = "Footnoted"


@dataclass(frozen=True, slots=True)
class WebPage:
    """Answers the page's requests. `progress` is what is being read at the moment, if anything is; only posts of
    `sources` are shown, or all. `admit` raises TooManyQuestionsError for a sender who asks too often."""

    asker: Answerer
    forget: Callable[[Conversation], Awaitable[None]]
    library: Catalog
    progress: Callable[[], Progress | None]
    about: About
    sources: frozenset[str] | None = None
    admit: Callable[[str], Awaitable[None]] = _everybody

    async def index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def status(self, request: web.Request) -> web.StreamResponse:
        holdings = await self.library.stats()
        progress = self.progress()
        return web.json_response(
            {
                "name": self.about.name,
                "offline": self.about.offline,
                "model": self.about.model,
                "posts": holdings.posts,
                "passages": holdings.passages,
                "reading": {"source": self.about.sources, **_reading(progress)} if progress else None,
                "examples": await self.library.example_questions(EXAMPLES, self.sources),
            }
        )

    async def ask(self, request: web.Request) -> web.StreamResponse:
        question = _question(await _body(request))
        if "text/event-stream" not in request.headers.get("Accept", ""):
            document = DocumentReply()
            await deliver(self._answer(question, sender(request)), document)
            return document.response
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        await deliver(self._answer(question, sender(request)), EventStreamReply(response))
        await response.write_eof()
        return response

    async def _answer(self, question: Question, asked_from: str) -> AsyncGenerator[AnswerEvent, None]:
        """A sender who is not admitted is told so like anybody whose question fails."""
        try:
            await self.admit(asked_from)
        except TooManyQuestionsError:
            emit_refused("web", TooManyQuestionsError.code)
            raise
        async with aclosing(self.asker.ask(question)) as events:
            async for event in events:
                yield event

    async def forget_conversation(self, request: web.Request) -> web.StreamResponse:
        place = _conversation(await _body(request))
        if place is None:
            raise _bad('Name the conversation: {"conversation": "…"}.')
        await self.forget(place)
        return web.json_response({})

    async def post(self, request: web.Request) -> web.StreamResponse:
        post = await self.library.post(request.query.get("url", ""), self.sources)
        if post is None:
            raise web.HTTPNotFound(text='{"error": "There is no such post."}', content_type="application/json")
        return web.json_response({"title": post.title, "url": post.url, "text": post.text})


def web_app(
    asker: Answerer,
    forget: Callable[[Conversation], Awaitable[None]],
    library: Catalog,
    progress: Callable[[], Progress | None],
    about: About,
    local_only: bool = True,
    sources: frozenset[str] | None = None,
    monitoring: Sequence[web.RouteDef] = ALONE,
    further: Sequence[web.RouteDef] = (),
    token: str = "",
    admit: Callable[[str], Awaitable[None]] = _everybody,
) -> web.Application:
    """The application, with every route in plain sight. With `local_only` it answers under this machine's own names
    alone, which is what keeps pages elsewhere out when nothing but their browsers can reach it. Posts of other
    `sources` are not shown. `monitoring` routes tell how the bot does; `further` ones are platforms' own, which check
    for themselves who sends. With a `token` only those who know it may ask or look anything up."""
    page = WebPage(asker, forget, library, progress, about, sources, admit)
    app = web.Application(middlewares=[guard], client_max_size=LARGEST_BODY)
    app[LOCAL_ONLY] = local_only
    app[TOKEN] = token
    app[SELF_AUTHENTICATED_PATHS] = frozenset(route.path for route in further)
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
            *further,
        ]
    )
    return app


def _reading(progress: Progress) -> dict[str, Any]:
    return {
        "read": progress.done - progress.failed,
        "found": None if progress.listing else progress.listed,
        "failed": progress.failed,
    }


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except web.HTTPRequestEntityTooLarge:
        raise _too_large() from None
    except (ValueError, LookupError, RecursionError):  # LookupError: a charset that nobody knows
        raise _bad("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise _bad("The body has to be a JSON object.")
    return body


def _question(body: dict[str, Any]) -> Question:
    text = body.get("question")
    if not isinstance(text, str) or not text.strip():
        raise _bad('Ask something: {"question": "…"}.')
    # JSON can spell half of a character, which nothing behind this could write down.
    return Question(text.strip().encode(errors="replace").decode(), _conversation(body))


def _conversation(body: dict[str, Any]) -> Conversation | None:
    name = body.get("conversation")
    if name is None or name == "":
        return None
    if not isinstance(name, str) or not _CONVERSATION.fullmatch(name):
        raise _bad("A conversation's name has up to 128 letters, digits and the signs _ . : -")
    return Conversation(platform="web", channel=name)


def _bad(sentence: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps({"error": sentence}), content_type="application/json")


def _too_large() -> web.HTTPException:
    sentence = f"The body is larger than {LARGEST_BODY // 1024} KB."
    return web.HTTPRequestEntityTooLarge(
        LARGEST_BODY, LARGEST_BODY + 1, text=json.dumps({"error": sentence}), content_type="application/json"
    )
