"""The terminal: an answer grows while it is written, and stays readable where the output is a file."""

import json
import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console, RenderableType
from rich.live import Live

from adapters.console import ConsoleReply, JsonReply
from core.answerer import Found, Searching
from core.chat.delivery import deliver
from core.domain import Footnote, Question, ScoredPassage
from core.errors import ModelBusyError
from tests.adapters.scripted import ANSWER, FOOTNOTES, PASSAGE, PIECES, TEXT, ScriptedAsker

QUESTION = Question("What do bees eat?")
CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\]8;[^\x1b]*\x1b\\")


class Terminal:
    """A window of 60 columns, or a file, and what was written to it in order."""

    def __init__(self, terminal: bool) -> None:
        self._file = StringIO()
        self.console = Console(file=self._file, force_terminal=terminal, width=60, color_system=None, _environ={})

    @property
    def text(self) -> str:
        """All that was ever written, without colours and movements."""
        return CONTROL.sub("", self._file.getvalue())

    @property
    def raw(self) -> str:
        return self._file.getvalue()


class EagerLive(Live):
    """Draw at once what a terminal would draw within the next twelfth of a second."""

    def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
        super().update(renderable, refresh=True)


async def test_a_terminal_shows_progress_then_growing_text_then_footnotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.console.Live", EagerLive)
    window = Terminal(True)
    with ConsoleReply(window.console, window.console) as reply:
        await reply.note(Searching(QUESTION))
        assert "Searching the posts" in window.text
        await reply.note(Found((ScoredPassage(PASSAGE, 0.9),)))
        assert "Reading the posts found" in window.text
        await reply.grow(PIECES[0])
        assert "Bees live on" in window.text
        assert "honey" not in window.text
        await reply.finish(ANSWER)
    end = window.text[window.text.rindex("Bees live on") :]
    assert "honey [1]" in end  # emphasis is drawn, not spelled
    for footnote in FOOTNOTES:
        assert f"[{footnote.number}] {footnote.title}\n" in end
        assert footnote.url in end


async def test_a_file_contains_the_unchanged_answer_once() -> None:
    file = Terminal(False)
    with ConsoleReply(file.console, file.console) as reply:
        await deliver(ScriptedAsker().ask(QUESTION), reply)
    assert file.raw == (
        f"{TEXT}\n\n[1] {FOOTNOTES[0].title} — {FOOTNOTES[0].url}\n[2] {FOOTNOTES[1].title} — {FOOTNOTES[1].url}\n"
    )
    assert reply.answer == ANSWER
    assert reply.error is None


async def test_long_lines_are_not_wrapped_in_a_file() -> None:
    file = Terminal(False)
    text = "[bold]honey[/bold] " * 30
    with ConsoleReply(file.console, file.console) as reply:
        await reply.finish(replace(ANSWER, text=text, footnotes=()))
    assert file.raw == text + "\n"


async def test_an_answer_without_footnotes_lists_the_nearest_posts() -> None:
    answer = replace(ANSWER, grounded=False, footnotes=(), nearest=FOOTNOTES)
    window, file = Terminal(True), Terminal(False)
    for place in (window, file):
        with ConsoleReply(place.console, place.console) as reply:
            await reply.finish(answer)
    assert window.text.index("Nearest posts") < window.text.index(FOOTNOTES[0].title)
    assert f"Nearest: {FOOTNOTES[1].title} — {FOOTNOTES[1].url}\n" in file.raw
    assert "[2]" not in window.text


@pytest.mark.parametrize("terminal", [True, False])
async def test_a_failure_is_shown_after_the_text_so_far(terminal: bool) -> None:
    place = Terminal(terminal)
    error = ModelBusyError("nobody reads this")
    with ConsoleReply(place.console, place.console) as reply:
        await deliver(ScriptedAsker(error=error).ask(QUESTION), reply)
    told = " ".join(place.text.split())
    assert told.endswith(f"They shiver “together” 🐝. {error.user_message} ({error.id})")
    assert "nobody reads this" not in told
    assert reply.error is error


async def test_an_interrupted_answer_stays_on_the_terminal() -> None:
    window = Terminal(True)
    with pytest.raises(KeyboardInterrupt), ConsoleReply(window.console, window.console) as reply:
        await reply.grow(TEXT)
        raise KeyboardInterrupt
    assert window.text.rstrip().endswith("They shiver “together” 🐝.")


async def test_control_characters_in_posts_do_not_reach_the_terminal() -> None:
    """Neither an answer nor a title clears the screen, renames the window or hides what follows."""
    hostile = "\x1b]0;renamed\x07\x1b[2J\x1b[8mBees\x9b31m eat\r honey\x00\x08"
    answer = replace(ANSWER, text=hostile, footnotes=(Footnote(1, hostile, hostile, 0.9),))
    for place in (Terminal(False), Terminal(True)):
        with ConsoleReply(place.console, place.console) as reply:
            await reply.finish(answer)
        for control in ("\x1b]0", "\x1b[2J", "\x1b[8m", "\x9b", "\x07", "\x00", "\x08", "\r honey"):
            assert control not in place.raw
        assert "honey" in place.raw


async def test_json_output_is_one_complete_document(capsys: pytest.CaptureFixture[str]) -> None:
    reply = JsonReply()
    await deliver(ScriptedAsker().ask(QUESTION), reply)
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["answer", "grounded", "confidence", "sources", "nearest", "timings_ms"]
    assert document["answer"] == TEXT
    assert [source["url"] for source in document["sources"]] == [footnote.url for footnote in FOOTNOTES]
    assert document["timings_ms"] == {"found": 1.0, "total": 2.0}


async def test_json_output_of_a_failure_has_its_message_and_id(capsys: pytest.CaptureFixture[str]) -> None:
    reply = JsonReply()
    error = ModelBusyError()
    await deliver(ScriptedAsker(error=error).ask(QUESTION), reply)
    assert json.loads(capsys.readouterr().out) == {"error": error.user_message, "id": error.id}
    assert reply.error is error
