"""The page's API: answers, streams, posts and status."""

import asyncio

import pytest

from bot.app import Bot
from core.answering.rag import NOT_IN_POSTS
from core.indexing.progress import Progress
from tests.adapters.conftest import Logged
from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC, POSTS
from tests.adapters.web.conftest import Modelled
from tests.adapters.web.serving import STREAM, Client, next_event, opened, streamed
from tests.servers.loopback import Status
from tests.servers.openai import Broken, ChatRequest, Stall, Text

TOMATOES = "garden/tomatoes.md"


async def test_question_is_answered_as_one_json_document(client: Client) -> None:
    response = await client.post("/api/ask", json={"question": ASKED})
    answer = await response.json()
    assert response.status == 200
    assert set(answer) == {"answer", "grounded", "confidence", "sources", "nearest", "timings_ms"}
    assert "early in the morning" in answer["answer"]
    assert answer["grounded"] is True
    assert answer["nearest"] == []
    first = answer["sources"][0]
    assert (first["number"], first["url"], first["title"]) == (1, TOMATOES, "Growing tomatoes on a balcony")
    assert 0 < answer["timings_ms"]["found"] <= answer["timings_ms"]["total"]


async def test_answer_streams_as_searching_found_wrote_answered(client: Client) -> None:
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


async def test_streamed_pieces_add_up_to_the_answer(modelled: Modelled) -> None:
    pieces = ("Early ", "in the ", "morning [", "1], says “", "日本", "🍅”\n\n", "data: x\r\n", "event: y")
    modelled.model.enqueue(Text(pieces=pieces))
    events = await streamed(await modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM))
    wrote = [data["text"] for name, data in events if name == "wrote"]
    assert len(wrote) > 3
    assert "".join(wrote) == events[-1][1]["answer"] == "".join(pieces)
    assert events[-1][1]["sources"][0]["url"] == TOMATOES


async def test_posts_are_sent_with_the_text_that_cites_them_first(modelled: Modelled) -> None:
    pieces = ("Early in ", "the morning [1]", ". At the root [1].")
    modelled.model.enqueue(Text(pieces=pieces))
    events = await streamed(await modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM))
    wrote = [data for name, data in events if name == "wrote"]
    [citing] = [data for data in wrote if "sources" in data]
    assert "[1]" in citing["text"]
    assert [(source["number"], source["url"]) for source in citing["sources"]] == [(1, TOMATOES)]


async def test_thoughts_that_were_sent_as_text_are_taken_back(modelled: Modelled) -> None:
    modelled.model.enqueue(Text(pieces=("Water [1]? ", "Hm.\n", "</think>\n\n", "Early in the morning [1].")))
    events = await streamed(await modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM))
    names = [name for name, _ in events]
    after = events[names.index("retracted") + 1 :]
    assert "".join(data["text"] for name, data in after if name == "wrote") == "Early in the morning [1]."
    assert [source["url"] for _, data in after[:-1] for source in data.get("sources", ())] == [TOMATOES]


async def test_question_with_a_lone_surrogate_is_answered(client: Client) -> None:
    """A browser can send half an emoji as an escape."""
    body = f'{{"question": "{ASKED} \\ud83c"}}'.encode()
    headers = STREAM | {"Content-Type": "application/json"}
    events = await streamed(await client.post("/api/ask", data=body, headers=headers))
    assert events[0] == ("searching", {"question": f"{ASKED} ?"})
    assert events[-1][1]["grounded"] is True


async def test_each_piece_is_sent_before_the_next_is_generated(modelled: Modelled) -> None:
    modelled.model.enqueue(Stall("Early in the morning, "))
    async with modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM) as response:
        async with asyncio.timeout(5):
            while (await next_event(response))[0] != "wrote":
                pass
        assert not modelled.model.chats[0].finished.is_set()


async def test_question_outside_the_posts_gets_the_nearest_posts(client: Client) -> None:
    answer = await (await client.post("/api/ask", json={"question": OFF_TOPIC})).json()
    assert answer["grounded"] is False
    assert answer["sources"] == []
    assert [set(near) for near in answer["nearest"]] == [{"number", "title", "url", "score"}] * 2
    assert answer["answer"] == NOT_IN_POSTS


async def test_follow_up_is_understood_only_in_its_conversation(modelled: Modelled) -> None:
    async def ask(question: str, conversation: str | None) -> str:
        modelled.model.chats.clear()
        response = await modelled.client.post("/api/ask", json={"question": question, "conversation": conversation})
        assert response.status == 200
        return modelled.model.chats[-1].prompt if modelled.model.chats else ""

    await ask(ASKED, "one")
    assert ASKED in await ask(FOLLOW_UP, "one")
    assert ASKED not in await ask(FOLLOW_UP, "two")
    assert ASKED not in await ask(FOLLOW_UP, None)


