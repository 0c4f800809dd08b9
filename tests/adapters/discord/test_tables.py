"""Tables, which Discord does not show, as lists."""

import pytest

from adapters.discord.tables import tables_to_lists

TABLE = "| Plant | Water | Sun |\n|---|:-:|--:|\n| Tomato | daily [1] | six hours |\n| **Fern** | | none |"
SHOWN = "- **Tomato** – Water: daily [1]; Sun: six hours\n- **Fern** – Sun: none"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (TABLE, SHOWN),
        (f"See:\n\n{TABLE}\n\nWell.", f"See:\n\n{SHOWN}\n\nWell."),
        ("a | b\n--|--\nc\\|d | e", "- **c|d** – b: e"),
        (f"```\n{TABLE}\n```", f"```\n{TABLE}\n```"),
        ("Use a | b here.", "Use a | b here."),
        ("a | b\n---", "a | b\n---"),
        ("", ""),
    ],
)
def test_each_row_of_a_table_becomes_an_item_that_names_its_columns(written: str, shown: str) -> None:
    assert tables_to_lists(written) == shown


def test_a_table_that_grows_keeps_its_finished_rows() -> None:
    rows = [tables_to_lists(TABLE[:end]) for end in range(TABLE.index("| **Fern"), len(TABLE))]
    assert all(shown.startswith(SHOWN.splitlines()[0]) for shown in rows)
