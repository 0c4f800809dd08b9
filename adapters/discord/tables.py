"""Tables as lists: Discord shows the pipes of Markdown's tables."""

import regex

from core.markdown import split_by_fences

_PIPE = regex.compile(r"(?<!\\)\|")


def tables_to_lists(markdown: str) -> str:
    """Return the Markdown with one list item per row of a table, which names the columns.

    A list grows well, while columns would have to be aligned anew with every row, and wrap on a phone.
    """
    return "".join(piece if is_code else _rewrite(piece) for piece, is_code in split_by_fences(markdown))


def _rewrite(text: str) -> str:
    lines = text.split("\n")
    shown: list[str] = []
    at = 0
    while at < len(lines):
        head = _cells(lines[at])
        if at + 1 < len(lines) and _is_delimiter(lines[at + 1], len(head)):
            at += 2
            while at < len(lines) and "|" in lines[at]:
                shown.append(_item(head, _cells(lines[at])))
                at += 1
        else:
            shown.append(lines[at])
            at += 1
    return "\n".join(shown)


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    cells = [cell.strip().replace("\\|", "|") for cell in _PIPE.split(inner)]
    return cells[:-1] if len(cells) > 1 and not cells[-1] else cells


def _is_delimiter(line: str, columns: int) -> bool:
    return columns > 1 and set(line) <= set("|-: \t") and "-" in line and len(_cells(line)) == columns


def _item(head: list[str], row: list[str]) -> str:
    name = row[0].strip("*")
    pairs = zip(head[1:], row[1:], strict=False)
    rest = "; ".join(f"{column.strip('*')}: {cell}" if column else cell for column, cell in pairs if cell)
    return "- " + " – ".join(part for part in (f"**{name}**" if name else "", rest) if part)
