"""The language of a post is what its text is in, else what its source declares."""

import pytest

from core.language.detection import base_language, detect_language, post_language

GERMAN = "Die Bienen überwintern auf dem Dach, und wir lassen ihnen zwanzig Kilo Honig."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (GERMAN, "de"),
        ("Las abejas pasan el invierno en el tejado de la casa.", "es"),
        ("私たちは屋根の上で蜂を飼っています。", "ja"),
        ("The hives stand on a flat roof.\n```\nfür die Bienen und das Dach\n```", "en"),
        ("12 + 30 = 42", ""),
        ("", ""),
    ],
)
def test_language_of_a_text_is_detected(text: str, language: str) -> None:
    assert detect_language(text)[0] == language


@pytest.mark.parametrize(
    ("text", "declared", "language"),
    [
        (GERMAN, "en-US", "de"),
        (GERMAN, "", "de"),
        ("kubectl", "pt-BR", "pt"),
        ("kubectl", "", ""),
    ],
)
def test_declared_language_counts_unless_the_text_is_clearly_in_another(
    text: str, declared: str, language: str
) -> None:
    assert post_language(text, declared) == language


@pytest.mark.parametrize(
    ("tag", "language"), [("pt-BR", "pt"), ("de_CH", "de"), ("NB", "no"), ("English", ""), ("", ""), ("x", "")]
)
def test_language_of_a_tag_is_its_first_part(tag: str, language: str) -> None:
    assert base_language(tag) == language
