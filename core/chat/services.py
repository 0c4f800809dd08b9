"""All that a chat platform asks of the house, in one place."""

from dataclasses import dataclass

from core.answerer import Answerer
from core.answering.channel_scope import Channels
from core.domain import Conversation, Person, Rating, StoredQuestion
from core.index.catalog import Catalog
from core.indexing.reindexer import Reindexer
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.reply_messages import ReplyMessages

EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class ChatServices:
    """One platform's. `replies` and `once` are the platform's own; everything else is shared."""

    asker: Answerer
    channels: Channels
    library: Catalog
    history: History
    answers: QuestionStore
    feedback: Feedback
    once: EventClaims
    replies: ReplyMessages
    reindexer: Reindexer

    async def examples(self, place: Conversation | None = None, most: int = EXAMPLES) -> list[str]:
        """Questions that are surely answered in a conversation."""
        return await self.library.example_questions(most, self.channels.scope(place).sources)

    async def forget(self, place: Conversation) -> None:
        """Removes a conversation, and the questions that were asked in it."""
        await self.history.forget(place)
        await self.answers.forget(place)

    async def answered_in(self, place: Conversation) -> bool:
        """Whether the bot takes part in a conversation already."""
        return await self.answers.has_questions(place)

    async def take_back(self, question_id: str) -> None:
        """A question has been put otherwise: the conversation forgets how it was put before."""
        found = await self.answers.get(question_id)
        if found and found.question.conversation:
            await self.history.remove_exchange(found.question.conversation, found.question.text)

    async def remembered(self, question_id: str, place: Conversation) -> StoredQuestion | None:
        """A question that was asked in this channel: what was asked elsewhere is nobody's business here."""
        found = await self.answers.get(question_id)
        asked = found.question.conversation if found else None
        same = asked and (asked.platform, asked.workspace, asked.channel) == (
            place.platform,
            place.workspace,
            place.channel,
        )
        return found if same else None

    async def vote(self, question_id: str, person: Person, thumb: Rating) -> None:
        await self.feedback.vote(question_id, person, thumb)

    async def explain(self, question_id: str, person: Person, reason: str) -> None:
        """Says why a person voted as they did."""
        await self.feedback.add_reason(question_id, person, reason)
