"""A text that grows is shown in messages that stay as they are, fit where they are shown and look right each."""

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.chat.message_splitter import split_stream
from core.markdown import open_fence as open_fence_lines
from tests.core.generated import MARKDOWN, open_fence, text_words

SOFT, HARD = 300, 450
HELD_BACK = HARD // 4
SIGNS = st.text("abc`*_[]()|<>#-~1. é😀\n\t", min_size=1, max_size=12)
SCRIBBLES = st.lists(SIGNS, min_size=1, max_size=60).map(" ".join)
LINKS = st.builds(
    lambda before, path, after: f"{before} [some link text](https://blog.example/{path}) {after}",
    SCRIBBLES,
    st.integers(1, 60).map(lambda length: "x" * length),
    SCRIBBLES,
)
DEEP_CODE = st.builds(
    lambda depth, run, lines: "\n".join(
        f"{' ' * depth}{line}" for line in (f"{'`' * run}python", *(f"print({n})" for n in range(lines)), "`" * run)
    ),
    st.integers(0, 12),
    st.integers(3, 9),
    st.integers(0, 60),
)
WIDE_TABLES = st.integers(1, 40).map(lambda rows: "| a | b |\n|:--|--:|\n" + "| left | right |\n" * rows)
TEXTS = st.one_of(
    MARKDOWN, st.lists(st.one_of(MARKDOWN, SCRIBBLES, LINKS, DEEP_CODE, WIDE_TABLES), max_size=6).map("\n\n".join)
)
STEPS = st.lists(st.integers(1, 200), min_size=1, max_size=20)
MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def growth(text: str, steps: list[int]) -> Iterator[str]:
    """The text as it comes in, in pieces whose sizes repeat."""
    length = place = 0
    while length < len(text):
        length += steps[place % len(steps)]
        place += 1
        yield text[:length]


def near_the_limit(text: str) -> Iterator[str]:
    """The text as it comes in: in big steps first, and sign by sign where messages are cut."""
    yield from (text[:length] for length in range(0, SOFT, 50))
    yield from (text[:length] for length in range(SOFT, len(text) + 1))


@given(TEXTS, STEPS)
@MANY
def test_only_the_last_message_changes_and_it_only_grows(text: str, steps: list[int]) -> None:
    shown: list[str] = []
    for so_far in growth(text, steps):
        now = split_stream(so_far, SOFT, HARD, ended=False)
        assert_continues(shown, now)
        shown = now
    assert_continues(shown, split_stream(text, SOFT, HARD))


@pytest.mark.parametrize(("soft", "hard"), [(SOFT, HARD), (4_000, 6_000)])
@given(TEXTS, STEPS, st.sets(st.integers(0, 30), max_size=4))
@MANY
def test_messages_can_end_early_without_changing_the_others(
    soft: int, hard: int, text: str, steps: list[int], moments: set[int]
) -> None:
    """As with a platform that lets a message be written to for some minutes only."""
    text = f"{text}\n\n{text}"
    shown: list[str] = []
    early: dict[int, int] = {}
    for moment, so_far in enumerate(growth(text, steps)):
        if moment in moments and shown:
            early.setdefault(len(shown) - 1, len(shown[-1]))
        now = split_stream(so_far, soft, hard, ended=False, early=early)
        assert_continues(shown, now, hard)
        assert all(len(now[place]) <= length + 600 for place, length in early.items())
        shown = now
    assert_continues(shown, split_stream(text, soft, hard, early=early), hard)


def test_a_message_ends_early_at_a_paragraph_or_soon_after_the_limit() -> None:
    text = "word " * 10 + "\n\n" + "more " * 400
    first, *_ = split_stream(text, 7_000, 9_500, early={0: 20})
    assert first == ("word " * 10).strip()
    first, *_ = split_stream("word " * 1_000, 7_000, 9_500, early={0: 20})
    assert 20 < len(first) <= 620


def assert_continues(shown: list[str], now: list[str], hard: int = HARD) -> None:
    assert all(message.strip() and len(message) <= hard for message in now)
    assert now[: len(shown) - 1] == shown[:-1]
    if shown:
        assert now[len(shown) - 1].startswith(shown[-1])


