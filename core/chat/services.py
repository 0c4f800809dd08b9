"""The one interface through which adapters reach answers, stores and the reindexer."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from core.answerer import Answerer, AnswerEvent
from core.answering.channel_scope import Channels
from core.chat.complaints import Complaint, Complaints
from core.chat.emoji import DEFAULT_EMOJI
from core.chat.event_dispatcher import FINISH_WITHIN, EventDispatcher, Handle
from core.chat.overview import Overview, Overviews
from core.chat.pending_question import PendingQuestion
from core.domain import Conversation, Person, Post, Question, Rating, StoredQuestion
from core.index.catalog import Catalog, IndexStats
from core.indexing.options import ReindexOptions
from core.indexing.progress import Report
from core.indexing.reindexer import Reindexer, require_admin
from core.indexing.run_events import AuditRecord, ReindexEvent, RunStatus
from core.storage.event_claims import EventClaims
from core.storage.feedback import Feedback
from core.storage.history import History
from core.storage.question_store import QuestionStore
from core.storage.reply_messages import ReplyMessages

EXAMPLES = 4
MAX_RUNS = 10


class ChatServices:
    """The services of one platform; `claims` and `replies` are the platform's own, all other stores are common."""

    def __init__(
        self,
        *,
        platform: str,
        answerer: Answerer,
        channels: Channels,
        catalog: Catalog,
        history: History,
        questions: QuestionStore,
        feedback: Feedback,
        claims: EventClaims,
        replies: ReplyMessages,
        reindexer: Reindexer,
        overviews: Overviews,
        complaints: Complaints | None = None,
        emoji: Mapping[str, str] = DEFAULT_EMOJI,
    ) -> None:
        self._platform = platform
        self._answerer = answerer
        self._channels = channels
        self._catalog = catalog
        self._history = history
        self._questions = questions
        self._feedback = feedback
        self._claims = claims
        self._replies = replies
        self._reindexer = reindexer
        self._overviews = overviews
        self._complaints = complaints or Complaints()
        self.emoji = {**DEFAULT_EMOJI, **emoji}

    # Questions and answers

    def ask(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        return self._answerer.ask(question)

    async def question(self, question_id: str, conversation: Conversation) -> StoredQuestion | None:
        """Return a question asked in the conversation's channel; one from another channel must not show here."""
        found = await self._questions.get(question_id)
        asked_in = found.question.conversation if found else None
        if asked_in is None or _channel(asked_in) != _channel(conversation):
            return None
        return found

    async def has_answer(self, question_id: str) -> bool:
        found = await self._questions.get(question_id)
        return found is not None and found.answer is not None

    async def resume(
        self, pending: PendingQuestion, conversation: Conversation
    ) -> tuple[PendingQuestion, tuple[str, ...]]:
        """Return what is left to do for a question taken over from another process, and the messages it wrote."""
        found = await self.question(pending.id, conversation)
        answer = found.answer if found else None
        return replace(pending, answer=answer), await self._replies.messages_of(pending.id)

    async def supersede(self, question_id: str) -> None:
        """Remove a question that was edited from its conversation's history."""
        found = await self._questions.get(question_id)
        if found and found.question.conversation:
            await self._history.remove_exchange(found.question.conversation, found.question.text)

    async def has_asked_in(self, conversation: Conversation) -> bool:
        return await self._questions.has_questions(conversation)

    async def forget(self, conversation: Conversation) -> None:
        """Delete a conversation's history and questions; without a thread, those of all the channel's threads."""
        await self._history.forget(conversation)
        await self._questions.forget(conversation)

    # Feedback

    async def rate(self, question_id: str, person: Person, rating: Rating) -> None:
        """Store a person's rating of an answer in place of an earlier one."""
        await self._feedback.vote(question_id, person, rating)

    async def explain_rating(self, question_id: str, person: Person, reason: str) -> None:
        await self._feedback.add_reason(question_id, person, reason)
        if stored := await self._questions.get(question_id):
            self._complaints.add(Complaint(stored, person, reason))

    # Channels and posts

    def answers_every_question(self, conversation: Conversation) -> bool:
        """Return whether the bot answers in a channel without being mentioned."""
        return self._channels.answers_every_question(conversation)

    def answers_every_question_anywhere(self) -> bool:
        """Return whether any channel of the platform needs the bot to read messages that do not mention it."""
        return self._channels.any_answers_every_question(self._platform)

    def visible_sources(self, conversation: Conversation | None = None) -> frozenset[str] | None:
        """Return the sources that a conversation may be answered from; None for all."""
        return self._channels.scope(conversation).sources

    async def examples(self, conversation: Conversation | None = None, limit: int = EXAMPLES) -> list[str]:
        """Return questions that the posts visible in a conversation answer."""
        return await self._catalog.example_questions(limit, self.visible_sources(conversation))

    async def titles(self, typed: str, limit: int, conversation: Conversation | None = None) -> list[str]:
        """Return titles of visible posts that match the words typed so far."""
        return await self._catalog.search_titles(typed, limit, self.visible_sources(conversation))

    async def posts_by_source(self, conversation: Conversation | None = None) -> dict[str, int]:
        """Return the number of posts of each visible source."""
        return await self._catalog.posts_by_source(self.visible_sources(conversation))

    async def source_names(self, conversation: Conversation | None = None) -> list[str]:
        """Return the names of the indexed sources that are visible in a conversation."""
        return list(await self.posts_by_source(conversation))

    async def post(self, url: str, conversation: Conversation | None = None) -> Post | None:
        """Return a visible post, assembled from its passages."""
        return await self._catalog.post(url, self.visible_sources(conversation))

    async def stats(self) -> IndexStats:
        return await self._catalog.stats()

    # Events and reply messages

    def dispatcher(self, handle: Handle, finish_within: timedelta = FINISH_WITHIN) -> EventDispatcher:
        """Create the dispatcher that runs `handle` for each of the platform's events once."""
        return EventDispatcher(self._claims, handle, finish_within)

    async def reassign_event(self, name: str) -> None:
        """Claim an event for this process, whichever process handles it."""
        await self._claims.reassign(name)

    async def is_event_lost(self, name: str) -> bool:
        """Return whether another process has taken over an event of this one."""
        return await self._claims.is_taken_over(name)

    async def note_reply(self, name: str, messages: Sequence[str]) -> None:
        await self._replies.note(name, messages)

    async def reply_messages(self, name: str) -> tuple[str, ...]:
        """Return the messages that answer a question, as far as they are known."""
        return await self._replies.messages_of(name)

    async def unclaimed_messages(self, messages: Sequence[str]) -> list[str]:
        """Return those of the bot's messages that are not known to answer any question."""
        return await self._replies.unclaimed(messages)

    # Reindexing

    def reindex(
        self, person: Person, source: str = "", *, dry_run: bool = False, force: bool = False
    ) -> AsyncGenerator[ReindexEvent, None]:
        """Start a run, or follow the one in progress; raises what `Reindexer.reindex` raises."""
        return self._reindexer.reindex(ReindexOptions(person, source, dry_run, force))

    async def run_history(self, person: Person, limit: int = MAX_RUNS) -> tuple[AuditRecord, ...]:
        """Return the latest runs, newest first. Raises AdminRequiredError."""
        require_admin(person)
        return await self._reindexer.history(limit)

    async def run_status(self, person: Person) -> RunStatus | None:
        """Return the run in progress, in any process. Raises AdminRequiredError."""
        require_admin(person)
        return await self._reindexer.status()

    async def overview(self, person: Person, conversation: Conversation, days: int) -> Overview:
        """Return the statistics that a conversation may show. Raises AdminRequiredError."""
        require_admin(person)
        return await self._overviews.collect(days, self.visible_sources(conversation))

    async def rollback(self, person: Person) -> Report:
        """Answer from the previous index version again; raises what `Reindexer.rollback` raises."""
        return await self._reindexer.rollback(person)

    async def cancel_run(self, person: Person) -> bool:
        """Request cancellation; return False when no run is in progress. Raises AdminRequiredError."""
        return await self._reindexer.cancel(person)


def _channel(conversation: Conversation) -> tuple[str, str, str]:
    return conversation.platform, conversation.workspace, conversation.channel
