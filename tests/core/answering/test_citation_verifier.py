"""A footnote stays where its passage says what the sentence in front of it says, and nowhere else."""

import time

import pytest

from core.answering.citation_verifier import CitationVerifier
from core.answering.citations import CitationFilter
from core.domain import Passage
from core.models.protocols import NumberedPassage, SentenceVectors
from core.models.sentence_vectors import LocalSentenceVectors

BEES = (
    "In winter the bees form a cluster around their queen and shiver with their flight muscles. "
    "The middle of the cluster stays at 35 degrees. They live on 20 kilograms of honey until March."
)
HIVES = (
    "A hive on a roof needs shade in summer. Johann Dzierzon built the first hive with movable frames in 1848. "
    "Paint the hive in a light color, and weigh it in autumn."
)
WASPS = "Wasps build their nests of paper. Only young queens live through the winter, in bark or in moss."
MANY = "Snails, ferns, and a pond. " * 40


def verifier(*texts: str, vectors: SentenceVectors | None = None, language: str = "") -> CitationVerifier:
    """Return a verifier of passages numbered from 1."""
    numbered = enumerate(texts or (BEES, HIVES, WASPS), 1)
    passages = {
        number: Passage(f"https://garden.example/{number}", f"Garden, part {number}", "", text, language=language)
        for number, text in numbered
    }
    return CitationVerifier([NumberedPassage(*each, 0.5) for each in passages.items()], vectors)


def kept(text: str, *numbers: int) -> list[int]:
    """Return the numbers that stay behind a text, given all three passages."""
    return list(verifier().verify(text, numbers))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The bees shiver in a cluster around the queen", 1),
        ("By shivering, the cluster of the bees is kept at 35 degrees.", 1),
        ("Movable frames were built by Johann Dzierzon in 1848", 2),
        ("- paint the hive in a light color", 2),
        ("| **queens** | winter in bark or moss |", 3),
        ("Wasps are different [1]. Their nests are made of paper", 3),
    ],
)
def test_supported_footnote_stays(text: str, number: int) -> None:
    [(cited, support)] = verifier().verify(text, [number]).items()
    assert cited == number
    assert support is not None
    assert support > 0.5


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("The bees shiver in a cluster around the queen", 3, 1),
        ("Dzierzon built movable frames in 1848.", 1, 2),
        ("They live on 20 kilograms of honey [1], and the young queens of wasps in bark or moss", 1, 3),
        ("Wasps:\n\n- nests of paper", 2, 3),
    ],
)
def test_footnote_is_changed_to_the_passage_that_supports_it(text: str, wrong: int, right: int) -> None:
    assert kept(text, wrong) == [right]


@pytest.mark.parametrize(
    "text",
    [
        "In the winter, hedgehogs hibernate under leaves and lose a third of their weight.",
        "The bees were imported from Slovenia in 1912 by the monks of Buckfast Abbey.",
    ],
)
def test_footnote_that_no_passage_supports_is_removed(text: str) -> None:
    assert kept(text, 1) == []
    assert kept(text, 1, 3) == []


@pytest.mark.parametrize(
    "text",
    ["", "Yes", "**Honey**", "No, it is not!", "`hive`", "3. Weigh it.", f"{BEES}\n\nDone"],
)
def test_short_statement_is_not_judged(text: str) -> None:
    assert verifier().verify(text, [2]) == {2: None}


@pytest.mark.parametrize(
    "text",
    [
        "Die Bienen bilden im Winter eine Traube um die Königin und zittern mit ihrer Flugmuskulatur.",
        "Bienen, Honig, Königin, Flugmuskulatur",
        "Gib `hive shiver cluster bees honey queen` ein, damit Johann Dzierzon kommt.",
        "Les premières ruches à cadres mobiles furent construites par Johann Dzierzon.",
        "ミツバチは冬に女王蜂を囲んで身を寄せ合い、体を震わせます。",
        "Пчёлы зимой собираются в клуб вокруг матки и дрожат.",
    ],
)
def test_answer_in_another_language_than_the_posts_keeps_its_footnotes(text: str) -> None:
    assert verifier().verify(text, [2]) == {2: None}


@pytest.mark.parametrize(
    ("posts", "text"),
    [
        (
            (
                "ミツバチは冬に女王蜂を囲んで蜂球を作り、体を震わせて温度を保つ。",
                "巣箱は夏に日陰が必要で、秋に重さを量る。",
            ),
            "冬のミツバチは蜂球を作り、体を震わせて温度を保ちます。",
        ),
        (
            ("Пчёлы зимой собираются в клуб вокруг матки и дрожат.", "Улей на крыше летом нуждается в тени."),
            "Пчёлы собираются зимой в клуб вокруг матки.",
        ),
    ],
)
def test_footnotes_are_checked_in_every_language(posts: tuple[str, str], text: str) -> None:
    assert list(verifier(*posts).verify(text, [1])) == [1]
    assert list(verifier(*posts).verify(text, [2])) == [1]


def test_statement_from_two_passages_keeps_both_footnotes() -> None:
    text = "The cluster of the bees stays at 35 degrees in winter, while only young queens of wasps survive in moss"
    assert kept(text, 1, 3) == [1, 3]
    assert kept(text, 1, 2) == [1, 3]


def test_last_sentence_of_a_supported_paragraph_may_say_little_itself() -> None:
    text = "The bees form a cluster around the queen, shiver, and live on honey. So nature helps itself wonderfully."
    assert kept(text, 1) == [1]


IN_OTHER_WORDS = "Insects crowd around their mother and tremble with their wing muscles in the cold season."


