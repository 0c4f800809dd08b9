"""What the buttons under an answer do: vote, say why, tell why, ask again, share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.slack.answer_session import AnswerSessions, ready
from adapters.slack.blocks import (
    AGAIN,
    EXAMPLE,
    FEEDBACK,
    REASON,
    SHARE,
    WHY,
    Block,
    answer_buttons,
    context,
    markdown,
    reason_form,
    reason_offer,
    section,
    sources,
    why,
)
from adapters.slack.commands import Commands
from adapters.slack.ephemeral_reply import respond, withdraw
from adapters.slack.escaping import fallback, neutralize_mentions
from adapters.slack.mentions import MentionResolver
from adapters.slack.message_sequence import HARD, SOFT
from adapters.slack.question_builder import QuestionBuilder, question_id
from adapters.slack.reply_target import ReplyTarget
from adapters.slack.web_api import SlackRefusedError, SlackUnreachableError, call_api
from core.chat.footnote_links import link_footnotes
from core.chat.message_splitter import split_stream
from core.chat.services import ChatServices
from core.domain import Claim, Conversation, Person, Question, StoredQuestion
from core.errors import to_footnoted_error

log = structlog.get_logger()

FORGOTTEN = "I do not remember this question any more; please ask it again."
TOO_LATE = "That took too long; please press the button again."
SHARED = "Shared in the channel."


@dataclass(frozen=True, slots=True)
class Click:
    """A button that somebody has pressed, on which message."""

    action: str
    value: str
    user: str
    team: str
    channel: str
    message_ts: str
    thread_ts: str
    ephemeral: bool
    trigger_id: str
    response_url: str

    @property
    def channel_place(self) -> Conversation:
        """The channel as such; who clicks there may know what was asked there."""
        return Conversation("slack", self.channel, self.team)


def read_click(payload: Mapping[str, Any]) -> Click:
    """The first action of a `block_actions` payload; ours have one each."""
    action, container = payload["actions"][0], payload.get("container") or {}
    message = payload.get("message") or {}
    return Click(
        action=action["action_id"].split(":")[0],
        value=action.get("value") or "",
        user=payload["user"]["id"],
        team=(payload.get("team") or {}).get("id") or payload["user"].get("team_id", ""),
        channel=container.get("channel_id") or (payload.get("channel") or {}).get("id", ""),
        message_ts=container.get("message_ts") or message.get("ts", ""),
        thread_ts=container.get("thread_ts") or message.get("thread_ts") or "",
        ephemeral=bool(container.get("is_ephemeral")),
        trigger_id=payload.get("trigger_id", ""),
        response_url=payload.get("response_url", ""),
    )


class Buttons:
    """Does what a button says, for whoever has pressed it."""

    def __init__(
        self,
        client: AsyncWebClient,
        desk: ChatServices,
        names: MentionResolver,
        composing: QuestionBuilder,
        answering: AnswerSessions,
        commands: Commands,
        me: str,
    ) -> None:
        self._client = client
        self._desk = desk
        self._names = names
        self._composing = composing
        self._answering = answering
        self._commands = commands
        self._me = me
        self._trying: set[str] = set()

    async def press(self, click: Click, taken: Claim = Claim.NEW) -> None:
        """Whatever button it is. Whatever goes wrong, whoever has pressed it is told so."""
        try:
            await self._do(click, taken)
        except Exception as error:  # a door: behind it stands a person who waits
            known = to_footnoted_error(error)
            log.error("a button failed", error_id=known.id, action=click.action, cause=str(known), exc_info=error)
            await self._tell(click, [section(f"{known.user_message}  `{known.id}`")], known.user_message)

    async def _do(self, click: Click, taken: Claim) -> None:
        match click.action:
            case a if a == FEEDBACK:
                await self._vote(click)
            case a if a == REASON:
                await self._offer_form(click)
            case a if a == WHY:
                await self._tell_why(click)
            case a if a == AGAIN:
                await self._ask_again_once(click)
            case a if a == SHARE:
                await self._share(click)
            case a if a == EXAMPLE:
                await self._ask_example(click, taken)
            case unknown:
                log.warning("a button of an older version was pressed", action=unknown)

    async def explain(self, view: Mapping[str, Any], user: str) -> None:
        """Somebody has written what was wrong with an answer."""
        reason = view["state"]["values"][REASON][REASON].get("value") or ""
        if reason.strip():
            person = Person(user, await self._names.person(user))
            await self._desk.explain(view["private_metadata"], person, reason)

    async def _vote(self, click: Click) -> None:
        thumb, _, asked = click.value.partition(":")
        if await self._desk.remembered(asked, click.channel_place) is None:
            await self._tell(click, [section(FORGOTTEN)], FORGOTTEN)
            return
        person = Person(click.user, await self._names.person(click.user))
        await self._desk.vote(asked, person, "up" if thumb == "up" else "down")
        if thumb == "down":
            await self._tell(click, reason_offer(asked), "Thank you. What was wrong?")
        else:
            await self._tell(click, [context("Thank you for the feedback.")], "Thank you for the feedback.")

    async def _offer_form(self, click: Click) -> None:
        try:
            await call_api(self._client.views_open(trigger_id=click.trigger_id, view=reason_form(click.value)))
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.warning("a window could not be opened", cause=str(error))
            await self._tell(click, [section(TOO_LATE)], TOO_LATE)

    async def _tell_why(self, click: Click) -> None:
        found = await self._desk.remembered(click.value, click.channel_place)
        blocks = why(found) if found else [section(FORGOTTEN)]
        await self._tell(click, blocks, "Why this answer?")

    async def _ask_again_once(self, click: Click) -> None:
        """Pressed again while that goes on, the button does nothing."""
        place = f"{click.channel}:{click.message_ts}"
        if place in self._trying:
            return
        self._trying.add(place)
        try:
            await self._ask_again(click)
        finally:
            self._trying.discard(place)

    async def _ask_again(self, click: Click) -> None:
        """A failed answer is written anew where it failed."""
        asked, _, question_ts = click.value.partition(":")
        question = await self._question(click, asked, question_ts)
        if question is None:
            await self._tell(click, [section(FORGOTTEN)], FORGOTTEN)
            return
        question = replace(question, person=Person(click.user, await self._names.person(click.user)))
        if click.ephemeral and not question_ts:
            await self._commands.answer(question, self._webhook(click))
            return
        if click.ephemeral:
            await withdraw(self._webhook(click))
        name = f"{click.team}:{click.channel}:{question_ts}"
        running = self._answering.running.get(name)
        if running and not running.reply.over:
            return
        old = () if click.ephemeral else await self._desk.replies.messages_of(name) or (click.message_ts,)
        thread_ts = click.thread_ts or (question.conversation.thread if question.conversation else "") or question_ts
        await self._answering.answer(name, ready(question), self._place(click, thread_ts, question_ts), old)

    async def _question(self, click: Click, asked: str, question_ts: str) -> Question | None:
        """What was asked, with what stands before it in the thread, which is not kept anywhere else."""
        if question_ts and (again := await self._composing.compose_again(click.team, click.channel, question_ts)):
            return again
        found = await self._desk.remembered(asked, click.channel_place)
        return found.question if found else None

    async def _ask_example(self, click: Click, taken: Claim) -> None:
        person = Person(click.user, await self._names.person(click.user))
        if click.ephemeral:
            place = Conversation("slack", click.channel, click.team, f"ask:{click.user}")
            await self._commands.answer(Question(click.value, place, person), self._webhook(click))
            return
        thread_ts = click.thread_ts or click.message_ts
        place = Conversation("slack", click.channel, click.team, "" if click.channel.startswith("D") else thread_ts)
        name = f"{click.team}:{click.channel}:{click.trigger_id}"
        question = Question(click.value, place, person, id=question_id(name))
        old: tuple[str, ...] = ()
        if taken is Claim.TAKEOVER:
            before = await self._desk.remembered(question.id, place)
            if before and before.answer:
                return
            old = await self._desk.replies.messages_of(name)
        await self._answering.answer(name, ready(question), self._place(click, thread_ts, click.message_ts), old)

    async def _share(self, click: Click) -> None:
        """Posts a private answer for all, under the name of whoever had asked."""
        found = await self._desk.remembered(click.value, click.channel_place)
        if found is None or found.answer is None:
            await self._tell(click, [section(FORGOTTEN)], FORGOTTEN)
            return
        try:
            await self._post(click, found)
        except SlackRefusedError as error:
            log.warning("an answer could not be shared", error=error.error)
            sentence = "I may not write in this channel: invite me with `/invite`, and share again."
            await self._tell(click, [section(sentence)], sentence)
        else:
            await respond(self._webhook(click), [context(SHARED)], SHARED, replace=True)

    async def _post(self, click: Click, found: StoredQuestion) -> None:
        answer = found.answer
        if answer is None:
            return
        name = await self._names.person(click.user)
        head = neutralize_mentions(f"**{name} asked:** {found.question.text}\n\n")
        parts = split_stream(head + neutralize_mentions(link_footnotes(answer.text, answer.footnotes)), SOFT, HARD)
        thread_ts = None
        for at, part in enumerate(parts):
            below = [*sources(answer), *answer_buttons(found.question.id)] if at == len(parts) - 1 else []
            posted = await call_api(
                self._client.chat_postMessage(
                    channel=click.channel,
                    thread_ts=thread_ts,
                    text=fallback(part),
                    blocks=[markdown(part), *below],
                    unfurl_links=False,
                    unfurl_media=False,
                )
            )
            thread_ts = thread_ts or posted["ts"]

    async def _tell(self, click: Click, blocks: list[Block], text: str) -> None:
        """For whoever pressed the button alone, where they pressed it."""
        if click.ephemeral and await respond(self._webhook(click), blocks, text, replace=False):
            return
        try:
            await call_api(
                self._client.chat_postEphemeral(
                    channel=click.channel,
                    user=click.user,
                    thread_ts=click.thread_ts or None,
                    text=text,
                    blocks=blocks,
                )
            )
        except (SlackRefusedError, SlackUnreachableError) as error:
            log.warning("somebody could not be told", cause=str(error))

    def _webhook(self, click: Click) -> AsyncWebhookClient:
        return self._commands.webhook(click.response_url)

    def _place(self, click: Click, thread_ts: str, question_ts: str) -> ReplyTarget:
        return ReplyTarget(
            channel=click.channel,
            thread_ts=thread_ts,
            question_ts=question_ts,
            user=click.user,
            user_team=click.team,
            direct=click.channel.startswith("D"),
            me=self._me,
        )
