"""Without a language model, answers are quotes from the passages, each with its footnote."""

import re

import pytest

from core.domain import Passage, Question, Turn
from core.models.extractive_chat import MAX_QUOTES, ExtractiveChatModel
from core.models.offline_embedder import OfflineEmbedder
from core.models.protocols import NumberedPassage, Prompt

SETUP = """## Installing

The bot is installed with a single command that works on every system:

```sh
pip install footnoted
```

It needs Python 3.11 or later. Cats sleep for most of the day."""
LIMITS = """Questions are limited for every person. The limits are these:

- **Ten questions** a minute for every person that asks
- one hundred questions an hour in one channel

Bananas are yellow fruit from the tropics."""


async def answer(embedder: OfflineEmbedder, asked: str, *texts: str, history: tuple[Turn, ...] = ()) -> list[str]:
    """The pieces of an answer from passages of posts 1, 2, …"""
    passages = tuple(
        NumberedPassage(number, Passage(f"https://blog.example/{number}", "Title", "", text), 0.9)
        for number, text in enumerate(texts, 1)
    )
    prompt = Prompt("", history, asked, Question(asked, history=history), passages)
    return [piece async for piece in ExtractiveChatModel(embedder).stream(prompt)]


def plain(quote: str) -> str:
    """A quote without the marks of a quote and its footnote, blanks made one."""
    unmarked = re.sub(r"^> ?", "", quote.strip("\n"), flags=re.MULTILINE)
    return " ".join(re.sub(r" \[\d+\]", "", unmarked).split())


@pytest.mark.parametrize(
    "asked", ["How do I install the bot?", "Which Python does it need?", "How many questions may I ask?", "Bananas?"]
)
async def test_quotes_are_verbatim(embedder: OfflineEmbedder, asked: str) -> None:
    pieces = await answer(embedder, asked, SETUP, LIMITS)
    assert 1 <= len(pieces) <= MAX_QUOTES
    for piece in pieces:
        (number,) = re.findall(r" \[(\d)\]$", piece, flags=re.MULTILINE)
        source = " ".join([SETUP, LIMITS][int(number) - 1].split())
        assert plain(piece) in source


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("Which Python version does it need?", "> It needs Python 3.11 or later. [1]"),
        ("What colour are bananas?", "> Bananas are yellow fruit from the tropics. [2]"),
        (
            "How many questions a minute may a person ask?",
            "> **Ten questions** a minute for every person that asks [2]",
        ),
    ],
)
async def test_best_sentence_comes_first(embedder: OfflineEmbedder, asked: str, first: str) -> None:
    assert (await answer(embedder, asked, SETUP, LIMITS))[0] == first


async def test_code_is_quoted_with_the_sentence_that_introduces_it(embedder: OfflineEmbedder) -> None:
    first = (await answer(embedder, "How is the bot installed, with which command?", SETUP))[0]
    assert first == (
        "> The bot is installed with a single command that works on every system: [1]\n"
        ">\n> ```sh\n> pip install footnoted\n> ```"
    )


async def test_list_is_quoted_with_the_sentence_that_introduces_it(embedder: OfflineEmbedder) -> None:
    text = "The limits of the bot are these:\n\n- ten a minute\n- one hundred an hour"
    first = (await answer(embedder, "What are the limits of the bot?", text))[0]
    assert first == "> The limits of the bot are these: [1]\n>\n> - ten a minute\n> - one hundred an hour"


STEPS = "1. Create an app.\n2. Install it in your workspace.\n3. Copy both of its tokens."


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (f"## How do I connect Slack?\n\n{STEPS}", f"How do I connect Slack?\n\n{STEPS}"),
        (f"Do this to connect Slack:\n\n{STEPS}", f"Do this to connect Slack:\n\n{STEPS}"),
        ("## Connect Slack\n\n```sh\nslack login\n```", "Connect Slack:\n\n```sh\nslack login\n```"),
        ("Slack:\n\n```sh\nslack login\n```", "Slack:\n\n```sh\nslack login\n```"),
        (
            "## Slack\n\n| Slack | how |\n|---|---|\n| app | tokens |",
            "Slack:\n\n| Slack | how |\n|---|---|\n| app | tokens |",
        ),
    ],
)
async def test_steps_code_and_tables_are_quoted_whole(embedder: OfflineEmbedder, text: str, quoted: str) -> None:
    other = "To connect Discord, create an application and copy its token into the settings."
    first = (await answer(embedder, "How do I connect Slack?", text, other))[0]
    head, _, rest = quoted.partition("\n\n")
    assert first == f"> {head} [1]\n>\n" + "\n".join(f"> {line}" for line in rest.splitlines())


async def test_overlong_list_is_not_quoted(embedder: OfflineEmbedder) -> None:
    text = "The limits of the bot are these:\n\n```\n" + "line of code\n" * 200 + "```"
    assert await answer(embedder, "What are the limits of the bot?", text) == ["> The limits of the bot are these: [1]"]


async def test_nothing_is_quoted_twice(embedder: OfflineEmbedder) -> None:
    sentence = "It needs Python 3.11 or later."
    pieces = await answer(embedder, "Which Python does it need?", sentence, sentence)
    assert pieces == [f"> {sentence} [1]"]


async def test_follow_up_is_read_with_the_previous_question(embedder: OfflineEmbedder) -> None:
    text = "Apples ripen in the autumn months. Redis listens on port 6379 by default."
    history = (Turn("user", "Tell me about Redis ports"), Turn("assistant", "They are numbers."))
    (first, *_) = await answer(embedder, "And which is the default?", text, history=history)
    assert first == "> Redis listens on port 6379 by default. [1]"


@pytest.mark.parametrize("text", ["# Heading", "```\ncode\n```", "| a | b |\n|---|---|\n| 1 | 2 |", "Too short."])
async def test_headings_code_tables_and_labels_are_not_sentences(embedder: OfflineEmbedder, text: str) -> None:
    quotes = await answer(
        embedder, "Heading, code, a, b or too short?", text, "Here are code and a heading, too short."
    )
    assert quotes == ["> Here are code and a heading, too short. [2]"]


async def test_no_passages_give_no_quotes(embedder: OfflineEmbedder) -> None:
    assert await answer(embedder, "What is it?") == []


async def test_passage_without_sentences_is_quoted_whole(embedder: OfflineEmbedder) -> None:
    """Nothing but code is an answer, too, and better than none."""
    assert await answer(embedder, "How do I install it?", "```sh\npip install footnoted\n```") == [
        "> Title: [1]\n>\n> ```sh\n> pip install footnoted\n> ```"
    ]
