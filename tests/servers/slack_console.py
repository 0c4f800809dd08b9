"""The loopback Slack by hand: lines that are typed are what people do, and what the bot does is printed."""

import asyncio
import os
import re
import shlex
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator

from tests.servers.slack_interactions import Interacting
from tests.servers.slack_world import Message

HELP = """\
say U1 C1 <@UBOT> hello      U1 says it in C1 (D1 and D2 are the direct messages of U1 and U2, who is an admin)
reply U1 3 and why?          U1 says it under message 3
edit 3 text · delete 3 · react U1 3 tada · unfurl 3 https://example.com
click U1 3 ACTION [VALUE]    a button of message 3
slash U1 C1 /ask text        a command
submit U1 BLOCK=text ...     what was typed into the modal that U1 has open
home U1 · stop U1 3          open the app; press stop under message 3
"""
Write = Callable[[str], None]


class Console:
    """Messages are named by their numbers, from 1."""

    def __init__(self, slack: Interacting, write: Write) -> None:
        self._slack, self._write = slack, write
        self._seen: dict[Message, tuple[object, ...]] = {}
        self._numbers: dict[Message, int] = {}
        self._shown: dict[str, str] = {}
        self._complaints = 0
        private = {"D1": slack.direct(slack.user).id, "D2": slack.direct(slack.admin).id}
        people = {"U1": slack.user.id, "U2": slack.admin.id, "UBOT": slack.bot.id}
        self._ids = people | private | {"C1": slack.channel.id}
        self._names = {known: name for name, known in self._ids.items()}

    def act(self, line: str) -> None:
        """Do what the line says, or say what is wrong with it."""
        try:
            self._act(line.strip())
        except (LookupError, ValueError, AttributeError) as problem:
            self._write(f"? {problem}\n{HELP}")

    def _act(self, line: str) -> None:
        line = re.sub(r"\b([UCD]\d|UBOT)\b", lambda found: self._ids.get(found[0], found[0]), line)
        verb, _, rest = line.partition(" ")
        slack = self._slack
        match verb:
            case "say":
                user, channel, text = rest.split(" ", 2)
                slack.say(user, channel, text)
            case "reply":
                user, number, text = rest.split(" ", 2)
                under = self._message(number)
                slack.say(user, under.channel, text, under.root)
            case "edit":
                number, text = rest.split(" ", 1)
                slack.edit(self._message(number), text)
            case "slash":
                user, channel, command, *words = rest.split(" ")
                slack.slash(user, channel, command, " ".join(words))
            case "":
                self._write(HELP)
            case _:
                self._act_with(verb, shlex.split(rest))

    def _act_with(self, verb: str, words: list[str]) -> None:
        slack = self._slack
        match verb, words:
            case "delete", [number]:
                slack.delete(self._message(number))
            case "react", [user, number, name]:
                slack.react(user, self._message(number), name)
            case "unfurl", [number, url]:
                slack.unfurl(self._message(number), url)
            case "click", [user, number, action, *value]:
                slack.click(user, self._message(number), action, *value)
            case "submit", [user, *fields]:
                slack.submit(slack.views.of(user)[-1], dict(field.split("=", 1) for field in fields))
            case "home", [user]:
                slack.open_app_home(user)
            case "stop", [user, number]:
                slack.stop_stream(user, self._message(number))
            case _:
                raise ValueError("I do not know that.")

    def _message(self, number: str) -> Message:
        self.show()
        for message, known in self._numbers.items():
            if known == int(number):
                return message
        raise LookupError(f"There is no message {number}.")

    def show(self) -> None:
        """Print what is new since the last time."""
        for message in self._slack.world.messages:
            looks = (message.text, message.streaming, message.deleted, len(message.blocks), tuple(message.reactions))
            if self._seen.get(message) != looks:
                self._seen[message] = looks
                self._numbers.setdefault(message, len(self._numbers) + 1)
                self._write(self._line(message))
        for modal in self._slack.views.modals.values():
            if modal.open and self._shown.get(modal.id) != modal.hash:
                self._shown[modal.id] = modal.hash
                self._write(f"    {self._name(modal.user.id)} sees the modal {modal.view['title']['text']!r}")

        for (channel, thread), posted in self._slack.statuses.items():
            if self._shown.get(channel + thread) != posted.status:
                self._shown[channel + thread] = posted.status
                self._write(f"    {self._name(channel)} under {thread}: the bot {posted.status}")
        for complaint in self._slack.complaints[self._complaints :]:
            self._write(f"    {complaint}")
        self._complaints = len(self._slack.complaints)

    def _line(self, message: Message) -> str:
        place = self._name(message.channel) + (f" under {message.thread_ts}" if message.is_reply else "")
        marks = [name for name in ("streaming", "deleted") if getattr(message, name)]
        marks += [f"only for {self._name(message.ephemeral_to)}"] if message.ephemeral_to else []
        marks += [f":{name}:" for name in message.reactions] + [f"[{action}]" for action in _actions(message)]
        number, author = self._numbers[message], self._name(message.user)
        return f"{number:>3} {place} {author}: {message.text} {' '.join(marks)}".rstrip()

    def _name(self, known: str) -> str:
        return self._names.get(known, known)


def _actions(message: Message) -> Iterator[str]:
    for block in message.blocks:
        yield from (element["action_id"] for element in block.get("elements", ()) if "action_id" in element)


async def converse(slack: Interacting, wait: Callable[[], Awaitable[None]]) -> None:
    """Read lines from standard input for as long as there are any, and print what happens; then go on printing."""

    def write(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    console = Console(slack, write)
    write(HELP)
    reading = asyncio.create_task(_read(console))
    try:
        while True:
            await wait()
            console.show()
    finally:
        reading.cancel()


async def _read(console: Console) -> None:
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (sys.stdin.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return  # nobody sits there
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        console.act(line.decode())
