"""Several processes on one Redis: each question is answered once, also when one of them is killed in the middle."""

import asyncio
import random
import signal
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from redis.asyncio import Redis

from core.storage import keys
from tests.adapters.slack.harness import is_whole
from tests.bot.running import make_home
from tests.bot.serving import served_as_process
from tests.servers.openai import OpenAIServer
from tests.servers.slack import Message, SlackServer

QUESTIONS = 30
PROCESSES = 2
MOST_REPEATED = 3
WITHIN = 60.0


async def test_every_question_is_answered_once_when_a_process_is_killed(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async with SlackServer() as slack, OpenAIServer(tokens_per_second=400) as model, AsyncExitStack() as stack:
        settings = {
            "REDIS_URL": redis_url,
            "SLACK_API_URL": slack.base_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "OPENAI_BASE_URL": model.base_url,
            "QUESTIONS_PER_MINUTE": "100000",
            "CHANNEL_QUESTIONS_PER_MINUTE": "100000",
            "LOG_LEVEL": "error",
        }
        bots = [
            await stack.enter_async_context(served_as_process(make_home(tmp_path / str(number)), **settings))
            for number in range(PROCESSES)
        ]
        await slack.until(lambda: len(slack.sockets.open) == PROCESSES, within=WITHIN)
        asked = await ask_all(slack, lambda: bots[1].process.send_signal(signal.SIGKILL))

        def answers() -> Counter[str]:
            said = slack.messages(slack.channel.id)
            return Counter(str(m.thread_ts) for m in said if m.user == slack.bot.id and is_whole(m) and not m.deleted)

        await slack.until(lambda: len(answers()) == len(asked), within=WITHIN)
        async with asyncio.timeout(WITHIN):
            while await redis.exists(keys.pending_events("slack")):
                await asyncio.sleep(0.05)
        assert set(answers().values()) == {1}
        assert set(answers()) == {message.ts for message in asked}
        said = slack.messages(slack.channel.id)
        assert [m.text for m in said if m.user == slack.bot.id and not is_whole(m) and not m.deleted] == []


async def ask_all(slack: SlackServer, kill: object) -> list[Message]:
    """Asks, has each question delivered one to four times, and lets something happen in the middle."""
    chance = random.Random(7)
    asked: list[Message] = []
    async with asyncio.TaskGroup() as tasks:
        for number in range(QUESTIONS):
            asked.append(
                slack.say(slack.user, slack.channel, f"<@{slack.bot.id}> What do bees eat in winter? ({number})")
            )
            for _ in range(chance.randint(0, MOST_REPEATED)):
                tasks.create_task(again(slack, asked[-1], chance.random() * 2))
            await asyncio.sleep(0.02)
            if number == QUESTIONS // 2 and callable(kill):
                kill()
    return asked


async def again(slack: SlackServer, message: Message, after: float) -> None:
    """Deliver the same event again, to any process."""
    await asyncio.sleep(after)
    delivery = next(each for each in slack.deliveries.of("app_mention") if each.event["ts"] == message.ts)
    slack.deliver("events_api", delivery.payload)
