"""The citation filter: keeps only footnotes that refer to a passage and addresses that occur in a retrieved post.

A model's text arrives in pieces that may be cut anywhere; the result does not depend on the cuts.
"""

from collections.abc import Callable, Iterable, Sequence

import regex

from core.domain import Footnote
from core.models.protocols import NumberedPassage

LINK_REMOVED = "(link removed)"

_OPENING_FENCE = regex.compile(r"(?:\A|(?<=\n)) {0,3}(?P<run>`{3,}|~{3,})[^\n]*\n")
_CODE = regex.compile(r"(?<!`)(?P<run>`+)(?!`)(?:(?!\n\n).)*?(?<!`)(?P=run)(?!`)", regex.DOTALL)
_LINK = regex.compile(
    r"[ \t]?!?\[(?P<text>[^\[\]\n]{0,500})\]"
    r"\(\s?(?:<(?P<address>[^<>\n]{0,2000})>|(?P<address>(?:[^()\s]|\([^()\s]{0,200}\)){0,2000}))"
    r"(?:\s{1,4}[\"'(][^\"'()\n]{0,300}[\"')])?\s?\)"
)
_MARK = regex.compile(
    r"[ \t]?[\[【](?:sources? ?|\^)?(?P<numbers>\d{1,3}(?: ?[,;\-–] ?(?:source ?|\^)?\d{1,3}){0,20})"
    r"(?:†[^\[\]【】\n]{0,100})?[\]】]",
    regex.IGNORECASE,
)
_MARKS = regex.compile(rf"(?:{_MARK.pattern.replace('?P<numbers>', '?:')}){{1,20}}", regex.IGNORECASE)
_RANGE = regex.compile(r"(?P<first>\d{1,3})(?: ?[-–] ?(?P<last>\d{1,3}))?")
_IDENTIFIER = regex.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}(?:\[\d{1,3}\]){0,4}\Z")
_BARE = regex.compile(r"(?P<address>(?:https?://|(?<![A-Za-z0-9])www\.)[^\s<>\"`\[\]]{1,2000})", regex.IGNORECASE)
_START = regex.compile(r"[ \t]?[\[【!]|[`~hHwW]| {1,3}(?=[`~])|[ \t]{1,4}\Z")
_NUMBERS = regex.compile(r"(?:source )?\d{1,3}(?: ?[,;] ?\d{1,3}){0,20}", regex.IGNORECASE)
_PARTIAL_ADDRESS = regex.compile(
    r"(?:https?:/{0,2}|(?<![A-Za-z0-9])(?:h|ht|htt|https?|w{1,3}|www\.))\Z", regex.IGNORECASE
)
_TRAILING = ".,;:!?)'*_"


