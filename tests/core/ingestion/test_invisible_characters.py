"""Invisible characters are removed, except those that scripts and emoji need."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ingestion.invisible_characters import visible_text

TAGGED = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Bees{TAGGED} sleep", "Bees sleep"),
        ("\U0001f3f4" + TAGGED + "\U000e007f", "\U0001f3f4"),
        ("B\u200be\u2060e\ufeffs", "Bees"),
        ("\u202eseeB\u202c \u2066x\u2069 \u200ey\u061c", "seeB x y"),
        ("a\u200c\u200d\u200c\u200db", "ab"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("می\u200c\u200c\u200d\u200cخ", "می\u200cخ"),
        ("👩\u200d💻 👨\u200d👩\u200d👧 ❤️\u200d🔥 🏳️\u200d🌈", "👩\u200d💻 👨\u200d👩\u200d👧 ❤️\u200d🔥 🏳️\u200d🌈"),
        ("❤️ 1️⃣ ©️", "❤️ 1️⃣ ©️"),
        ("a\ufe00\ufe01\ufe0f\ufe03b", "ab"),
        ("❤\ufe0f\ufe00\ufe01", "❤\ufe0f"),
        ("😀" + "".join(chr(0xE0100 + n) for n in range(20)), "😀"),
        ("\u3164\uffa0\u115fx", "x"),
        ("a\x00b\x1b[31mc\x7f\x85", "ab[31mc\x85"),
        ("tab\tline\nplain", "tab\tline\nplain"),
        ("naïve Zürich 日本語 Ελλάδα שלום", "naïve Zürich 日本語 Ελλάδα שלום"),
    ],
)
def test_invisible_characters_are_removed(text: str, shown: str) -> None:
    assert visible_text(text) == shown


@given(st.text(st.one_of(st.characters(), st.sampled_from("\u200c\u200d\ufe0f\ufe00❤👩कخa \n")), max_size=30))
def test_visible_characters_are_kept(text: str) -> None:
    once = visible_text(text)
    assert visible_text(once) == once
    assert [sign for sign in text if sign in string.printable[:-2]] == [
        sign for sign in once if sign in string.printable[:-2]
    ]
