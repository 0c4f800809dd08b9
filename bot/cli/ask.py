"""`footnoted ask`: one question and its answer."""

from rich.console import Console

from adapters.console import ConsoleReply, JsonReply
from bot.app import Bot
from bot.cli.exit_codes import FAILED, OK
from core.chat.delivery import deliver
from core.domain import EVERYTHING, Question


async def ask(bot: Bot, question: str, out: Console, err: Console, json: bool = False) -> int:
    """Print the answer or the reason for its failure; return the exit code."""
    events = bot.answerer.ask(Question(question, scope=EVERYTHING))
    if json:
        json_reply = JsonReply()
        await deliver(events, json_reply)
        return FAILED if json_reply.error else OK
    with ConsoleReply(out, err) as reply:
        await deliver(events, reply)
    return FAILED if reply.error else OK
