"""A reply in Discord: an answer that grows by edits, and at its end the sources and buttons."""

import structlog

from adapters.discord.escaping import neutralize_mentions
from adapters.discord.message_sequence import AnswerStoppedError, MessageSequence
from adapters.discord.messages import again_button, answer_buttons, failure, sources
from adapters.discord.rest_api import GONE, NO_ACCESS, TOKEN_SPENT, DiscordRefusedError, DiscordUnreachableError
from core.answerer import Found, Searching
from core.chat.footnote_links import link_footnotes
from core.domain import Answer, Footnote
from core.errors import FootnotedError

log = structlog.get_logger()

LINK = "[[{number}]](<{url}>)"
"""A footnote; between angles an address shows no preview."""


class DiscordReply:
    """Answers one question. That the bot is at work is shown by Discord itself, until there is something to read."""

    def __init__(self, pages: MessageSequence, question_id: str) -> None:
        self._pages = pages
        self._question_id = question_id
        self._posts: tuple[Footnote, ...] = ()
        self._over = False

    @property
    def begun(self) -> bool:
        """Whether there is something to read."""
        return self._pages.begun

    async def note(self, progress: Searching | Found) -> None:
        match progress:
            case Searching():
                pass  # “is thinking…” or “is typing…” says so since the question came
            case Found():
                self._posts = progress.footnotes

    async def grow(self, text: str) -> None:
        """Raises AnswerStoppedError when nothing more is wanted, and DiscordRefusedError where the bot may not write.
        What does not arrive
        for another reason comes with what follows."""
        if self._over:
            return
        try:
            await self._pages.show(self._written(text))
        except DiscordRefusedError as error:
            if error.code in NO_ACCESS | GONE | TOKEN_SPENT:
                raise
            log.warning("an answer did not grow", cause=str(error))
        except DiscordUnreachableError as error:
            log.warning("an answer did not grow", cause=str(error))

    async def finish(self, answer: Answer) -> None:
        self._posts = self._posts or answer.footnotes
        try:
            await self._pages.end(self._written(answer.text), sources(answer), answer_buttons(self._question_id))
        except AnswerStoppedError as gone:
            log.info("an answer is not wanted any more", cause=str(gone))
        self._over = True

    async def fail(self, error: FootnotedError) -> None:
        """What was written stays, and the sentence stands below it."""
        if self._over:
            return
        self._over = True
        try:
            await self._pages.break_off(failure(error), again_button(self._question_id))
        except AnswerStoppedError as gone:
            log.info("an answer is not wanted any more", cause=str(gone))

    async def remove(self) -> None:
        """Deletes what is there: its question is gone."""
        self._over = True
        await self._pages.remove()

    def _written(self, text: str) -> str:
        return neutralize_mentions(link_footnotes(text, self._posts, LINK))
