"""Any text, in a chat or on the page, gets an answer or one sentence, and the bot keeps running."""

from io import BytesIO
from pathlib import Path

from tests.breaking.own_redis import own_redis
from tests.breaking.scene import BEES, CALM, Scene, scene

TEXTS = {
    "long": "What do bees eat? " * 600,
    "one word": "b" * 10_000,
    "emoji": "🐝🍯❄️ What do bees 👩‍🌾 eat in winter? 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "right to left": "ماذا يأكل النحل في الشتاء؟ \u202ebees winter eat\u202c",
    "zero width": "What\u200b do\u200d bees\ufeff eat\u2060 in winter?",
    "control": "What do \x00bees\x07 eat\x1b[31m in\x7f winter?",
    "combining": "What do b̷̢̛͎̙ees eat in w" + "\u0301" * 500 + "inter?",
    "half a character": "What do bees eat \ud83d in winter?",
    "markup": "<!channel> *What* do [bees](http://x) `eat` <@U1> @everyone in winter?",
    "query": '@title:{bees} => [KNN 5 @embedding $v] | -* "\\ eat winter',
}
BODIES: dict[str, tuple[bytes, int]] = {
    "a megabyte": (b'{"question": "' + b"x" * 1024 * 1024 + b'"}', 413),
    "no JSON": (b"{question", 400),
    "deep": (b"[" * 50_000, 400),
    "a list": (b"[]", 400),
    "another kind": (b'{"question": {"$gt": ""}}', 400),
    "no UTF-8": (b'{"question": "\xff\xfe"}', 400),
    "infinite": (b'{"question": 1e999}', 400),
    "nothing": (b"", 400),
}


async def test_any_text_or_request_body_is_answered_or_refused_in_a_sentence(tmp_path: Path) -> None:
    async with own_redis(tmp_path) as redis, scene(tmp_path / "home", redis.url) as here:
        for name, text in TEXTS.items():
            document = await here.page(text)
            said = document.get("answer") or document["error"]
            assert said, name
            assert "answer" in document or CALM.fullmatch(said), (name, said)
        chats = {name: here.ask(text.encode(errors="replace").decode()) for name, text in TEXTS.items()}
        for name, asked in chats.items():
            assert await here.reply(asked), name
        for name, (body, status) in BODIES.items():
            assert await posted(here, body) == status, name
        assert "According to the posts" in (await here.page(BEES))["answer"]
        assert "Traceback" not in here.bot.said()


async def posted(here: Scene, body: bytes) -> int:
    async with here.web.post("/api/ask", data=BytesIO(body), headers={"Content-Type": "application/json"}) as response:
        assert CALM.fullmatch((await response.json())["error"].split(":")[0] + ".") or response.status == 200
        return response.status