class CitationFilter:
    """Filters a model's text piece by piece, and numbers its footnotes by their first use."""

    def __init__(self, passages: Sequence[NumberedPassage]) -> None:
        self._posts = {numbered.number: numbered for numbered in reversed(passages)}
        self._cited: list[int] = []
        self._source = "\n".join(f"{each.passage.url} {each.passage.text}" for each in passages)
        self._addresses = {_bare(match["address"]) for match in _BARE.finditer(self._source)}
        self._text = ""
        self._at = 0
        self._fence = ""
        self._shown = ""
        self._rules: tuple[tuple[regex.Pattern[str], Callable[[regex.Match[str]], str]], ...] = (
            (_OPENING_FENCE, self._open_fence),
            (_CODE, lambda match: match[0]),
            (_LINK, self._link),
            (_MARKS, lambda match: self._cite(match[0], match.start())),
            (_BARE, self._address),
        )

    def read(self, piece: str) -> str:
        """Take a piece and return the text that can be shown; an incomplete link, footnote or fence is held back."""
        self._text += piece
        return "".join(self._advance(final=False))

    @property
    def footnotes(self) -> tuple[Footnote, ...]:
        """The posts cited in the text so far, in the order of their numbers there."""
        posts = (self._posts[given] for given in self._cited)
        return tuple(
            Footnote(number, post.passage.title, post.passage.url, post.score) for number, post in enumerate(posts, 1)
        )

    @property
    def open_fence(self) -> str:
        """The fence that closes the code block in which the text so far ends; empty outside code blocks."""
        return self._fence

    def end(self) -> str:
        """Return the text held back at the end."""
        return "".join(self._advance(final=True))

    def _advance(self, final: bool) -> Iterable[str]:
        while self._at < len(self._text):
            shown = self._code_line(final) if self._fence else self._step(final)
            if shown is None:
                return
            self._shown = (self._shown + shown)[-10:]
            yield shown

    def _code_line(self, final: bool) -> str | None:
        """Return a whole line inside a code fence unchanged, or None if it is incomplete: it may close the fence."""
        end = self._text.find("\n", self._at) + 1 or (len(self._text) if final else 0)
        if not end:
            return None
        line = self._text[self._at : end]
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
        self._at = end
        return line

    def _step(self, final: bool) -> str | None:
        """Return the next part outside code blocks, or None if more text is needed to decide."""
        for pattern, replacement in self._rules:
            match = pattern.match(self._text, self._at, partial=not final)
            if match and not final and (match.partial or match.end() == len(self._text) or self._may_grow(match)):
                return None
            if match:
                self._at = match.end()
                return replacement(match)
        start = _START.search(self._text, self._at + 1)
        end = start.start() if start else len(self._text)
        plain, self._at = self._text[self._at : end], end
        return plain

    def _may_grow(self, match: regex.Match[str]) -> bool:
        """Return whether a run of footnotes may have been cut within the next one."""
        following = _MARK.match(self._text, match.end(), partial=True) if match.re is _MARKS else None
        return following is not None and following.partial

    def _open_fence(self, match: regex.Match[str]) -> str:
        self._fence = match["run"]
        return match[0]

    def _cite(self, marks: str, start: int) -> str:
        """Return a run of footnotes as it is shown; `start` is its place in the text."""
        shown: list[str] = []
        numbers: list[int] = []
        for mark in _MARK.finditer(marks):
            if self._is_index(mark[0], start + mark.start()):
                shown.append(mark[0])
            elif not self._is_quoted(mark[0], start + mark.start()):
                expanded = self._expand(mark["numbers"])
                shown += () if expanded else (mark[0],)
                numbers += expanded
        known = dict.fromkeys(number for number in numbers if number in self._posts)
        blank = marks[0] if marks[0] in " \t" else ""
        if not known and not shown:
            return self._separated(blank if self._following.isalnum() else "")
        self._cited += (number for number in known if number not in self._cited)
        footnotes = "".join(f"[{self._cited.index(number) + 1}]" for number in known)
        return "".join(shown) + (blank if footnotes else "") + footnotes

    def _expand(self, numbers: str) -> list[int]:
        """Return the numbers of a footnote. None for ranges without passages at both ends, such as `[0-9]`."""
        expanded: list[int] = []
        for part in _RANGE.finditer(numbers):
            first, last = int(part["first"]), int(part["last"] or part["first"])
            if part["last"] and not (first <= last and {first, last} <= self._posts.keys()):
                return []
            expanded += range(first, last + 1)
        return expanded

    def _is_index(self, mark: str, start: int) -> bool:
        """Return whether the number is an index or a subscript: a 0, or copied from a passage, right after a name."""
        if mark[0] != "[":
            return False
        name = _IDENTIFIER.search(self._text[max(0, start - 90) : start])
        if name is None:
            return False
        index = name[0] + mark
        return index in self._source or ("[0]" in index and not _PARTIAL_ADDRESS.search(self._shown))

    def _is_quoted(self, mark: str, start: int) -> bool:
        """Return whether the number is copied, with the words before it, from a passage into a block quote."""
        line = self._text[self._text.rfind("\n", 0, start) + 1 : start].lstrip()
        words = line.removeprefix(">").lstrip()[-12:]
        return line.startswith(">") and words != "" and f"{words}{mark}" in self._source

    def _link(self, match: regex.Match[str]) -> str:
        text, address = match["text"], match["address"]
        if _NUMBERS.fullmatch(text):
            # Some models link their footnotes themselves; that is the reply's job.
            marks = _MARKS.search(match[0])
            return self._cite(marks[0] if marks else match[0], match.start())
        blank = match[0][0] if match[0][0] in " \t" else ""
        text = _BARE.sub(self._address, text)
        allowed = _bare(address) in self._addresses and "!" not in match[0][:2]
        return f"{blank}[{text}]({address})" if allowed else self._separated(blank + text)

    @property
    def _following(self) -> str:
        """The character after the one just read."""
        return self._text[self._at : self._at + 1]

    def _separated(self, text: str) -> str:
        """Keep the rest of a removed link or footnote from forming an address with the text around it, as
        `https://[9]elsewhere` would without the `[9]`."""
        if text.strip() and _PARTIAL_ADDRESS.search(self._shown) and not text[0].isspace():
            text = f" {text}"
        return f"{text} " if _PARTIAL_ADDRESS.search(self._shown + text) and self._following.strip() else text

    def _address(self, match: regex.Match[str]) -> str:
        whole = match["address"]
        return whole if _bare(whole) in self._addresses else LINK_REMOVED + whole[len(_bare(whole)) :]


def _bare(address: str) -> str:
    """Strip the punctuation of the surrounding sentence."""
    return address.rstrip(_TRAILING)
