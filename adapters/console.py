"""Terminal replies: Markdown rendered while it streams, or a single JSON document."""

import json
import re
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.spinner import Spinner
from rich.text import Text

from core.answerer import AnswerProgress, Found, Retracted, Searching, Thinking
from core.chat.answer_details import date_of
from core.chat.documents import answer_document
from core.domain import Answer, Footnote
from core.errors import FootnotedError

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ConsoleReply:
    """Renders an answer while it streams, within a `with` block; prints plain text if the output is not a terminal."""

    def __init__(self, console: Console, errors: Console) -> None:
        self._console = console
        self._errors = errors
        self._live: Live | None = None
        self._text = ""
        self.answer: Answer | None = None
        self.error: FootnotedError | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            # Transient, because lines that have scrolled out of the window cannot be redrawn.
            self._live = Live(console=self._console, refresh_per_second=12, vertical_overflow="visible", transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.answer is None and self.error is None:
            self._keep_written()

    async def note(self, progress: AnswerProgress) -> None:
        match progress:
            case Searching():
                self._show(Spinner("dots", Text(" Searching the posts", style="dim")))
            case Found():
                self._show(Spinner("dots", Text(" Reading the posts found", style="dim")))
            case Thinking() | Retracted():
                self._text = ""
                self._show(Spinner("dots", Text(" Thinking", style="dim")))

    async def grow(self, text: str) -> None:
        self._text = readable(text)
        self._show(Markdown(self._text))

    async def finish(self, answer: Answer) -> None:
        self.answer = answer
        if self._live:
            self._live.stop()
            self._console.print(Group(Markdown(readable(answer.text)), *_footnotes(answer)))
        else:
            self._console.print(Text(readable(answer.text + _plain_footnotes(answer))), soft_wrap=True)

    async def fail(self, error: FootnotedError) -> None:
        self.error = error
        self._keep_written()
        self._errors.print(Text(f"{error.user_message} ({error.id})", style="yellow"))

    def _keep_written(self) -> None:
        """Stop live rendering and keep the partial text."""
        if self._live:
            self._live.stop()
        if self._text:
            self._console.print(Markdown(self._text) if self._live else Text(self._text), soft_wrap=not self._live)

    def _show(self, content: RenderableType) -> None:
        if self._live:
            self._live.update(content)


class JsonReply:
    """Prints a single JSON document when the answer is finished."""

    def __init__(self) -> None:
        self.error: FootnotedError | None = None

    async def note(self, progress: AnswerProgress) -> None:
        """Ignore progress."""

    async def grow(self, text: str) -> None:
        """Ignore partial text."""

    async def finish(self, answer: Answer) -> None:
        print_json(answer_document(answer))

    async def fail(self, error: FootnotedError) -> None:
        self.error = error
        print_json({"error": error.user_message, "id": error.id})


def readable(text: str) -> str:
    """Strip control characters, with which posts and models could control the terminal."""
    return _CONTROLS.sub("", text)


def print_json(document: Any) -> None:
    """Print JSON to standard output; rich would wrap and color it."""
    print(json.dumps(document, ensure_ascii=False, indent=2))  # noqa: T201


def _footnotes(answer: Answer) -> list[RenderableType]:
    listed = answer.footnotes or answer.nearest
    if not listed:
        return []
    head = "" if answer.footnotes else "Nearest posts"
    rows: list[RenderableType] = [Text("─" * 12, style="dim"), *([Text(head, style="dim")] if head else [])]
    return rows + [_footnote(footnote, numbered=bool(answer.footnotes)) for footnote in listed]


def _footnote(footnote: Footnote, numbered: bool) -> Text:
    mark = f"[{footnote.number}] " if numbered else "· "
    title, url = readable(footnote.title), readable(footnote.url)
    return Text.assemble((mark, "bold cyan"), title, (date_of(footnote), "dim"), "\n", " " * len(mark), (url, "dim"))


def _plain_footnotes(answer: Answer) -> str:
    if answer.footnotes:
        rows = [
            f"[{footnote.number}] {footnote.title}{date_of(footnote)} — {footnote.url}" for footnote in answer.footnotes
        ]
    else:
        rows = [f"Nearest: {footnote.title}{date_of(footnote)} — {footnote.url}" for footnote in answer.nearest]
    return "\n\n" + "\n".join(rows) if rows else ""
