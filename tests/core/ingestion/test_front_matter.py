"""Front matter in YAML, TOML and JSON, whole or broken."""

from datetime import UTC, datetime

import pytest

from core.ingestion.front_matter import FrontMatter, parse_date, split_front_matter
from tests.core.growth import assert_linear

APRIL = datetime(2023, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "matter",
    [
        "---\ntitle: Peening\ndate: 2023-04-05\ntags:\n  - hay\n---\n",
        "---yaml\ntitle: 'Peening'\npubDate: 'Apr 05 2023'\ntags: [hay]\n...\n",
        '+++\ntitle = "Peening"\ndate = 2023-04-05\ntags = ["hay"]\n+++\n',
        '{\n  "title": "Peening",\n  "publish_date": "2023-04-05",\n  "tags": ["hay"]\n}\n\n',
        ';;;\n{"title": "Peening", "published": "2023/04/05", "tags": ["hay"]}\n;;;\n',
        '\ufeff---json\n{"title": "Peening", "datePublished": "5 April 2023", "tags": ["hay"]}\n---\r\n',
    ],
)
def test_fields_are_read_in_every_format(matter: str) -> None:
    read = split_front_matter(f"{matter}Words.")
    assert (read.first("title"), read.published, read.all("tags")) == ("Peening", APRIL, ("hay",))
    assert (read.text.strip(), read.error) == ("Words.", "")


@pytest.mark.parametrize(
    ("matter", "error"),
    [
        ("---\ndate: 2023-04-05\ntitle: Foo: bar\n---\n", "not valid YAML (line 3: mapping values are not allowed"),
        ('+++\ndate = 2023-04-05\ntitle = "Foo: bar"\ndraft = no\n+++\n', "not valid TOML (line 4: Invalid value"),
        ('{\n"date": "2023-04-05"\n"title": "Foo: bar"\n}\n', "not valid JSON (line 3: "),
    ],
)
def test_broken_front_matter_is_told_with_its_line_and_loses_nothing(matter: str, error: str) -> None:
    read = split_front_matter(f"{matter}\nWords.")
    assert error in read.error
    assert (read.first("title"), read.published, read.text.strip()) == ("Foo: bar", APRIL, "Words.")


@pytest.mark.parametrize(
    "text",
    [
        "{% include note.html %}\n\nWords.",
        "---\nNothing: but: prose\n\nand more of it.\n",
        "+++\nnever closed",
        "---\n\nA thought, between rules: or two: three.\n\n---\n\nMore.",
    ],
)
def test_text_that_only_looks_like_front_matter_stays(text: str) -> None:
    assert split_front_matter(text) == FrontMatter({}, text)


@pytest.mark.parametrize(
    ("matter", "is_draft"),
    [
        ("draft: true", True),
        ("Draft: yes", True),
        ("published: false", True),
        ("status: draft", True),
        ("permalink: false", True),
        ("draft: false\npublished: true\nstatus: published", False),
        ("published: 2023-04-05", False),
    ],
)
def test_drafts_are_told_from_what_is_published(matter: str, is_draft: bool) -> None:
    assert split_front_matter(f"---\n{matter}\n---\nWords.").is_draft is is_draft


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2023-04-05 10:00:00 +0200", datetime(2023, 4, 5, 8, tzinfo=UTC)),
        ("2023-04-05T08:00:00Z", datetime(2023, 4, 5, 8, tzinfo=UTC)),
        ("April 5, 2023", APRIL),
        ("05.04.2023", APRIL),
        ("2023/4/5", APRIL),
        ("25/12/2023", datetime(2023, 12, 25, tzinfo=UTC)),
        ("05/04/2023", None),
        ("April 2023", None),
        ("10:30:00", None),
        ("2026-02-30", None),
        ("a while ago", None),
    ],
)
def test_dates_are_read_unless_they_are_ambiguous(text: str, date: datetime | None) -> None:
    assert parse_date(text) == date


@pytest.mark.parametrize("matter", ["title: " + "[" * 5_000, "- " * 20_000 + "a", "a: &a [x]\n" + "title: [*a, *a]"])
def test_hostile_front_matter_does_no_harm(matter: str) -> None:
    assert split_front_matter(f"---\nlang: en\n{matter}\n---\nWords.").text in {"Words.", f"---\n{matter}\n---\nWords."}


@pytest.mark.parametrize("line", ["---\n", "a: b\n", "{", "+++ \n"])
def test_unclosed_front_matter_takes_linear_time(line: str) -> None:
    assert_linear(lambda size: split_front_matter(f"---\n{line * (size // len(line))}"), 1_000_000)
