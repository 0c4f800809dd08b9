"""The bot as processes: configured by settings, and several on one Redis, one of which is killed."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from adapters.discord.client import invite_link
from core.storage import keys
from tests.adapters.discord.harness import is_whole, said_since
from tests.adapters.garden import ASKED
from tests.bot.running import invoke_in_thread, make_home
from tests.bot.serving import served_as_process
from tests.servers.discord import DiscordServer, Interaction, Message
from tests.servers.openai import OpenAIServer

QUESTIONS = 18
PROCESSES = 2
WITHIN = 90.0


def reached(discord: DiscordServer, model: OpenAIServer, redis_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_BOT_TOKEN": discord.token,
        "OPENAI_BASE_URL": model.base_url,
        "QUESTIONS_PER_MINUTE": "100000",
        "CHANNEL_QUESTIONS_PER_MINUTE": "100000",
    }


async def test_serve_answers_reports_its_state_and_finishes_answers_on_sigterm(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async with DiscordServer() as discord, OpenAIServer(tokens_per_second=40) as model:
        async with (
            served_as_process(make_home(tmp_path), **reached(discord, model, redis_url)) as bot,
            aiohttp.ClientSession(bot.address) as web,
        ):
            await discord.ready(within=WITHIN)
            async with asyncio.timeout(WITHIN):
                while (await web.get("/readyz")).status != 200:
                    await asyncio.sleep(0.1)
            asked = discord.slash("alice", "general", "ask", question=ASKED)
            await discord.until(lambda: answered(discord, asked), within=WITHIN)
            late = discord.slash("bob", "general", "ask", question=ASKED)
            await discord.until(lambda: late.responded is not None)
            code, said = await bot.end(signal.SIGTERM)
            assert answered(discord, late), "a running answer finishes when the bot is stopped"
        assert code == 0
        assert discord.token not in said
        assert "Traceback" not in said


async def test_doctor_prints_the_invite_link(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with DiscordServer() as discord, OpenAIServer() as model:
        settings = reached(discord, model, redis_url)
        ended = await invoke_in_thread(make_home(tmp_path), "doctor", **settings)
        assert invite_link(str(discord.store.application.id)) in ended.stdout


async def test_every_question_is_answered_once_when_a_process_is_killed(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async with DiscordServer() as discord, OpenAIServer(tokens_per_second=60) as model, AsyncExitStack() as stack:
        settings = reached(discord, model, redis_url) | {"LOG_LEVEL": "error"}
        bots = [
            await stack.enter_async_context(served_as_process(make_home(tmp_path / str(number)), **settings))
            for number in range(PROCESSES)
        ]
        await discord.until(lambda: len(list(discord.gateway.sessions)) == PROCESSES, within=WITHIN)
        for number in range(QUESTIONS):
            discord.add_channel("acme", f"channel-{number}")
        asked: list[Message | Interaction] = []
        for number in range(QUESTIONS):
            question, harness = f"What do bees eat in winter? ({number})", f"channel-{number}"
            asked.append(
                discord.mention("alice", harness, question)
                if number % 2
                else discord.slash("bob", harness, "ask", question=question)
            )
            await asyncio.sleep(0.05)
            if number == QUESTIONS // 3:
                bots[1].process.send_signal(signal.SIGKILL)
        await discord.until(lambda: all(answered(discord, one) for one in asked), within=WITHIN)
        async with asyncio.timeout(WITHIN):
            while await redis.exists(keys.pending_events("discord")):
                await asyncio.sleep(0.1)
        assert [len(said_since(discord, one)) for one in asked] == [1] * QUESTIONS


def answered(discord: DiscordServer, asked: Message | Interaction) -> bool:
    return any(is_whole(one) for one in said_since(discord, asked))