@pytest.mark.parametrize("blank", ["\n\n", "\n \n", "\n\n\n\n"])
@pytest.mark.parametrize("length", [407, 421, 435, 449])
def test_a_paragraph_ending_near_the_limit_stays_in_its_message(length: int, blank: str) -> None:
    text = ("line of words\n" * 40)[:length].strip() + f"{blank}{'and more words ' * 10}"
    shown: list[str] = []
    for so_far in near_the_limit(text):
        now = split_stream(so_far, SOFT, HARD, ended=False)
        assert_continues(shown, now)
        shown = now
    assert_continues(shown, split_stream(text, SOFT, HARD))


@given(TEXTS)
@MANY
def test_every_message_closes_its_code_blocks(text: str) -> None:
    assert [open_fence_lines(message) for message in split_stream(text, SOFT, HARD) if open_fence_lines(message)] == []


@given(MARKDOWN, st.sampled_from([(100, 200), (SOFT, HARD), (1_500, 2_000)]))
@MANY
def test_all_messages_together_contain_the_same_words(text: str, limits: tuple[int, int]) -> None:
    messages = split_stream(text, *limits)
    assert "".join(text_words("\n\n".join(messages))) == "".join(text_words(text))
    assert {open_fence(message) for message in messages} <= {""}


@given(st.lists(st.one_of(LINKS, SCRIBBLES.map(lambda text: text.replace("`", "").replace("[", ""))), max_size=8))
@MANY
def test_splitting_keeps_all_text_in_order(paragraphs: list[str]) -> None:
    text = "\n\n".join(paragraphs)
    joined = re.sub(r"\s|`|~", "", "".join(split_stream(text, SOFT, HARD)))
    rest = iter(joined)
    assert all(sign in rest for sign in re.sub(r"\s|`|~", "", text))  # in this order


WORDS = st.sampled_from(["word", "another", "zwölf", "🙂"])
WHOLE = st.sampled_from(
    ["[a link of words](https://blog.example/a)", "![an image](https://blog.example/b.png)", "`code of words`",
     "[[1]](https://blog.example/a/rather/long/address/of/some/post)", "<https://blog.example/c>"]
)  # fmt: skip


@given(st.lists(st.one_of(WORDS, WHOLE), max_size=120), STEPS)
@MANY
def test_links_and_inline_code_are_never_cut(pieces: list[str], steps: list[int]) -> None:
    text = " ".join(pieces)
    for messages in (
        split_stream(text, SOFT, HARD),
        *(split_stream(so_far, SOFT, HARD, ended=False) for so_far in growth(text, steps)),
    ):
        for message in messages[:-1]:
            assert whole_pieces(message), message
    joined = "\n".join(split_stream(text, SOFT, HARD))
    for piece in set(pieces):
        assert joined.count(piece) == text.count(piece)


def whole_pieces(message: str) -> bool:
    """Whether nothing in a message of words and links is cut."""
    left = re.sub(r"!?\[[^()]*\]\([^()\s]+\)|`[^`]+`|<[^<>\s]+>", "", message)
    return not re.search(r"[\[\]()`<>!]", left)


@pytest.mark.parametrize("text", ["", "\n\n", "   ", " \n\t\n "])
@pytest.mark.parametrize("ended", [True, False])
def test_empty_text_makes_no_message(text: str, ended: bool) -> None:
    assert split_stream(text, SOFT, HARD, ended) == []


def test_short_text_is_one_unchanged_message() -> None:
    text = "One.\n\n```py\nx = 1\n```\n\n- a\n- b"
    assert split_stream(text, SOFT, HARD) == [text]


def test_messages_end_between_paragraphs() -> None:
    paragraphs = [f"{'word ' * 15}end {number}." for number in range(12)]
    messages = split_stream("\n\n".join(paragraphs), SOFT, HARD)
    assert [part for message in messages for part in message.split("\n\n")] == paragraphs
    assert all(SOFT <= len(message) <= HARD for message in messages[:-1])


