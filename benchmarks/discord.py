"""Measure the time from `/ask` in Discord to the first response and words: `python -m benchmarks.discord`.

`footnoted serve` runs as an ordinary process, connected to a loopback Discord in this process.
`benchmarks.chat_platforms` describes the method.
"""

import asyncio
import time
from collections.abc import Sequence

from benchmarks.chat_platforms import (
    MAX_AT_ONCE,
    QUESTIONS,
    TIMEOUT,
    Environment,
    Timing,
    benchmark,
    check_answer,
    compare,
    serving,
    variables_of,
)
from tests.servers.discord import Channel, DiscordServer, Interaction, Message

MODEL, WEB = 8962, 8963


async def run(env: Environment) -> None:
    async with DiscordServer() as discord:
        channels = [discord.add_channel("acme", f"channel-{number}") for number in range(MAX_AT_ONCE)]

        async def ask(at_once: int, over: float) -> list[Timing]:
            return await ask_all(discord, channels, at_once, over)

        variables = variables_of(env, WEB, DISCORD_BOT_TOKEN=discord.token, DISCORD_API_URL=discord.api_url)
        async with serving(env, variables) as pid:
            await discord.ready(within=TIMEOUT)
            await compare(ask, env.model, pid)


async def ask_all(discord: DiscordServer, channels: Sequence[Channel], at_once: int, over: float) -> list[Timing]:
    """Use /ask `at_once` times, in as many channels, and wait for all answers."""
    used = []
    for index in range(at_once):
        question = QUESTIONS[index % len(QUESTIONS)]
        used.append((discord.slash("alice", channels[index], "ask", question=question), time.time()))
        if over:
            await asyncio.sleep(over / at_once)
    await discord.until(lambda: all(is_complete(command) for command, _ in used), within=TIMEOUT)
    return [timing(command, started) for command, started in used]


def answer_to(command: Interaction) -> list[Message]:
    """Return the messages of the answer: a long one continues in messages of the bot in the channel."""
    first = command.original
    return [message for message in first.channel.said if message.id >= first.id] if first else []


def is_complete(command: Interaction) -> bool:
    """Return True if the answer has its buttons, which come last."""
    return any(message.buttons for message in answer_to(command))


def timing(command: Interaction, started: float) -> Timing:
    """Return the milestones of one command, by the clock of the loopback Discord."""
    if command.original is None or command.latency is None:
        raise RuntimeError("a command was not answered")
    messages = answer_to(command)
    check_answer("".join(message.content for message in messages))
    shown = [revision.at for message in messages for revision in message.revisions if revision.content]
    return {
        "first response": command.latency * 1000,
        "first words": (shown[0] - started) * 1000,
        "whole answer": (shown[-1] - started) * 1000,
    }


if __name__ == "__main__":
    benchmark(__doc__, MODEL, run)
