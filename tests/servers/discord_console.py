"""A Discord in a terminal: lines say what people do, and what the bot asks of Discord is printed."""

import asyncio
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tests.servers.discord_http import Call
from tests.servers.discord_interacting import Interacting
from tests.servers.discord_objects import Message
from tests.servers.discord_people import CannotDo

OPTION = re.compile(r"(\w[\w-]*)=(.*?)(?=\s+\w[\w-]*=|$)")
HELP = """say USER CHANNEL TEXT (the bot in place of the channel: in private; @bot mentions it)
slash USER CHANNEL COMMAND [SUBCOMMAND] [option=value ...]
click USER CUSTOM_ID (on the newest message that has it)
who | help | quit"""


class Console:
    """`calls` are the bot's requests as they come."""

    def __init__(self, people: Interacting, calls: Sequence[Call]) -> None:
        self.people, self.calls, self.world = people, calls, people.platform.world

    async def run(self) -> None:
        """Until a line says `quit`. The end of the input is no reason to end."""
        async with asyncio.TaskGroup() as tasks:
            printing = tasks.create_task(self._print_calls())
            await self._read_lines()
            printing.cancel()

    async def _read_lines(self) -> None:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for raw in reader:
            line = raw.decode().strip()
            if line == "quit":
                return
            if line:
                _print(self.answer(line))
        await asyncio.Event().wait()

    def answer(self, line: str) -> str:
        try:
            return self.act(line)
        except (CannotDo, ValueError) as error:
            return f"! {error}"

    def act(self, line: str) -> str:
        """Do what one line says; what it returns is for the person at the terminal."""
        verb, *words = line.split()
        match verb, words:
            case "say", [user, channel, *text]:
                return f"message {self.people.say(user, channel, ' '.join(text)).id}"
            case "slash", [user, channel, *rest]:
                return f"interaction {self._slash(user, channel, rest)}"
            case "click", [user, custom_id]:
                return f"interaction {self.people.click(user, self._newest(custom_id), custom_id).id}"
            case "who", []:
                rooms = [channel.name for channel in self.world.channels.values() if channel.name]
                return f"{', '.join(user.name for user in self.world.users.values())} in {', '.join(rooms)}"
        return HELP

    def _newest(self, custom_id: str) -> Message:
        holders = [one for one in self.world.messages.values() if f"'{custom_id}'" in str(one.components)]
        if not holders:
            raise CannotDo(f"no message has {custom_id}")
        return holders[-1]

    def _slash(self, user: str, channel: str, words: list[str]) -> int:
        """Names come before the first word with an equals sign; values are typed as the command wants them."""
        count = next((index for index, word in enumerate(words) if "=" in word), len(words))
        names, typed = words[:count], dict(OPTION.findall(" ".join(words[count:])))
        command = self.people.commands.find(self.people.where(channel, user), names[0]) or {"options": []}
        known: list[Any] = command["options"]
        for name in names[1:]:
            known = next((one.get("options") or [] for one in known if one["name"] == name), [])
        kinds = {option["name"]: option["type"] for option in known}
        options = {name: self._typed(kinds.get(name, 3), text) for name, text in typed.items()}
        return self.people.slash(user, channel, " ".join(names), **options).id

    def _typed(self, kind: int, text: str) -> Any:
        read: dict[int, Callable[[str], Any]] = {
            4: int, 5: lambda word: word.lower() in ("yes", "true", "1"), 6: self.people.who, 7: self.people.where,
            10: float}  # fmt: skip
        return read.get(kind, str)(text)

    async def _print_calls(self) -> None:
        shown = 0

        def answered() -> bool:
            return len(self.calls) > shown and self.calls[shown].status > 0

        while True:
            await self.people.platform.watch.until(answered, within=10**8)
            _print(self.told(self.calls[shown]))
            shown += 1

    def told(self, call: Call) -> str:
        path = re.sub(r"[\w-]{60,}", "…", call.path)
        channel = self.world.channels.get(int(call.params.get("channel", "0")))
        where = f" #{channel.name}" if channel and channel.name else ""
        body = call.body if isinstance(call.body, dict) else {}
        text = (body.get("data") or body).get("content") or ""
        refused = f" {call.answer.get('message')}" if call.status >= 400 and isinstance(call.answer, dict) else ""
        lines = "".join(f"\n    {line}" for line in text.splitlines())
        return f"bot {call.method} {path}{where} {call.status}{refused}{lines}"


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
