"""What the page's interface answers to well-formed requests: answers, streams, posts, status."""

import asyncio

from bot.app import Bot
from core.indexing.progress import Progress
from tests.adapters.conftest import Logged
from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC, POSTS
from tests.adapters.web.conftest import Modelled
from tests.adapters.web.serving import STREAM, Client, next_event, opened, streamed
from tests.servers.loopback import Status
from tests.servers.openai import Broken, ChatRequest, Stall, Text

TOMATOES = "garden/tomatoes.md"


async def test_a_question_is_answered_in_one_document(client: Client) -> None:
    response = await client.post("/api/ask", json={"question": ASKED})
    answer = await response.json()
    assert response.status == 200
    assert set(answer) == {"answer", "grounded", "sources", "nearest", "timings_ms"}
    assert "early in the morning" in answer["answer"]
    assert answer["grounded"] is True
    assert answer["nearest"] == []
    first = answer["sources"][0]
    assert (first["number"], first["url"], first["title"]) == (1, TOMATOES, "Growing tomatoes on a balcony")
    assert 0 < answer["timings_ms"]["found"] <= answer["timings_ms"]["total"]


async def test_an_answer_streams_as_searching_found_wrote_answered(client: Client) -> None:
    response = await client.post("/api/ask", json={"question": f"  {ASKED}\n"}, headers=STREAM)
    events = await streamed(response)
    names = [name for name, _ in events]
    assert response.content_type == "text/event-stream"
    assert names[:2] == ["searching", "found"]
    assert set(names[2:-1]) == {"wrote"}
    assert names[-1] == "answered"
    assert events[0][1] == {"question": ASKED}
    passage = events[1][1]["passages"][0]
    assert set(passage) == {"url", "title", "heading", "text", "score"}
    assert passage["url"] == TOMATOES


async def test_the_pieces_of_a_stream_are_the_answer(modelled: Modelled) -> None:
    pieces = ("Early ", "in the ", "morning [", "1], says “", "日本", "🍅”\n\n", "data: x\r\n", "event: y")
    modelled.model.enqueue(Text(pieces=pieces))
    events = await streamed(await modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM))
    wrote = [data["text"] for name, data in events if name == "wrote"]
    assert len(wrote) > 3
    assert "".join(wrote) == events[-1][1]["answer"] == "".join(pieces)
    assert events[-1][1]["sources"][0]["url"] == TOMATOES


async def test_half_a_character_does_not_keep_a_question_from_its_answer(client: Client) -> None:
    """A browser can send one half of an emoji, as an escape."""
    body = f'{{"question": "{ASKED} \\ud83c"}}'.encode()
    headers = STREAM | {"Content-Type": "application/json"}
    events = await streamed(await client.post("/api/ask", data=body, headers=headers))
    assert events[0] == ("searching", {"question": f"{ASKED} ?"})
    assert events[-1][1]["grounded"] is True


async def test_a_piece_is_sent_before_the_next_one_is_written(modelled: Modelled) -> None:
    modelled.model.enqueue(Stall("Early in the morning, "))
    async with modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM) as response:
        async with asyncio.timeout(5):
            while (await next_event(response))[0] != "wrote":
                pass
        assert not modelled.model.chats[0].finished.is_set()


async def test_what_the_posts_do_not_know_is_said_with_the_nearest_posts(client: Client) -> None:
    answer = await (await client.post("/api/ask", json={"question": OFF_TOPIC})).json()
    assert answer["grounded"] is False
    assert answer["sources"] == []
    assert [set(near) for near in answer["nearest"]] == [{"number", "title", "url", "score"}] * 2
    assert all(near["title"] in answer["answer"] for near in answer["nearest"])


async def test_a_follow_up_is_understood_only_in_its_own_conversation(modelled: Modelled) -> None:
    async def ask(question: str, conversation: str | None) -> str:
        modelled.model.chats.clear()
        response = await modelled.client.post("/api/ask", json={"question": question, "conversation": conversation})
        assert response.status == 200
        return modelled.model.chats[-1].prompt if modelled.model.chats else ""

    await ask(ASKED, "one")
    assert ASKED in await ask(FOLLOW_UP, "one")
    assert ASKED not in await ask(FOLLOW_UP, "two")
    assert ASKED not in await ask(FOLLOW_UP, None)


async def test_a_forgotten_conversation_is_gone_and_others_stay(client: Client) -> None:
    async def grounded_follow_up(conversation: str) -> bool:
        asked = {"question": FOLLOW_UP, "conversation": conversation}
        return bool((await (await client.post("/api/ask", json=asked)).json())["grounded"])

    for conversation in ("kept", "forgotten"):
        await client.post("/api/ask", json={"question": ASKED, "conversation": conversation})
    response = await client.post("/api/forget", json={"conversation": "forgotten"})
    assert (response.status, await response.json()) == (200, {})
    assert not await grounded_follow_up("forgotten")
    assert await grounded_follow_up("kept")


