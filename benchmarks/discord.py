"""From `/ask` in Discord to the first response and to the first words: `python -m benchmarks.discord`.

`footnoted serve` runs as an ordinary process, connected to a loopback Discord in this one; `benchmarks.chats` says how.
"""

import asyncio
import time
from collections.abc import Sequence

from benchmarks.chats import MOST_AT_ONCE, QUESTIONS, WITHIN, Stage, Timing, compare, serving, stage
from tests.servers.discord import Channel, DiscordServer, Interaction

MODEL, WEB = 8962, 8963


def main() -> None:
    with stage(MODEL) as where:
        asyncio.run(run(where))


async def run(where: Stage) -> None:
    async with DiscordServer() as discord:
        rooms = [discord.add_channel("acme", f"room-{number}") for number in range(MOST_AT_ONCE)]

        async def ask(at_once: int, over: float) -> list[Timing]:
            return await asked(discord, rooms, at_once, over)

        async with serving(where, WEB, DISCORD_BOT_TOKEN=discord.token, DISCORD_API_URL=discord.api_url) as pid:
            await discord.ready(within=WITHIN)
            await compare(ask, where.model, pid)


async def asked(discord: DiscordServer, rooms: Sequence[Channel], at_once: int, over: float) -> list[Timing]:
    """Uses /ask so often, in as many channels, and waits for all answers."""
    used = []
    for place in range(at_once):
        question = QUESTIONS[place % len(QUESTIONS)]
        used.append((discord.slash("alice", rooms[place], "ask", question=question), time.time()))
        if over:
            await asyncio.sleep(over / at_once)
    await discord.until(lambda: all(whole(command) for command, _ in used), within=WITHIN)
    return [timing(command, began) for command, began in used]


def whole(command: Interaction) -> bool:
    """Whether the answer has its buttons."""
    return bool(command.messages) and bool(command.messages[-1].buttons)


def timing(command: Interaction, began: float) -> Timing:
    """What followed one command, by the clock of the Discord."""
    if command.original is None or command.latency is None:
        raise RuntimeError("a command was not answered")
    shown = [revision.at for revision in command.original.revisions if revision.content]
    return {
        "first response": command.latency * 1000,
        "first words": (shown[0] - began) * 1000,
        "whole answer": (shown[-1] - began) * 1000,
    }


if __name__ == "__main__":
    main()
