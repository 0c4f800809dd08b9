"""A long answer is cut into messages that a platform takes and that each look right by themselves."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.chat.splitting import split
from tests.core.generated import MARKDOWN, open_fence, telling_words

LIMITS = st.sampled_from([120, 300, 2_000])


@given(MARKDOWN, st.integers(40, 2_000))
@settings(deadline=None, max_examples=50)
def test_no_message_is_longer_than_the_platform_takes(text: str, limit: int) -> None:
    assert all(message.strip() and len(message) <= limit for message in split(text, limit))


@given(MARKDOWN, LIMITS)
@settings(deadline=None, max_examples=50)
def test_all_messages_together_say_the_same(text: str, limit: int) -> None:
    joined = "\n\n".join(split(text, limit))
    assert "".join(telling_words(joined)) == "".join(telling_words(text))


@given(MARKDOWN, LIMITS)
@settings(deadline=None, max_examples=50)
def test_no_message_leaves_a_fence_open(text: str, limit: int) -> None:
    assert {open_fence(message) for message in split(text, limit)} <= {""}


@given(st.text(st.sampled_from("ab \n\r`~[]()*->|#.:0\t\\!<"), max_size=300), st.integers(40, 100))
@settings(deadline=None, max_examples=150)
def test_marks_in_any_order_are_cut_to_size(text: str, limit: int) -> None:
    messages = split(text, limit)
    assert all(message.strip() and len(message) <= limit for message in messages)
    assert sum(message.count("a") for message in messages) >= text.count("a")


def test_what_fits_is_one_message_as_it_stands() -> None:
    text = "One.\n\n```py\nx = 1\n```\n\n- a\n- b"
    assert split(text, 2_000) == [text]


@pytest.mark.parametrize("text", ["", "\n\n", "   "])
def test_nothing_is_no_message(text: str) -> None:
    assert split(text, 2_000) == []


def test_a_message_too_small_for_a_code_block_is_refused() -> None:
    with pytest.raises(ValueError, match="39"):
        split("text", 39)


def test_paragraphs_stay_whole_where_they_can() -> None:
    paragraphs = [f"{'word ' * 15}end {n}." for n in range(10)]
    messages = split("\n\n".join(paragraphs), 200)
    assert [part for message in messages for part in message.split("\n\n")] == paragraphs


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_a_cut_code_block_is_opened_again_in_its_language(fence: str) -> None:
    lines = [f"print({n})" for n in range(60)]
    messages = split("\n".join([f"{fence}python", *lines, fence]), 200)
    assert len(messages) > 2
    assert all(message.startswith(f"{fence}python\n") and message.endswith(f"\n{fence}") for message in messages)
    assert [line for message in messages for line in message.split("\n")[1:-1]] == lines


def test_a_code_line_longer_than_a_message_keeps_its_fences_on_lines_of_their_own() -> None:
    messages = split(f"```py\n{'x' * 500}\n```", 100)
    assert all(message.split("\n")[0] == "```py" and message.split("\n")[-1] == "```" for message in messages)
    assert sum(message.count("x") for message in messages) == 500


@pytest.mark.parametrize("size", range(60, 110))
def test_no_message_is_an_empty_code_block(size: int) -> None:
    for message in split(f"```py\n{'x' * size}\n{'y' * 60}\n```", 100):
        assert re.search("[xy]", message.replace("py", ""))


def test_code_within_a_list_is_opened_again_where_it_stands() -> None:
    code = "\n".join(f"  print({n})" for n in range(60))
    messages = split(f"- Do:\n\n  ```python\n{code}\n  ```\n- Rest.", 200)
    assert len(messages) > 2
    assert all(message.startswith("  ```python\n") for message in messages[1:-1])
    assert not any(open_fence(message) for message in messages)


def test_a_cut_table_repeats_its_head() -> None:
    head = "| key | value |\n|---|---|\n"
    messages = split(head + "\n".join(f"| {n} | value {n} |" for n in range(60)), 200)
    assert len(messages) > 2
    assert all(message.startswith(head) for message in messages)


@given(st.lists(st.sampled_from(["word", "[a link of words](https://blog.example/a)", "`code of words`"]), max_size=60))
@settings(deadline=None, max_examples=60)
def test_links_and_spans_of_code_are_whole(pieces: list[str]) -> None:
    joined = "\n".join(split(" ".join(pieces), 60))
    for whole in ("[a link of words](https://blog.example/a)", "`code of words`"):
        assert joined.count(whole) == pieces.count(whole)


def test_a_footnote_stays_with_its_word() -> None:
    messages = split(" ".join(["statement[1](https://blog.example/a)[2]"] * 10), 60)
    assert all(message.endswith("[2]") for message in messages)


@pytest.mark.parametrize("piece", ["[", "![", "[a](", "`", "<", "x", " ", "- x\n", "> ", "```\n", "字", "|", "[x]: \n"])
def test_hostile_text_takes_no_time(piece: str) -> None:
    before = time.process_time()
    split(piece * (30_000 // len(piece)), 2_000)
    assert time.process_time() - before < 5