async def hang_up_in_the_middle(modelled: Modelled, conversation: str) -> ChatRequest:
    """Asks, leaves while the answer is written, and gives back what the model saw of it."""
    modelled.model.enqueue(Text("word " * 10_000, tokens_per_second=50))
    asked = {"question": ASKED, "conversation": conversation}
    async with asyncio.timeout(10):
        async with modelled.client.post("/api/ask", json=asked, headers=STREAM) as response:
            while (await next_event(response))[0] != "wrote":
                pass
            response.close()
        chat = await modelled.model.chat(0)
        await chat.finished.wait()
    return chat


async def test_a_client_that_hangs_up_stops_the_model(modelled: Modelled, logged: Logged) -> None:
    """That is nobody's failure: the log only says that it was stopped."""
    logged.clear()
    assert (await hang_up_in_the_middle(modelled, "left")).cancelled
    assert [line["outcome"] for line in logged] == ["stopped"]


async def test_an_answer_that_nobody_waited_for_is_not_remembered(modelled: Modelled) -> None:
    await hang_up_in_the_middle(modelled, "left")
    await modelled.client.post("/api/ask", json={"question": "Why comfrey tea?", "conversation": "left"})
    assert [message["role"] for message in modelled.model.chats[-1].messages] == ["system", "user"]


async def test_a_stream_that_breaks_off_ends_with_a_sentence_and_an_id(modelled: Modelled, logged: Logged) -> None:
    """What was written until then was sent; what happened stands in the log, under the same id."""
    modelled.model.enqueue(Broken("Early in the morning"))
    events = await streamed(await modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM))
    assert "".join(data["text"] for name, data in events if name == "wrote") == "Early in the morning"
    name, failure = events[-1]
    assert (name, set(failure)) == ("failed", {"sentence", "id"})
    assert failure["sentence"] == "The answer was cut off. Please try again."
    assert failure["id"] in [line.get("error_id") for line in logged]


async def test_a_model_that_refuses_is_told_in_one_sentence(modelled: Modelled, logged: Logged) -> None:
    modelled.model.enqueue(Status(401, message="Incorrect API key provided: sk-secret"))
    response = await modelled.client.post("/api/ask", json={"question": ASKED})
    failure = await response.json()
    assert response.status == 503
    assert failure["error"] == "The language model denied this bot access. Please tell the person who runs it."
    assert set(failure) == {"error", "id"}
    assert failure["id"] in [line.get("error_id") for line in logged]


async def test_a_post_is_shown_whole(client: Client) -> None:
    response = await client.get("/api/post", params={"url": "garden/compost.md"})
    post = await response.json()
    assert (post["title"], post["url"]) == ("A compost heap that does not smell", "garden/compost.md")
    assert post["text"].split() == POSTS["compost.md"].split()


async def test_a_post_that_is_not_there_is_not_found(client: Client) -> None:
    for url in ("garden/nothing.md", "", "../../etc/passwd", "*"):
        response = await client.get("/api/post", params={"url": url})
        assert (response.status, await response.json()) == (404, {"error": "Post not found."})
    assert (await client.get("/api/post")).status == 404


async def test_the_bot_tells_that_it_is_alive(client: Client) -> None:
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_the_status_says_who_answers_and_from_what(client: Client, modelled: Modelled) -> None:
    status = await (await modelled.client.get("/api/status")).json()
    examples = status.pop("examples")
    assert status == {
        "name": "Footnoted", "offline": False, "model": "gpt-4o-mini", "posts": 5, "passages": 5, "reading": None
    }  # fmt: skip
    assert 0 < len(examples) <= 6
    offline = await (await client.get("/api/status")).json()
    assert (offline["offline"], offline["model"]) == (True, None)


async def test_the_status_says_how_far_reading_has_come(bot: Bot) -> None:
    """Posts that failed are not counted as read; how many there are is told once all sources are listed."""
    listing = Progress(listed=9, listing=True, new=2)
    reading = Progress(listed=9, listing=False, new=3, changed=1, unchanged=1, failed=2)
    steps = iter([listing, reading])
    async with opened(bot, lambda: next(steps)) as client:
        assert (await (await client.get("/api/status")).json())["reading"] == {
            "source": "garden", "read": 2, "found": None, "failed": 0
        }  # fmt: skip
        assert (await (await client.get("/api/status")).json())["reading"] == {
            "source": "garden", "read": 5, "found": 9, "failed": 2
        }  # fmt: skip
