"""A question on Slack: seen at once, answered in its thread, once."""

from tests.adapters.garden import ASKED, FOLLOW_UP, OFF_TOPIC
from tests.adapters.slack.harness import Room, actions, below, is_whole, read
from tests.servers.openai import Text


async def test_a_mention_is_answered_in_its_thread_with_footnotes_sources_and_buttons(room: Room) -> None:
    asked = room.ask(ASKED)
    answer = await room.answer(asked)
    assert read(answer).endswith("[[1]](https://garden.example/tomatoes.md).")
    assert "*Sources*\n[1] <https://garden.example/tomatoes.md|Growing tomatoes on a balcony>" in below(answer)
    assert set(actions(answer)) == {"feedback", "why"}
    assert answer.root == asked.ts
    await room.settled()
    assert len(room.own(asked)) == 1
    assert [call.error for call in room.slack.calls if call.error] == []


async def test_the_status_is_shown_before_anything_else(room: Room) -> None:
    before = len(room.slack.calls)
    asked = room.ask(ASKED)
    await room.answer(asked)
    await room.settled()
    first = room.slack.calls[before]
    assert (first.method, first.arguments["status"]) == ("assistant.threads.setStatus", "is searching the posts…")
    assert room.slack.status(asked.channel, asked.ts) == ""


async def test_an_answer_grows_while_the_model_writes_it(room: Room) -> None:
    room.model.enqueue(Text("Water tomatoes early in the morning [1]. " * 8, tokens_per_second=60))
    asked = room.ask(ASKED)
    answer = await room.answer(asked)
    assert answer.streamed
    assert len(answer.versions) > 2
    for shorter, longer in zip(answer.versions, answer.versions[1:], strict=False):
        assert longer.startswith(shorter)


async def test_thoughts_that_were_taken_for_the_answer_are_taken_back(room: Room) -> None:
    thoughts = "The user asks about water. " * 400
    room.model.enqueue(Text(f"{thoughts}\n</think>\n\nEarly in the morning [1].", tokens_per_second=8_000))
    asked = room.ask(ASKED)
    await room.answer(asked)
    await room.settled()
    [answer] = room.own(asked)
    assert read(answer) == "Early in the morning [[1]](https://garden.example/tomatoes.md)."
    assert any(version.startswith("The user asks") for version in answer.versions)


