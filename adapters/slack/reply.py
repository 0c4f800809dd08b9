"""A reply in Slack: a status at once, an answer that grows in its thread, and at its end the sources and buttons."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.blocks import answer_buttons, failure, limited, sources
from adapters.slack.escaping import neutralize_mentions
from adapters.slack.growing_message import AnswerStoppedError
from adapters.slack.message_sequence import NOT_THERE, MessageSequence
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.status import Status
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.answerer import Found, Searching
from core.chat.footnote_links import link_footnotes
from core.domain import Answer, Footnote
from core.errors import FootnotedError, TooManyQuestionsError

log = structlog.get_logger()


class SlackReply:
    """Answers one question in its thread."""

    def __init__(
        self, client: AsyncWebClient, place: ReplyTarget, question_id: str, status: Status, pages: MessageSequence
    ) -> None:
        self._client = client
        self._place = place
        self._question_id = question_id
        self._status = status
        self._pages = pages
        self._posts: tuple[Footnote, ...] = ()
        self.over = False
        """Set when nothing more is to come, whatever still happens behind the scenes."""

    async def note(self, progress: Searching | Found) -> None:
        match progress:
            case Searching():
                pass  # the status has said so since the question came
            case Found():
                self._posts = progress.footnotes
                if count := len(progress.footnotes):
                    self._status.say(f"is reading {count} post{'s' if count > 1 else ''}…")

    async def grow(self, text: str) -> None:
        """Raises AnswerStoppedError when nothing more is wanted, and SlackRefusedError where the bot may not write.
        What does not arrive
        for another reason comes with what follows."""
        try:
            await self._pages.show(self._written(text, ended=False))
        except SlackRefusedError as error:
            if error.error in NOT_THERE:
                raise
            log.warning("an answer did not grow", cause=str(error))
        except SlackUnreachableError as error:
            log.warning("an answer did not grow", cause=str(error))
        else:
            self._end_status()

    async def finish(self, answer: Answer) -> None:
        below = [*sources(answer), *answer_buttons(self._question_id)]
        try:
            await self._pages.end(self._written(answer.text), below)
        except AnswerStoppedError as error:
            log.info("an answer is not wanted any more", cause=str(error))
        self.over = True
        self._end_status()

    async def fail(self, error: FootnotedError) -> None:
        """What was written stays, and the sentence stands below it; that somebody asks too much is for them alone."""
        if self.over:
            return
        if isinstance(error, TooManyQuestionsError) and not self._pages.names:
            await self._tell_alone(error)
            return
        try:
            await self._pages.break_off(failure(error, self._question_id, self._place.question_ts))
        except AnswerStoppedError as gone:
            log.info("an answer is not wanted any more", cause=str(gone))
        self.over = True
        self._end_status()

    async def stop(self) -> None:
        """Ends what is there, at a person's wish."""
        self.over = True
        await self._pages.stop("_Stopped._")

    async def remove(self) -> None:
        """Deletes what is there: its question is gone."""
        self.over = True
        await self._pages.remove()

    def _written(self, text: str, ended: bool = True) -> str:
        return neutralize_mentions(link_footnotes(text, self._posts), ended)

    def _end_status(self) -> None:
        """An old message that is written anew takes no status away."""
        if self._pages.anew:
            self._status.over()

    async def _tell_alone(self, error: FootnotedError) -> None:
        thread = None if self._place.thread_ts == self._place.question_ts else self._place.thread_ts
        told = self._client.chat_postEphemeral(
            channel=self._place.channel,
            user=self._place.user,
            thread_ts=thread,
            text=error.user_message,
            blocks=limited(error, self._question_id, self._place.question_ts),
        )
        try:
            await call_api(told)
        except (SlackRefusedError, SlackUnreachableError):
            await self._pages.break_off(failure(error, self._question_id, self._place.question_ts))