@pytest.mark.parametrize("fence", ["```", "````", "~~~"])
def test_a_split_code_block_keeps_its_language(fence: str) -> None:
    lines = [f"print({number})" for number in range(120)]
    messages = split_stream("\n".join([f"{fence}python", *lines, fence]), SOFT, HARD)
    assert len(messages) > 2
    assert all(message.startswith(f"{fence}python\n") and message.endswith(f"\n{fence}") for message in messages)
    assert [line for message in messages for line in message.split("\n")[1:-1]] == lines


def test_a_split_code_block_in_a_list_keeps_its_indentation() -> None:
    code = "\n".join(f"          print({number})" for number in range(60))
    messages = split_stream(f"- a\n  - b\n    - c\n\n          ```python\n{code}\n          ```\n- Rest.", SOFT, HARD)
    assert len(messages) > 2
    assert all(message.startswith("          ```python\n") for message in messages[1:])
    assert all(len(message) <= HARD for message in messages)


@pytest.mark.parametrize("length", [380, *range(417, 427), 459])
def test_no_message_consists_of_an_empty_code_block(length: int) -> None:
    text = f"```py\n{'x' * length}\n```\n\nThe end."
    shown: list[str] = []
    for so_far in near_the_limit(text):
        now = split_stream(so_far, SOFT, HARD, ended=False)
        assert_continues(shown, now)
        shown = now
    messages = split_stream(text, SOFT, HARD)
    assert_continues(shown, messages)
    assert all(re.search("x|The end", message) for message in messages)
    assert sum(message.count("x") for message in messages) == length


@pytest.mark.parametrize("ending", ["", "\n", "\nx", "\n`", "\n``", "\n```", "\n```\n"])
@pytest.mark.parametrize("length", [1, 419, 420, 421, 422, 423, 424, 500])
def test_an_unclosed_code_block_is_closed(length: int, ending: str) -> None:
    for message in split_stream(f"```py\n{'x' * length}{ending}", SOFT, HARD):
        assert open_fence(message) == ""


def test_a_split_table_repeats_its_header() -> None:
    head = "| key | value |\n|---|---|\n"
    rows = "\n".join(f"| {number} | value {number} |" for number in range(90))
    messages = split_stream(f"{head}{rows}\n\nThe end.", SOFT, HARD)
    assert len(messages) > 2
    assert all(message.startswith(head) for message in messages[:-1])


@pytest.mark.parametrize("rows", range(10, 30, 2))
def test_a_table_header_is_repeated_only_when_rows_follow(rows: int) -> None:
    table = "| key | value |\n|---|---|\n" + "| a row | of it |\n" * rows
    for text in (f"{table}\nThe end.", f"{table}\n\n\nThe end.", table):
        for message in split_stream(text, SOFT, HARD):
            assert "| key |" not in message or "| a row |" in message
        assert "".join(split_stream(text, SOFT, HARD)).count("| a row |") == rows


def test_an_unfinished_word_is_held_back_near_the_limit() -> None:
    words = "word " * 70
    [shown] = split_stream(words + "x" * 30, SOFT, HARD, ended=False)
    assert shown == words.rstrip()
    [whole] = split_stream(words + "x" * 30, SOFT, HARD)
    assert whole.endswith("x" * 30)


def test_only_a_little_text_is_held_back() -> None:
    for length in range(1, 2_000, 7):
        text = "word " * length
        shown = "".join(split_stream(text, SOFT, HARD, ended=False))
        assert len(shown.replace(" ", "")) >= len(text.replace(" ", "")) - HELD_BACK


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "![",
        "[a](",
        "`",
        "<",
        "x",
        " ",
        "- x\n",
        "> ",
        "```\n",
        "字",
        "|",
        "|\n",
        "| - |\n",
        "\n\n",
        "[x]: \n",
        "~~~",
        "|-\n",
    ],
)
def test_hostile_text_is_split_quickly(piece: str) -> None:
    before = time.process_time()
    text = piece * (30_000 // len(piece))
    split_stream(text, 1_500, 2_000, ended=False)
    split_stream(text, 11_000, 12_000, ended=True)
    assert time.process_time() - before < 5
