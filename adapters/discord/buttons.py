"""What the buttons under an answer do, for whoever presses them: vote, say why, tell why, ask again."""

from dataclasses import replace

import structlog

from adapters.discord.answer_session import AnswerSessions, ready
from adapters.discord.conversation import question_id
from adapters.discord.interactions import UserInteraction
from adapters.discord.message_sender import MessageSender
from adapters.discord.messages import (
    AGAIN,
    DOWN,
    EXAMPLE,
    NOT_YOURS,
    NOTED,
    OFFER,
    REASON,
    THANKS,
    UNKNOWN,
    UP,
    WHY,
    Json,
    message,
    reason_button,
    why,
)
from adapters.discord.rest_api import DiscordRefusedError, DiscordUnreachableError, RestApi
from core.chat.services import ChatServices
from core.domain import Question, StoredQuestion

log = structlog.get_logger()


class Buttons:
    """Does what a button says. What it has to say is seen by whoever pressed it, and by nobody else."""

    def __init__(self, calls: RestApi, desk: ChatServices, answering: AnswerSessions) -> None:
        self._calls = calls
        self._desk = desk
        self._answering = answering

    async def press(self, deed: UserInteraction) -> None:
        """Whatever button it is."""
        match deed.act:
            case act if act in {UP, DOWN}:
                await self._vote(deed)
            case act if act == WHY:
                found = await self._found(deed)
                await self.tell(deed, message(why(found) if found else UNKNOWN))
            case act if act == REASON:
                await self._explain(deed)
            case act if act == AGAIN:
                await self._ask_again(deed)
            case act if act == EXAMPLE:
                await self._ask_example(deed)
            case unknown:
                log.warning("a button of an older version was pressed", act=unknown)

    async def tell(self, deed: UserInteraction, content: Json) -> None:
        """For whoever pressed the button alone, where they pressed it."""
        try:
            await MessageSender(self._calls, deed.place).whisper(content)
        except (DiscordRefusedError, DiscordUnreachableError) as error:
            log.warning("somebody could not be told", act=deed.act, cause=str(error))

    async def _found(self, deed: UserInteraction) -> StoredQuestion | None:
        return await self._desk.remembered(deed.subject, deed.place.conversation)

    async def _vote(self, deed: UserInteraction) -> None:
        if await self._found(deed) is None:
            await self.tell(deed, message(UNKNOWN))
            return
        await self._desk.vote(deed.subject, deed.person, "up" if deed.act == UP else "down")
        offer = message(OFFER, reason_button(deed.subject))
        await self.tell(deed, offer if deed.act == DOWN else message(THANKS))

    async def _explain(self, deed: UserInteraction) -> None:
        """Somebody has written what was wrong with an answer."""
        reason = str(deed.options.get(REASON) or "")
        if await self._found(deed) is None:
            await self.tell(deed, message(UNKNOWN))
            return
        if reason.strip():
            await self._desk.explain(deed.subject, deed.person, reason)
        await self.tell(deed, message(NOTED))

    async def _ask_again(self, deed: UserInteraction) -> None:
        """A failed answer is written anew where it failed, for whoever had asked."""
        found = await self._found(deed)
        if found is None:
            await self.tell(deed, message(UNKNOWN))
            return
        if found.question.person and found.question.person.id != deed.place.user:
            await self.tell(deed, message(NOT_YOURS))
            return
        # Of a private answer only the message with the button can be reached, through the button's own token.
        old = () if deed.place.private else await self._desk.replies.messages_of(deed.subject)
        question = replace(found.question, person=deed.person)
        asking = replace(ready(question), nonce=question_id(deed.name))
        await self._answering.answer(deed.name, asking, deed.place, old or (deed.message,))

    async def _ask_example(self, deed: UserInteraction) -> None:
        """The answer stands below, in a message of its own."""
        place = replace(deed.place, question=deed.message if deed.place.outlives_token else "", original="")
        question = Question(deed.subject, place.conversation, deed.person, id=question_id(deed.name))
        await self._answering.answer(
            deed.name, ready(question), place, await self._desk.replies.messages_of(question.id)
        )
