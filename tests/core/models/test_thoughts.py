"""Thoughts are removed from a text, wherever it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models.thoughts import Retraction, ThoughtFilter

PIECES = st.sampled_from(
    [
        "<think>", "</think>", "</think>\n", "<thi", "nk>", "<", "/", "</th", "ink>", "\n", " ", "`", "```\n", "Honey",
        "[THINK]", "[/THINK]\n", "ing>", "<|channel|>", "analysis<|message|>",
        "<|start|>assistant<|channel|>final<|mes",
    ]
)  # fmt: skip


def answer(*pieces: str, opens: bool = True) -> str:
    """Return what is left of a text once all retractions are obeyed."""
    thoughts, text = ThoughtFilter(opens), ""
    for shown in [*(shown for piece in pieces for shown in thoughts.read(piece)), *thoughts.end()]:
        text = "" if isinstance(shown, Retraction) else text + shown
    return text


@given(st.lists(PIECES, max_size=15).map("".join), st.integers(1, 9))
def test_result_does_not_depend_on_the_cuts(text: str, length: int) -> None:
    pieces = [text[start : start + length] for start in range(0, len(text), length)]
    assert answer(*pieces) == answer(text)
    assert answer(*pieces, opens=False) == answer(text, opens=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Honey.", "Honey."),
        ("  Honey < wax\n", "  Honey < wax\n"),
        ("<think>Bees?</think>\n\nHoney.", "Honey."),
        ("\n<think>\nBees?\n</think>Honey.", "Honey."),
        ("<think></think><think>Bees?</think>Honey.", "Honey."),
        ("<think>Bees", ""),
        ("<thin", "<thin"),
        ("<think>Bees</thi", ""),
        ("Bees?\n</think>\n\nHoney.", "Honey."),
        ("Bees?</think>", ""),
        ("Bees?\n</think>\n<think>More?</think>Honey.", "Honey."),
        ("End it with `</think>`.\nThen go on.", "End it with `</think>`.\nThen go on."),
        ("```\n</think>\n```\nDone.", "```\n</think>\n```\nDone."),
        ("Write </think> there.", "Write </think> there."),
        ("Honey. <think>", "Honey. <think>"),
        ("<thinking>Bees </think>?</thinking>Honey.", "Honey."),
        ("[THINK]Bees?[/THINK]Honey.", "Honey."),
        ("Bees?\n[/THINK]\nHoney.", "Honey."),
        ("◁think▷Bees?◁/think▷Honey.", "Honey."),
        (
            "<|channel|>analysis<|message|>Bees?<|end|><|start|>assistant<|channel|>final<|message|>Honey.",
            "Honey.",
        ),
        ("[THIS] is honey.", "[THIS] is honey."),
        ("<think>Bees?</think>Put\n</think>\nthere.", "Put\n</think>\nthere."),
    ],
)
def test_thought_at_the_beginning_is_removed(text: str, expected: str) -> None:
    assert answer(text) == answer(*text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bees `?</think>Honey.", "Honey."),
        ("Bees?\n</think>\n\nHoney.", "Honey."),
        ("<think>Bees?</think>Honey. </think>", "Honey. </think>"),
        ("Honey.", "Honey."),
    ],
)
def test_expected_thought_is_never_passed_on(text: str, expected: str) -> None:
    assert answer(text, opens=False) == answer(*text, opens=False) == expected
    thoughts = ThoughtFilter(opens=False)
    shown = [shown for piece in text for shown in thoughts.read(piece)]
    assert not any(isinstance(piece, Retraction) for piece in [*shown, *thoughts.end()])


def test_plain_text_is_not_held_back() -> None:
    thoughts = ThoughtFilter()
    assert [*thoughts.read("Honey"), *thoughts.read(" <"), *thoughts.read(" wax")] == ["Honey", " ", "< wax"]