async def test_forgetting_a_conversation_keeps_the_others(client: Client) -> None:
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
    """Ask, disconnect during the answer, and return the model's request."""
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


async def test_disconnecting_cancels_the_model_without_an_error(modelled: Modelled, logged: Logged) -> None:
    logged.clear()
    assert (await hang_up_in_the_middle(modelled, "left")).cancelled
    assert [line["outcome"] for line in logged] == ["stopped"]


async def test_abandoned_answer_is_not_stored_in_the_history(modelled: Modelled) -> None:
    await hang_up_in_the_middle(modelled, "left")
    await modelled.client.post("/api/ask", json={"question": "Why comfrey tea?", "conversation": "left"})
    assert [message["role"] for message in modelled.model.chats[-1].messages] == ["system", "user"]


async def test_broken_stream_ends_with_a_sentence_and_an_error_id(modelled: Modelled, logged: Logged) -> None:
    """The text so far is sent, and the log has the cause under the same id."""
    modelled.model.enqueue(Broken("Early in the morning"))
    events = await streamed(await modelled.client.post("/api/ask", json={"question": ASKED}, headers=STREAM))
    assert "".join(data["text"] for name, data in events if name == "wrote") == "Early in the morning"
    name, failure = events[-1]
    assert (name, set(failure)) == ("failed", {"sentence", "id"})
    assert failure["sentence"] == "The answer was cut off. Please try again."
    assert failure["id"] in [line.get("error_id") for line in logged]


async def test_model_rejection_is_reported_in_one_sentence(modelled: Modelled, logged: Logged) -> None:
    modelled.model.enqueue(Status(401, message="Incorrect API key provided: sk-secret"))
    response = await modelled.client.post("/api/ask", json={"question": ASKED})
    failure = await response.json()
    assert response.status == 503
    assert failure["error"] == "The language model denied this bot access. Please tell the person who runs it."
    assert set(failure) == {"error", "id"}
    assert failure["id"] in [line.get("error_id") for line in logged]


async def test_post_is_returned_in_full(client: Client) -> None:
    response = await client.get("/api/post", params={"url": "garden/compost.md"})
    post = await response.json()
    assert (post["title"], post["url"]) == ("A compost heap that does not smell", "garden/compost.md")
    assert post["text"].split() == POSTS["compost.md"].split()


async def test_unknown_post_is_not_found(client: Client) -> None:
    for url in ("garden/nothing.md", "", "../../etc/passwd", "*"):
        response = await client.get("/api/post", params={"url": url})
        assert (response.status, await response.json()) == (404, {"error": "Post not found."})
    assert (await client.get("/api/post")).status == 404


async def test_health_check_succeeds(client: Client) -> None:
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_status_names_the_model_and_the_sources(client: Client, modelled: Modelled) -> None:
    status = await (await modelled.client.get("/api/status")).json()
    examples = status.pop("examples")
    assert status == {
        "name": "Footnoted", "offline": False, "model": "gpt-4o-mini", "posts": 5, "passages": 5, "reading": None
    }  # fmt: skip
    assert 0 < len(examples) <= 6
    offline = await (await client.get("/api/status")).json()
    assert (offline["offline"], offline["model"]) == (True, None)


async def test_status_reports_indexing_progress(bot: Bot) -> None:
    """Failed posts are not counted; the total is known once all sources are listed."""
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


async def test_a_refusal_is_in_the_language_of_the_question(client: Client) -> None:
    asked = {"question": "Wer hat 1974 die Fußballweltmeisterschaft gewonnen?"}
    answer = await (await client.post("/api/ask", json=asked)).json()
    assert answer["answer"] == "Meine Beiträge beantworten das nicht."


@pytest.mark.parametrize(
    ("accepted", "language", "motto"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de", "Fragen an die Beiträge."),
        ("pl;q=0.9, ja;q=0.8, en;q=0.7", "ja", "記事に聞いてみましょう。"),
        ("fr;q=0, pl, *;q=x", "en", "Ask the posts."),
    ],
)
async def test_the_page_is_in_the_first_accepted_language_that_it_speaks(
    client: Client, accepted: str, language: str, motto: str
) -> None:
    async with client.get("/", headers={"Accept-Language": accepted}) as response:
        page = await response.text()
    assert f'<html lang="{language}">' in page
    assert motto in page
    assert "$" not in page
