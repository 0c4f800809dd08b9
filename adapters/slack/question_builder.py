"""From a message to a question: its words as people read them, who asked, and what was said in the thread before."""

import hashlib

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import BotIdentity, MessageReceived, said_in
from adapters.slack.mentions import MentionResolver
from adapters.slack.thread_history import read_thread
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.domain import Person, Question

log = structlog.get_logger()


class QuestionBuilder:
    """Looks up what a question is made of."""

    def __init__(self, client: AsyncWebClient, me: BotIdentity, names: MentionResolver) -> None:
        self._client = client
        self._me = me
        self._names = names

    async def compose(self, text: str, said: MessageReceived) -> Question:
        """What was said as a question, under an id that the same message always has."""
        person = Person(said.user, await self._names.person(said.user))
        history = await read_thread(self._client, said, self._me.user, self._names) if said.thread_ts else ()
        return Question(text, said.conversation, person, history, id=question_id(said.name))

    async def compose_again(self, team: str, channel: str, ts: str) -> Question | None:
        """The question in a message as it stands there now; None when it cannot be read, or is nobody's."""
        try:
            found = await call_api(
                self._client.conversations_replies(channel=channel, ts=ts, oldest=ts, latest=ts, inclusive=True)
            )
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.info("a message cannot be read", cause=str(error))
            return None
        message = next((message for message in found.get("messages") or [] if message.get("ts") == ts), None)
        said = said_in(message, team, channel, self._me) if message else None
        text = await self._names.readable(said.text) if said else ""
        return await self.compose(text, said) if said and text else None


def question_id(name: str) -> str:
    """The id of the question in a message, the same in every process."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