async def test_a_follow_up_in_the_thread_needs_no_mention_and_has_the_history(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    follow_up = room.ask(FOLLOW_UP, thread=asked, mention=False)
    await room.answer(follow_up, 1)
    assert room.questions() == [ASKED, FOLLOW_UP]
    assert ASKED in [message["content"] for message in room.model.chats[1].messages]


async def test_messages_to_other_people_in_the_thread_are_ignored(room: Room) -> None:
    asked = room.ask(ASKED)
    await room.answer(asked)
    for text in (f"<@{room.slack.admin.id}> what do you think?", "<!here> who knows more?"):
        room.ask(text, thread=asked, mention=False)
    await room.settled()
    assert len(room.model.chats) == 1
    assert len(room.own(asked)) == 1


async def test_a_thread_without_the_bot_is_ignored(room: Room) -> None:
    root = room.ask("What a day!", mention=False)
    room.ask("Indeed, when should I water tomatoes?", thread=root, mention=False)
    await room.settled()
    assert not room.own(root)
    assert not room.model.chats


async def test_direct_messages_are_answered_with_their_history(room: Room) -> None:
    place = room.slack.direct(room.slack.user)
    asked = room.ask(ASKED, place)
    await room.answer(asked)
    again = room.ask(FOLLOW_UP, place)
    await room.answer(again)
    assert ASKED in [message["content"] for message in room.model.chats[1].messages]
    start = room.slack.called("chat.startStream")[0].arguments
    assert "recipient_user_id" not in start


async def test_an_unanswerable_question_gets_the_nearest_posts(room: Room) -> None:
    answer = await room.answer(room.ask(OFF_TOPIC))
    assert "My posts do not answer this." in read(answer)
    assert "*Nearest posts*" in below(answer)
    assert not room.model.chats


async def test_the_notification_of_an_answer_has_no_formatting(room: Room) -> None:
    room.slack.refuse("chat.startStream", "unknown_method")
    room.model.enqueue(Text("**Water** them `early` [1].\n\n- at the root\n- never on the leaves & stems [1]"))
    answer = await room.answer(room.ask(ASKED))
    assert answer.text.startswith("Water them early.")
    assert "&amp; stems" in answer.text
    for mark in ("*", "`", "[", "garden.example"):
        assert mark not in answer.text


async def test_links_are_not_unfurled(room: Room) -> None:
    room.slack.refuse("chat.startStream", "unknown_method")
    answer = await room.answer(room.ask(ASKED))
    assert (answer.options["unfurl_links"], answer.options["unfurl_media"]) == (False, False)


async def test_a_thread_has_its_own_history(room: Room) -> None:
    first, second = room.ask(ASKED), room.ask("What do bees eat in winter?")
    await room.answer(first)
    await room.answer(second)
    await room.answer(room.ask("And what else?", thread=second, mention=False), 1)
    assert ASKED not in [message["content"] for message in room.model.chats[-1].messages]


async def test_people_channels_and_links_in_a_question_are_searched_as_names(room: Room) -> None:
    slack = room.slack
    text = (
        f"what does <@{slack.admin.id}> say in <#{slack.channel.id}> on watering tomatoes &amp; bees, "
        "see <https://garden.example/tomatoes|this post> or <https://garden.example/bees>, <!here>?"
    )
    await room.answer(room.ask(text))
    (question,) = room.questions()
    assert question == (
        "what does @ada say in #general on watering tomatoes & bees, "
        "see this post (https://garden.example/tomatoes) or https://garden.example/bees, @here?"
    )


async def test_a_person_whose_name_is_unavailable_is_searched_by_id(room: Room) -> None:
    room.slack.refuse("users.info", "user_not_found")
    await room.answer(room.ask(f"what does <@{room.slack.admin.id}> say on watering tomatoes?"))
    assert room.questions() == [f"what does @{room.slack.admin.id} say on watering tomatoes?"]


async def test_messages_of_bots_previews_and_joins_are_not_questions(room: Room) -> None:
    slack = room.slack
    other = slack.add_user("standup", is_bot=True)
    slack.channel.members.add(other.id)
    for legacy in (False, True):
        slack.say_as_bot(other, slack.channel, f"{room.me} {ASKED}", legacy=legacy)
    slack.say_as_bot(slack.bot, slack.channel, f"{room.me} {ASKED}")
    slack.join(slack.add_user("linus"), slack.channel)
    asked = room.ask(f"{ASKED} https://garden.example/tomatoes")
    answer = await room.answer(asked)
    slack.unfurl(asked, "https://garden.example/tomatoes")
    slack.unfurl(answer, "https://garden.example/tomatoes")
    other_answer = slack.say_as_bot(other, slack.channel, "I answer in threads.", asked.ts)
    slack.unfurl(other_answer, "https://garden.example/tomatoes")
    await room.settled()
    assert len(room.model.chats) == 1
    assert [m for m in slack.messages(slack.channel.id) if is_whole(m)] == [answer]


async def test_a_refusal_is_in_the_language_of_the_question(room: Room) -> None:
    answer = await room.answer(room.ask("Wer hat 1974 die Fußballweltmeisterschaft gewonnen?"))
    assert read(answer).startswith("Meine Beiträge beantworten das nicht.")


async def test_a_greeting_is_in_the_language_that_the_person_has_chosen(room: Room) -> None:
    room.slack.user.locale = "fr-FR"
    asked = room.ask("")
    [greeting] = await room.until(lambda: room.own(asked))
    assert greeting.blocks[0]["text"]["text"].startswith("Bonjour\u202f!")