@pytest.mark.parametrize("cited", [1, 2, 3])
def test_statement_in_other_words_is_recognized_by_its_meaning(cited: int) -> None:
    vectors = LocalSentenceVectors()
    vectors.load()
    by_meaning = verifier(vectors=vectors, language="en")
    assert list(by_meaning.verify(IN_OTHER_WORDS, [cited])) == [1]
    assert by_meaning.verify("The first monks arrived at their abbey in 1912.", [cited]) == {}


def test_words_alone_are_compared_without_vectors_and_in_other_languages() -> None:
    vectors = LocalSentenceVectors()
    assert verifier(vectors=vectors, language="en").verify(IN_OTHER_WORDS, [1]) == {}
    vectors.load()
    assert verifier(vectors=vectors).verify(IN_OTHER_WORDS, [1]) == {}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("According to the posts, Garden, part 2 (https://garden.example/2)", [2]),
        ("See [Garden, part 2](https://garden.example/2/how-to-winter-wasps-in-bark-or-moss/)", [2]),
    ],
)
def test_title_and_address_of_a_post_support_its_footnote(text: str, numbers: list[int]) -> None:
    assert kept(text, *numbers) == numbers


def test_only_passage_has_no_rival() -> None:
    assert list(verifier(BEES).verify("The queen sits in a cluster of bees.", [1])) == [1]
    assert list(verifier(BEES).verify("The monks came to the abbey in 1912.", [1])) == []


def test_no_footnote_stays_empty() -> None:
    assert kept("The bees shiver in a cluster around the queen") == []


def test_sentence_is_checked_in_two_milliseconds() -> None:
    checking = verifier(*(f"{BEES} {HIVES} {WASPS} {MANY}" for _ in range(5)))
    text = f"{MANY} {BEES}"
    began = time.process_time()
    for _ in range(50):
        checking.verify(text, [1])
    assert (time.process_time() - began) / 50 < 0.002


GARDEN = (
    NumberedPassage(1, Passage("https://blog.example/1", "Bees", "", "They shiver with their flight muscles. "
                               "Area (1) is 4 m². Bees live on honey, see the notes (1)."), 0.5),
    NumberedPassage(2, Passage("https://blog.example/2", "Hives", "", "Paint the hive in a light color."), 0.5),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They shiver with flight muscles [1].", "They shiver with flight muscles [1]."),
        ("They shiver with flight muscles [2].", "They shiver with flight muscles [1]."),
        ("They shiver with flight muscles [2][1].", "They shiver with flight muscles [1]."),
        ("[2] Paint the hive in a light color.\n[1] They shiver with flight muscles.",
         "[1] Paint the hive in a light color.\n[2] They shiver with flight muscles."),
        ("They shiver with flight muscles.\n[2]\n", "They shiver with flight muscles.\n[1]\n"),
        ("They swim with the strong webbed feet[2].", "They swim with the strong webbed feet."),
        ("The light color of paint [2], with flight muscles they shiver [1].",
         "The light color of paint [1], with flight muscles they shiver [2]."),
        ("They swim with the strong feet https:[2]//evil.example",
         "They swim with the strong feet https: //evil.example"),
    ],
)  # fmt: skip
def test_footnote_is_checked_against_its_passage(text: str, expected: str) -> None:
    for pieces in ([text], [*text]):
        citing = CitationFilter(GARDEN)
        assert "".join(map(citing.read, pieces)) + citing.end() == expected


def test_footnotes_are_not_checked_unless_asked_for() -> None:
    citing = CitationFilter(GARDEN, verify=False)
    assert citing.read("They shiver with flight muscles [2].") + citing.end() == "They shiver with flight muscles [1]."
    [footnote] = citing.footnotes
    assert (footnote.title, footnote.support) == ("Hives", None)


def test_support_of_a_footnote_is_the_mean_of_its_uses() -> None:
    citing = CitationFilter(GARDEN)
    citing.read("They shiver with their flight muscles [1]. They shiver with muscles, on the old garden wall [1]. ")
    [footnote] = citing.footnotes
    assert footnote.support is not None
    assert 0.5 < footnote.support < 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They shiver with flight muscles (1).", "They shiver with flight muscles [1]."),
        ("They shiver with flight muscles (2).", "They shiver with flight muscles [1]."),
        ("They shiver with flight muscles (Source 1).", "They shiver with flight muscles [1]."),
        ("They shiver with flight muscles（1）。", "They shiver with flight muscles [1]。"),
        ("They swim with strong webbed feet (Source 1).", "They swim with strong webbed feet (Source 1)."),
        ("They shiver with flight muscles.¹ Paint hives in a light color²",
         "They shiver with flight muscles. [1] Paint hives in a light color [2]"),
        ("They shiver with flight muscles¹²", "They shiver with flight muscles [1]"),
        ("They swim with strong webbed feet (1).", "They swim with strong webbed feet (1)."),
        ("They shiver with flight muscles (3).", "They shiver with flight muscles (3)."),
        ("They shiver with flight muscles (1) of two", "They shiver with flight muscles (1) of two"),
        ("Bees live on honey, see the notes (1).", "Bees live on honey, see the notes (1)."),
        ("They shiver, with flight muscles of f(1).", "They shiver, with flight muscles of f(1)."),
        ("They shiver with flight muscles of 4 m² or 10².", "They shiver with flight muscles of 4 m² or 10²."),
        ("Yes (1).", "Yes (1)."),
        ("Paint it [2]. They shiver with flight muscles (1).", "Paint it [1]. They shiver with flight muscles (1)."),
        ("`muscles (1).`", "`muscles (1).`"),
    ],
)  # fmt: skip
def test_number_in_parentheses_or_raised_is_a_footnote_behind_a_supported_statement(text: str, expected: str) -> None:
    for pieces in ([text], [*text]):
        citing = CitationFilter(GARDEN)
        assert "".join(map(citing.read, pieces)) + citing.end() == expected
