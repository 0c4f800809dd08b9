"""`footnoted chat` in a pseudo-terminal."""

import asyncio
from pathlib import Path

from tests.adapters.garden import ASKED, FOLLOW_UP
from tests.bot.running import make_home
from tests.bot.terminal import CTRL_C, CTRL_D, Typed
from tests.servers.openai import OpenAIServer, Stall, Text

CLEARED = "Conversation cleared."


async def test_chat_remembers_until_forget_and_ctrl_c_stops_only_the_answer(tmp_path: Path) -> None:
    async with OpenAIServer() as model:
        model.enqueue(
            Text("Water them **early** [1]."), Text("With comfrey tea [1]."), Stall("Half an ans"), Text("Dried [1].")
        )
        code = await asyncio.to_thread(converse, make_home(tmp_path), model.base_url)
        asked = [[message["content"] for message in chat.messages] for chat in model.chats]
        await asyncio.wait_for(model.chats[2].finished.wait(), 5)
        stopped = model.chats[2].cancelled
    assert code == 0
    assert stopped
    first, follow_up, _, afresh = asked
    assert len(first) == 2
    assert follow_up[1:3] == [ASKED, "Water them **early** [1]."]
    assert len(afresh) == 2


def converse(home: Path, address: str) -> int:
    """Type a conversation. Return the exit code."""
    with Typed(home, "chat", OPENAI_BASE_URL=address, REWRITE="false") as window:
        window.read_until("Ctrl-D quits")
        window.read_until("› ")
        window.type(f"{ASKED}\n")
        shown = window.read_until("tokens so far")
        assert "Water them early [1]." in shown
        assert "[1] Growing tomatoes on a balcony" in shown
        window.type(f"{FOLLOW_UP}\n")
        assert "With comfrey tea" in window.read_until("tokens so far")
        window.type("/sources\n")
        assert "garden  5 posts" in window.read_until("5 posts, 5 passages in total")
        window.type("/nonsense\n")
        window.read_until("Unknown command /nonsense.")
        window.read_until("› ")
        window.type("How long does compost take?\n")
        window.read_until("Half an ans")
        window.type(CTRL_C)
        window.read_until("Stopped.")
        window.read_until("› ")
        window.press_until(CTRL_C, "Ctrl-D quits.")
        window.type("/forget\n")
        window.read_until(CLEARED)
        window.type("How is honey dried by bees in winter?\n")
        window.read_until("tokens so far")
        window.type(CTRL_D)
        return window.exit_code()
